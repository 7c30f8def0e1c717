//! `rebuild`: a server comes to its read model from the log alone, when it starts without one and when it is asked to.

use std::rc::Rc;
use std::time::Instant;

use crate::Result;
use crate::driven::{MadeLog, Server};
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::limits::minimal_fold;
use crate::workload::Workload;

pub const ABOUT: About = About {
    name: "rebuild",
    measures: "Events a second that a server with nothing but a log brings into a read model of all models, until that answers",
    limit: "a fold of the same log by hand (see fold)",
};

const USUAL_EVENTS: u64 = 1_000_000;
const MINIMAL: &str = "minimal fold by hand";

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let made = Rc::new(MadeLog::of(setting, Workload::new(setting.seed, events))?);
    let log = made.clone();
    let minimal = Entry::new(MINIMAL, Role::Limit, move |setting| {
        let folder = setting.new_folder()?;
        let (events, took) = minimal_fold::fold(&log.log_file(), folder.path())?;
        Ok(Sample::rate(events, took.as_secs_f64()))
    });
    let server = Entry::new("server", Role::Rapport, move |setting| {
        made.forget_read_model()?;
        let began = Instant::now();
        let server = Server::start(made.folder(), made.tenant(), "embedded", &[])?;
        setting.runtime.block_on(server.caught_up(events))?;
        let from_start = began.elapsed();
        let first_peak = server.peak_mib()?;
        setting.runtime.block_on(server.settled())?;
        let cpu_s = server.cpu_s()?;
        let rebuilt = setting.runtime.block_on(server.rebuild())?;
        let cpu_s = server.cpu_s()? - cpu_s;
        let peak = server.peak_mib()?;
        Ok(vec![
            Sample::new(FROM_START, Unit::PerSecond, events as f64 / from_start.as_secs_f64()),
            Sample::new(REBUILD, Unit::PerSecond, events as f64 / rebuilt.as_secs_f64()),
            Sample::cpu(events, cpu_s),
            Sample::new("peak memory, started", Unit::Mebibytes, first_peak),
            Sample::new(PEAK, Unit::Mebibytes, peak),
        ])
    });
    Ok(Plan {
        settings: vec![("events", events.to_string()), ("log", "embedded".to_owned())],
        entries: vec![
            minimal,
            server
                .against(FROM_START, MINIMAL)
                .against(REBUILD, MINIMAL)
                .floor(REBUILD, Floor::AtLeast(80_000.0))
                .floor(PEAK, Floor::AtMost(500.0)),
        ],
        notes: vec![
            "Started: from the start of the process until the read model has the last event. Rebuild: `rapport rebuild` on \
             the same server, from the call until the new read model serves, with all that silence did since the events; \
             the old one serves meanwhile, and its memory counts too. CPU of an event \
             is that of the rebuild."
                .to_owned(),
        ],
    })
}

const FROM_START: &str = "started without a read model";
const REBUILD: &str = "rapport rebuild";
const PEAK: &str = "peak memory, rebuilt";
