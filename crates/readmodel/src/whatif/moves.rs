//! In which stage each customer is, and would be.

use std::collections::BTreeMap;

use rapport_customer::{Model, States};
use rapport_touchpoint::OrderKey;
use rusqlite::Rows;

use crate::error::{ReadModelError, Result};
use crate::identifiers::IdentifierKey;
use crate::picture::{GoesOn, Picture, STEP};
use crate::preview::Named;
use crate::verify::side_by_side;

/// Where a customer is in a journey.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whereabouts {
    /// There is no such customer here.
    Nobody,
    /// The journey has not begun, or is not defined here.
    Outside,
    Stage(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// Customers who are in both and in another stage of some journey.
    pub changed: u64,
    /// In the order of the definitions of today, then those that only the others have.
    pub journeys: Vec<JourneyMoves>,
    /// The first of those that changed, by their earliest touchpoints.
    pub examples: Vec<MoveExample>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JourneyMoves {
    pub journey: String,
    /// How many customers are here today and would be there; those who would stay are among them.
    pub counts: BTreeMap<(Whereabouts, Whereabouts), u64>,
}

/// A customer who would be in another stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveExample {
    pub customer: Named,
    /// By journey: the stage of today, and the one that it would be. Only what differs.
    pub moves: Vec<(String, Whereabouts, Whereabouts)>,
}

impl Moves {
    /// Of two pictures of one log at one position and clock. `None` if nobody waits for it any more.
    pub fn between(today: &Picture, then: &Picture, most: usize, goes_on: GoesOn<'_>) -> Result<Option<Self>> {
        let mut moves = Self::default();
        for picture in [today, then] {
            for name in picture.journeys() {
                if moves.journeys.iter().all(|known| known.journey != name) {
                    moves.journeys.push(JourneyMoves { journey: name.to_owned(), ..JourneyMoves::default() });
                }
            }
        }
        if moves.journeys.is_empty() {
            return Ok(Some(moves));
        }
        // SQLite sorts what does not fit in its cache in a file.
        let everyone = "SELECT first, id, journey FROM customers ORDER BY first";
        let (mut of_today, mut of_then) = (today.connection.prepare(everyone)?, then.connection.prepare(everyone)?);
        let (mut of_today, mut of_then) = (of_today.query([])?, of_then.query([])?);
        let mut done = 0;
        let whole = side_by_side(
            || today.next_place(&mut of_today),
            || then.next_place(&mut of_then),
            |_, now, later| {
                if done % STEP == 0 && !goes_on(done) {
                    return Ok(false);
                }
                done += 1;
                moves.add(today, now.as_ref(), later.as_ref(), most)?;
                Ok(true)
            },
        )?;
        Ok(whole.then_some(moves))
    }

    fn add(&mut self, today: &Picture, now: Option<&Placed>, later: Option<&Placed>, most: usize) -> Result<()> {
        let mut differing = Vec::new();
        for of_journey in &mut self.journeys {
            let [from, to] = [now, later].map(|placed| Placed::place(placed, &of_journey.journey));
            if now.is_some() && later.is_some() && from != to {
                differing.push((of_journey.journey.clone(), from.clone(), to.clone()));
            }
            *of_journey.counts.entry((from, to)).or_default() += 1;
        }
        if let Some(now) = now
            && !differing.is_empty()
        {
            self.changed += 1;
            if self.examples.len() < most {
                self.examples.push(MoveExample { customer: today.named(now.key)?, moves: differing });
            }
        }
        Ok(())
    }
}

/// A customer with the stage of each journey that it is in.
struct Placed {
    key: IdentifierKey,
    stages: BTreeMap<String, String>,
}

impl Placed {
    fn place(placed: Option<&Self>, journey: &str) -> Whereabouts {
        let Some(placed) = placed else { return Whereabouts::Nobody };
        placed.stages.get(journey).map_or(Whereabouts::Outside, |stage| Whereabouts::Stage(stage.clone()))
    }
}

impl Picture {
    /// The journeys that are folded in it.
    fn journeys(&self) -> impl Iterator<Item = &str> {
        let is_folded = self.definitions.models.contains(&Model::Journey);
        self.definitions.journeys.iter().filter(move |_| is_folded).map(|map| map.name.as_str())
    }

    fn next_place(&self, rows: &mut Rows<'_>) -> Result<Option<(OrderKey, Placed)>> {
        let Some(row) = rows.next()? else { return Ok(None) };
        let (first, key): (_, IdentifierKey) = (OrderKey::from_bytes(row.get(0)?), row.get(1)?);
        let mut placed = Placed { key, stages: BTreeMap::new() };
        let maps = &self.definitions.journeys;
        if self.definitions.models.contains(&Model::Journey) {
            let broken = |what: String| ReadModelError::corrupt(format!("customer {}: {what}", key.0));
            let bytes: Option<Vec<u8>> = row.get(2)?;
            let bytes = bytes.ok_or_else(|| broken("there is no state of the journey".to_owned()))?;
            let mut states = States::new(&[Model::Journey], maps);
            states.decode(Model::Journey, &bytes).map_err(|error| broken(error.to_string()))?;
            states.let_pass(self.clock(), maps, &mut Vec::new());
            for (map, progress) in states.journey.iter().flat_map(|journey| journey.by_map(maps)) {
                if let Some(place) = progress.place {
                    placed.stages.insert(map.name.clone(), map.stage(place.stage).name.clone());
                }
            }
        }
        Ok(Some((first, placed)))
    }
}
