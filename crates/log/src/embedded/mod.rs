//! The log in a file of this machine: SQLite with one writer thread that commits in groups whatever is waiting.

mod copying;
mod files;
mod kinds;
mod names;
mod original;
mod reader;
mod schema;
mod writer;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rapport_touchpoint::limits::MAX_EVENT_BYTES;
use rapport_touchpoint::{Channel, EventType};
use tokio::sync::watch;

pub use self::copying::Copying;
use self::copying::UNFINISHED;
use self::files::Files;
use self::kinds::Kinds;
pub use self::original::Original;
pub(crate) use self::reader::Reader;
use self::writer::Writer;
use crate::queue::{Queue, Verdict, WAITING_BYTES, queue};
use crate::{Batch, Epoch, Filter, OpenError, Position, ReadError, Tenant};

/// How long an append waits for the disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// Verdicts are exact: every event name that was ever appended is remembered.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    path: PathBuf,
    epoch: Epoch,
    queue: Queue,
    kinds: Kinds,
    files: Files,
    head: watch::Receiver<Position>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    pub(crate) async fn open(folder: &Path, tenant: &Tenant) -> Result<Self, OpenError> {
        let (folder, tenant) = (folder.join(tenant.as_str()), tenant.clone());
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&folder, &tenant)).await;
        opened.unwrap_or_else(|stopped| Err(OpenError::Writer { source: std::io::Error::other(stopped) }))
    }

    fn open_blocking(folder: &Path, tenant: &Tenant) -> Result<Self, OpenError> {
        make(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        let (path, unfinished) = (folder.join("log.db"), folder.join(UNFINISHED));
        if unfinished.exists() && !path.exists() {
            return Err(OpenError::Unfinished { place: unfinished.display().to_string() });
        }
        let opened = schema::open(&path, tenant)?;
        let (queue, jobs) = queue(MAX_EVENT_BYTES, WAITING_BYTES, PATIENCE);
        let (head_sender, head) = watch::channel(opened.head);
        let kinds = Kinds::new(opened.kinds.clone());
        let (epoch, files) = (opened.epoch.clone(), opened.files.clone());
        let writer = Writer::new(opened, kinds.clone(), head_sender);
        let thread = std::thread::Builder::new()
            .name(format!("log-{tenant}"))
            .spawn(move || writer.run(jobs))
            .map_err(|source| OpenError::Writer { source })?;
        Ok(Self(Arc::new(Inner { path, epoch, queue, kinds, files, head, writer: Mutex::new(Some(thread)) })))
    }

    pub(crate) async fn append(&self, batch: Batch) -> Vec<Verdict> {
        self.0.queue.append(batch).await
    }

    pub(crate) fn read(&self, after: Position, filter: Filter) -> Result<Reader, ReadError> {
        let head = self.head()?;
        if after > head {
            return Err(ReadError::BeyondHead { after, head });
        }
        Ok(Reader::start(self.0.path.clone(), after, filter, self.0.kinds.clone(), self.0.head.clone()))
    }

    pub(crate) fn head(&self) -> Result<Position, ReadError> {
        match self.0.files.lost() {
            Some(path) => Err(ReadError::Lost { path: path.to_owned() }),
            None => Ok(*self.0.head.borrow()),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.files.bytes()
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.0.epoch
    }

    pub(crate) fn kinds(&self) -> BTreeSet<(Channel, EventType)> {
        self.0.kinds.of_touchpoints()
    }

    pub(crate) async fn close(self) {
        self.0.queue.close();
        let thread = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
        {
            tracing::error!(path = %self.0.path.display(), "the log's writer did not end well");
        }
    }
}

/// Makes the folder, and those that it lies in. SQLite syncs the names of its files; that the folder is there at all is
/// synced here, also if a run that ended too early had made it: a log is no safer than the folder that it lies in.
fn make(folder: &Path) -> std::io::Result<()> {
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !above.is_dir() {
        make(above)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if !folder.is_dir() => return Err(error),
        _ => {}
    }
    File::open(above)?.sync_all()
}
