//! One customer, folded once: all rows that it comes to, in memory and without a look at the file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rapport_customer::identity::Identity;
use rapport_customer::{FactChange, FactKey, FactKind, Model, States};
use rapport_touchpoint::{Event, OrderKey, Timestamp};

use super::arranging::{Anchored, Gathered};
use crate::Definitions;
use crate::error::{ReadModelError, Result};
use crate::facts::Stored;
use crate::identifiers::IdentifierKey;
use crate::shown::{Encoded, Shown};
use crate::snapshots::{Marks, Spacing};
use crate::totals::Difference;

/// Under which a customer is folded.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub definitions: &'a Definitions,
    pub spacing: Spacing,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
}

/// What a customer came to.
pub(super) struct Folded {
    pub customer: IdentifierKey,
    pub touchpoints: Vec<Anchored>,
    pub first: OrderKey,
    pub last: OrderKey,
    pub due: Option<Timestamp>,
    /// After the latest event.
    pub states: Vec<Encoded>,
    pub labels: Vec<String>,
    pub facts: BTreeMap<(OrderKey, FactKind, u8), Stored>,
    pub snapshots: Marks,
}

/// What it adds to sums and digests goes to `difference`.
pub(super) fn fold(
    gathered: Gathered,
    identity: Identity,
    terms: Terms<'_>,
    difference: &mut Difference,
) -> Result<Folded> {
    let Terms { definitions, spacing, clock } = terms;
    let Gathered { customer, mut touchpoints, .. } = gathered;
    let maps = &definitions.journeys;
    let mut states = States { identity, ..States::new(&definitions.models, maps) };
    let (mut facts, mut changes, mut snapshots) = (BTreeMap::new(), Vec::new(), Marks::default());
    let order = in_order(&touchpoints);
    // Who a customer is, is known; all else is in what is folded.
    let is_folded = definitions.models.iter().any(|model| *model != Model::Identity);
    for (events, at) in (1..).zip(&order) {
        let Anchored { row, gist, .. } = &mut touchpoints[*at];
        if is_folded {
            let json = std::mem::take(&mut row.json);
            let event = Event::of_gist(gist, &row.event, json).ok_or_else(|| {
                ReadModelError::corrupt(format!("the touchpoint at position {} as it was put aside", row.position))
            })?;
            states.fold(&event, &row.event, maps, &mut changes);
            row.json = event.touchpoint.into_json();
        }
        snapshots.pass(spacing, &row.event, events, &states);
        settle(&mut changes, &mut facts)?;
    }
    let (Some(first), Some(last)) = (order.first(), order.last()) else {
        return Err(ReadModelError::corrupt(format!("customer {} has no touchpoint", customer.0)));
    };
    let (first, last) = (touchpoints[*first].row.event.clone(), touchpoints[*last].row.event.clone());
    let now = states.at(clock, maps, &mut changes);
    settle(&mut changes, &mut facts)?;
    let shown = Shown::of(&now, &first, definitions);
    let labels = Shown::default().change_to(&shown, definitions, difference).gained;
    let Shown { encoded, due, .. } = shown;
    // What silence has changed is not stored.
    let states = match now {
        Cow::Borrowed(_) => encoded,
        Cow::Owned(_) => Shown::of(&states, &first, definitions).encoded,
    };
    for fact in facts.values() {
        fact.counts(&first, &definitions.zone, difference);
    }
    Ok(Folded { customer, touchpoints, first, last, due, states, labels, facts, snapshots })
}

/// The places of the touchpoints of several anchors in the order of events.
fn in_order(touchpoints: &[Anchored]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..touchpoints.len()).collect();
    order.sort_by(|one, other| touchpoints[*one].row.event.cmp(&touchpoints[*other].row.event));
    order
}

/// Does as the fold says.
fn settle(changes: &mut Vec<FactChange>, facts: &mut BTreeMap<(OrderKey, FactKind, u8), Stored>) -> Result<()> {
    for change in changes.drain(..) {
        match change {
            FactChange::Put(FactKey { event, slot }, fact) => {
                let stored = Stored::new(FactKey { event: event.clone(), slot }, fact);
                facts.insert((event, stored.kind, slot), stored);
            }
            FactChange::Close { kind, key: FactKey { event, slot }, by } => {
                let closed = facts.get_mut(&(event, kind, slot));
                closed
                    .ok_or_else(|| ReadModelError::corrupt(format!("a {kind:?} is closed that is not open")))?
                    .closed_by = Some(by);
            }
        }
    }
    Ok(())
}
