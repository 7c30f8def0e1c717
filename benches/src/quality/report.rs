//! The figures, beside the goals, and what the wrong and the missing pairs come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::assessment::{Assessment, Cause, Pairs};
use super::folded::Folded;
use super::life::{Trouble, Year};
use super::makeup::Makeup;
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
    pub goal: Option<f64>,
}

/// Pairs that one cause accounts for.
#[derive(Debug, Serialize)]
struct Row {
    cause: &'static str,
    wrong: f64,
    missing: f64,
}

impl Report {
    pub fn new(
        makeup: &Makeup,
        population: &Population,
        year: &Year,
        folded: &Folded,
        assessment: &Assessment,
    ) -> Self {
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
            figures: figures(all, identified, makeup.has_goals),
            causes: causes.into_iter().map(row).collect(),
        }
    }

    /// The goals that are missed, with what was measured.
    pub fn missed(&self) -> Vec<String> {
        let missed = |Figure { name, measured, goal }: &Figure| {
            goal.filter(|goal| measured < goal).map(|goal| format!("{name} {measured:.4} of {goal}"))
        };
        self.figures.iter().filter_map(missed).collect()
    }
}

fn figures(all: &Pairs, identified: &Pairs, have_goals: bool) -> Vec<Figure> {
    let figure = |name, measured, goal| Figure { name, measured, goal: have_goals.then_some(goal) };
    vec![
        figure("precision, events with a person identifier", identified.precision(), 0.999),
        figure("precision, all events", all.precision(), 0.98),
        figure("recall, events with a person identifier", identified.recall(), 0.95),
        figure("recall, all events", all.recall(), 0.95),
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
        writeln!(f, "{:<46} {:>8}", "pairs of events", "measured")?;
        for Figure { name, measured, goal } in &self.figures {
            let goal = goal.map_or(String::new(), |goal| {
                format!("   goal {goal:<5}  {}", if *measured < goal { "missed" } else { "reached" })
            });
            writeln!(f, "{name:<46} {measured:>8.4}{goal}")?;
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
