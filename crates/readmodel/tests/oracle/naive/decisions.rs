//! Which decisions hold, in the plainest words.

use std::rc::Rc;

use rapport_customer::identity::{Rules, Usable};
use rapport_touchpoint::{Choice, Decision, EventName};

use super::identity::named;

/// In the order of events.
#[derive(Default)]
pub struct Decisions {
    pub merges: Vec<Merge>,
    pub splits: Vec<Split>,
    /// How many are as if they had never been.
    pub cancelled: usize,
}

pub struct Merge {
    pub left: Vec<Usable>,
    pub right: Vec<Usable>,
    pub forced: bool,
}

pub struct Split {
    pub left: Vec<Usable>,
    pub right: Vec<Usable>,
}

/// Given all decisions in the order of events: a later one that holds cancels those that it names.
pub fn that_hold(all: &[Rc<Decision>], rules: &Rules) -> Decisions {
    let mut cancelled: Vec<EventName> = Vec::new();
    let mut hold = Vec::new();
    let mut decisions = Decisions::default();
    for decision in all.iter().rev() {
        let name = EventName { source: decision.order.source.clone(), id: decision.order.id.clone() };
        if cancelled.contains(&name) {
            decisions.cancelled += 1;
            continue;
        }
        if let Choice::Split(split) = &decision.choice {
            cancelled.extend(split.cancels.iter().cloned());
        }
        hold.push(&decision.choice);
    }
    for choice in hold.into_iter().rev() {
        match choice {
            Choice::Merged(merged) => {
                let (left, right) = (named(&merged.left, rules), named(&merged.right, rules));
                decisions.merges.push(Merge { left, right, forced: merged.forced });
            }
            Choice::Split(split) => {
                decisions.splits.push(Split { left: named(&split.left, rules), right: named(&split.right, rules) });
            }
            Choice::Discarded(_) => {}
        }
    }
    decisions
}
