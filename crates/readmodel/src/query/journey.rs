//! Questions about journeys: the funnel from its cells, transitions one by one.

use rapport_customer::identity::CustomerId;
use rapport_customer::journey::{Cause, Funnel, FunnelQuestion, Transition};
use rapport_customer::{Fact, FactKind};
use rapport_touchpoint::{OrderKey, Timestamp};

use super::{Answer, CustomerName, Reader};
use crate::CustomerKey;
use crate::error::{ReadModelError, Result};
use crate::facts::{self, Place};
use crate::totals;

/// Rows that one page looks at; a page of a rare kind may be short, and be followed by others.
const MOST_LOOKED_AT: usize = 50_000;

/// Which transitions are meant: those for which all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransitionsQuestion {
    /// Of everybody, without.
    pub customer: Option<CustomerName>,
    pub journey: Option<String>,
    /// Into this stage.
    pub to: Option<String>,
    /// Included.
    pub from_time: Option<Timestamp>,
    /// Excluded.
    pub until_time: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TransitionsPage {
    /// Newest first.
    pub entries: Vec<TransitionEntry>,
    /// Where the next page starts after; `None` on the last one.
    pub next: Option<FactPlace>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TransitionEntry {
    pub customer: CustomerId,
    pub time: Timestamp,
    pub transition: Transition,
    /// Source and id of the event that caused it; `None` for silence.
    pub event: Option<(String, String)>,
}

/// Where a page of facts ends; says nothing outside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactPlace(pub(crate) Place);

impl FactPlace {
    pub fn to_bytes(&self) -> Vec<u8> {
        let Place { event, customer, slot } = &self.0;
        [&[*slot], &customer.0.to_be_bytes()[..], event.as_bytes()].concat()
    }

    /// What [`FactPlace::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (slot, rest) = bytes.split_first()?;
        let (customer, event) = rest.split_first_chunk::<8>()?;
        let customer = crate::identifiers::IdentifierKey(i64::from_be_bytes(*customer));
        Some(Self(Place { event: OrderKey::from_bytes(event.to_vec()), customer, slot: *slot }))
    }
}

impl Reader {
    /// How far customers came, and how fast. Reads cells, not customers.
    pub fn funnel(&self, question: &FunnelQuestion<'_>) -> Result<Answer<Funnel>> {
        self.ask(|connection| {
            let mut funnel = Funnel::default();
            for range in [question.depths(), question.paces()] {
                totals::cells(connection, &range.from, &range.until, |coordinates, count| {
                    funnel
                        .add(question, &coordinates, count)
                        .ok_or_else(|| ReadModelError::corrupt(format!("the funnel cell {coordinates:?}")))
                })?;
            }
            Ok(funnel)
        })
    }

    /// Changes of stage, the newest first. `None` if there is no such customer.
    pub fn transitions(
        &self,
        question: &TransitionsQuestion,
        after: Option<&FactPlace>,
        page_size: usize,
    ) -> Result<Answer<Option<TransitionsPage>>> {
        self.ask(|connection| {
            let customer = match &question.customer {
                None => None,
                Some(name) => match self.resolve(connection, name)? {
                    None => return Ok(None),
                    known => known,
                },
            };
            let from = question.from_time.map_or(OrderKey::MIN, OrderKey::at);
            let until = question.until_time.map(|time| Place::before(OrderKey::at(time)));
            let before = earlier(after.map(|place| &place.0), until.as_ref());
            let mut found = Vec::new();
            let mut next = None;
            let (mut last, mut looked_at) = (None, 0);
            facts::newest(connection, FactKind::Transition, customer, &from, before, |of, stored| {
                if found.len() == page_size || looked_at == MOST_LOOKED_AT {
                    next = last.take().map(FactPlace);
                    return false;
                }
                looked_at += 1;
                last = Some(Place { event: stored.key.event.clone(), customer: of, slot: stored.key.slot });
                if let Fact::Transition(transition) = stored.fact
                    && question.journey.as_ref().is_none_or(|journey| *journey == transition.journey)
                    && question.to.as_ref().is_none_or(|to| *to == transition.to)
                {
                    found.push((of, stored.key.event, transition));
                }
                true
            })?;
            let mut entries = Vec::with_capacity(found.len());
            for (of, key, transition) in found {
                let event = match transition.cause {
                    Cause::Event { .. } => key.source_and_id(),
                    Cause::Silence { .. } => None,
                };
                entries.push(TransitionEntry {
                    customer: self.id_of(connection, of)?,
                    time: key.time(),
                    transition,
                    event,
                });
            }
            Ok(Some(TransitionsPage { entries, next }))
        })
    }

    /// The id of a customer of this file; `None` if it is there no more.
    pub fn id(&self, key: CustomerKey) -> Result<Answer<Option<CustomerId>>> {
        self.ask(|connection| match crate::customers::exists(connection, key.0)? {
            true => self.id_of(connection, key.0).map(Some),
            false => Ok(None),
        })
    }
}

/// Of two places, pages being newest first, the one that leaves out more.
pub(super) fn earlier<'p>(left: Option<&'p Place>, right: Option<&'p Place>) -> Option<&'p Place> {
    match (left, right) {
        (Some(left), Some(right)) => Some(if left.event <= right.event { left } else { right }),
        (place, None) | (None, place) => place,
    }
}
