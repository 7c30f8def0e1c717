//! `flamegraph`: where the time goes, as a picture: `perf` looks on while one thing is done, and an SVG is drawn of it.

use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::{Args, ValueEnum};
use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph;
use rapport_customer::Model;

use crate::Result;
use crate::driven::catch_up::catch_up;
use crate::driven::publish::{BATCH_EVENTS, Encoded, by_stream};
use crate::driven::{MadeLog, Server};
use crate::frame::{Options, Setting};
use crate::workload::Workload;

/// Samples a second of each thread: enough to see a hundredth of the time.
const SAMPLES_PER_S: &str = "299";
/// Frames narrower than this share of the picture, in percent, are left out: nobody can read them.
const NARROWEST_PERCENT: f64 = 0.3;
const USUAL_EVENTS: u64 = 300_000;

/// Draw where the time goes; needs `perf`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- flamegraph\n  \
    cargo run --release -p rapport-benches -- flamegraph fold --out target")]
pub struct FlamegraphArgs {
    /// What is looked at; both without it
    #[arg(value_name = "WHAT")]
    what: Option<What>,
    /// Put <WHAT>.svg into this folder
    #[arg(long, value_name = "DIR", default_value = "docs")]
    out: PathBuf,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The fold of all models, in this process
    Fold,
    /// The server while touchpoints come by stream onto the embedded log
    Append,
}

pub fn run(args: &FlamegraphArgs) -> Result<()> {
    let setting = Setting::new(&args.options)?;
    fs::create_dir_all(&args.out)?;
    for what in args.what.map_or_else(|| vec![What::Fold, What::Append], |what| vec![what]) {
        let recorded = setting.folder().join("perf.data");
        let (title, name) = match what {
            What::Fold => ("Catching up, all models, event by event", "fold.svg"),
            What::Append => ("Gateway to the embedded log, by stream", "append.svg"),
        };
        match what {
            What::Fold => fold(&setting, &recorded)?,
            What::Append => append(&setting, &recorded)?,
        }
        let svg = args.out.join(name);
        draw(&recorded, title, &svg)?;
        println!("{}", svg.display());
    }
    Ok(())
}

fn fold(setting: &Setting, recorded: &Path) -> Result<()> {
    let events = setting.events(USUAL_EVENTS);
    let made = MadeLog::of(setting, Workload::new(setting.seed, events))?;
    let folder = setting.new_folder()?;
    let looking = LookingOn::start(std::process::id(), recorded)?;
    catch_up(setting, &made, &folder.path().join("model.db"), &Model::ALL)?;
    looking.stop()
}

fn append(setting: &Setting, recorded: &Path) -> Result<()> {
    let events = setting.events(USUAL_EVENTS);
    let encoded = Encoded::new(Workload::new(setting.seed, events), BATCH_EVENTS)?;
    let folder = setting.new_folder()?;
    let server = Server::start(folder.path(), "bench", "embedded", &["--roles", "gateway"])?;
    let looking = LookingOn::start(server.process_id(), recorded)?;
    setting.runtime.block_on(async {
        let connection = server.connect().await?;
        by_stream(&connection, &server.tenant, &encoded).await
    })?;
    looking.stop()
}

/// `perf record` on all threads of a process.
struct LookingOn(Child);

impl LookingOn {
    fn start(process: u32, recorded: &Path) -> Result<Self> {
        let missing =
            |error| format!("perf does not run ({error}); install the perf of your kernel, linux-perf on Debian");
        let child = Command::new("perf")
            .args(["record", "--event", "cpu-clock", "--freq", SAMPLES_PER_S, "--call-graph", "dwarf,16384"])
            .args(["--pid", &process.to_string(), "--output"])
            .arg(recorded)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(missing)?;
        Ok(Self(child))
    }

    fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status()?;
        self.0.wait()?;
        Ok(())
    }
}

fn draw(recorded: &Path, title: &str, svg: &Path) -> Result<()> {
    let mut script = Command::new("perf")
        .args(["script", "--no-inline", "--input"])
        .arg(recorded)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let samples = script.stdout.take().ok_or("perf script has no standard output")?;
    let mut folded = Vec::new();
    Folder::default().collapse(BufReader::new(samples), &mut folded)?;
    script.wait()?;
    if folded.is_empty() {
        return Err("perf saw nothing: may it look at processes here? See /proc/sys/kernel/perf_event_paranoid".into());
    }
    let mut options = flamegraph::Options::default();
    title.clone_into(&mut options.title);
    options.min_width = NARROWEST_PERCENT;
    options.deterministic = true;
    Ok(flamegraph::from_reader(&mut options, Cursor::new(folded), File::create(svg)?)?)
}
