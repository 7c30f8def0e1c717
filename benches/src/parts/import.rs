//! `import`: a file onto the log and into the read model, the way that `rapport import` goes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;
use rapport::import::{Job, Mapping, Summary};

use crate::Result;
use crate::driven::Server;
use crate::frame::{About, Entry, Plan, Role, Sample, Setting, Unit};
use crate::limits::{messages, sqlite};
use crate::workload::{Naming, Workload};

pub const ABOUT: About = About {
    name: "import",
    measures: "Rows of a file a second: read, mapped, sent over gRPC, checked, synced to the log, folded",
    limit: "as many made-up events on a bare SQLite file, WAL and synchronous=FULL, in transactions of 1,000",
};

const USUAL_EVENTS: u64 = 200_000;
const SQLITE: &str = "SQLite FULL, transactions of 1,000";

/// What is imported: made-up touchpoints, unless a file is named.
#[derive(Debug, Clone, Default, Args)]
pub struct Source {
    /// Import this file instead of made-up touchpoints
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How the rows of --file become touchpoints
    #[arg(long, value_name = "TOML", requires = "file")]
    mapping: Option<PathBuf>,
}

pub fn plan(setting: &Setting, source: &Source) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let (file, what) = match &source.file {
        Some(file) => (file.clone(), file.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        None => {
            (made_up(setting, events)?, format!("{events} made-up touchpoints, people who look before they log in"))
        }
    };
    let mapping = source.mapping.as_deref().map(Mapping::load).transpose()?;
    let messages = Rc::new(messages(Workload::new(setting.seed, events))?);
    let limit = Entry::new(SQLITE, Role::Limit, move |setting| {
        let folder = setting.new_folder()?;
        let took = sqlite::append(&messages, 1_000, folder.path())?;
        Ok(Sample::rate(messages.len() as u64, took.as_secs_f64()))
    });
    let imported = Entry::new("rapport import", Role::Rapport, move |setting| import(setting, &file, mapping.clone()));
    let entries = vec![limit, imported.against("on the log", SQLITE).against("in the read model", SQLITE)];
    Ok(Plan { settings: vec![("what", what)], entries, notes: Vec::new() })
}

fn import(setting: &Setting, file: &Path, mapping: Option<Mapping>) -> Result<Vec<Sample>> {
    let folder = setting.new_folder()?;
    let server = Server::start(folder.path(), "bench", "embedded", &[])?;
    let job = Job {
        files: vec![file.to_owned()],
        mapping,
        strict: true,
        server: server.url.clone(),
        tenant: server.tenant.clone(),
        wait: true,
    };
    let mut summary = Summary::default();
    setting.runtime.block_on(rapport::import::run(&job, &mut summary))?;
    let Summary { read, accepted, .. } = summary;
    if accepted != read {
        return Err(format!("of {read} rows {accepted} were accepted").into());
    }
    let in_read_model = summary.until_in_read_model.ok_or("the import did not wait for the read model")?;
    let per_s = |seconds: f64| accepted as f64 / seconds;
    Ok(vec![
        Sample::new("on the log", Unit::PerSecond, per_s(summary.elapsed.as_secs_f64())),
        Sample::new("in the read model", Unit::PerSecond, per_s(in_read_model.as_secs_f64())),
        Sample::new("peak memory of the server", Unit::Mebibytes, server.peak_mib()?),
    ])
}

fn made_up(setting: &Setting, events: u64) -> Result<PathBuf> {
    let path = setting.folder().join("touchpoints.ndjson");
    let mut file = BufWriter::new(File::create(&path)?);
    for event in Workload::named(setting.seed, events, Naming::Logins) {
        serde_json::to_writer(&mut file, &event)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(path)
}
