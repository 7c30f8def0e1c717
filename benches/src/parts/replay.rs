//! `replay`: the whole log out of a server by `rapport replay`, to lines and to a table, from a short log and a long one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Result;
use crate::driven::{MadeLog, Server, process, program};
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::workload::Workload;

pub const ABOUT: About = About {
    name: "replay",
    measures: "Events a second that `rapport replay` brings from an embedded log through a server into a file",
    limit: "the same log's file read in this process, and its events written as lines",
};

const USUAL_EVENTS: u64 = 3_000_000;
/// The short log has this part of the events.
const SHORTER: u64 = 10;
const READ: &str = "read and write by hand";
const SHORT: &str = "to lines, a tenth of the log";
const LONG: &str = "to lines";
/// How often the program is looked at while it runs.
const LOOK: Duration = Duration::from_millis(10);

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let few = (events / SHORTER).max(1);
    let short = Rc::new(MadeLog::of(setting, Workload::new(setting.seed, few))?);
    let long = Rc::new(MadeLog::of(setting, Workload::new(setting.seed, events))?);
    let log = long.clone();
    let by_hand = Entry::new(READ, Role::Limit, move |setting| by_hand(setting, &log.log_file()));
    let replayed = |name: &str, log: &Rc<MadeLog>, file: &'static str, events: u64| {
        let log = log.clone();
        Entry::new(name, Role::Rapport, move |setting| replay(setting, &log, file, events))
    };
    Ok(Plan {
        settings: vec![("events", events.to_string()), ("log", "embedded".to_owned())],
        entries: vec![
            by_hand,
            replayed(SHORT, &short, "out.ndjson", few),
            replayed(LONG, &long, "out.ndjson", events)
                .against(RATE, READ)
                .floor(RATE, Floor::AtLeast(150_000.0))
                .floor(RATE, Floor::TimesOf(0.8, SHORT_RATE))
                .floor(PEAK_SERVER, Floor::AtMost(500.0))
                .floor(PEAK_PROGRAM, Floor::AtMost(500.0)),
            replayed("to a table", &long, "out.parquet", events).floor(PEAK_PROGRAM, Floor::AtMost(500.0)),
        ],
        notes: vec![
            "From the start of the program until it has ended, with the file synced. The server hosts no read model. CPU of \
             an event is that of both processes; that of the program is read a moment before it ends."
                .to_owned(),
        ],
    })
}

const RATE: &str = "rate";
/// As the table calls it.
const SHORT_RATE: &str = "to lines, a tenth of the log: rate";
const PEAK_SERVER: &str = "peak memory of the server";
const PEAK_PROGRAM: &str = "peak memory of rapport replay";

fn replay(setting: &Setting, log: &MadeLog, file: &str, events: u64) -> Result<Vec<Sample>> {
    let folder = setting.new_folder()?;
    let out = folder.path().join(file);
    let server = Server::start(log.folder(), log.tenant(), "embedded", &["--roles", "gateway"])?;
    let before = server.cpu_s()?;
    let began = Instant::now();
    let mut child = Command::new(program::rapport()?)
        .args(["replay", "--server", &server.url, "--tenant", log.tenant(), "--out"])
        .arg(&out)
        .stderr(Stdio::null())
        .spawn()?;
    let (mut peak, mut cpu_s) = (0.0_f64, 0.0_f64);
    let ended = loop {
        // One that has just ended has no memory any more.
        peak = peak.max(process::peak_mib(child.id()).unwrap_or(0.0));
        cpu_s = cpu_s.max(process::cpu_s(child.id()).unwrap_or(0.0));
        match child.try_wait()? {
            Some(ended) => break ended,
            None => sleep(LOOK),
        }
    };
    let took = began.elapsed();
    if !ended.success() || fs::metadata(&out)?.len() == 0 {
        return Err(format!("rapport replay ended with {ended}").into());
    }
    let cpu_s = cpu_s + server.cpu_s()? - before;
    Ok(vec![
        Sample::new(RATE, Unit::PerSecond, events as f64 / took.as_secs_f64()),
        Sample::cpu(events, cpu_s),
        Sample::new(PEAK_SERVER, Unit::Mebibytes, server.peak_mib()?),
        Sample::new(PEAK_PROGRAM, Unit::Mebibytes, peak),
    ])
}

fn by_hand(setting: &Setting, log: &Path) -> Result<Vec<Sample>> {
    let folder = setting.new_folder()?;
    let began = Instant::now();
    let connection = Connection::open(log)?;
    let mut out = BufWriter::with_capacity(256 * 1024, File::create(folder.path().join("out.ndjson"))?);
    let mut statement = connection.prepare("SELECT json FROM records ORDER BY position")?;
    let (mut rows, mut events) = (statement.query([])?, 0);
    while let Some(row) = rows.next()? {
        out.write_all(row.get_ref(0)?.as_blob()?)?;
        out.write_all(b"\n")?;
        events += 1;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(Sample::rate(events, began.elapsed().as_secs_f64()))
}
