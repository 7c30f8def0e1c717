//! What a log knows about one event name (source and id): the bodies that came under it, and where.

use rapport_touchpoint::BodyHash;

use crate::{Appended, Position};

/// [`Order::name_hash`](rapport_touchpoint::Order::name_hash).
pub(crate) type Name = [u8; 16];

/// The bodies known under one name.
#[derive(Debug, Default)]
pub(crate) struct Bodies(Vec<(BodyHash, Position)>);

/// How an event stands to what is known under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// To be written.
    New { first: Option<Position> },
    /// On the log already.
    Known(Appended),
}

impl Bodies {
    pub(crate) fn add(&mut self, body: BodyHash, position: Position) {
        self.0.push((body, position));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn standing(&self, body: BodyHash) -> Standing {
        let first = self.0.iter().map(|(_, position)| *position).min();
        let here = self.0.iter().find(|(known, _)| *known == body).map(|(_, position)| *position);
        match (here, first) {
            (Some(position), Some(first)) if position > first => {
                Standing::Known(Appended::Conflict { position, first })
            }
            (Some(position), _) => Standing::Known(Appended::Duplicate(position)),
            (None, first) => Standing::New { first },
        }
    }
}

/// The verdict on an event that was written at `position` with `first` before it under the same name.
pub(crate) fn written(position: Position, first: Option<Position>) -> Appended {
    match first {
        Some(first) => Appended::Conflict { position, first },
        None => Appended::Accepted(position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_body_stands_and_others_are_conflicts() {
        let (one, two, three) = (BodyHash([1; 16]), BodyHash([2; 16]), BodyHash([3; 16]));
        let mut bodies = Bodies::default();
        assert_eq!(bodies.standing(one), Standing::New { first: None });
        bodies.add(two, Position(7));
        bodies.add(one, Position(5));
        assert_eq!(bodies.standing(one), Standing::Known(Appended::Duplicate(Position(5))));
        let conflict = Appended::Conflict { position: Position(7), first: Position(5) };
        assert_eq!(bodies.standing(two), Standing::Known(conflict));
        assert_eq!(bodies.standing(three), Standing::New { first: Some(Position(5)) });
    }
}
