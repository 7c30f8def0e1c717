//! The figures, beside the goals, and what the wrong and the missing pairs come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::assessment::{Assessment, Cause, Pairs};
use super::folded::Folded;
use super::life::{Trouble, Year};
use super::people::Population;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    people: usize,
    devices: usize,
    shared_devices: usize,
    sessions: u64,
    anonymous_at_first: u64,
    events: usize,
    /// Events by what misleads about them.
    troubles: BTreeMap<&'static str, usize>,
    customers: usize,
    nobodys: usize,
    pub figures: Vec<Figure>,
    causes: Vec<Row>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub measured: f64,
    pub goal: f64,
}

/// Pairs that one cause accounts for.
#[derive(Debug, Serialize)]
struct Row {
    cause: &'static str,
    wrong: f64,
    missing: f64,
}

impl Report {
    pub fn new(population: &Population, year: &Year, folded: &Folded, assessment: &Assessment) -> Self {
        let Assessment { all, identified, wrong_twice, missing_twice } = assessment;
        let mut troubles = BTreeMap::new();
        for touch in &year.touches {
            if let Some(name) = trouble(touch.trouble) {
                *troubles.entry(name).or_default() += 1;
            }
        }
        let causes: BTreeSet<Cause> = wrong_twice.keys().chain(missing_twice.keys()).copied().collect();
        let half = |twice: &BTreeMap<Cause, u64>, cause| twice.get(&cause).copied().unwrap_or_default() as f64 / 2.0;
        let row = |cause: Cause| Row {
            cause: cause.name(),
            wrong: half(wrong_twice, cause),
            missing: half(missing_twice, cause),
        };
        Self {
            people: population.people.len(),
            devices: population.devices.len(),
            shared_devices: population.devices.iter().filter(|device| device.people > 1).count(),
            sessions: year.sessions,
            anonymous_at_first: year.anonymous_at_first,
            events: year.touches.len(),
            troubles,
            customers: folded.customers.iter().flatten().collect::<BTreeSet<_>>().len(),
            nobodys: folded.customers.iter().filter(|customer| customer.is_none()).count(),
            figures: figures(all, identified),
            causes: causes.into_iter().map(row).collect(),
        }
    }

    /// The goals that are missed, with what was measured.
    pub fn missed(&self) -> Vec<String> {
        let missed = self.figures.iter().filter(|figure| figure.measured < figure.goal);
        missed.map(|Figure { name, measured, goal }| format!("{name} {measured:.4} of {goal}")).collect()
    }
}

fn figures(all: &Pairs, identified: &Pairs) -> Vec<Figure> {
    vec![
        Figure { name: "precision, events with a person identifier", measured: identified.precision(), goal: 0.999 },
        Figure { name: "precision, all events", measured: all.precision(), goal: 0.98 },
        Figure { name: "recall, events with a person identifier", measured: identified.recall(), goal: 0.95 },
        Figure { name: "recall, all events", measured: all.recall(), goal: 0.95 },
    ]
}

fn trouble(trouble: Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::None => None,
        Trouble::Typo => Some("typed wrong"),
        Trouble::TypoOfAnother => Some("typed wrong, another's"),
        Trouble::Office => Some("an office's value"),
        Trouble::Placeholder => Some("a placeholder"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: u64, whole: usize| part as f64 * 100.0 / (whole as f64).max(1.0);
        let Self { people, devices, shared_devices, sessions, anonymous_at_first, events, .. } = self;
        let shared = percent(*shared_devices as u64, *devices);
        let anonymous = *anonymous_at_first as f64 * 100.0 / (*sessions as f64).max(1.0);
        writeln!(f, "{people} people, {devices} devices ({shared:.1} % shared)")?;
        writeln!(f, "{sessions} sessions ({anonymous:.1} % anonymous at first), {events} events, of which")?;
        for (name, count) in &self.troubles {
            writeln!(f, "  {count:>7}  {:>5.2} %  {name}", percent(*count as u64, *events))?;
        }
        writeln!(f, "{} customers; {} events are nobody's\n", self.customers, self.nobodys)?;
        writeln!(f, "{:<46} {:>8} {:>7}", "pairs of events", "measured", "goal")?;
        for Figure { name, measured, goal } in &self.figures {
            let missed = if measured < goal { "  missed" } else { "" };
            writeln!(f, "{name:<46} {measured:>8.4} {goal:>7}{missed}")?;
        }
        writeln!(f, "\n{:<54} {:>10} {:>10}", "pairs by cause", "wrong", "missing")?;
        let mut causes: Vec<&Row> = self.causes.iter().collect();
        causes.sort_by(|left, right| (right.wrong + right.missing).total_cmp(&(left.wrong + left.missing)));
        for Row { cause, wrong, missing } in causes {
            writeln!(f, "{cause:<54} {wrong:>10.0} {missing:>10.0}")?;
        }
        Ok(())
    }
}
