//! One tenant's read model as the services see it: the generation that serves, how far it is, and how to get a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rapport_customer::Model;
use rapport_log::Log;
use rapport_readmodel::{CustomerKey, CustomerName, Definitions, Origin, Reader, Standing, Tenure};
use rapport_touchpoint::Timestamp;
use thiserror::Error;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::ProjectorError;
use super::changes::{ChangeSet, Changes};
use super::folding::Folded;
use super::generations::Generations;
use super::lock::Lock;
use super::memory::Memory;
use super::past::Kept;
use super::rebuild::{RebuildError, RebuildProgress, Request, Updates, Wish};
use super::scratch::{Place, Scratch};
use super::serving::Serving;
use super::source::Source;
use super::supervisor::{Idle, Supervisor};
use crate::clock::Clock;
use crate::metrics::FoldMetrics;
use crate::traces::FoldTraces;

/// What a projector folds, and where to.
#[derive(Clone)]
pub struct Setup {
    pub log: Log,
    pub origin: Origin,
    pub definitions: Arc<Definitions>,
    pub clock: Clock,
    pub changes: Arc<Changes>,
    /// The folder of this read model's files.
    pub folder: PathBuf,
    /// The definitions as they were written.
    pub source: Arc<Source>,
    /// Where the tenant keeps them, if they are its own.
    pub definitions_file: Option<PathBuf>,
    pub(crate) metrics: FoldMetrics,
    pub(crate) traces: FoldTraces,
}

/// What serves now.
#[derive(Clone)]
pub struct Live {
    pub generation: u32,
    pub reader: Reader,
    /// Everything on the log up to here is in it.
    pub position: u64,
    /// Up to which moment silence has fallen.
    pub(super) clock: Timestamp,
    /// At or before the next silence that changes something.
    pub(super) due: Option<Timestamp>,
    /// The end of the log as far as the projector knows.
    pub head: u64,
    /// The end of the log when the projector started: from there on it is ready.
    pub goal: u64,
    pub(super) memory: Memory,
    /// What keeps it from going on, if anything does.
    pub fault: Option<String>,
    /// What is in the making to take its place.
    pub building: Option<RebuildProgress>,
    /// The fingerprint of the definitions in force.
    pub wanted: [u8; 16],
    /// This one was folded under others than these.
    pub is_superseded: bool,
    /// It began empty, since what there was before cannot be read.
    pub began_anew: bool,
    /// Why the last one that was built does not serve, until one does.
    pub not_built: Option<String>,
    /// The one before, to go back to.
    pub previous: Option<u32>,
}

impl Live {
    /// What was said of this customer, if that is still true, and where the read model stands by which it is.
    pub fn recall(&self, name: &CustomerName) -> Option<(Bytes, Standing)> {
        let now = Standing { position: self.position, clock: self.clock, due: self.due };
        self.memory.answers.recall(name, now)
    }

    /// Keeps what was found, as it goes over the wire, until the customer changes.
    pub fn remember(&self, name: (&CustomerName, Tenure), customer: CustomerKey, at: Standing, answer: Bytes) {
        let bytes = answer.len();
        self.memory.answers.remember(name, customer, at, (answer, bytes));
    }
}

/// The read model did not get that far in time.
#[derive(Debug, Clone, Error)]
#[error("min_position: the read model is at {position} and not yet at {wanted}; the log ends at {head}")]
pub struct NotYet {
    pub wanted: u64,
    pub position: u64,
    pub head: u64,
}

/// A handle on the projector of one tenant.
pub struct Projection {
    models: Vec<Model>,
    changes: Arc<Changes>,
    live: watch::Receiver<Live>,
    requests: mpsc::Sender<Request>,
    pub(super) log: Log,
    pub(super) metrics: FoldMetrics,
    origin: Origin,
    clock: Clock,
    pub(super) source: Arc<Source>,
    pub(super) definitions_file: Option<PathBuf>,
    pub(super) verifying: Place,
    pub(super) previewing: Place,
    pub(super) supposing: Place,
    pub(super) preparing: Place,
    pub(super) pasts: Arc<Kept>,
}

impl Projection {
    /// Opens what serves and starts to fold. If that was folded under other definitions than those in force, a generation
    /// under these is built beside it and takes its place.
    pub async fn start(setup: Setup, stopping: CancellationToken) -> Result<Self, ProjectorError> {
        let files = Generations::open(setup.folder.clone())?;
        let lock = Lock::of(&setup.folder).await?;
        let serving = Serving::open(&setup, &files).await?;
        let generation = serving.generation;
        files.set_current(generation)?;
        let previous = files.previous(generation);
        files.remove_all_but(&[Some(generation), previous].into_iter().flatten().collect::<Vec<_>>());
        files.clear_scratch();
        let (folding, reader) = (serving.folding, serving.reader);
        let (Standing { position, clock, due }, head) = (folding.standing()?, folding.head());
        tracing::info!(tenant = %setup.origin.tenant, generation, position, head, "the read model is open");
        let wanted = setup.definitions.fingerprint();
        let is_superseded = reader.definitions().fingerprint() != wanted;
        let live = Live {
            generation,
            reader,
            position,
            clock,
            due,
            head,
            goal: head,
            memory: folding.memory(),
            fault: None,
            building: None,
            wanted,
            is_superseded,
            began_anew: serving.begins_anew,
            not_built: None,
            previous,
        };
        let (live, receiver) = watch::channel(live);
        let (progress, folded) = watch::channel(Folded { position, clock, due, head, ..Folded::default() });
        setup.changes.serve(generation);
        let (requests, asked) = mpsc::channel(1);
        let pasts = Arc::new(Kept::open(&setup.folder, setup.origin.clone(), live.borrow().reader.definitions()));
        let place = |what| Place::new(what, &setup.folder, stopping.clone());
        let projection = Self {
            models: setup.definitions.models.clone(),
            changes: setup.changes.clone(),
            live: receiver,
            requests,
            log: setup.log.clone(),
            metrics: setup.metrics.clone(),
            origin: setup.origin.clone(),
            clock: setup.clock.clone(),
            source: setup.source.clone(),
            definitions_file: setup.definitions_file.clone(),
            verifying: place("verify"),
            previewing: place("preview"),
            supposing: place("whatif"),
            preparing: place("preparation"),
            pasts,
        };
        let idle = Idle { folding, progress, setup: serving.setup };
        let mut supervisor = Supervisor::new((setup, files, lock), live, (idle, folded), asked);
        supervisor.begin().await;
        tokio::spawn(supervisor.run(stopping));
        Ok(projection)
    }

    pub fn live(&self) -> Live {
        self.live.borrow().clone()
    }

    /// What it folds.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// Whom each transaction changes, from now on.
    pub fn changes(&self) -> broadcast::Receiver<Arc<ChangeSet>> {
        self.changes.subscribe()
    }

    /// What serves, whenever that gets further.
    pub fn watch(&self) -> watch::Receiver<Live> {
        self.live.clone()
    }

    /// Returns when nothing is folded any more, after it was told to stop.
    pub async fn closed(&self) {
        self.requests.closed().await;
        self.verifying.ended().await;
        self.previewing.ended().await;
        self.supposing.ended().await;
        self.preparing.ended().await;
    }

    /// What it takes to fold the log anew under these definitions, beside what serves now.
    pub(super) fn scratch(&self, definitions: Arc<Definitions>) -> Scratch {
        Scratch {
            log: self.log.clone(),
            origin: self.origin.clone(),
            definitions,
            serving: self.live().reader,
            now: self.clock.now(),
            is_kept: false,
        }
    }

    /// What serves, once everything up to this position is in it.
    pub async fn at_least(&self, wanted: u64, patience: Duration) -> Result<Live, NotYet> {
        let now = self.live();
        if now.position >= wanted {
            return Ok(now);
        }
        let mut live = self.live.clone();
        let there = tokio::time::timeout(patience, live.wait_for(|live| live.position >= wanted)).await;
        if let Ok(Ok(there)) = there {
            return Ok(there.clone());
        }
        let Live { position, head, .. } = self.live();
        Err(NotYet { wanted, position, head })
    }

    /// Builds a new generation from the whole log and lets it serve when it has caught up.
    pub async fn rebuild(&self) -> Result<Updates, RebuildError> {
        self.ask(Wish::Anew).await
    }

    /// Lets the generation before serve again, at once.
    pub async fn go_back(&self) -> Result<Updates, RebuildError> {
        self.ask(Wish::Back).await
    }

    pub(super) fn requests(&self) -> mpsc::Sender<Request> {
        self.requests.clone()
    }

    async fn ask(&self, wish: Wish) -> Result<Updates, RebuildError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { wish, answer }).await.map_err(|_| RebuildError::Stopping)?;
        answered.await.map_err(|_| RebuildError::Stopping)?
    }
}
