//! Customers brought up to date with their new events: in memory, without a look at the file, on all cores if there are many.

use std::borrow::Cow;

use rapport_customer::identity::Identity;
use rapport_customer::{FactChange, LabelChange};
use rapport_touchpoint::{OrderKey, Timestamp};
use rayon::prelude::*;

use crate::Definitions;
use crate::customers::{Customer, Held};
use crate::error::Result;
use crate::fold::NewEvents;
use crate::identifiers::IdentifierKey;
use crate::shown::{Encoded, Shown};
use crate::totals::Difference;

/// Fewer are not worth waking another core for.
const FEWEST_OF_A_PART: usize = 64;

/// A customer, with all that had to be read of it.
pub(crate) struct Touched<'p> {
    pub key: IdentifierKey,
    pub next: Next<'p>,
}

/// What happens to it.
pub(crate) enum Next<'p> {
    /// It takes in these events, which come after all that it has; of nobody if they are its first ones.
    Append { before: Option<Held>, new: NewEvents<'p>, identity: Option<Identity> },
    /// It was folded already; nobody is left if its events are others' now.
    Folded { before: Option<Shown>, after: Option<Customer> },
}

/// What is to be written of a customer.
pub(crate) struct Advanced {
    pub key: IdentifierKey,
    /// What silence made after this event may be wrong with the new ones.
    pub silent_since: Option<OrderKey>,
    pub facts: Vec<FactChange>,
    pub labels: LabelChange,
    /// The moment in its row, if it has a row.
    pub due_before: Option<Option<Timestamp>>,
    /// `None` if it is nobody any more.
    pub after: Option<Stands>,
}

/// A customer as it stands now.
pub(crate) struct Stands {
    pub customer: Customer,
    /// After the latest event, if silence has changed them since.
    pub stored: Option<Vec<Encoded>>,
}

/// Under which customers are brought up to date.
#[derive(Clone, Copy)]
pub(crate) struct Now<'a> {
    pub definitions: &'a Definitions,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
}

impl Now<'_> {
    /// Each of them, in their order. What changes in sums and digests goes to `difference`.
    pub fn advance_all(self, touched: Vec<Touched<'_>>, difference: &mut Difference) -> Result<Vec<Advanced>> {
        let of_part = touched.len().div_ceil(rayon::current_num_threads()).max(FEWEST_OF_A_PART);
        let parts = in_parts(touched, of_part);
        let advance = |part: Vec<Touched<'_>>| {
            let mut difference = Difference::default();
            let advance = |touched: Touched<'_>| touched.advance(self, &mut difference);
            let advanced = part.into_iter().map(advance).collect::<Result<Vec<_>>>()?;
            Ok((advanced, difference))
        };
        let parts: Vec<_> = match parts.len() {
            ..=1 => parts.into_iter().map(advance).collect::<Result<_>>()?,
            _ => parts.into_par_iter().map(advance).collect::<Result<_>>()?,
        };
        let mut all = Vec::new();
        for (advanced, of_part) in parts {
            difference.add(of_part);
            all.extend(advanced);
        }
        Ok(all)
    }

    /// What a customer comes to, with the facts that silence made.
    pub fn come_to(
        self,
        key: IdentifierKey,
        before: Option<Shown>,
        mut customer: Customer,
        mut facts: Vec<FactChange>,
        difference: &mut Difference,
    ) -> Advanced {
        let Self { definitions, clock } = self;
        let due_before = before.as_ref().map(|before| before.due);
        let before = before.unwrap_or_default();
        let now = customer.states.at(clock, &definitions.journeys, &mut facts);
        let mut shown = before.followed_by(&now, &customer.first, definitions);
        // A moment that is too early costs a look; moving it with every event would cost more.
        if before.due.is_some_and(|known| known > clock && shown.due.is_some_and(|due| known < due)) {
            shown.due = before.due;
        }
        let labels = before.change_to(&shown, definitions, difference);
        // What silence has changed is not stored.
        let stored = match now {
            Cow::Borrowed(_) => None,
            Cow::Owned(_) => Some(Shown::of(&customer.states, &customer.first, definitions).encoded),
        };
        customer.shown = shown;
        Advanced { key, silent_since: None, facts, labels, due_before, after: Some(Stands { customer, stored }) }
    }

    fn gone(self, key: IdentifierKey, before: Option<Shown>, difference: &mut Difference) -> Advanced {
        let due_before = before.as_ref().map(|before| before.due);
        let labels = before.unwrap_or_default().change_to(&Shown::default(), self.definitions, difference);
        Advanced { key, silent_since: None, facts: Vec::new(), labels, due_before, after: None }
    }
}

impl Touched<'_> {
    fn advance(self, now: Now<'_>, difference: &mut Difference) -> Result<Advanced> {
        let Now { definitions, clock } = now;
        let maps = &definitions.journeys;
        let Self { key, next } = self;
        let (before, new, identity) = match next {
            Next::Folded { before, after: None } => return Ok(now.gone(key, before, difference)),
            Next::Folded { before, after: Some(after) } => {
                return Ok(now.come_to(key, before, after, Vec::new(), difference));
            }
            Next::Append { before, new, identity } => (before, new, identity),
        };
        let mut before = before.map(|held| held.into_customer(key, definitions, clock)).transpose()?;
        let shown = before.as_mut().map(|before| std::mem::take(&mut before.shown));
        let Some(mut customer) = begin(before, &new, definitions) else { return Ok(now.gone(key, None, difference)) };
        let is_silent = customer.states.due(maps).is_some_and(|due| due <= clock);
        let silent_since = is_silent.then(|| customer.last.clone());
        let mut facts = Vec::new();
        for placed in new {
            customer.take_in(&placed.ready.event, &placed.ready.key, maps, &mut facts);
        }
        if let Some(identity) = identity {
            customer.states.identity = identity;
        }
        Ok(Advanced { silent_since, ..now.come_to(key, shown, customer, facts, difference) })
    }
}

/// The customer to whom these events come; `None` if there is neither.
pub(crate) fn begin(before: Option<Customer>, new: &NewEvents<'_>, definitions: &Definitions) -> Option<Customer> {
    before.or_else(|| Some(Customer::without_events(new.first()?.ready.key.clone(), definitions)))
}

/// So many of them at a time, in their order.
pub(crate) fn in_parts<T>(mut all: Vec<T>, of_part: usize) -> Vec<Vec<T>> {
    let mut parts = Vec::with_capacity(all.len().div_ceil(of_part));
    while !all.is_empty() {
        let rest = all.split_off(of_part.min(all.len()));
        parts.push(std::mem::replace(&mut all, rest));
    }
    parts
}
