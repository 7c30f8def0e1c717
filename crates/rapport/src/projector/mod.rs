//! The projector: folds one tenant's log into its read model, for as long as the process lives.
//!
//! records → batch → decode on all cores → one transaction → a new position that queries wait for.

mod background;
mod batch;
mod bulk;
mod changes;
mod fence;
mod folding;
mod foresight;
mod generations;
mod lock;
mod measure;
mod memory;
mod past;
mod preview;
mod projection;
mod readiness;
mod rebuild;
mod retry;
mod scratch;
mod serving;
mod source;
mod supervisor;
mod traced;
mod verify;
mod waiting;
mod whatif;

use std::path::PathBuf;

use rapport_log::{Position, ReadError};
use rapport_readmodel::ReadModelError;
use thiserror::Error;

pub use bulk::{BulkFoldError, BulkStep};
pub use changes::{ChangeSet, Changes};
pub use past::{KnownBy, PreparedPast};
pub use preview::Previewed;
pub use projection::{Live, NotYet, Projection, Setup};
pub use rapport_readmodel::BulkError;
pub use rebuild::{RebuildError, RebuildProgress, Updates};
pub use retry::LookUpError;
pub use scratch::{Phase, ScratchError, ScratchProgress, ScratchUpdate, ScratchUpdates};
pub use source::Source;
pub(crate) use source::shown;
pub use verify::{ConflictingBodies, ModelDigests, Verified};
pub use whatif::{SupposeError, Supposed, Supposition};

#[derive(Debug, Error)]
pub enum ProjectorError {
    #[error(transparent)]
    ReadModel(#[from] ReadModelError),
    #[error("the log cannot be read: {0}")]
    Log(#[from] ReadError),
    #[error("read model {path} cannot be kept: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(
        "the read model was folded up to position {checkpoint}, but the log ends at {head}: the log lost its tail or is \
         another one. Bring the log back, or move {path} away to build the read model anew from what is left"
    )]
    LogLostItsTail { checkpoint: Position, head: Position, path: PathBuf },
    #[error(
        "position {at} of the log is not the record that was folded in ({}): the log was changed or replaced. Bring the \
         log back, or move {path} away to build the read model anew", agrees(.agrees_up_to)
    )]
    LogChanged { at: Position, agrees_up_to: Option<Position>, path: PathBuf },
    #[error(
        "the read model in {} is in use by another process; give each projector models of its own (--models) or a data \
         folder of its own (--data)", folder.display()
    )]
    Locked { folder: PathBuf },
    #[error("the threads that answer queries cannot be started: {source}")]
    Threads { source: std::io::Error },
    #[error("the log cannot be folded in bulk: {0}")]
    Bulk(#[from] BulkFoldError),
    #[error("generation {generation} is not what it says it is: {flaws}")]
    Unsound { generation: u32, flaws: String },
    #[error("the definitions cannot be written to {}: {source}", path.display())]
    Definitions { path: PathBuf, source: std::io::Error },
    #[error("a step of the projector broke off")]
    BrokenOff,
}

fn agrees(up_to: &Option<Position>) -> String {
    match up_to {
        Some(position) => format!("the two agree at position {position}"),
        None => "the two agree nowhere".to_owned(),
    }
}
