//! Who stood in one event with whom, over all events that count: the first event of each identifier and of each pair, and
//! which identifiers are void.

use rapport_customer::identity::{KindIndex, Role, Rules};

use super::error::{BulkError, Result};
use super::interned::{Interned, Number};
use super::sorting::{Record, Sorted, Sorter};
use super::spool::{Spool, Spooled};

/// Pairs that are remembered, so that one that is seen again and again is put aside once.
const PAIRS_REMEMBERED: usize = 1 << 18;

/// Gathers what events tell, in any order.
pub(super) struct Gathering<'a> {
    interned: &'a Interned,
    is_person: Vec<bool>,
    sights: Sorter,
    /// The earliest moment at which each identifier was met.
    earliest: Vec<u64>,
    pairs: Vec<Pair>,
}

#[derive(Clone, Copy)]
struct Pair {
    one: Number,
    partner: Number,
    /// The earliest moment at which it was seen since it is remembered.
    moment: u64,
}

/// In place of a partner: the event names the identifier at all. Partners are one more than their numbers.
const ITSELF: u32 = 0;
const NEVER: u64 = u64::MAX;

impl<'a> Gathering<'a> {
    pub fn new(interned: &'a Interned, rules: &Rules, sights: Sorter) -> Self {
        let nobody = Pair { one: Number::MAX, partner: Number::MAX, moment: NEVER };
        Self {
            interned,
            is_person: rules.kinds().map(|(_, kind)| kind.role == Role::Person).collect(),
            sights,
            earliest: vec![NEVER; interned.len()],
            pairs: vec![nobody; PAIRS_REMEMBERED],
        }
    }

    /// An event that counts.
    pub fn take(&mut self, named: impl Iterator<Item = Number> + Clone, key: &[u8]) -> Result<()> {
        let moment = key.first_chunk().map_or(0, |moment| u64::from_be_bytes(*moment));
        for one in named.clone() {
            let earliest = &mut self.earliest[one as usize];
            if moment <= *earliest {
                *earliest = moment;
                self.sights.push(&[&one.to_be_bytes(), &ITSELF.to_be_bytes(), key], &[])?;
            }
            for partner in named.clone() {
                let is_person = self.is_person[usize::from(self.interned.kind(partner).0)];
                if partner != one && is_person && self.is_news(one, partner, moment) {
                    self.sights.push(&[&one.to_be_bytes(), &(partner + 1).to_be_bytes(), key], &[])?;
                }
            }
        }
        Ok(())
    }

    /// May this be the first event of the pair?
    fn is_news(&mut self, one: Number, partner: Number, moment: u64) -> bool {
        let mixed = (u64::from(one) << 32 | u64::from(partner)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let known = &mut self.pairs[(mixed >> 40) as usize % PAIRS_REMEMBERED];
        if (known.one, known.partner) == (one, partner) && known.moment < moment {
            return false;
        }
        *known = Pair { one, partner, moment };
        true
    }

    pub fn gathered(self) -> Result<Sorted> {
        self.sights.sorted()
    }
}

/// What was gathered, each thing once.
pub(super) struct Sights {
    spooled: Spooled,
    /// By number: is it nobody's?
    pub void: Vec<bool>,
    /// By number: does any event that counts name it?
    pub met: Vec<bool>,
}

/// The first event that names an identifier, alone or with a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight<'a> {
    pub one: Number,
    pub partner: Option<Number>,
    pub key: &'a [u8],
}

impl<'a> Sight<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let parts = || {
            let (one, rest) = bytes.split_first_chunk()?;
            let (partner, key) = rest.split_first_chunk()?;
            let partner = u32::from_be_bytes(*partner).checked_sub(1);
            Some(Self { one: Number::from_be_bytes(*one), partner, key })
        };
        parts().ok_or_else(|| BulkError::torn("who stood with whom"))
    }
}

impl Sights {
    pub fn of(gathered: &Sorted, mut spool: Spool, interned: &Interned, rules: &Rules) -> Result<Self> {
        let mut void = vec![false; interned.len()];
        let mut met = vec![false; interned.len()];
        let mut merge = gathered.read()?;
        let mut last: Option<(Number, Option<Number>)> = None;
        let mut partners: Vec<u32> = vec![0; rules.kinds().count()];
        while let Some(Record { key, .. }) = merge.next()? {
            let sight = Sight::read(key)?;
            let Sight { one, partner, .. } = sight;
            // Of equal pairs the first event comes first.
            if last == Some((one, partner)) {
                continue;
            }
            if last.is_none_or(|(before, _)| before != one) {
                partners.fill(0);
            }
            last = Some((one, partner));
            spool.push(&[key])?;
            met[one as usize] = true;
            if let Some(partner) = partner {
                let KindIndex(kind) = interned.kind(partner);
                let count = &mut partners[usize::from(kind)];
                *count += 1;
                let own = interned.kind(one);
                void[one as usize] |= rules.kind(own).is_plural() && *count > rules.most_partners(own);
            }
        }
        Ok(Self { spooled: spool.written()?, void, met })
    }

    /// By identifier, itself first and then by partner.
    pub fn each(&self, mut take: impl FnMut(Sight<'_>) -> Result<()>) -> Result<()> {
        let mut reading = self.spooled.read()?;
        while let Some(bytes) = reading.next()? {
            take(Sight::read(bytes)?)?;
        }
        Ok(())
    }
}
