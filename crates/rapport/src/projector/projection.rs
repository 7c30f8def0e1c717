//! One tenant's read model as the services see it: the generation that serves, how far it is, and how to get a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rapport_customer::Model;
use rapport_log::Log;
use rapport_readmodel::{Definitions, Origin, ReadModel, ReadModelError, Reader};
use thiserror::Error;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::changes::{ChangeSet, Changes};
use super::folding::{Folded, Folding};
use super::generations::Generations;
use super::lock::Lock;
use super::past::Kept;
use super::rebuild::{Building, RebuildError, RebuildProgress, Request, Updates};
use super::scratch::{Place, Scratch};
use super::waiting::Waiting;
use super::{ProjectorError, bulk};
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
    /// The end of the log as far as the projector knows.
    pub head: u64,
    /// The end of the log when the projector started: from there on it is ready.
    pub goal: u64,
    pub(super) waiting: Waiting,
    /// What keeps it from going on, if anything does.
    pub fault: Option<String>,
    /// What is in the making to take its place.
    pub building: Option<RebuildProgress>,
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
    pub(super) definitions: Arc<Definitions>,
    origin: Origin,
    clock: Clock,
    pub(super) verifying: Place,
    pub(super) previewing: Place,
    pub(super) preparing: Place,
    pub(super) pasts: Arc<Kept>,
}

impl Projection {
    /// Opens the serving generation and starts to fold. Definitions that changed start a new generation.
    pub async fn start(setup: Setup, stopping: CancellationToken) -> Result<Self, ProjectorError> {
        let files = Generations::open(setup.folder.clone())?;
        let lock = Lock::of(&setup.folder).await?;
        let mut generation = files.current()?;
        let folding = match Folding::open(&setup, &files.path(generation), generation).await {
            Err(ProjectorError::ReadModel(ReadModelError::Foreign { what: "fingerprint" | "format", .. })) => {
                generation += 1;
                tracing::info!(
                    tenant = %setup.origin.tenant, generation,
                    "the definitions changed: a new generation is folded from the log"
                );
                Folding::open(&setup, &files.path(generation), generation).await?
            }
            opened => opened?,
        };
        files.set_current(generation)?;
        files.remove_all_but(&[generation]);
        files.clear_scratch();
        let reader = folding.reader(&setup.origin)?;
        let (position, head) = (folding.position(), folding.head());
        tracing::info!(tenant = %setup.origin.tenant, generation, position, head, "the read model is open");
        let waiting = folding.waiting();
        let due = folding.due()?;
        let live = Live { generation, reader, position, head, goal: head, waiting, fault: None, building: None };
        let (live, receiver) = watch::channel(live);
        let (progress, folded) = watch::channel(Folded { position, head, due, ..Folded::default() });
        let (changes, models) = (setup.changes.clone(), setup.definitions.models.clone());
        changes.serve(generation);
        let (requests, asked) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let (log, metrics) = (setup.log.clone(), setup.metrics.clone());
        let (definitions, origin, clock) = (setup.definitions.clone(), setup.origin.clone(), setup.clock.clone());
        let verifying = Place::new("verify", &setup.folder, stopping.clone());
        let previewing = Place::new("preview", &setup.folder, stopping.clone());
        let preparing = Place::new("preparation", &setup.folder, stopping.clone());
        let pasts = Arc::new(Kept::open(&setup.folder, setup.origin.clone(), setup.definitions.clone()));
        let mut supervisor = Supervisor {
            setup,
            folding: tokio::spawn(std::future::ready(())),
            files,
            live,
            folded,
            stop,
            building: None,
            idle: Some(Idle { folding, progress }),
            replaced_last: None,
            asked,
            _lock: lock,
        };
        if position == 0 && head > bulk::LEAST_RECORDS {
            supervisor.live.borrow().waiting.looked_up(true, supervisor.setup.clock.now());
            supervisor.build_first().await;
        } else {
            supervisor.wake();
        }
        tokio::spawn(supervisor.run(stopping));
        Ok(Self {
            models,
            changes,
            live: receiver,
            requests,
            log,
            metrics,
            definitions,
            origin,
            clock,
            verifying,
            previewing,
            preparing,
            pasts,
        })
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
        }
    }

    /// What serves, once everything up to this position is in it.
    pub async fn at_least(&self, wanted: u64, patience: Duration) -> Result<Live, NotYet> {
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
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { answer }).await.map_err(|_| RebuildError::Stopping)?;
        answered.await.map_err(|_| RebuildError::Stopping)?
    }
}

/// The serving file while it is empty, and another one is built in bulk to take its place.
struct Idle {
    folding: Folding,
    progress: watch::Sender<Folded>,
}

/// Keeps [`Live`] up to date, and swaps generations.
struct Supervisor {
    setup: Setup,
    files: Generations,
    live: watch::Sender<Live>,
    folding: JoinHandle<()>,
    folded: watch::Receiver<Folded>,
    stop: CancellationToken,
    building: Option<Building>,
    idle: Option<Idle>,
    /// The generation that was last found to be outdated.
    replaced_last: Option<u32>,
    asked: mpsc::Receiver<Request>,
    _lock: Lock,
}

impl Supervisor {
    async fn run(mut self, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                changed = self.folded.changed() => match changed {
                    Ok(()) => self.show().await,
                    Err(_) => break,
                },
                request = self.asked.recv() => match request {
                    Some(Request { answer }) => { let _ = answer.send(self.build().await); }
                    None => break,
                },
                folded = next_of(&mut self.building) => self.built(folded).await,
            }
        }
        self.stop.cancel();
        if let Some(building) = self.building.take() {
            building.fail("the service is stopping".to_owned()).await;
        }
        let _ = self.folding.await;
    }

    /// Lets the serving file fold by itself, if it does not yet.
    fn wake(&mut self) {
        if let Some(Idle { folding, progress }) = self.idle.take() {
            self.folding = tokio::spawn(folding.keep_on(self.setup.clone(), progress, self.stop.clone()));
        }
    }

    async fn show(&mut self) {
        let Folded { position, head, fault, outdated, .. } = self.folded.borrow_and_update().clone();
        self.live.send_modify(|live| {
            live.position = position;
            live.head = head;
            live.fault = fault;
        });
        if outdated && self.building.is_none() {
            self.replace_outdated().await;
        }
    }

    /// Once for each generation: one that cannot be built now is left to whoever looks after it.
    async fn replace_outdated(&mut self) {
        let (tenant, generation) = (self.setup.origin.tenant.clone(), self.live.borrow().generation);
        if self.replaced_last.replace(generation) == Some(generation) {
            return;
        }
        tracing::info!(%tenant, generation, "a discarded record counts in this read model: it is folded anew");
        if let Err(error) = self.build().await {
            tracing::error!(%tenant, generation, %error, "a discarded record goes on counting; ask for a rebuild");
        }
    }

    /// Builds what takes the place of an empty file.
    async fn build_first(&mut self) {
        if let Err(error) = self.build().await {
            tracing::error!(tenant = %self.setup.origin.tenant, %error, "the log is folded record by record");
            self.wake();
        }
    }

    async fn build(&mut self) -> Result<Updates, RebuildError> {
        if self.building.is_some() {
            return Err(RebuildError::UnderWay);
        }
        let serving = self.live.borrow().generation;
        self.files.remove_all_but(&[serving]);
        let generation = serving + 1;
        let (building, updates) = Building::start(&self.setup, &self.files, generation).await?;
        self.building = Some(building);
        Ok(updates)
    }

    /// Names a generation as the one that serves. What it has folded is on the disk before its name is: a power cut must
    /// not leave less than the one before had.
    async fn swap(&mut self, building: &Building) -> Result<Reader, ProjectorError> {
        crash_point!("generation/caught-up");
        let (path, origin) = (building.path.clone(), self.setup.origin.clone());
        let definitions = self.setup.definitions.clone();
        let synced = tokio::task::spawn_blocking(move || {
            ReadModel::sync(&path)?;
            Reader::open(&path, origin, definitions)
        });
        let reader = synced.await.map_err(|_| ProjectorError::BrokenOff)??;
        crash_point!("generation/synced");
        self.files.set_current(building.generation)?;
        crash_point!("generation/named");
        Ok(reader)
    }

    /// The generation in the making got further; once it is as far as the serving one, it serves.
    async fn built(&mut self, folded: Option<Folded>) {
        let Some(mut building) = self.building.take() else { return };
        let fault = match &folded {
            None => Some("it broke off".to_owned()),
            Some(folded) => folded.fault.clone(),
        };
        if let Some(fault) = fault {
            let serving = self.live.borrow().generation;
            if self.idle.is_some() {
                tracing::error!(tenant = %self.setup.origin.tenant, %fault, "the log is folded record by record");
            }
            building.fail(fault).await;
            self.live.send_modify(|live| live.building = None);
            self.files.remove_all_but(&[serving]);
            self.wake();
            return;
        }
        let folded = folded.unwrap_or_default();
        if folded.position < self.live.borrow().position || !folded.is_settled(self.setup.clock.now()) {
            let progress = building.tell(&folded);
            let is_idle = self.idle.is_some();
            self.live.send_modify(|live| {
                live.building = Some(progress);
                if is_idle {
                    live.head = live.head.max(folded.head);
                }
            });
            self.building = Some(building);
            return;
        }
        let reader = match self.swap(&building).await {
            Ok(reader) => reader,
            Err(error) => {
                building.fail(error.to_string()).await;
                self.live.send_modify(|live| live.building = None);
                self.wake();
                return;
            }
        };
        self.idle = None;
        self.stop.cancel();
        self.stop = building.stop.clone();
        std::mem::swap(&mut self.folding, &mut building.folding);
        self.folded = building.folded.clone();
        let Folded { position, head, .. } = folded;
        let Live { generation: before, goal, .. } = *self.live.borrow();
        self.setup.changes.serve(building.generation);
        self.live.send_replace(Live {
            generation: building.generation,
            reader,
            position,
            head,
            goal,
            waiting: building.waiting.clone(),
            fault: None,
            building: None,
        });
        let tenant = &self.setup.origin.tenant;
        tracing::info!(%tenant, generation = building.generation, position, head, "a new generation serves");
        crash_point!("generation/serves");
        // Queries that began on the one before may still open it; the next start or rebuild removes it.
        self.files.remove_all_but(&[before, building.generation]);
        crash_point!("generation/tidied");
        building.finish(folded).await;
    }
}

/// The next word from the generation in the making; waits for ever if there is none.
async fn next_of(building: &mut Option<Building>) -> Option<Folded> {
    match building {
        None => std::future::pending().await,
        Some(building) => {
            building.folded.changed().await.ok()?;
            Some(building.folded.borrow_and_update().clone())
        }
    }
}
