//! Making a generation beside the one that serves: from the whole log, or from a file that was tried under other definitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_readmodel::{Definitions, Flaw, Reader};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::ProjectorError;
use super::background;
use super::bulk::{Bulk, BulkFoldError, BulkStep, Goal};
use super::folding::{Folded, Folding};
use super::generations::{self, Generations, write_whole};
use super::memory::Memory;
use super::projection::Setup;
use super::source::Source;

/// Messages of progress that wait for the client; it misses the ones in between.
const PROGRESS_AHEAD: usize = 4;
/// Before that it cannot be told how long it will take.
const LEAST_ELAPSED: Duration = Duration::from_secs(1);

#[derive(Debug, Error)]
pub enum RebuildError {
    #[error("a rebuild is under way already")]
    UnderWay,
    #[error("the projector is stopping")]
    Stopping,
    #[error("there is no generation to go back to: none was replaced since the last one was removed")]
    NoPrevious,
    #[error(
        "generation {generation} was folded under other definitions than those in force; bring these back as the tenant's \
         definitions and restart the server: then it serves at once"
    )]
    OtherDefinitions { generation: u32 },
    #[error(transparent)]
    Projector(#[from] ProjectorError),
    #[error("the new generation cannot be built: {fault}; the old one goes on serving")]
    Failed { fault: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    pub generation: u32,
    pub position: u64,
    pub head: u64,
    /// What it is at, until its file is whole.
    pub in_bulk: Option<BulkStep>,
    /// The new generation serves.
    pub done: bool,
    /// Since it was begun.
    pub elapsed: Duration,
    /// About so long it still takes, once that can be told.
    pub left: Option<Duration>,
}

/// Somebody asks for another generation.
pub(super) struct Request {
    pub wish: Wish,
    pub answer: oneshot::Sender<Result<Updates, RebuildError>>,
}

pub(super) enum Wish {
    /// From the whole log, under the definitions in force.
    Anew,
    /// The one before.
    Back,
    /// One that was built under other definitions.
    Promote(Box<Promotion>),
}

/// A whole file that nobody has open, and the definitions under which it was built.
pub(super) struct Promotion {
    pub file: PathBuf,
    pub definitions: Arc<Definitions>,
    pub source: Source,
    /// Where the definitions are to be written, so that they are in force after a restart too.
    pub definitions_file: PathBuf,
}

/// What the asker is told, until the last one, which is done or an error.
pub type Updates = mpsc::Receiver<Result<RebuildProgress, RebuildError>>;

/// The tenant's definitions file, and what will be in it.
pub(super) struct DefinitionsFile {
    path: PathBuf,
    text: String,
}

impl DefinitionsFile {
    /// Whole or not at all; what was in it is kept beside it, as `.bak`.
    pub fn replace(&self) -> Result<(), ProjectorError> {
        let mut kept = self.path.as_os_str().to_owned();
        kept.push(".bak");
        let written = std::fs::copy(&self.path, PathBuf::from(kept)).and_then(|_| write_whole(&self.path, &self.text));
        written.map_err(|source| ProjectorError::Definitions { path: self.path.clone(), source })
    }
}

/// A generation in the making.
pub(super) struct Building {
    pub generation: u32,
    pub path: PathBuf,
    pub setup: Setup,
    pub folded: watch::Receiver<Folded>,
    pub stop: CancellationToken,
    /// What is written when it is to serve, if it brings other definitions.
    pub promoted: Option<DefinitionsFile>,
    folding: JoinHandle<()>,
    memory: Memory,
    began: Instant,
    updates: mpsc::Sender<Result<RebuildProgress, RebuildError>>,
}

/// What is left of it once it serves.
pub(super) struct Finished {
    generation: u32,
    began: Instant,
    pub memory: Memory,
    updates: mpsc::Sender<Result<RebuildProgress, RebuildError>>,
}

impl Building {
    /// Starts to make a file that is not there yet, or to look at one that is.
    pub fn start(making: Making) -> (Self, Updates) {
        let head = making.from.head();
        let (progress, folded) = watch::channel(Folded { head, ..Folded::default() });
        let (stop, memory) = (CancellationToken::new(), Memory::default());
        let (generation, path, setup) = (making.generation, making.path.clone(), making.setup.clone());
        let (making, promoted) = making.promotes();
        let folding = tokio::spawn(making.run(progress, memory.clone(), stop.clone()));
        let (updates, receiver) = mpsc::channel(PROGRESS_AHEAD);
        let began = Instant::now();
        let building = Self { generation, path, setup, folded, stop, promoted, folding, memory, began, updates };
        (building, receiver)
    }

    /// One that is open, and goes on from where it was left.
    pub fn back(setup: &Setup, (open, path, generation): (Folding, PathBuf, u32), folded: Folded) -> (Self, Updates) {
        let (progress, folded) = watch::channel(folded);
        let (stop, memory, setup) = (CancellationToken::new(), open.memory(), setup.clone());
        let folding = tokio::spawn(open.keep_on(setup.clone(), progress, stop.clone()));
        let (updates, receiver) = mpsc::channel(PROGRESS_AHEAD);
        let (began, promoted) = (Instant::now(), None);
        let building = Self { generation, path, setup, folded, stop, promoted, folding, memory, began, updates };
        (building, receiver)
    }

    /// Tells how far it is, if the asker keeps up.
    pub fn tell(&self, folded: &Folded) -> RebuildProgress {
        let progress = progress(self.generation, self.began, folded, false);
        let _ = self.updates.try_send(Ok(progress));
        progress
    }

    /// It is about to serve: what folds it, and the rest.
    pub fn finish(self) -> (Finished, JoinHandle<()>) {
        let Self { generation, folding, memory, began, updates, .. } = self;
        (Finished { generation, began, memory, updates }, folding)
    }

    /// Gives it up; its file is left alone when this returns.
    pub async fn fail(self, fault: String) {
        self.stop.cancel();
        let _ = self.folding.await;
        let _ = self.updates.send(Err(RebuildError::Failed { fault })).await;
    }
}

impl Finished {
    /// Tells that it serves.
    pub async fn done(self, folded: &Folded) {
        let _ = self.updates.send(Ok(progress(self.generation, self.began, folded, true))).await;
    }
}

fn progress(generation: u32, began: Instant, folded: &Folded, done: bool) -> RebuildProgress {
    let Folded { position, head, in_bulk, .. } = *folded;
    let elapsed = began.elapsed();
    RebuildProgress { generation, position, head, in_bulk, done, elapsed, left: left(elapsed, position, head) }
}

/// If it goes on as it went.
fn left(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    if elapsed < LEAST_ELAPSED || done == 0 {
        return None;
    }
    let millis = elapsed.as_millis() * u128::from(total.saturating_sub(done)) / u128::from(done);
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}

/// A generation from its first step to its last.
pub(super) struct Making {
    pub generation: u32,
    setup: Setup,
    path: PathBuf,
    from: From,
}

enum From {
    /// The log up to where it ended when it began. The generation that is kept is removed where there is no room otherwise.
    Log { scratch: PathBuf, head: u64, spare: Option<PathBuf> },
    /// The file that is in its place, and what it brings.
    File(Option<DefinitionsFile>),
}

impl From {
    fn head(&self) -> u64 {
        match self {
            Self::Log { head, .. } => *head,
            Self::File(_) => 0,
        }
    }
}

impl Making {
    pub async fn anew(
        setup: &Setup,
        files: &Generations,
        generation: u32,
        kept: Option<u32>,
    ) -> Result<Self, RebuildError> {
        let head = setup.log.head().await.map_err(ProjectorError::Log)?.0;
        let (path, spare) = (files.path(generation), kept.map(|kept| files.path(kept)));
        let from = From::Log { scratch: files.scratch(), head, spare };
        Ok(Self { generation, setup: setup.clone(), path, from })
    }

    /// Takes the file.
    pub fn promoted(
        setup: &Setup,
        files: &Generations,
        generation: u32,
        promotion: Promotion,
    ) -> Result<Self, RebuildError> {
        let Promotion { file, definitions, source, definitions_file } = promotion;
        let path = files.path(generation);
        std::fs::rename(&file, &path).map_err(|source| ProjectorError::File { path: file, source })?;
        let text = source.definitions.clone();
        let setup = Setup { definitions, source: Arc::new(source), ..setup.clone() };
        let from = From::File(Some(DefinitionsFile { path: definitions_file, text }));
        Ok(Self { generation, setup, path, from })
    }

    fn promotes(self) -> (Self, Option<DefinitionsFile>) {
        match self.from {
            From::File(promoted) => (Self { from: From::File(None), ..self }, promoted),
            From::Log { .. } => (self, None),
        }
    }

    /// In bulk up to where the log ended, looked at, and then record by record. What keeps it from that is its last word.
    async fn run(self, progress: watch::Sender<Folded>, memory: Memory, stop: CancellationToken) {
        match self.prepare(&progress, &stop).await {
            Ok(folding) => {
                crash_point!("generation/opened");
                folding.with_memory(memory).keep_on(self.setup, progress, stop).await;
            }
            Err(ProjectorError::Bulk(BulkFoldError::Stopping)) => {}
            Err(error) => progress.send_modify(|folded| folded.fault = Some(error.to_string())),
        }
    }

    async fn prepare(
        &self,
        progress: &watch::Sender<Folded>,
        stop: &CancellationToken,
    ) -> Result<Folding, ProjectorError> {
        if let From::Log { scratch, head, spare } = &self.from {
            match (self.build(scratch, *head, progress, stop).await, spare) {
                (Err(BulkFoldError::Bulk(error)), Some(spare)) if error.is_no_room() && spare.exists() => {
                    let (tenant, path) = (&self.setup.origin.tenant, spare.display());
                    tracing::warn!(%tenant, %path, "the generation that was kept is removed to make room: {error}");
                    generations::remove_with_journal(spare);
                    self.build(scratch, *head, progress, stop).await?;
                }
                (built, _) => built?,
            }
        }
        let folding = Folding::open(&self.setup, &self.path, self.generation).await?;
        self.check(folding.reader(&self.setup.origin)?, folding.position(), progress, stop).await?;
        Ok(folding)
    }

    /// Is the file in itself what it says it is?
    async fn check(
        &self,
        reader: Reader,
        position: u64,
        progress: &watch::Sender<Folded>,
        stop: &CancellationToken,
    ) -> Result<(), ProjectorError> {
        let (told, stop, now) = (progress.clone(), stop.clone(), self.setup.clock.now());
        let threads = background::threads().map_err(BulkFoldError::from)?;
        let check = move || {
            let total = u64::try_from(reader.totals()?.content.get("customers")).unwrap_or_default();
            let picture = reader.hold(now)?;
            picture.flaws(&mut |done| {
                told.send_modify(|folded| {
                    folded.in_bulk = Some(BulkStep::Checked { done, total });
                    folded.position = position;
                });
                !stop.is_cancelled()
            })
        };
        let checked = spawn_blocking(move || threads.install(check));
        match checked.await.map_err(|_| ProjectorError::BrokenOff)?? {
            None => Err(BulkFoldError::Stopping.into()),
            Some(flaws) if flaws.is_empty() => Ok(()),
            Some(flaws) => {
                let flaws = flaws.iter().map(Flaw::to_string).collect::<Vec<_>>().join("; ");
                Err(ProjectorError::Unsound { generation: self.generation, flaws })
            }
        }
    }

    async fn build(
        &self,
        scratch: &Path,
        head: u64,
        progress: &watch::Sender<Folded>,
        stop: &CancellationToken,
    ) -> Result<(), BulkFoldError> {
        let Setup { log, origin, definitions, clock, .. } = self.setup.clone();
        let (path, scratch, tenant) = (self.path.clone(), scratch.to_owned(), origin.tenant.clone());
        let goal = Goal { position: head, clock: clock.now(), foreseen: head, as_of: None };
        let told = progress.clone();
        let tell = move |step| {
            told.send_modify(|folded| {
                folded.in_bulk = Some(step);
                folded.position = step.as_position(goal.position);
            });
        };
        match (Bulk { log, origin, definitions, path, scratch, is_kept: true }).build(goal, stop, tell).await {
            Ok(built) => {
                let (generation, position) = (self.generation, built.position);
                self.setup.metrics.applied(built.touchpoints, built.duplicates, 0, 0);
                tracing::info!(%tenant, generation, position, "a generation was built in bulk");
                Ok(())
            }
            Err(BulkFoldError::Bulk(error)) if error.is_too_much() => {
                tracing::info!(%tenant, generation = self.generation, "folded record by record: {error}");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_still_takes_is_told_once_it_can_be() {
        let seconds = Duration::from_secs;
        assert_eq!(left(Duration::from_millis(900), 50, 100), None);
        assert_eq!(left(seconds(10), 0, 100), None);
        assert_eq!(left(seconds(10), 25, 100), Some(seconds(30)));
        assert_eq!(left(seconds(10), 100, 100), Some(seconds(0)));
        assert_eq!(left(seconds(10), 120, 100), Some(seconds(0)));
    }

    #[test]
    fn definitions_that_are_replaced_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("definitions.toml");
        std::fs::write(&path, "old\n").unwrap();
        DefinitionsFile { path: path.clone(), text: "new\n".to_owned() }.replace().unwrap();
        let found = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!((found("definitions.toml").as_str(), found("definitions.toml.bak").as_str()), ("new\n", "old\n"));
        let nowhere = folder.path().join("nowhere/definitions.toml");
        let error = DefinitionsFile { path: nowhere, text: String::new() }.replace().unwrap_err();
        assert!(error.to_string().contains("nowhere/definitions.toml"), "{error}");
    }
}
