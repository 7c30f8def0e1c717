//! Folding the log into one read-model file: gather, decode, apply, say how far.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_log::{Filter, Log, Position, Read};
use rapport_readmodel::{Applied, CustomerKey, Definitions, Incoming, Origin, ReadModel, Reader};
use rapport_touchpoint::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::changes::{ChangeSet, Changes};
use super::{ProjectorError, Setup, fence};
use crate::clock::Clock;

/// How often the end of the log is looked up while nothing comes from it.
const HEAD_INTERVAL: Duration = Duration::from_millis(500);
/// How often it is looked whether silence is due.
const CLOCK_INTERVAL: Duration = Duration::from_millis(100);
/// After an error the file is opened anew, later each time.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// How far a file is.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    pub position: u64,
    /// The end of the log as far as is known.
    pub head: u64,
    /// The log was read to its end once.
    pub caught_up: bool,
    /// At or before the next silence that changes something.
    pub due: Option<Timestamp>,
    /// What keeps it from going on, if anything does.
    pub fault: Option<String>,
}

impl Folded {
    /// Is all in it that is on the log, and all that silence has done until now?
    pub fn is_settled(&self, now: Timestamp) -> bool {
        self.caught_up && self.position >= self.head && self.due.is_none_or(|due| due > now)
    }
}

/// A read-model file, open and held against the log.
pub(super) struct Folding {
    model: ReadModel,
    log: Log,
    definitions: Arc<Definitions>,
    clock: Clock,
    changes: Arc<Changes>,
    generation: u32,
}

/// What there is to do, in this order.
enum Work {
    Fold(Vec<Incoming>),
    LetPass(Timestamp),
}

impl Folding {
    pub async fn open(setup: &Setup, path: &Path, generation: u32) -> Result<Self, ProjectorError> {
        let (file, origin, definitions) = (path.to_owned(), setup.origin.clone(), setup.definitions.clone());
        let model = tokio::task::spawn_blocking(move || ReadModel::open(&file, origin, definitions))
            .await
            .map_err(|_| ProjectorError::BrokenOff)??;
        fence::check(&setup.log, model.checkpoint(), path).await?;
        Ok(Self {
            model,
            log: setup.log.clone(),
            definitions: setup.definitions.clone(),
            clock: setup.clock.clone(),
            changes: setup.changes.clone(),
            generation,
        })
    }

    pub fn reader(&self, origin: &Origin) -> Result<Reader, ProjectorError> {
        Ok(Reader::open(self.model.path(), origin.clone(), self.definitions.clone())?)
    }

    pub fn position(&self) -> u64 {
        self.model.checkpoint().position
    }

    /// Folds until `stop`, opening the file anew after every error.
    pub async fn keep_on(self, setup: Setup, progress: watch::Sender<Folded>, stop: CancellationToken) {
        let path: PathBuf = self.model.path().to_owned();
        let generation = self.generation;
        let mut folding = Some(self);
        let mut retry = FIRST_RETRY;
        loop {
            let ended = match folding.take() {
                Some(open) => open.run(&progress, &stop).await,
                None => match Self::open(&setup, &path, generation).await {
                    Ok(open) => {
                        retry = FIRST_RETRY;
                        open.run(&progress, &stop).await
                    }
                    Err(error) => Err(error),
                },
            };
            match ended {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(path = %path.display(), "folding stopped: {error}; trying again in {retry:?}");
                    progress.send_modify(|folded| folded.fault = Some(error.to_string()));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(retry) => retry = (retry * 2).min(LAST_RETRY),
                () = stop.cancelled() => return,
            }
        }
    }

    async fn run(self, progress: &watch::Sender<Folded>, stop: &CancellationToken) -> Result<(), ProjectorError> {
        let Self { model, log, definitions, clock, changes, generation } = self;
        let after = Position(model.checkpoint().position);
        progress.send_modify(|folded| folded.caught_up = false);
        let (work, queue) = mpsc::channel(1);
        let applying = Applying { model, progress: progress.clone(), changes, generation };
        let applying = tokio::task::spawn_blocking(move || applying.run(queue));
        let gathered = gather(&log, after, definitions, clock, work, progress, stop).await;
        applying.await.map_err(|_| ProjectorError::BrokenOff)??;
        gathered
    }
}

/// The one writer of the file, at work.
struct Applying {
    model: ReadModel,
    progress: watch::Sender<Folded>,
    changes: Arc<Changes>,
    generation: u32,
}

impl Applying {
    /// Does one piece of work after the other until there are no more to come. Blocks.
    fn run(mut self, mut queue: mpsc::Receiver<Work>) -> Result<(), ProjectorError> {
        self.told(self.model.checkpoint().position)?;
        while let Some(work) = queue.blocking_recv() {
            let changed = match work {
                Work::Fold(batch) => self.fold(batch)?,
                Work::LetPass(until) => self.let_pass(until)?,
            };
            let position = self.model.checkpoint().position;
            self.told(position)?;
            self.changes.tell(ChangeSet { generation: self.generation, position, customers: changed });
        }
        Ok(())
    }

    fn fold(&mut self, batch: Vec<Incoming>) -> Result<Vec<CustomerKey>, ProjectorError> {
        let began = Instant::now();
        let Applied { position, fresh, refolds, changed, .. } = self.model.apply(batch)?;
        tracing::debug!(position, fresh, refolds, took = ?began.elapsed(), "folded a batch");
        Ok(changed)
    }

    fn let_pass(&mut self, until: Timestamp) -> Result<Vec<CustomerKey>, ProjectorError> {
        let passed = self.model.let_pass(until)?.unwrap_or_default();
        tracing::debug!(clock = %passed.clock, customers = passed.changed.len(), "let silence fall");
        Ok(passed.changed)
    }

    fn told(&self, position: u64) -> Result<(), ProjectorError> {
        let due = self.model.due()?;
        self.progress.send_modify(|folded| {
            folded.position = position;
            folded.head = folded.head.max(position);
            folded.due = due;
            folded.fault = None;
        });
        Ok(())
    }
}

/// Reads the log into batches. A batch leaves when it is full, or when there is nothing more at hand and the previous one
/// is on its way: so batches are small while the projector keeps up, and grow by themselves when it falls behind.
async fn gather(
    log: &Log,
    after: Position,
    definitions: Arc<Definitions>,
    clock: Clock,
    work: mpsc::Sender<Work>,
    progress: &watch::Sender<Folded>,
    stop: &CancellationToken,
) -> Result<(), ProjectorError> {
    let mut reader = log.read(after, Filter::all()).await?;
    let mut batch = Batch::default();
    let mut live = false;
    let mut head_looked_up = tokio::time::interval(HEAD_INTERVAL);
    head_looked_up.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut clock_looked_at = tokio::time::interval(CLOCK_INTERVAL);
    clock_looked_at.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            read = reader.next(), if !batch.is_full() => match read {
                Some(Ok(Read::Record(record))) => batch.push(record),
                Some(Ok(Read::CaughtUp(head))) => {
                    live = true;
                    progress.send_modify(|folded| {
                        folded.head = folded.head.max(head.0);
                        folded.caught_up = true;
                    });
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            room = work.reserve(), if batch.is_full() || live && !batch.is_empty() => {
                let Ok(room) = room else { return Ok(()) };
                let (full, definitions) = (std::mem::take(&mut batch), definitions.clone());
                let decoded = tokio::task::spawn_blocking(move || full.decode(&definitions));
                room.send(Work::Fold(decoded.await.map_err(|_| ProjectorError::BrokenOff)?));
            }
            // Silence falls once the log is read to its end: until then events that break it may still come.
            _ = clock_looked_at.tick(), if live && batch.is_empty() => {
                let now = clock.now();
                if progress.borrow().due.is_some_and(|due| due <= now) && let Ok(room) = work.try_reserve() {
                    room.send(Work::LetPass(now));
                }
            }
            _ = head_looked_up.tick() => {
                if let Ok(head) = log.head().await {
                    progress.send_if_modified(|folded| std::mem::replace(&mut folded.head, head.0.max(folded.position)) != head.0);
                }
            }
        }
    }
}
