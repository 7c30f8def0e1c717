//! Where two pictures differ: customers, by their earliest event, and sums; some shown in full, all counted.

use rapport_customer::identity::CustomerId;
use rapport_customer::{Model, States};
use rapport_touchpoint::{Identifier, OrderKey};
use rusqlite::Rows;

use super::facts;
use super::look::Look;
use super::side_by_side::side_by_side;
use crate::error::Result;
use crate::identifiers::IdentifierKey;
use crate::picture::{GoesOn, Picture, STEP};

/// Customers, and sums, that are shown in full.
pub const MOST_SHOWN: usize = 20;
/// Characters of a state that are shown.
const MOST_CHARS: usize = 16_000;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// All that differ.
    pub customers: u64,
    /// The first of them, by their earliest event.
    pub shown_customers: Vec<CustomerDifference>,
    pub totals: u64,
    pub shown_totals: Vec<TotalDifference>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerDifference {
    /// `None` if the rows that say so are broken.
    pub id: Option<CustomerId>,
    /// Some of its identifiers.
    pub identifiers: Vec<Identifier>,
    /// The event that names the customer in both.
    pub earliest: OrderKey,
    pub presence: Presence,
    pub parts: Vec<PartDifference>,
}

/// In which of the two a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    InBoth,
    OnlyServing,
    OnlyAnew,
}

/// What of a customer can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// How many events, and the latest one.
    Touchpoints,
    Model(Model),
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Self::Touchpoints => "touchpoints",
            Self::Model(model) => model.name(),
        }
    }
}

/// What each has, in text; empty where the customer is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartDifference {
    pub part: Part,
    pub serving: String,
    pub anew: String,
}

/// A sum that differs; one that is not there is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotalDifference {
    pub name: String,
    pub serving: String,
    pub anew: String,
}

/// A customer's own row, and what is looked up from it.
struct Row {
    key: IdentifierKey,
    last: OrderKey,
    events: i64,
}

impl Differences {
    /// Compares every sum.
    pub fn add_totals(&mut self, serving: &Picture, anew: &Picture) -> Result<()> {
        for ((name, serving), (_, anew)) in serving.met()?.into_iter().zip(anew.met()?) {
            self.add_total(name.to_owned(), serving.to_string(), anew.to_string());
        }
        let sums = "SELECT name, sum FROM totals ORDER BY name";
        let (mut serving, mut anew) = (serving.connection.prepare(sums)?, anew.connection.prepare(sums)?);
        let (mut serving, mut anew) = (serving.query([])?, anew.query([])?);
        let zero = || "0".to_owned();
        side_by_side(
            || next_sum(&mut serving),
            || next_sum(&mut anew),
            |name, serving, anew| {
                self.add_total(name, serving.unwrap_or_else(zero), anew.unwrap_or_else(zero));
                Ok(true)
            },
        )?;
        Ok(())
    }

    fn add_total(&mut self, name: String, serving: String, anew: String) {
        if serving != anew {
            self.totals += 1;
            if self.shown_totals.len() < MOST_SHOWN {
                self.shown_totals.push(TotalDifference { name, serving, anew });
            }
        }
    }

    /// Compares every customer. `false` if nobody waits for it any more.
    pub fn add_customers(&mut self, serving: &Picture, anew: &Picture, goes_on: GoesOn<'_>) -> Result<bool> {
        // SQLite sorts what does not fit in its cache in a file.
        let everyone = "SELECT first, id, last, events FROM customers ORDER BY first";
        let mut of_serving = serving.connection.prepare(everyone)?;
        let mut of_anew = anew.connection.prepare(everyone)?;
        let (mut of_serving, mut of_anew) = (of_serving.query([])?, of_anew.query([])?);
        let mut done = 0;
        side_by_side(
            || next_customer(&mut of_serving),
            || next_customer(&mut of_anew),
            |earliest, in_serving, in_anew| {
                if done % STEP == 0 && !goes_on(done) {
                    return Ok(false);
                }
                done += 1;
                self.add_customer(earliest, (serving, in_serving), (anew, in_anew))?;
                Ok(true)
            },
        )
    }

    fn add_customer(
        &mut self,
        earliest: OrderKey,
        (serving, in_serving): (&Picture, Option<Row>),
        (anew, in_anew): (&Picture, Option<Row>),
    ) -> Result<()> {
        let look =
            |picture: &Picture, row: &Option<Row>| row.as_ref().map(|row| picture.look(row.key, &earliest)).transpose();
        let (left, right) = (look(serving, &in_serving)?, look(anew, &in_anew)?);
        let of_model = |look: &Option<Look>, model| look.as_ref().and_then(|look| look.of(model));
        let models = serving.definitions.models.iter().copied();
        let differing: Vec<Model> =
            models.filter(|model| of_model(&left, *model) != of_model(&right, *model)).collect();
        let same_row = row_text(in_serving.as_ref()) == row_text(in_anew.as_ref());
        if same_row && differing.is_empty() {
            return Ok(());
        }
        self.customers += 1;
        if self.shown_customers.len() == MOST_SHOWN {
            return Ok(());
        }
        let keys = (in_serving.as_ref().map(|row| row.key), in_anew.as_ref().map(|row| row.key));
        let mut parts = Vec::new();
        if !same_row {
            let (serving, anew) = (row_text(in_serving.as_ref()), row_text(in_anew.as_ref()));
            parts.push(PartDifference { part: Part::Touchpoints, serving, anew });
        }
        for model in differing {
            let (only_left, only_right) = facts::differing(model, (serving, keys.0), (anew, keys.1))?;
            let (serving, anew) =
                (state_text(left.as_ref(), model, only_left), state_text(right.as_ref(), model, only_right));
            parts.push(PartDifference { part: Part::Model(model), serving, anew });
        }
        let (presence, (id, identifiers)) = match keys {
            (Some(_), Some(key)) => (Presence::InBoth, anew.name(key)),
            (None, Some(key)) => (Presence::OnlyAnew, anew.name(key)),
            (Some(key), None) => (Presence::OnlyServing, serving.name(key)),
            (None, None) => return Ok(()),
        };
        self.shown_customers.push(CustomerDifference { id, identifiers, earliest, presence, parts });
        Ok(())
    }
}

fn next_sum(rows: &mut Rows<'_>) -> Result<Option<(String, String)>> {
    Ok(rows.next()?.map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?))).transpose()?)
}

fn next_customer(rows: &mut Rows<'_>) -> Result<Option<(OrderKey, Row)>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let (first, last) = (OrderKey::from_bytes(row.get(0)?), OrderKey::from_bytes(row.get(2)?));
    Ok(Some((first, Row { key: row.get(1)?, last, events: row.get(3)? })))
}

fn row_text(row: Option<&Row>) -> String {
    let Some(Row { last, events, .. }) = row else { return String::new() };
    let (source, id) = last.source_and_id().unwrap_or_default();
    format!("{events} touchpoints, the latest {source} {id} at {}", last.time())
}

/// A state as the code reads it, and below it the facts that the other one has not.
fn state_text(look: Option<&Look>, model: Model, only_here: Vec<String>) -> String {
    let Some(look) = look else { return String::new() };
    let state = look.broken.get(&model).cloned().unwrap_or_else(|| shown(&look.states, model));
    let lines = std::iter::once(state).chain(only_here).collect::<Vec<_>>().join("\n");
    lines.chars().take(MOST_CHARS).collect()
}

fn shown(states: &States, model: Model) -> String {
    let States { identity, profile, journey, feedback } = states;
    match model {
        Model::Identity => format!("{identity:#?}"),
        Model::Profile => format!("{profile:#?}"),
        Model::Journey => format!("{journey:#?}"),
        Model::Feedback => format!("{feedback:#?}"),
    }
}
