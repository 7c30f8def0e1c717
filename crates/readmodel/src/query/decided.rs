//! Decisions by hand: what was decided, by whom and why, and whether it holds.

use rapport_customer::identity::Limit;
use rapport_touchpoint::{Choice, Decision, EventName, OrderKey, Place, Recorded, Timestamp, read_record};
use rusqlite::Connection;

use super::{Answer, CustomerName, Reader};
use crate::decisions::{self, Stored};
use crate::error::{ReadModelError, Result};
use crate::identifiers::{self, IdentifierKey};

/// A merge or a split, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionEntry {
    pub position: u64,
    pub name: EventName,
    pub time: Timestamp,
    pub choice: Choice,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Holds,
    /// A later decision says that it is as if it had never been.
    Cancelled(EventName),
    /// The merge would break this limit, and is not forced.
    Refused(Limit),
}

#[derive(Debug, Clone, PartialEq)]
pub struct DecisionsPage {
    /// Newest first.
    pub decisions: Vec<DecisionEntry>,
    /// Where the next page starts before; `None` on the last one.
    pub next: Option<OrderKey>,
}

impl Reader {
    /// Merges and splits, older than `before`; of a customer or of all. `None` if there is no such customer.
    pub fn decisions(
        &self,
        of: Option<&CustomerName>,
        before: Option<&OrderKey>,
        page_size: usize,
    ) -> Result<Answer<Option<DecisionsPage>>> {
        self.ask(|connection| {
            let before = before.cloned().unwrap_or_else(OrderKey::beyond);
            let mut found = match of {
                None => decisions::older(connection, &before, page_size + 1)?,
                Some(name) => {
                    let Some(customer) = self.resolve(connection, name)? else { return Ok(None) };
                    let mut named = identifiers::members(connection, customer)?;
                    named.push(customer);
                    let mut found = decisions::naming(connection, &named)?;
                    found.retain(|stored| stored.event < before);
                    found.reverse();
                    found
                }
            };
            let more = found.len() > page_size;
            found.truncate(page_size);
            let next = found.last().filter(|_| more).map(|last| last.event.clone());
            let decisions = found.iter().map(|stored| self.entry(connection, stored)).collect::<Result<_>>()?;
            Ok(Some(DecisionsPage { decisions, next }))
        })
    }

    /// `None` if nothing of that name was decided.
    pub fn decision(&self, name: &EventName) -> Result<Answer<Option<DecisionEntry>>> {
        self.ask(|connection| {
            let Some(stored) = decisions::by_name(connection, name)? else { return Ok(None) };
            self.entry(connection, &stored).map(Some)
        })
    }

    /// Decisions that name an identifier, in the order of events.
    pub(super) fn decisions_naming(&self, connection: &Connection, key: IdentifierKey) -> Result<Vec<DecisionEntry>> {
        decisions::naming(connection, &[key])?.iter().map(|stored| self.entry(connection, stored)).collect()
    }

    fn entry(&self, connection: &Connection, stored: &Stored) -> Result<DecisionEntry> {
        let Decision { order, choice, .. } = self.read(stored)?;
        let outcome = match (stored.holds, stored.refused) {
            (true, Some(limit)) => Outcome::Refused(limit),
            (true, None) => Outcome::Holds,
            (false, _) => {
                let by = decisions::cancelled_by(connection, &stored.event)?;
                Outcome::Cancelled(
                    by.ok_or_else(|| ReadModelError::corrupt(format!("decision {} is cancelled by none", order.id)))?,
                )
            }
        };
        let (time, name) = (order.time, EventName { source: order.source, id: order.id });
        Ok(DecisionEntry { position: stored.position, name, time, choice, outcome })
    }

    fn read(&self, stored: &Stored) -> Result<Decision> {
        let catalogue = &self.shared.definitions.catalogue;
        match read_record(&stored.json, Timestamp::MAX, Place::Decisions, catalogue) {
            Ok(Recorded::Decision(decision)) => Ok(*decision),
            Ok(Recorded::Touchpoint(_)) | Err(_) => {
                Err(ReadModelError::corrupt(format!("the stored decision at position {}", stored.position)))
            }
        }
    }
}
