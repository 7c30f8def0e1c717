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

use indicatif::ProgressBar;
use rapport_touchpoint::{Violation, quote};
use serde_json::Value;
use tokio::sync::mpsc;

pub use mapping::{Mapping, MappingError};
pub use tally::Summary;

use crate::client::{ClientError, Connection};
use crate::progress;
use publish::Publisher;
use reader::Batch;
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
    let (mapping, strict, reader_bar) = (job.mapping.clone(), job.strict, bar.clone());
    let read = move |batches| reader::read_all(sources, mapping.as_ref(), strict, &reader_bar, batches);
    let target = Target { connection: &connection, tenant: &job.tenant, strict, wait: job.wait };
    publish(&target, bar, summary, read).await
}

/// Publishes events that this program makes, in their order, and waits until they count; the first that the server does
/// not take stops it. `name` stands for a file's in messages.
pub async fn run_made(
    events: impl ExactSizeIterator<Item = Value> + Send + 'static,
    name: &'static str,
    server: &str,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let connection = Connection::open(server).await?;
    let bar = progress::touchpoints(events.len() as u64);
    let reader_bar = bar.clone();
    let read = move |batches| {
        reader::read_made(events, name, &reader_bar, batches);
        Ok(())
    };
    publish(&Target { connection: &connection, tenant: "", strict: true, wait: true }, bar, summary, read).await
}

/// Publishes touchpoints of another log as they stand there, each with its position, and waits until they count. `name`
/// stands for a file's in messages, and the position for a line's.
pub async fn run_copied(
    touchpoints: impl Iterator<Item = (u64, String)> + Send + 'static,
    name: String,
    connection: &Connection,
    tenant: &str,
    summary: &mut Summary,
) -> Result<(), ImportError> {
    let read = move |batches| {
        reader::read_copied(touchpoints, &name, batches);
        Ok(())
    };
    // How far it is shows the one who reads the other log.
    let bar = ProgressBar::hidden();
    publish(&Target { connection, tenant, strict: false, wait: true }, bar, summary, read).await
}

struct Target<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    strict: bool,
    wait: bool,
}

/// Publishes what `read` puts into batches, on a thread of its own.
async fn publish(
    target: &Target<'_>,
    bar: ProgressBar,
    summary: &mut Summary,
    read: impl FnOnce(mpsc::Sender<Batch>) -> Result<(), ImportError> + Send + 'static,
) -> Result<(), ImportError> {
    let Target { connection, tenant, strict, wait } = *target;
    let mut tally = Tally::new(summary, bar.clone());
    let began = tally.began();
    let (batches, waiting) = mpsc::channel(READ_AHEAD);
    let reader = tokio::task::spawn_blocking(move || read(batches));
    let published = Publisher::new(connection, tenant, waiting, strict, &mut tally).run().await;
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
    if wait && summary.position > 0 {
        let bar = progress::positions("read model");
        catch_up::catch_up(connection, tenant, summary.position, &bar).await?;
        bar.finish_and_clear();
        summary.until_in_read_model = Some(began.elapsed());
    }
    Ok(())
}

fn too_long() -> Violation {
    Violation::new("row", format!("is longer than {} bytes", lines::MAX_LINE_BYTES))
}
