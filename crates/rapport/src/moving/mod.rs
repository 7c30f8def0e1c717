//! Logs from one place to another, with their keys and times: moved to another backend, backed up, restored.
//!
//! All three are the same copy, record by record; what differs is where from and where to. A copy is held against its
//! original before it is finished.

mod backup;
mod error;
mod files;
mod manifest;
mod restore;

use rapport_log::{Extent, Fingerprint, LogConfig, LogCopy, Origin, Original, Tenant};

pub use backup::{Backup, back_up, verify};
pub use error::MoveError;
pub use manifest::{BackedUp, Manifest};
pub use restore::restore;

/// How far a copy is, for a progress bar.
#[derive(Debug, Clone, Copy)]
pub struct Copied {
    pub step: Step,
    pub records: u64,
    pub of: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Copying,
    /// Each record of both is looked at.
    Verifying,
}

/// A log that is there twice now.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub extent: Extent,
    pub fingerprint: Fingerprint,
    /// Records that an earlier run had copied.
    pub before: u64,
    /// Is each record where it was?
    pub keeps_positions: bool,
}

/// Whether what comes to the original meanwhile is copied too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    Left,
    Followed,
}

/// Copies a log to where there is none, or goes on with such a copy; holds both against each other, and finishes it.
pub async fn copy(
    original: &Original,
    tenant: &Tenant,
    target: &LogConfig,
    meanwhile: Meanwhile,
    tell: impl Fn(Copied),
) -> Result<Moved, MoveError> {
    let mut extent = original.extent().await?;
    let origin = Origin { tenant: tenant.clone(), epoch: original.epoch().clone(), extent };
    let mut copy = LogCopy::open(target, &origin).await?;
    let before = copy.written().await?.extent().await?.records;
    let (mut at, mut records) = (copy.after(), if copy.after().0 == 0 { 0 } else { before });
    loop {
        let mut chunks = original.read(at, extent.head).await?;
        while let Some(chunk) = chunks.next().await? {
            records += chunk.len() as u64;
            at = chunk.last().map_or(at, |last| last.record.position);
            copy.put(chunk).await?;
            tell(Copied { step: Step::Copying, records, of: extent.records });
        }
        let now = original.extent().await?;
        if meanwhile == Meanwhile::Left || now.head == extent.head {
            break;
        }
        extent = now;
    }
    tell(Copied { step: Step::Verifying, records: 0, of: extent.records });
    let written = copy.written().await?;
    let end = written.extent().await?;
    let (fingerprint, found) = (original.fingerprint(extent.head).await?, written.fingerprint(end.head).await?);
    if found != fingerprint {
        return Err(MoveError::Differs { tenant: tenant.clone(), records: fingerprint.records, found: found.records });
    }
    copy.finish().await?;
    let keeps_positions = (end.first, end.head) == (extent.first, extent.head);
    Ok(Moved { extent: Extent { records: fingerprint.records, ..extent }, fingerprint, before, keeps_positions })
}
