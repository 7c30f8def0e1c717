//! Is a read model in itself what it says it is? For one that was built and that nobody asked yet.

use rapport_customer::Model;

use crate::error::Result;
use crate::picture::{GoesOn, Picture};
use crate::totals;

/// What of a read model does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The digest that is stored is not what states and facts come to.
    Digest(Model),
    /// Facts that are nobody's.
    Strays(u64),
    /// A sum over all customers is not what the customers come to.
    Sum { name: &'static str, stored: i128, counted: i128 },
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digest(model) => write!(f, "the digest of the {} is not what its states come to", model.name()),
            Self::Strays(facts) => write!(f, "{facts} facts are nobody's"),
            Self::Sum { name, stored, counted } => {
                write!(f, "the sum of {name} is {stored}, and the customers come to {counted}")
            }
        }
    }
}

impl Picture {
    /// Reads everyone's states and facts, and adds them up on all cores. `None` if nobody waits for it any more. Nobody may
    /// write the file meanwhile.
    pub fn flaws(&self, goes_on: GoesOn<'_>) -> Result<Option<Vec<Flaw>>> {
        let Some(recomputed) = self.recompute_together(goes_on)? else { return Ok(None) };
        let stored = self.stored_digests()?;
        let differs = |model: &Model| stored.get(model) != recomputed.digests.get(model);
        let mut flaws: Vec<Flaw> =
            self.definitions.models.iter().filter(|model| differs(model)).map(|model| Flaw::Digest(*model)).collect();
        if recomputed.strays > 0 {
            flaws.push(Flaw::Strays(recomputed.strays));
        }
        let mut sums = vec![("customers", recomputed.customers)];
        if self.definitions.models.contains(&Model::Profile) {
            sums.push(("events", recomputed.events));
        }
        for (name, counted) in sums {
            let (stored, counted) = (totals::sum(&self.connection, name)?, i128::from(counted));
            if stored != counted {
                flaws.push(Flaw::Sum { name, stored, counted });
            }
        }
        Ok(Some(flaws))
    }
}
