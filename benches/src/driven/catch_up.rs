//! A read model that catches up in this process, the projector's way: records off the log, decoded on all cores one batch
//! ahead, applied in order. Always event by event: a server may build a blank read model in bulk instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use rapport::hosting::Hosting;
use rapport_customer::{Definitions as OfTenant, Model};
use rapport_log::{Filter, Log, Position, Read, Record};
use rapport_readmodel::{Definitions, Incoming, Origin, ReadModel};
use rapport_touchpoint::Catalogue;
use rayon::prelude::*;

use super::MadeLog;
use crate::Result;
use crate::frame::Setting;

/// As the projector's batches: so many records or so many bytes, whichever comes first.
pub const BATCH_RECORDS: usize = 20_000;
pub const BATCH_BYTES: usize = 12 * 1024 * 1024;

/// What was folded, in which time.
#[derive(Debug, Clone, Copy)]
pub struct CaughtUp {
    pub events: u64,
    pub elapsed: Duration,
}

/// Under the standard definitions, these models and those that they build on.
pub fn definitions(models: &[Model]) -> Arc<Definitions> {
    let catalogue = Arc::new(Catalogue::built_in());
    let OfTenant { zone, rules, journeys, .. } = OfTenant::standard(&catalogue);
    Arc::new(Definitions { rules, zone, journeys, catalogue, models: Hosting::new(false, models).folded() })
}

/// The file of the read model that a server left behind.
pub fn serving_file(made: &MadeLog) -> Result<PathBuf> {
    let folder = made.read_model_folder();
    let current = std::fs::read_to_string(folder.join("current"))?;
    let generation: u32 = current.trim().parse()?;
    Ok(folder.join(format!("{generation:06}.db")))
}

/// From where the file stands to the end of the log.
pub fn catch_up(setting: &Setting, made: &MadeLog, file: &Path, models: &[Model]) -> Result<CaughtUp> {
    let log = setting.runtime.block_on(made.open())?;
    let caught_up = fold(setting, &log, made, file, models);
    setting.runtime.block_on(log.close());
    caught_up
}

fn fold(setting: &Setting, log: &Log, made: &MadeLog, file: &Path, models: &[Model]) -> Result<CaughtUp> {
    let epoch = log.epoch();
    let origin = Origin { tenant: made.tenant().to_owned(), epoch: epoch.id.to_string(), key: epoch.key };
    let definitions = definitions(models);
    let mut model = ReadModel::open(file, origin, definitions.clone())?;
    let began = Instant::now();
    let (decoded, to_apply) = sync_channel::<Vec<Incoming>>(1);
    let mut events = 0;
    std::thread::scope(|scope| -> Result<()> {
        let after = Position(model.checkpoint().position);
        let gathering = scope.spawn(move || {
            setting.runtime.block_on(gather(log, after, |batch| {
                let records = batch.into_par_iter().with_min_len(64);
                let decode = |Record { position, recorded_at, place, json, .. }: Record| {
                    Incoming::decode(position.0, recorded_at, place, &json, &definitions)
                };
                decoded.send(records.map(decode).collect()).is_ok()
            }))
        });
        for batch in to_apply {
            let records = batch.len() as u64;
            let fresh = model.apply(batch)?.fresh;
            if fresh != records {
                return Err(format!("of {records} touchpoints {fresh} counted").into());
            }
            events += fresh;
        }
        let gathered = gathering.join().map_err(|_| "reading the log broke off")?;
        Ok(gathered.map_err(|error| error.to_string())?)
    })?;
    Ok(CaughtUp { events, elapsed: began.elapsed() })
}

/// Gives batches until the log ends, or nobody takes them any more.
async fn gather(
    log: &Log,
    after: Position,
    mut give: impl FnMut(Vec<Record>) -> bool,
) -> std::result::Result<(), rapport_log::ReadError> {
    let mut reader = log.read(after, Filter::all()).await?;
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_RECORDS), 0);
    while let Some(read) = reader.next().await {
        match read? {
            Read::Record(record) => {
                bytes += record.json.len();
                batch.push(record);
                if batch.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
                    continue;
                }
                bytes = 0;
                if !give(std::mem::take(&mut batch)) {
                    return Ok(());
                }
            }
            Read::CaughtUp(_) => break,
        }
    }
    if !batch.is_empty() {
        give(batch);
    }
    Ok(())
}
