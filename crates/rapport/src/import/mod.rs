//! Rows of files into touchpoints on the log: read, map, publish, and wait until they count.
//!
//! Memory is bounded: a few batches are read ahead and a few wait for their verdicts, whatever the size of the files.

mod catch_up;
mod field;
mod lines;
mod mapping;
mod mapping_field;
mod moment;
mod publish;
mod reader;
mod records;
mod rows;
mod source;
mod tally;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use rapport_touchpoint::{Violation, quote};
use tokio::sync::mpsc;

pub use mapping::{Mapping, MappingError};
pub use tally::Summary;

use crate::client::{ClientError, Connection};
use crate::progress;
use publish::Publisher;
use tally::Tally;

/// Batches that are read ahead of the stream.
const READ_AHEAD: usize = 2;

/// What to import and where to.
#[derive(Debug, Clone)]
pub struct Job {
    /// `-` is standard input.
    pub files: Vec<PathBuf>,
    /// `None`: each line is a CloudEvent in JSON.
    pub mapping: Option<Mapping>,
    /// Stop at the first bad row.
    pub strict: bool,
    /// `http://HOST:PORT`
    pub server: String,
    pub tenant: String,
    /// Until the read model has caught up.
    pub wait: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("cannot read {}: {source}", .file.display())]
    Open { file: PathBuf, source: io::Error },
    #[error("{file}: {problem}")]
    Header { file: String, problem: String },
    #[error("the mapping reads column {missing}, which {file} has not; it has: {columns}")]
    Column { file: String, missing: String, columns: String },
    #[error(
        "the mapping gives the rows of all these files the same ids; put {{file}} into touchpoint.id, such as \"{{file}}:{{line}}\", and give each file a name of its own"
    )]
    SameIds,
    #[error("{file} breaks off: {source}; what was read before it is published")]
    Read { file: String, source: io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(
        "no answer for {seconds} s ({cause}); {acknowledged} touchpoints are on the log. Run the same import again: what is there counts once"
    )]
    GaveUp { seconds: u64, cause: String, acknowledged: u64 },
    #[error("{url} gives {verdicts} verdicts for {events} events; is it a Rapport server of this version?")]
    Verdicts { url: String, events: usize, verdicts: usize },
    #[error("stopped at a bad row, as --strict says")]
    Strict,
    #[error("the touchpoints are on the log, but the projector stopped: {0}")]
    Fault(String),
    #[error("the touchpoints are on the log, but the read model stands still at position {position} of {target}")]
    Stuck { position: u64, target: u64 },
    #[error(
        "the touchpoints are on the log, but {url} folds no read model to wait for; --no-wait does not wait, and another \
         process answers: {told}"
    )]
    NoReadModel { url: String, told: String },
}

impl ImportError {
    /// Is it the command or the mapping that was wrong?
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Mapping(_) | Self::Open { .. } | Self::Header { .. } | Self::Column { .. } | Self::SameIds => true,
            Self::Client(error) => error.is_usage(),
            Self::Read { .. }
            | Self::GaveUp { .. }
            | Self::Verdicts { .. }
            | Self::Strict
            | Self::Fault(_)
            | Self::Stuck { .. }
            | Self::NoReadModel { .. } => false,
        }
    }
}

/// Imports; `summary` says what became of the rows, also when it fails. Bad rows are told on standard error.
pub async fn run(job: &Job, summary: &mut Summary) -> Result<(), ImportError> {
    let sources = source::open_all(&job.files)?;
    let names: BTreeSet<_> = sources.iter().map(|source| &source.name).collect();
    let blind = |mapping: &Mapping| mapping.is_blind_to_files(names.len() == sources.len());
    if sources.len() > 1 && job.mapping.as_ref().is_some_and(blind) {
        return Err(ImportError::SameIds);
    }
    let connection = Connection::open(&job.server).await?;
    let bar = progress::bytes(sources.iter().map(|source| source.bytes).sum());
    let mut tally = Tally::new(summary, bar.clone());
    let began = tally.began();

    let (batches, read) = mpsc::channel(READ_AHEAD);
    let (mapping, strict, reader_bar) = (job.mapping.clone(), job.strict, bar.clone());
    let reader =
        tokio::task::spawn_blocking(move || reader::read_all(sources, mapping.as_ref(), strict, &reader_bar, batches));
    let published = Publisher::new(&connection, &job.tenant, read, strict, &mut tally).run().await;
    bar.finish_and_clear();
    summary.elapsed = began.elapsed();
    published?;
    if strict && summary.bad() > 0 {
        return Err(ImportError::Strict);
    }
    match reader.await {
        Ok(read) => read?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
    if job.wait && summary.position > 0 {
        let bar = progress::positions("read model");
        catch_up::catch_up(&connection, &job.tenant, summary.position, &bar).await?;
        bar.finish_and_clear();
        summary.until_in_read_model = Some(began.elapsed());
    }
    Ok(())
}

fn too_long() -> Violation {
    Violation::new("row", format!("is longer than {} bytes", lines::MAX_LINE_BYTES))
}
