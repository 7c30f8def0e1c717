//! `growth`: what becomes of the rates, the memory and the disk as the log grows tenfold, and tenfold again.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_customer::Model;
use rapport_touchpoint::Timestamp;
use time::OffsetDateTime;

use super::query::{Asked, CHOSEN, Query};
use crate::Result;
use crate::driven::catch_up::{catch_up, serving_file};
use crate::driven::load::{closed, paced};
use crate::driven::{MadeLog, Server};
use crate::frame::{About, Entry, Floor, Plan, Progress, Role, Sample, Setting, Unit};
use crate::workload::{RECEIVED_AT, Workload, account, live};

pub const ABOUT: About = About {
    name: "growth",
    measures: "The same server on a log of 10^5, 10^6 and 10^7 events, measured once",
    limit: "the server itself on the smallest log",
};

const USUAL_EVENTS: u64 = 10_000_000;
/// From the smallest log on, each is so many times the one before.
const STEP: u64 = 10;
const STEPS: u32 = 3;
/// Folded into a read model that serves already, at each size: a tenth of it, up to this.
const MOST_INCREMENTAL: u64 = 200_000;
const IN_FLIGHT: usize = 64;
const ASKED_FOR: Duration = Duration::from_secs(3);

const BUILD: &str = "started without a read model";
const REBUILD: &str = "rapport rebuild";
const INCREMENTAL: &str = "incremental fold";
const PEAK: &str = "peak memory";
const LEVEL: &str = "slowest to fastest rebuild";
/// In the order of the table.
const FIGURES: [&str; 8] = [BUILD, REBUILD, INCREMENTAL, "customer, 64 in flight", P99, PEAK, "log on disk", MODEL];
const P99: &str = "customer, p99 at half load";
const MODEL: &str = "read model on disk";

pub fn plan(setting: &Setting) -> Result<Plan> {
    let largest = setting.events(USUAL_EVENTS);
    let sizes: Vec<u64> = (0..STEPS).rev().map(|step| largest / STEP.pow(step)).collect();
    let of_entry = sizes.clone();
    let mut entry = Entry::new("server", Role::Rapport, move |setting| grow(setting, &of_entry));
    for size in &sizes {
        entry = entry.floor(at(REBUILD, *size), Floor::AtLeast(80_000.0)).floor(at(PEAK, *size), Floor::AtMost(500.0));
    }
    entry = entry.floor(at(INCREMENTAL, largest), Floor::AtLeast(25_000.0)).floor(LEVEL, Floor::AtLeast(0.7));
    Ok(Plan {
        settings: vec![("events", largest.to_string()), ("log", "embedded".to_owned())],
        entries: vec![entry],
        notes: vec![
            "Started without a read model and rebuild are as in the part rebuild. Incremental fold: the server is stopped, \
             and touchpoints of now, a tenth of the log or 200,000, are folded into the file that it left, event by event, \
             as a projector does that is behind. They name customers who have been quiet for long."
                .to_owned(),
        ],
    })
}

fn at(figure: &str, size: u64) -> String {
    format!("{figure}, at {size} events")
}

fn grow(setting: &Setting, sizes: &[u64]) -> Result<Vec<Sample>> {
    let made = Rc::new(MadeLog::new(setting)?);
    let mut workload = Workload::new(setting.seed, sizes.last().copied().unwrap_or_default() + MOST_INCREMENTAL * 2);
    let (mut samples, mut rebuilds, mut on_log) = (Vec::new(), Vec::new(), 0);
    for size in sizes {
        Progress::note("growth", &format!("the log grows to {size} events"));
        let (mut chosen, mut number, one_in) = (Vec::new(), 0, (size - on_log).div_ceil(CHOSEN as u64));
        let next = workload.by_ref().take(usize::try_from(size - on_log)?).inspect(|event| {
            number += 1;
            if u64::is_multiple_of(number, one_in) {
                chosen.extend(account(event).map(str::to_owned));
            }
        });
        setting.runtime.block_on(made.append(next, Timestamp::parse(RECEIVED_AT)?))?;
        let of_server = on_server(setting, &made, *size, &chosen)?;
        rebuilds.extend(of_server.iter().filter(|sample| sample.of == REBUILD).map(|sample| sample.value));
        Progress::note("growth", &format!("incremental fold at {size} events"));
        let more = (size / 10).min(MOST_INCREMENTAL);
        let now = Timestamp::from_datetime(OffsetDateTime::now_utc()).ok_or("the clock is before 1970")?;
        let newest = workload.by_ref().take(usize::try_from(more)?).map(live);
        setting.runtime.block_on(made.append(newest, now))?;
        let folded = catch_up(setting, &made, &serving_file(&made)?, &Model::ALL)?;
        let incremental =
            Sample::new(INCREMENTAL, Unit::PerSecond, folded.events as f64 / folded.elapsed.as_secs_f64());
        for Sample { of, unit, value } in of_server.into_iter().chain([incremental]) {
            samples.push((of.clone(), Sample::new(at(&of, *size), unit, value)));
        }
        on_log = size + more;
    }
    samples.sort_by_key(|(figure, _)| FIGURES.iter().position(|known| known == figure));
    let level = rebuilds.iter().copied().fold(f64::MAX, f64::min) / rebuilds.iter().copied().fold(0.0, f64::max);
    let level = Sample::new(LEVEL, Unit::Ratio, level);
    Ok(samples.into_iter().map(|(_, sample)| sample).chain([level]).collect())
}

fn on_server(setting: &Setting, made: &Rc<MadeLog>, size: u64, chosen: &[String]) -> Result<Vec<Sample>> {
    made.forget_read_model()?;
    let began = Instant::now();
    let server = Server::start(made.folder(), made.tenant(), "embedded", &[])?;
    setting.runtime.block_on(server.caught_up(size))?;
    let built = began.elapsed();
    Progress::note("growth", &format!("the read model of {size} events was built in {:.0} s", built.as_secs_f64()));
    setting.runtime.block_on(server.settled())?;
    let on_disk_mib = |path: &Path| Ok::<_, crate::Error>(bytes_of(path)? as f64 / 1_048_576.0);
    let mut samples = vec![
        Sample::new(BUILD, Unit::PerSecond, size as f64 / built.as_secs_f64()),
        Sample::new("log on disk", Unit::Mebibytes, on_disk_mib(&made.log_file())?),
        Sample::new(MODEL, Unit::Mebibytes, on_disk_mib(&made.read_model_folder())?),
    ];
    let asked = Asked::of(server, made, chosen);
    samples.extend(setting.runtime.block_on(ask(setting, &asked))?);
    let rebuilt = setting.runtime.block_on(asked.server.rebuild())?;
    samples.push(Sample::new(REBUILD, Unit::PerSecond, size as f64 / rebuilt.as_secs_f64()));
    samples.push(Sample::new(PEAK, Unit::Mebibytes, asked.server.peak_mib()?));
    asked.server.stop()?;
    Ok(samples)
}

async fn ask(setting: &Setting, asked: &Asked) -> Result<[Sample; 2]> {
    let client = Arc::new(asked.client(Query::Customer).await?);
    let call = move |number| {
        let client = client.clone();
        async move { client.ask(number).await.map(drop) }
    };
    let most = closed(IN_FLIGHT, setting.duration(ASKED_FOR), call.clone()).await?;
    let half = paced(most.per_s() / 2.0, setting.duration(ASKED_FOR), call).await?;
    Ok([
        Sample::new("customer, 64 in flight", Unit::PerSecond, most.per_s()),
        Sample::new(P99, Unit::Milliseconds, half.ms(99.0)),
    ])
}

/// Of a file, or of all files in a folder.
fn bytes_of(path: &Path) -> Result<u64> {
    if !path.is_dir() {
        return Ok(fs::metadata(path)?.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        bytes += bytes_of(&entry?.path())?;
    }
    Ok(bytes)
}
