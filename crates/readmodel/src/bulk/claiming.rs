//! Claims on devices: put into the order of the table, and whose each shared device was at any moment.

use std::collections::BTreeSet;

use rapport_customer::identity::{Claim, Visit, spans};
use rapport_touchpoint::OrderKey;
use rusqlite::Transaction;

use super::clusters::Root;
use super::error::{BulkError, Result};
use super::interned::Number;
use super::placing::{Placed, Shared, as_key};
use super::sorting::{Record, Sorted, Sorter};
use super::told::Named;
use crate::claims;

/// Gathers claims, in any order.
pub(super) struct Claiming<'a> {
    placed: &'a Placed,
    claims: Sorter,
    on_shared: Sorter,
}

impl<'a> Claiming<'a> {
    pub fn new(placed: &'a Placed, claims: Sorter, on_shared: Sorter) -> Self {
        Self { placed, claims, on_shared }
    }

    /// An event that counts.
    pub fn take(&mut self, named: Named<'_>, key: &[u8]) -> Result<()> {
        let placed = self.placed;
        let Some(anchor) = placed.owners.anchor(named.iter()) else { return Ok(()) };
        for device in placed.owners.claimed(anchor, named.iter()) {
            let device_key = placed.key(device).to_be_bytes();
            self.claims.push(&[&device_key, key], &[&placed.key(anchor).to_be_bytes()])?;
            if placed.is_shared(device) {
                let by = placed.root(anchor).to_be_bytes();
                self.on_shared.push(&[&device.to_be_bytes(), key], &[&by])?;
            }
        }
        Ok(())
    }

    /// All claims by device, and what they say of the shared ones.
    pub fn gathered(self, visit: Visit) -> Result<(Sorted, Shared)> {
        let on_shared = self.on_shared.sorted()?;
        let mut merge = on_shared.read()?;
        let mut shared = Shared::default();
        let mut of_device: Option<(Number, Vec<Claim<Root>>)> = None;
        while let Some(record) = merge.next()? {
            let (device, event, by) = claim(record)?;
            if let Some((before, claims)) = of_device.take_if(|(before, _)| *before != device) {
                shared.add(before, spans(claims, visit))?;
            }
            let (_, claims) = of_device.get_or_insert_with(|| (device, Vec::new()));
            push(claims, Claim { event, by });
        }
        if let Some((device, claims)) = of_device {
            shared.add(device, spans(claims, visit))?;
        }
        Ok((self.claims.sorted()?, shared))
    }
}

/// Of the claims of one customer that follow each other, the first and the last say it all.
fn push(claims: &mut Vec<Claim<Root>>, claim: Claim<Root>) {
    match &mut claims[..] {
        [.., first, last] if first.by == claim.by && last.by == claim.by => *last = claim,
        _ => claims.push(claim),
    }
}

fn claim(Record { key, rest }: Record<'_>) -> Result<(u32, OrderKey, u32)> {
    let parts = || {
        let (device, event) = key.split_first_chunk()?;
        let by = u32::from_be_bytes(rest.try_into().ok()?);
        Some((u32::from_be_bytes(*device), OrderKey::from_bytes(event.to_vec()), by))
    };
    parts().ok_or_else(|| BulkError::torn("a claim"))
}

/// Writes all claims, and who claimed what, which is put into its order by `claimants`.
pub(super) fn write(tx: &Transaction<'_>, by_device: &Sorted, mut claimants: Sorter) -> Result<()> {
    let mut merge = by_device.read()?;
    let mut rows = claims::Inserting::into(tx)?;
    let (mut of_device, mut anchors) = (0, BTreeSet::new());
    while let Some(record) = merge.next()? {
        let (device, event, anchor) = claim(record)?;
        if device != of_device {
            anchors.clear();
            of_device = device;
        }
        if anchors.insert(anchor) {
            claimants.push(&[&anchor.to_be_bytes(), &device.to_be_bytes()], &[])?;
        }
        rows.insert(as_key(device), &Claim { event, by: as_key(anchor) }, false)?;
    }
    let by_anchor = claimants.sorted()?;
    let mut merge = by_anchor.read()?;
    while let Some(Record { key, .. }) = merge.next()? {
        let (anchor, device) = pair(key).ok_or_else(|| BulkError::torn("who claimed what"))?;
        claims::insert_claimant(tx, as_key(anchor), as_key(device), false)?;
    }
    Ok(())
}

fn pair(key: &[u8]) -> Option<(u32, u32)> {
    let (anchor, device) = key.split_first_chunk()?;
    Some((u32::from_be_bytes(*anchor), u32::from_be_bytes(device.try_into().ok()?)))
}
