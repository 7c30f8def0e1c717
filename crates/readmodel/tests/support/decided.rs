//! Decisions by hand as the log holds them, in one line each.

use rapport_touchpoint::{Choice, Decision, EventName, Identifier, Merged, Order, Place, Split};

use super::{Record, minute_of};

pub const SOURCE: &str = "rapport/admin";

/// At a minute after 2026-01-01 began: two lists of blank-separated `namespace:value` are one customer.
pub fn merged(minute: u32, id: &str, left: &str, right: &str) -> Record {
    merge(minute, id, left, right, false)
}

/// The same against a limit, too.
pub fn forced(minute: u32, id: &str, left: &str, right: &str) -> Record {
    merge(minute, id, left, right, true)
}

fn merge(minute: u32, id: &str, left: &str, right: &str, forced: bool) -> Record {
    let (left, right) = (identifiers(left), identifiers(right));
    decision(
        minute,
        id,
        Choice::Merged(Merged { left, right, forced, reason: "told".to_owned(), by: "ops".to_owned() }),
    )
}

/// Two lists of blank-separated `namespace:value` are never one customer.
pub fn split(minute: u32, id: &str, left: &str, right: &str) -> Record {
    let (left, right) = (identifiers(left), identifiers(right));
    let (reason, by) = ("told".to_owned(), "ops".to_owned());
    decision(minute, id, Choice::Split(Split { left, right, cancels: Vec::new(), reason, by }))
}

/// These earlier decisions are as if they had never been.
pub fn undone(minute: u32, id: &str, cancelled: &[&str]) -> Record {
    let name = |id: &&str| EventName { source: SOURCE.to_owned(), id: (*id).to_owned() };
    let cancels = cancelled.iter().map(name).collect();
    let (left, right, reason, by) = (Vec::new(), Vec::new(), "wrong".to_owned(), "ops".to_owned());
    decision(minute, id, Choice::Split(Split { left, right, cancels, reason, by }))
}

fn decision(minute: u32, id: &str, choice: Choice) -> Record {
    let order = Order { time: minute_of(minute), sequence: None, source: SOURCE.to_owned(), id: id.to_owned() };
    Record { place: Place::Decisions, json: Decision::new(order, choice).unwrap().into_json() }
}

fn identifiers(names: &str) -> Vec<Identifier> {
    names.split_whitespace().map(|name| Identifier::parse(name).unwrap()).collect()
}
