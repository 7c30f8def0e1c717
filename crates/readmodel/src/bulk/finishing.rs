//! All records are taken: what counts, who is who, what each customer comes to, and then the file is put in its place.

use std::fs;
use std::path::Path;

use rapport_touchpoint::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::customer::Terms;
use super::error::{Result, in_file};
use super::file::Indexes;
use super::folding::Folding;
use super::settling::Settling;
use super::standing::{self, Judged};
use super::taken::{Taken, Watched};
use super::writer::Writer;
use super::{Built, BulkBuild, BulkProgress, Decision, FILE, arranging, file};
use crate::apply::ReadModel;
use crate::checkpoint::{self, FencePoint};
use crate::decisions::Decided;
use crate::parked::{self, ParkedEvent};
use crate::totals::{self, Difference};

/// Where the read model stands when it is built.
struct Stand {
    fence: Vec<FencePoint>,
    duplicates: u64,
    clock: Timestamp,
    is_kept: bool,
}

impl BulkBuild {
    /// Folds all that was taken, lets silence fall up to `until`, and puts the file in its place.
    pub fn finish(self, until: Timestamp, goes_on: &mut dyn FnMut(BulkProgress) -> bool) -> Result<Built> {
        self.scratch.check_room(self.room_needed())?;
        let position = self.position();
        let Self { scratch, path, definitions, origin, spacing, bounds, model, mut labels, is_kept, .. } = self;
        let connection = model.into_connection();
        let (indexes, others) = file::prepare(&connection)?.part(&["identifiers", "links", "claims", "claimants"]);
        let flushing = is_kept.then(|| file::Flushing::start(&scratch.path(FILE)));
        let mut writer = Writer::start(connection);

        let names = self.names.sorted()?;
        let judged = Judged::of(&names, scratch.sorter("dropped"))?;
        writer.then(move |tx| standing::write(tx, &names))?;
        let (told, touchpoints) = (self.told.written()?, self.touchpoints.written()?);
        let taken = Taken { told, touchpoints, judged, as_of: self.as_of };
        let mut watched = Watched { goes_on, total: taken.told.records() };

        let settling = Settling {
            scratch: &scratch,
            definitions: &definitions,
            tenant_key: origin.key,
            taken: &taken,
            watched: &mut watched,
            writer: &mut writer,
        };
        let settled = settling.settle(self.interned, &mut labels)?;
        writer.then(move |tx| indexes.make(tx))?;
        crash_point!("bulk/settled");
        let arranged = arranging::arrange(&taken, &settled, &labels, &scratch, (&mut watched, &mut writer))?;
        let judged = taken.remove()?;
        let by_anchor = arranged.by_anchor;
        writer.then(move |tx| arranging::write_shared(tx, &by_anchor))?;
        crash_point!("bulk/arranged");

        let folding = Folding {
            settled: &settled,
            terms: Terms { definitions: &definitions, spacing, clock: until },
            position,
            watched: &mut watched,
            writer: &mut writer,
            difference: Difference { totals: labels.totals(), ..Difference::default() },
            labels: scratch.sorter("labels"),
            left: Vec::new(),
            done: 0,
        };
        let left = folding.fold(&arranged.by_customer, bounds.customer_bytes)?;
        let (decided, parked) = sort_out(self.decisions, &judged)?;
        writer.then(move |tx| Ok(parked.iter().try_for_each(|event| parked::park(tx, event))?))?;
        let connection = writer.finish()?;
        crash_point!("bulk/written");
        let stand = Stand { fence: self.fence, duplicates: judged.duplicates, clock: until, is_kept };
        complete(connection, &others, &stand)?;
        drop(flushing);

        let file = scratch.path(FILE);
        let mut model = ReadModel::open_with(&file, origin, definitions, spacing)?;
        model.fold_stored(&left)?;
        model.decide(&decided)?;
        let touchpoints = totals::sum(&model.into_connection(), "touchpoints")?;
        if is_kept {
            ReadModel::sync(&file)?;
        }
        crash_point!("bulk/complete");
        put_in_place(&file, &path)?;
        crash_point!("bulk/in-place");
        let first_conflicts = judged.first_conflicts()?;
        Ok(Built {
            position,
            records: self.records,
            touchpoints: u64::try_from(touchpoints).unwrap_or_default(),
            duplicates: judged.duplicates,
            conflicts: judged.conflicts,
            first_conflicts,
        })
    }

    /// For the touchpoints by customer, and the file.
    fn room_needed(&self) -> u64 {
        3 * (self.told.bytes() + self.touchpoints.bytes())
    }
}

/// Decisions that count, and those that are parked, in the order of the log.
fn sort_out(decisions: Vec<Decision>, judged: &Judged) -> Result<(Vec<Decided>, Vec<ParkedEvent>)> {
    let (mut decided, mut parked) = (Vec::new(), Vec::new());
    let mut verdicts = judged.verdicts()?;
    for Decision { record, decision } in decisions {
        let position = record.position;
        match verdicts.of(position)? {
            standing::Verdict::Stands => decided.push(Decided { position, decision }),
            verdict => {
                let (order, event_type) = (decision.order.clone(), decision.event_type().to_string());
                let park = |reason| record.as_parked((order.source, order.id), event_type, reason);
                parked.extend(verdict.reason().map(park));
            }
        }
    }
    Ok((decided, parked))
}

/// Indexes all rows, says how far the log is folded in, and puts all of it on the disk if it is kept.
fn complete(mut connection: Connection, indexes: &Indexes, stand: &Stand) -> Result<()> {
    if stand.is_kept {
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    indexes.make(&tx)?;
    crash_point!("bulk/indexed");
    checkpoint::set(&tx, &stand.fence, stand.clock, stand.duplicates)?;
    tx.commit()?;
    Ok(())
}

/// Whole or not at all.
fn put_in_place(file: &Path, path: &Path) -> Result<()> {
    fs::rename(file, path).map_err(in_file(path))?;
    let Some(folder) = path.parent() else { return Ok(()) };
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(in_file(folder))
}
