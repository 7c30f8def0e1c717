//! `hot`: one customer with a very long timeline, beside as many touchpoints of many customers; and two that become one.

use std::path::Path;

use serde_json::json;

use crate::Result;
use crate::driven::folded::Folded;
use crate::frame::statistics::{median, percentile};
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::workload::{Naming, Shape, Workload};

pub const ABOUT: About = About {
    name: "hot",
    measures: "One customer with a very long timeline: its touchpoints a second, one in a hundred up to a day late",
    limit: "as many touchpoints of many customers, folded in the same way",
};

const USUAL_EVENTS: u64 = 300_000;
/// Of the one customer: as if a million touchpoints were a year's.
const PER_DAY: u64 = 1_000_000 / 366;
const DAY_S: u64 = 86_400;
/// Of the many.
const PER_CUSTOMER: u64 = 20;
const BATCH_EVENTS: usize = 1_000;
/// Of each of the two customers that become one.
const JOINED_EVENTS: u64 = 10_000;

const MANY: &str = "many customers";

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let shape = move |customers| Shape {
        touchpoints: events,
        customers,
        seconds: (events * DAY_S / PER_DAY).max(1),
        latest_s: DAY_S,
        naming: Naming::Logins,
    };
    let folds = move |name, role, customers| {
        Entry::new(name, role, move |setting: &Setting| {
            fold(setting.folder(), Workload::shaped(setting.seed, shape(customers)))
        })
    };
    let joined = JOINED_EVENTS.min(events);
    Ok(Plan {
        settings: vec![
            ("events", events.to_string()),
            ("batch", format!("{BATCH_EVENTS} events")),
            ("events of each customer that is joined", joined.to_string()),
        ],
        entries: vec![
            folds(MANY, Role::Limit, events.div_ceil(PER_CUSTOMER)),
            folds("one customer", Role::Rapport, 1).against("", MANY).floor("", Floor::TimesOf(0.5, MANY)),
            Entry::new("two customers become one", Role::Rapport, move |setting| {
                let took_ms = join(setting.folder(), setting.seed, joined)?;
                Ok(vec![Sample::new("", Unit::Milliseconds, took_ms)])
            })
            .floor("", Floor::AtMost(100.0)),
        ],
        notes: vec![
            "In this process: what is timed is the fold alone, on one thread, of records that are decoded already. Last to \
             first: how long a batch takes in the last tenth of them against the first, by their medians."
                .to_owned(),
        ],
    })
}

fn fold(parent: &Path, mut workload: Workload) -> Result<Vec<Sample>> {
    let mut folded = Folded::new(parent)?;
    let mut took_ms = Vec::new();
    loop {
        let batch = folded.decode(workload.by_ref().take(BATCH_EVENTS))?;
        if batch.is_empty() {
            break;
        }
        took_ms.push(folded.apply(batch)?.as_secs_f64() * 1_000.0);
    }
    let in_all_s: f64 = took_ms.iter().sum::<f64>() / 1_000.0;
    let tenth = took_ms.len().div_ceil(10);
    let last_to_first = median(&took_ms[took_ms.len() - tenth..]) / median(&took_ms[..tenth]);
    let mut samples = Sample::rate(folded.position, in_all_s);
    samples.push(Sample::new("a batch, p50", Unit::Milliseconds, median(&took_ms)));
    samples.push(Sample::new("a batch, p99", Unit::Milliseconds, percentile(&took_ms, 99.0)));
    samples.push(Sample::new("last to first", Unit::Ratio, last_to_first));
    Ok(samples)
}

/// The milliseconds of the batch that says that two customers are one; their touchpoints alternate.
fn join(parent: &Path, seed: u64, touchpoints: u64) -> Result<f64> {
    let names = [json!({"user_id": "u-0"}), json!({"email": "customer0@example.com"})];
    let shape = Shape {
        touchpoints: touchpoints * 2,
        customers: 1,
        seconds: 366 * DAY_S,
        latest_s: DAY_S,
        naming: Naming::Logins,
    };
    let mut turns = names.iter().cycle();
    let mut alternating = Workload::shaped(seed, shape).map(|mut event| {
        event["data"]["identifiers"] = turns.next().cloned().unwrap_or_default();
        event
    });
    let mut folded = Folded::new(parent)?;
    loop {
        let batch = folded.decode(alternating.by_ref().take(BATCH_EVENTS))?;
        if batch.is_empty() {
            break;
        }
        folded.apply(batch)?;
    }
    let both = json!({
        "specversion": "1.0", "id": "both", "source": "shop", "type": "customer.linked", "channel": "web",
        "time": "2025-01-02T00:00:00Z",
        "data": {"identifiers": {"user_id": "u-0", "email": "customer0@example.com"}},
    });
    let batch = folded.decode([both].into_iter())?;
    Ok(folded.apply(batch)?.as_secs_f64() * 1_000.0)
}
