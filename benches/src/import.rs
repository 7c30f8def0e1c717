//! `import`: touchpoints of a file onto the log and into the read model, and what the same disk does at best.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use rapport::import::{Job, Mapping, Summary};
use tempfile::TempDir;

use crate::report::{Machine, Report, Run};
use crate::server::{self, Server};
use crate::workload::Workload;
use crate::{Result, raw_limit};

/// Import touchpoints into a server of its own, and append the same ones to a bare SQLite file
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- import\n  \
    cargo run --release -p rapport-benches -- import --touchpoints 1000000 --runs 1 --json\n  \
    cargo run --release -p rapport-benches -- import --file cdnow_master.txt.gz --mapping examples/cdnow.toml\n\n\
    Build the server first: cargo build --release -p rapport. On a NATS server each run makes a stream \
    touchpoints_bench_*, which stays there.")]
pub struct ImportArgs {
    /// Touchpoints to make up
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    touchpoints: u64,
    /// The same seed makes the same touchpoints
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Import this file instead of made-up touchpoints
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How the rows of --file become touchpoints
    #[arg(long, value_name = "TOML", requires = "file")]
    mapping: Option<PathBuf>,
    /// Where the server keeps its log: embedded or nats://HOST:PORT
    #[arg(long, value_name = "LOG", default_value = "embedded")]
    log: String,
    /// Measure this often, each time from nothing, and report the medians
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Keep all data below this folder while measuring; by default beside this program, since a temporary folder may lie
    /// in memory, where a sync costs nothing
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &ImportArgs) -> Result<()> {
    let program = server::program()?;
    let parent = match &args.data {
        Some(folder) => folder.clone(),
        None => program.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    fs::create_dir_all(&parent)?;
    let folder = tempfile::Builder::new().prefix("rapport-bench-").tempdir_in(parent)?;
    let (file, what) = match &args.file {
        Some(file) => (file.clone(), file.display().to_string()),
        None => {
            (made_up(folder.path(), args)?, format!("{} touchpoints made up from seed {}", args.touchpoints, args.seed))
        }
    };
    let mapping = args.mapping.as_deref().map(Mapping::load).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut runs = Vec::new();
    for number in 1..=args.runs {
        eprintln!("run {number} of {}", args.runs);
        let of_run = TempDir::new_in(folder.path())?;
        let server = Server::start(&program, of_run.path(), &args.log, number)?;
        let job = Job {
            files: vec![file.clone()],
            mapping: mapping.clone(),
            strict: true,
            server: server.url.clone(),
            tenant: server.tenant.clone(),
            wait: true,
        };
        let mut summary = Summary::default();
        runtime.block_on(rapport::import::run(&job, &mut summary))?;
        let peak_bytes = server.peak_bytes()?;
        let replayed = replay(&program, &server, of_run.path())?;
        drop(server);
        let raw = raw_limit::append(&replayed, of_run.path())?;
        runs.push(Run::new(&summary, raw, peak_bytes)?);
    }
    let report = Report::new(what, args.log.clone(), Machine::look(&program), &runs);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

fn made_up(folder: &Path, args: &ImportArgs) -> Result<PathBuf> {
    let path = folder.join("touchpoints.ndjson");
    let mut file = BufWriter::new(File::create(&path)?);
    for event in Workload::new(args.seed, args.touchpoints) {
        serde_json::to_writer(&mut file, &event)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(path)
}

/// What came to stand on the log, so that the raw limit is that of the same bytes.
fn replay(program: &Path, server: &Server, folder: &Path) -> Result<PathBuf> {
    let path = folder.join("replayed.ndjson");
    let done = Command::new(program)
        .args(["replay", "--server", &server.url, "--tenant", &server.tenant, "--out"])
        .arg(&path)
        .output()?;
    if !done.status.success() {
        return Err(format!("rapport replay: {}", String::from_utf8_lossy(&done.stderr).trim()).into());
    }
    Ok(path)
}
