//! One customer at a past moment: what could touch who has a name is gathered, and folded by itself into memory.
//!
//! It is folded by the same code, and asked the same questions. So an answer is that of a read model which was told of the
//! events of the moment and of no others.

mod gathering;
mod moment;

use std::path::Path;

use rapport_touchpoint::Identifier;
use thiserror::Error;

use self::gathering::{Gathered, Gathering};
use super::{Answer, CustomerName, Reader};
use crate::apply::ReadModel;
use crate::error::Result;

pub use moment::{KnownAt, Moment};

/// Identifiers that one customer's past may touch.
const MOST_IDENTIFIERS: usize = 10_000;
/// Touchpoints that are folded for it,
const MOST_TOUCHPOINTS: usize = 50_000;
/// and their bytes.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Why one customer's past cannot be told without everybody else's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Entangled {
    #[error("it takes more than {most} {what} to tell who this was")]
    TooMuch { what: &'static str, most: usize },
    #[error("too many share {0} today for it to be anybody's, and it may have been somebody's then")]
    Void(Identifier),
}

impl Reader {
    /// A reader that knows who had this name at a moment, and of nobody else for certain. Its position says nothing, and its
    /// clock is that of the moment.
    pub fn past_of(
        &self,
        name: &CustomerName,
        moment: &Moment,
    ) -> Result<Answer<std::result::Result<Self, Entangled>>> {
        let Answer { position, clock, due, content } = self.ask(|connection| {
            match self.named_by(connection, name)? {
                Some(named) => Gathering::of(connection, &self.shared.definitions, moment).gather(named),
                // Nobody has the name today, so nobody had it then.
                None => Ok(Ok(Gathered::default())),
            }
        })?;
        let content = match content {
            Ok(gathered) => Ok(self.fold_by_itself(gathered, moment)?),
            Err(entangled) => Err(entangled),
        };
        Ok(Answer { position, clock, due, content })
    }

    fn fold_by_itself(&self, gathered: Gathered, moment: &Moment) -> Result<Self> {
        let (origin, definitions) = (self.shared.origin.clone(), self.shared.definitions.clone());
        let mut model = ReadModel::open(Path::new(":memory:"), origin.clone(), definitions.clone())?;
        model.take_for_void(&gathered.void)?;
        model.apply(gathered.records)?;
        while model.let_pass(moment.clock())?.is_some() {}
        Ok(Self::on(model.into_connection(), origin, definitions))
    }
}
