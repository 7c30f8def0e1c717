//! All customers, one after the other: folded on all cores while those before them are written.

use rayon::prelude::*;

use super::arranging::{self, Customers, Gathered};
use super::customer::{self, Folded, Terms};
use super::error::Result;
use super::settling::Settled;
use super::sorting::{Sorted, Sorter};
use super::taken::Watched;
use super::writer::Writer;
use super::{BulkPhase, writing};
use crate::CustomerKey;
use crate::advance::in_parts;
use crate::totals::Difference;

/// Of touchpoints that are folded at a time,
const AT_A_TIME_BYTES: usize = 2 * 1024 * 1024;
/// in so many pieces.
const PIECES: usize = 8;
/// Sums that are kept in memory.
const MOST_SUMS: usize = 50_000;

pub(super) struct Folding<'a, 'w> {
    pub settled: &'a Settled,
    pub terms: Terms<'a>,
    /// Where the read model stands after the build.
    pub position: u64,
    pub watched: &'a mut Watched<'w>,
    pub writer: &'a mut Writer,
    pub difference: Difference,
    pub labels: Sorter,
    /// Customers whose timelines are written and who are still to be folded.
    pub left: Vec<CustomerKey>,
    pub done: u64,
}

impl Folding<'_, '_> {
    /// Gives those who are still to be folded.
    pub fn fold(mut self, by_customer: &Sorted, most_bytes: usize) -> Result<Vec<CustomerKey>> {
        let mut customers = Customers::read(by_customer, most_bytes)?;
        let (mut gathered, mut bytes) = (Vec::new(), 0);
        while let Some(customer) = customers.next()? {
            for _ in &customer.touchpoints {
                self.watched.pass(BulkPhase::Folding, self.done)?;
                self.done += 1;
            }
            if customer.is_part {
                self.leave(customer)?;
                continue;
            }
            bytes += customer.bytes;
            gathered.push(customer);
            if bytes >= AT_A_TIME_BYTES {
                self.fold_some(std::mem::take(&mut gathered))?;
                bytes = 0;
            }
        }
        self.fold_some(gathered)?;
        self.write_sums()?;
        let labels = self.labels.sorted()?;
        self.writer.then(move |tx| writing::write_labels(tx, &labels))?;
        Ok(self.left)
    }

    /// Writes the timeline alone.
    fn leave(&mut self, Gathered { customer, touchpoints, .. }: Gathered) -> Result<()> {
        let customer = CustomerKey(customer);
        if self.left.last() != Some(&customer) {
            self.left.push(customer);
        }
        self.writer.then(move |tx| arranging::write(tx, &touchpoints))
    }

    fn fold_some(&mut self, gathered: Vec<Gathered>) -> Result<()> {
        let of_piece = gathered.len().div_ceil(PIECES).max(1);
        let pieces = in_parts(gathered, of_piece);
        let (settled, terms) = (self.settled, self.terms);
        let fold = |piece: Vec<Gathered>| {
            let mut difference = Difference::default();
            let fold = |gathered: Gathered| {
                let identity = settled.identity(gathered.customer, &terms.definitions.rules);
                customer::fold(gathered, identity, terms, &mut difference)
            };
            let folded = piece.into_iter().map(fold).collect::<crate::error::Result<Vec<Folded>>>()?;
            Ok::<_, super::BulkError>((folded, difference))
        };
        let pieces = pieces.into_par_iter().map(fold).collect::<Result<Vec<_>>>()?;
        for (folded, difference) in pieces {
            self.difference.add(difference);
            for customer in &folded {
                writing::put_labels_aside(customer, &mut self.labels)?;
            }
            let position = self.position;
            self.writer.then(move |tx| writing::write(tx, &folded, position))?;
        }
        if self.difference.totals.iter().count() > MOST_SUMS {
            self.write_sums()?;
        }
        Ok(())
    }

    fn write_sums(&mut self) -> Result<()> {
        let difference = std::mem::take(&mut self.difference);
        self.writer.then(move |tx| Ok(difference.write(tx)?))
    }
}
