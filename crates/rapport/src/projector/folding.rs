//! Folding the log into one read-model file: gather, decode, apply, say how far.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_log::{Filter, Log, Position, Read};
use rapport_readmodel::{Applied, Definitions, Origin, ReadModel, Reader};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Decoded};
use super::waiting::{Waiting, now};
use super::{ProjectorError, Setup, fence};
use crate::metrics::FoldMetrics;
use crate::traces::FoldTraces;

/// How often the end of the log is looked up while nothing comes from it.
const HEAD_INTERVAL: Duration = Duration::from_millis(500);
/// After an error the file is opened anew, later each time.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// How far a file is.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    pub position: u64,
    /// The end of the log as far as is known.
    pub head: u64,
    /// What keeps it from going on, if anything does.
    pub fault: Option<String>,
}

/// A read-model file, open and held against the log.
pub(super) struct Folding {
    model: ReadModel,
    log: Log,
    definitions: Arc<Definitions>,
    /// The end of the log when the file was opened.
    head: u64,
    waiting: Waiting,
    metrics: FoldMetrics,
    traces: FoldTraces,
}

impl Folding {
    pub async fn open(setup: &Setup, path: &Path) -> Result<Self, ProjectorError> {
        let (file, origin, definitions) = (path.to_owned(), setup.origin.clone(), setup.definitions.clone());
        let model = tokio::task::spawn_blocking(move || ReadModel::open(&file, origin, definitions))
            .await
            .map_err(|_| ProjectorError::BrokenOff)??;
        let head = fence::check(&setup.log, model.checkpoint(), path).await?.0;
        let (log, definitions, metrics) = (setup.log.clone(), setup.definitions.clone(), setup.metrics.clone());
        Ok(Self { model, log, definitions, head, waiting: Waiting::default(), metrics, traces: setup.traces.clone() })
    }

    pub fn reader(&self, origin: &Origin) -> Result<Reader, ProjectorError> {
        Ok(Reader::open(self.model.path(), origin.clone(), self.definitions.clone())?)
    }

    pub fn position(&self) -> u64 {
        self.model.checkpoint().position
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    pub fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }

    /// Folds until `stop`, opening the file anew after every error.
    pub async fn keep_on(self, setup: Setup, progress: watch::Sender<Folded>, stop: CancellationToken) {
        let (path, waiting): (PathBuf, _) = (self.model.path().to_owned(), self.waiting());
        let mut folding = Some(self);
        let mut retry = FIRST_RETRY;
        loop {
            let ended = match folding.take() {
                Some(open) => open.run(&progress, &stop).await,
                None => match Self::open(&setup, &path).await {
                    Ok(open) => {
                        retry = FIRST_RETRY;
                        waiting.start_over();
                        Self { waiting: waiting.clone(), ..open }.run(&progress, &stop).await
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
        let Self { model, log, definitions, waiting, metrics, traces, .. } = self;
        let after = Position(model.checkpoint().position);
        let (batches, queue) = mpsc::channel(1);
        let (applied, committed) = (progress.clone(), waiting.clone());
        let applying =
            tokio::task::spawn_blocking(move || apply_all(model, queue, &applied, &committed, &metrics, &traces));
        let gathered = gather(&log, after, definitions, batches, progress, &waiting, stop).await;
        applying.await.map_err(|_| ProjectorError::BrokenOff)??;
        gathered
    }
}

/// Applies batch after batch until there are no more to come. Blocks.
fn apply_all(
    mut model: ReadModel,
    mut queue: mpsc::Receiver<Decoded>,
    progress: &watch::Sender<Folded>,
    waiting: &Waiting,
    metrics: &FoldMetrics,
    traces: &FoldTraces,
) -> Result<(), ProjectorError> {
    while let Some(Decoded { records, began, traced }) = queue.blocking_recv() {
        let (count, applying) = (records.len(), Instant::now());
        let applied = model.apply(records)?;
        let Applied { position, fresh, duplicates, parked, refolds } = applied;
        waiting.committed();
        metrics.committed(count, began.elapsed(), applying.elapsed());
        metrics.applied(fresh, duplicates, parked, refolds);
        traced.committed(traces);
        tracing::debug!(position, fresh, refolds, took = ?applying.elapsed(), "folded a batch");
        progress.send_modify(|folded| {
            folded.position = applied.position;
            folded.head = folded.head.max(applied.position);
            folded.fault = None;
        });
    }
    Ok(())
}

/// Reads the log into batches. A batch leaves when it is full, or when there is nothing more at hand and the previous one
/// is on its way: so batches are small while the projector keeps up, and grow by themselves when it falls behind.
async fn gather(
    log: &Log,
    after: Position,
    definitions: Arc<Definitions>,
    batches: mpsc::Sender<Decoded>,
    progress: &watch::Sender<Folded>,
    waiting: &Waiting,
    stop: &CancellationToken,
) -> Result<(), ProjectorError> {
    let mut reader = log.read(after, Filter::all()).await?;
    let mut batch = Batch::default();
    let mut live = false;
    let mut head_looked_up = tokio::time::interval(HEAD_INTERVAL);
    head_looked_up.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            // Applying failed: the reason is told now, and not when the next record comes.
            () = batches.closed() => return Ok(()),
            read = reader.next(), if !batch.is_full() => match read {
                Some(Ok(Read::Record(record))) => {
                    if batch.is_empty() {
                        waiting.begun(record.recorded_at);
                    }
                    batch.push(record);
                }
                Some(Ok(Read::CaughtUp(head))) => {
                    live = true;
                    progress.send_modify(|folded| {
                        folded.head = folded.head.max(head.0);
                        if folded.position >= head.0 {
                            // It can be read again, and there is nothing whose commit would show it.
                            folded.fault = None;
                        }
                    });
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            room = batches.reserve(), if batch.is_full() || live && !batch.is_empty() => {
                let Ok(room) = room else { return Ok(()) };
                let (full, definitions) = (std::mem::take(&mut batch), definitions.clone());
                let decoded = tokio::task::spawn_blocking(move || full.decode(&definitions));
                room.send(decoded.await.map_err(|_| ProjectorError::BrokenOff)?);
            }
            _ = head_looked_up.tick() => {
                if let Ok(head) = log.head().await {
                    waiting.looked_up(head.0 > progress.borrow().position, now());
                    progress.send_if_modified(|folded| std::mem::replace(&mut folded.head, head.0.max(folded.position)) != head.0);
                }
            }
        }
    }
}
