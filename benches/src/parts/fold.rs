//! `fold`: a read model catches up with a log, event by event, beside the least that such a fold could do.

use std::rc::Rc;

use rapport_customer::Model;

use crate::Result;
use crate::driven::MadeLog;
use crate::driven::catch_up::{BATCH_BYTES, BATCH_RECORDS, CaughtUp, catch_up};
use crate::driven::process::cpu_s;
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting};
use crate::limits::minimal_fold;
use crate::workload::{Naming, Workload};

pub const ABOUT: About = About {
    name: "fold",
    measures: "Events a second from a log into a blank read model: read, decoded, deduplicated, attributed, folded, committed",
    limit: "a fold of the same log by hand (benches/src/limits/minimal_fold.rs): a customer row, a timeline row and a seen row, \
            written in key order in batches of 5,000 into clustered tables",
};

const USUAL_EVENTS: u64 = 300_000;

const MINIMAL: &str = "minimal fold by hand";
const ALL_MODELS: &str = "all models";
const WITHOUT_EVIDENCE: &str = "all models, no links and claims";

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let with = Rc::new(MadeLog::of(setting, Workload::new(setting.seed, events))?);
    let accounts_alone = Naming::Accounts { with_evidence: false };
    let without = Rc::new(MadeLog::of(setting, Workload::named(setting.seed, events, accounts_alone))?);
    let of_one = |name, model: Model| fold(name, &with, &[model]).against("", MINIMAL);
    let batch = format!("{BATCH_RECORDS} events or {} MiB", BATCH_BYTES >> 20);
    Ok(Plan {
        settings: vec![("events", events.to_string()), ("batch", batch)],
        entries: vec![
            minimal(&with),
            fold(WITHOUT_EVIDENCE, &without, &Model::ALL),
            fold(ALL_MODELS, &with, &Model::ALL)
                .against("", MINIMAL)
                .floor("", Floor::AtLeast(50_000.0))
                .floor("", Floor::TimesOf(0.4, MINIMAL))
                .floor("", Floor::TimesOf(0.7, WITHOUT_EVIDENCE)),
            of_one("identity alone", Model::Identity),
            of_one("profile", Model::Profile),
            of_one("journey", Model::Journey),
            of_one("feedback", Model::Feedback),
        ],
        notes: vec![
            "In this process, in the projector's way: the next batch is read and decoded on all cores while one is applied. \
             Always event by event, also where a server would build a blank read model in bulk (see rebuild). \
             Each model brings along what it builds on: identity always, a journey the profile, feedback the journey."
                .to_owned(),
        ],
    })
}

fn minimal(made: &Rc<MadeLog>) -> Entry {
    let made = made.clone();
    Entry::new(MINIMAL, Role::Limit, move |setting| {
        let folder = setting.new_folder()?;
        with_cpu(|| {
            let (events, took) = minimal_fold::fold(&made.log_file(), folder.path())?;
            Ok(CaughtUp { events, elapsed: took })
        })
    })
}

fn fold(name: &'static str, made: &Rc<MadeLog>, models: &[Model]) -> Entry {
    let (made, models) = (made.clone(), models.to_vec());
    Entry::new(name, Role::Rapport, move |setting| {
        let folder = setting.new_folder()?;
        with_cpu(|| catch_up(setting, &made, &folder.path().join("model.db"), &models))
    })
}

fn with_cpu(fold: impl FnOnce() -> Result<CaughtUp>) -> Result<Vec<Sample>> {
    let own = std::process::id();
    let before = cpu_s(own)?;
    let CaughtUp { events, elapsed } = fold()?;
    let mut samples = Sample::rate(events, elapsed.as_secs_f64());
    samples.push(Sample::cpu(events, cpu_s(own)? - before));
    Ok(samples)
}
