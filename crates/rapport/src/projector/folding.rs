//! Folding the log into one read-model file: gather, decode, apply, say how far.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_log::{Filter, Log, Position, Read, ReadError};
use rapport_readmodel::{Applied, CustomerKey, Definitions, Origin, ReadModel, ReadModelError, Reader, Standing};
use rapport_touchpoint::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Decoded};
use super::bulk::BulkStep;
use super::changes::{ChangeSet, Changes};
use super::memory::Memory;
use super::waiting::Waiting;
use super::{ProjectorError, Setup, fence, foresight};
use crate::clock::Clock;
use crate::metrics::FoldMetrics;
use crate::traces::FoldTraces;

/// How often the end of the log is looked up while nothing comes from it.
const HEAD_INTERVAL: Duration = Duration::from_millis(500);
/// A new leader of a stream may not have caught up with what the old one gave; a tail that is lost so often stays lost.
const TIMES_BEYOND_HEAD: usize = 6;
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
    /// It is being built in bulk, and answers nothing yet.
    pub in_bulk: Option<BulkStep>,
    /// The log was read to its end once.
    pub caught_up: bool,
    /// Up to which moment silence has fallen.
    pub clock: Timestamp,
    /// At or before the next silence that changes something.
    pub due: Option<Timestamp>,
    /// Something counts that was discarded; the file has to be folded anew.
    pub outdated: bool,
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
    /// The end of the log when the file was opened.
    head: u64,
    memory: Memory,
    metrics: FoldMetrics,
    traces: FoldTraces,
}

/// What there is to do, in this order.
enum Work {
    Fold(Decoded),
    LetPass(Timestamp),
}

impl Folding {
    pub async fn open(setup: &Setup, path: &Path, generation: u32) -> Result<Self, ProjectorError> {
        let (file, origin, definitions) = (path.to_owned(), setup.origin.clone(), setup.definitions.clone());
        let source = setup.source.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let model = ReadModel::open(&file, origin, definitions)?;
            model.keep_source(&source.to_json())?;
            Ok::<_, ReadModelError>((model.is_blank()?, model))
        });
        let (is_blank, mut model) = opened.await.map_err(|_| ProjectorError::BrokenOff)??;
        let head = fence::check(&setup.log, model.checkpoint(), path).await?;
        if is_blank {
            let discards = foresight::discards(&setup.log, head, &setup.definitions).await?;
            let foreseen = tokio::task::spawn_blocking(move || model.foresee(&discards, head.0).map(|()| model));
            model = foreseen.await.map_err(|_| ProjectorError::BrokenOff)??;
        }
        let head = head.0;
        Ok(Self {
            model,
            log: setup.log.clone(),
            definitions: setup.definitions.clone(),
            clock: setup.clock.clone(),
            changes: setup.changes.clone(),
            generation,
            head,
            memory: Memory::default(),
            metrics: setup.metrics.clone(),
            traces: setup.traces.clone(),
        })
    }

    pub fn reader(&self, origin: &Origin) -> Result<Reader, ProjectorError> {
        Ok(Reader::open(self.model.path(), origin.clone(), self.definitions.clone())?)
    }

    pub fn position(&self) -> u64 {
        self.model.checkpoint().position
    }

    pub fn standing(&self) -> Result<Standing, ProjectorError> {
        Ok(standing(&self.model)?)
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    /// One whose memory others look at already.
    pub fn with_memory(self, memory: Memory) -> Self {
        Self { memory, ..self }
    }

    pub fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Folds until `stop`, opening the file anew after every error.
    pub async fn keep_on(self, setup: Setup, progress: watch::Sender<Folded>, stop: CancellationToken) {
        let (path, memory): (PathBuf, _) = (self.model.path().to_owned(), self.memory());
        let generation = self.generation;
        let mut folding = Some(self);
        let mut retry = FIRST_RETRY;
        loop {
            let ended = match folding.take() {
                Some(open) => open.run(&progress, &stop).await,
                None => match Self::open(&setup, &path, generation).await.and_then(|open| Ok((open.standing()?, open)))
                {
                    Ok((standing, open)) => {
                        retry = FIRST_RETRY;
                        memory.start_over(standing);
                        open.with_memory(memory.clone()).run(&progress, &stop).await
                    }
                    Err(error) => Err(error),
                },
            };
            match ended {
                Ok(()) => return,
                Err(error) => {
                    let (tenant, position) = (&setup.origin.tenant, progress.borrow().position);
                    let path = path.display();
                    tracing::error!(%tenant, position, %path, %error, ?retry, "folding stopped; it is tried again");
                    setup.metrics.faults.inc();
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
        let Self { model, log, definitions, clock, changes, generation, memory, metrics, traces, .. } = self;
        let after = Position(model.checkpoint().position);
        progress.send_modify(|folded| (folded.caught_up, folded.in_bulk) = (false, None));
        let (work, queue) = mpsc::channel(1);
        let (progressed, waiting) = (progress.clone(), memory.waiting.clone());
        let applying = Applying { model, progress: progressed, changes, generation, memory, metrics, traces };
        let applying = tokio::task::spawn_blocking(move || applying.run(queue));
        let gathering = Gathering { definitions, clock, work, waiting };
        let gathered = gathering.run(&log, after, progress, stop).await;
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
    memory: Memory,
    metrics: FoldMetrics,
    traces: FoldTraces,
}

impl Applying {
    /// Does one piece of work after the other until there are no more to come. Blocks.
    fn run(mut self, mut queue: mpsc::Receiver<Work>) -> Result<(), ProjectorError> {
        // What kept it from going on may do so still.
        let fault = self.progress.borrow().fault.clone();
        self.told(standing(&self.model)?, fault)?;
        while let Some(work) = queue.blocking_recv() {
            match work {
                Work::Fold(batch) => {
                    let changed = self.fold(batch)?;
                    self.tell(changed)?;
                }
                // Piece by piece, as long as nothing else waits.
                Work::LetPass(until) => {
                    while let Some(changed) = self.let_pass(until)? {
                        self.tell(changed)?;
                        if !queue.is_empty() {
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells of a transaction: first whoever remembers or watches customers, so that nothing is told again that is not true
    /// at the new position, and a watch that begins when that is known hears of later changes only.
    fn tell(&self, changed: Vec<CustomerKey>) -> Result<(), ProjectorError> {
        let standing = standing(&self.model)?;
        self.memory.answers.changed(&changed, standing);
        let position = standing.position;
        self.changes.tell(ChangeSet { generation: self.generation, position, customers: changed });
        self.told(standing, None)?;
        crash_point!("fold/told");
        Ok(())
    }

    fn fold(&mut self, batch: Decoded) -> Result<Vec<CustomerKey>, ProjectorError> {
        let Decoded { records, began, traced } = batch;
        let (count, applying) = (records.len(), Instant::now());
        let Applied { position, fresh, decisions, duplicates, parked, conflicts: _, refolds, reread, changed } =
            self.model.apply(records)?;
        self.memory.waiting.committed();
        self.metrics.committed(count, began.elapsed(), applying.elapsed());
        self.metrics.applied(fresh, duplicates, parked, refolds);
        traced.committed(&self.traces);
        tracing::debug!(position, fresh, decisions, refolds, reread, took = ?applying.elapsed(), "folded a batch");
        Ok(changed)
    }

    fn let_pass(&mut self, until: Timestamp) -> Result<Option<Vec<CustomerKey>>, ProjectorError> {
        let Some(passed) = self.model.let_pass(until)? else { return Ok(None) };
        tracing::debug!(clock = %passed.clock, customers = passed.changed.len(), "let silence fall");
        Ok(Some(passed.changed))
    }

    fn told(&self, standing: Standing, fault: Option<String>) -> Result<(), ProjectorError> {
        let Standing { position, clock, due } = standing;
        let outdated = self.model.is_outdated()?;
        self.progress.send_modify(|folded| {
            folded.position = position;
            folded.head = folded.head.max(position);
            (folded.clock, folded.due) = (clock, due);
            folded.outdated = outdated;
            folded.fault = fault;
        });
        Ok(())
    }
}

fn standing(model: &ReadModel) -> Result<Standing, ReadModelError> {
    let checkpoint = model.checkpoint();
    Ok(Standing { position: checkpoint.position, clock: checkpoint.clock, due: model.due()? })
}

/// The one reader of the log, at work.
struct Gathering {
    definitions: Arc<Definitions>,
    clock: Clock,
    work: mpsc::Sender<Work>,
    waiting: Waiting,
}

impl Gathering {
    /// Reads the log into batches. A batch leaves when it is full, or when there is nothing more at hand and the previous
    /// one is on its way: so batches are small while the projector keeps up, and grow by themselves when it falls behind.
    async fn run(
        self,
        log: &Log,
        after: Position,
        progress: &watch::Sender<Folded>,
        stop: &CancellationToken,
    ) -> Result<(), ProjectorError> {
        let mut reader = log.read(after, Filter::all()).await?;
        let mut batch = Batch::default();
        // Silence falls once the log is read to its end: until then events that break it may still come.
        let (mut live, mut silence_is_due) = (false, false);
        let (mut head_looked_up, mut beyond_head) = (every(HEAD_INTERVAL), 0);
        let mut clock_looked_at = every(CLOCK_INTERVAL);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                // Applying failed: the reason is told now, and not when the next record comes.
                () = self.work.closed() => return Ok(()),
                _ = clock_looked_at.tick(), if live => {
                    let now = self.clock.now();
                    silence_is_due = progress.borrow().due.is_some_and(|due| due <= now);
                }
                read = reader.next(), if !batch.is_full() => match read {
                    Some(Ok(Read::Record(record))) => {
                        if batch.is_empty() {
                            self.waiting.begun(record.recorded_at);
                        }
                        batch.push(record);
                    }
                    Some(Ok(Read::CaughtUp(head))) => {
                        live = true;
                        progress.send_modify(|folded| {
                            folded.head = folded.head.max(head.0);
                            folded.caught_up = true;
                            if folded.is_settled(self.clock.now()) {
                                folded.fault = None;
                            }
                        });
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => return Ok(()),
                },
                room = self.work.reserve(), if batch.is_full() || live && (!batch.is_empty() || silence_is_due) => {
                    let Ok(room) = room else { return Ok(()) };
                    if std::mem::take(&mut silence_is_due) {
                        room.send(Work::LetPass(self.clock.now()));
                        continue;
                    }
                    let (full, definitions) = (std::mem::take(&mut batch), self.definitions.clone());
                    let decoded = tokio::task::spawn_blocking(move || full.decode(&definitions));
                    room.send(Work::Fold(decoded.await.map_err(|_| ProjectorError::BrokenOff)?));
                }
                _ = head_looked_up.tick() => {
                    let after = Position(progress.borrow().position);
                    match log.head().await {
                    Ok(head) => {
                        beyond_head = if after > head { beyond_head + 1 } else { 0 };
                        if beyond_head == TIMES_BEYOND_HEAD {
                            return Err(ReadError::BeyondHead { after, head }.into());
                        }
                        self.waiting.looked_up(head.0 > progress.borrow().position, self.clock.now());
                        progress.send_if_modified(|folded| {
                            let known = std::mem::replace(&mut folded.head, head.0.max(folded.position));
                            known != folded.head
                        });
                    }
                    Err(error) if error.is_another_log() => return Err(error.into()),
                    // The reader goes on trying.
                    Err(_) => {}
                    }
                }
            }
        }
    }
}

fn every(interval: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}
