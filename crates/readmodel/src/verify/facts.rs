//! The facts of one customer as they are stored, and where those of two pictures differ.

use rapport_customer::{Digest, FactKey, FactKind, Model};
use rapport_touchpoint::OrderKey;
use rusqlite::{Row, Rows};

use super::side_by_side::side_by_side;
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::picture::Picture;

/// Facts that are shown of one customer and model.
const MOST_SHOWN: usize = 5;

const FACTS: &str =
    "SELECT event, kind, slot, fact, closed_by FROM facts WHERE customer = ?1 ORDER BY event, kind, slot";

/// Not decoded: a digest is taken of what is there.
pub(super) struct RawFact {
    pub kind: FactKind,
    key: FactKey,
    json: Vec<u8>,
    closed_by: Option<OrderKey>,
}

/// The facts of many customers, one after the other.
pub(super) struct EveryFact<'a> {
    rows: Rows<'a>,
    next: Option<(i64, Option<RawFact>)>,
}

impl<'a> EveryFact<'a> {
    /// Gives them by customer, of those between two; see [`EveryFact::of`].
    pub const SQL: &'static str = "SELECT event, kind, slot, fact, closed_by, customer FROM facts
        WHERE customer BETWEEN ?1 AND ?2 ORDER BY customer, event, kind, slot";

    pub fn read(mut rows: Rows<'a>) -> Result<Self> {
        let next = Self::step(&mut rows)?;
        Ok(Self { rows, next })
    }

    /// Those of a customer, to be asked for in rising order; gives how many come before, which are nobody's.
    pub fn of(&mut self, customer: i64, mut take: impl FnMut(&RawFact)) -> Result<u64> {
        let mut strays = 0;
        while let Some((of, fact)) = self.next.take_if(|(of, _)| *of <= customer) {
            match fact {
                Some(fact) if of == customer => take(&fact),
                _ => strays += 1,
            }
            self.next = Self::step(&mut self.rows)?;
        }
        Ok(strays)
    }

    /// How many are left when all customers were asked for, which are nobody's.
    pub fn left(mut self) -> Result<u64> {
        let mut left = 0;
        while self.next.is_some() {
            left += 1;
            self.next = Self::step(&mut self.rows)?;
        }
        Ok(left)
    }

    fn step(rows: &mut Rows<'a>) -> Result<Option<(i64, Option<RawFact>)>> {
        rows.next()?.map(|row| Ok((row.get(5)?, RawFact::from_row(row)?.1))).transpose()
    }
}

type Place = (OrderKey, u8, u8);

impl RawFact {
    /// `None` if no kind has the number.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<(Place, Option<Self>)> {
        let (event, number, slot): (Vec<u8>, u8, u8) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let event = OrderKey::from_bytes(event);
        let json = row.get_ref(3)?.as_bytes().unwrap_or_default().to_vec();
        let closed_by = row.get::<_, Option<Vec<u8>>>(4)?.map(OrderKey::from_bytes);
        let key = FactKey { event: event.clone(), slot };
        let fact = FactKind::of_number(number).map(|kind| Self { kind, key, json, closed_by });
        Ok(((event, number, slot), fact))
    }

    pub fn digest(&self, earliest: &OrderKey) -> Digest {
        Digest::of_fact(earliest, self.kind, &self.key, &self.json, self.closed_by.as_ref())
    }

    fn is(&self, other: &Self) -> bool {
        self.json == other.json && self.closed_by == other.closed_by
    }

    fn shown(&self) -> String {
        let closed = match &self.closed_by {
            Some(by) => format!(", closed at {}", by.time()),
            None => String::new(),
        };
        format!("{:?} at {}: {}{closed}", self.kind, self.key.event.time(), String::from_utf8_lossy(&self.json))
    }
}

impl Picture {
    /// The facts of a customer whose kind is known; any other counts as a stray.
    pub(super) fn each_fact(&self, customer: IdentifierKey, mut take: impl FnMut(RawFact)) -> Result<()> {
        let mut find = self.connection.prepare_cached(FACTS)?;
        let mut rows = find.query([customer])?;
        while let Some(row) = rows.next()? {
            if let (_, Some(fact)) = RawFact::from_row(row)? {
                take(fact);
            }
        }
        Ok(())
    }
}

/// The facts of a model that only one of the two has, or that they have otherwise; a few of each, in text.
pub(super) fn differing(
    model: Model,
    (left, of_left): (&Picture, Option<IdentifierKey>),
    (right, of_right): (&Picture, Option<IdentifierKey>),
) -> Result<(Vec<String>, Vec<String>)> {
    let (mut left, mut right) = (left.connection.prepare(FACTS)?, right.connection.prepare(FACTS)?);
    let (mut left, mut right) = (left.query([of_left])?, right.query([of_right])?);
    let mut shown = (Vec::new(), Vec::new());
    side_by_side(
        || next(&mut left),
        || next(&mut right),
        |_, left, right| {
            let (left, right) = (left.flatten(), right.flatten());
            if matches!((&left, &right), (Some(left), Some(right)) if left.is(right)) {
                return Ok(true);
            }
            for (fact, shown) in [(left, &mut shown.0), (right, &mut shown.1)] {
                shown.extend(fact.filter(|fact| fact.kind.model() == model).map(|fact| fact.shown()));
            }
            Ok(shown.0.len().max(shown.1.len()) < MOST_SHOWN)
        },
    )?;
    Ok(shown)
}

fn next(rows: &mut Rows<'_>) -> Result<Option<(Place, Option<RawFact>)>> {
    Ok(rows.next()?.map(RawFact::from_row).transpose()?)
}
