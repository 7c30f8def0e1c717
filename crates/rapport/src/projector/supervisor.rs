//! Keeps what serves up to date, and swaps generations: one that is whole, checked and caught up takes the place of the one
//! before, which is kept to go back to.

use std::time::Duration;

use rapport_readmodel::{ReadModel, Reader, Standing};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::folding::{Folded, Folding};
use super::generations::Generations;
use super::lock::Lock;
use super::projection::{Live, Setup};
use super::rebuild::{Building, Making, RebuildError, Request, Updates, Wish};
use super::serving::is_of_others;
use super::{ProjectorError, bulk};

/// After this long it is tried again to build a generation under definitions that changed.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// A file that serves and is not folded on: while it is empty, and another one is built in bulk to take its place.
pub(super) struct Idle {
    pub folding: Folding,
    pub progress: watch::Sender<Folded>,
    pub setup: Setup,
}

pub(super) struct Supervisor {
    /// With the definitions in force.
    setup: Setup,
    files: Generations,
    live: watch::Sender<Live>,
    folding: JoinHandle<()>,
    /// What the generation before still does, after it was told to stop.
    retired: JoinHandle<()>,
    folded: watch::Receiver<Folded>,
    stop: CancellationToken,
    building: Option<Building>,
    idle: Option<Idle>,
    /// When what changed definitions ask for is built, if not now.
    again: Option<Instant>,
    /// The generation that was last found to be outdated.
    replaced_last: Option<u32>,
    asked: mpsc::Receiver<Request>,
    _lock: Lock,
}

impl Supervisor {
    pub fn new(
        (setup, files, lock): (Setup, Generations, Lock),
        live: watch::Sender<Live>,
        (idle, folded): (Idle, watch::Receiver<Folded>),
        asked: mpsc::Receiver<Request>,
    ) -> Self {
        let nothing = || tokio::spawn(std::future::ready(()));
        Self {
            setup,
            files,
            live,
            folding: nothing(),
            retired: nothing(),
            folded,
            stop: CancellationToken::new(),
            building: None,
            idle: Some(idle),
            again: None,
            replaced_last: None,
            asked,
            _lock: lock,
        }
    }

    /// Starts to fold, and to build what the definitions in force ask for.
    pub async fn begin(&mut self) {
        let Live { position, head, is_superseded, .. } = *self.live.borrow();
        if is_superseded {
            self.wake();
            self.build_what_changed().await;
        } else if position == 0 && head > bulk::LEAST_RECORDS {
            self.live.borrow().memory.waiting.looked_up(true, self.setup.clock.now());
            self.build_first().await;
        } else {
            self.wake();
        }
    }

    pub async fn run(mut self, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                changed = self.folded.changed() => match changed {
                    Ok(()) => self.show().await,
                    Err(_) => break,
                },
                request = self.asked.recv() => match request {
                    Some(Request { wish, answer }) => { let _ = answer.send(self.grant(wish).await); }
                    None => break,
                },
                folded = next_of(&mut self.building) => self.built(folded).await,
                () = at(self.again) => self.build_what_changed().await,
            }
        }
        self.stop.cancel();
        if let Some(building) = self.building.take() {
            building.fail("the service is stopping".to_owned()).await;
        }
        let _ = self.folding.await;
        let _ = self.retired.await;
    }

    async fn grant(&mut self, wish: Wish) -> Result<Updates, RebuildError> {
        if self.building.is_some() {
            return Err(RebuildError::UnderWay);
        }
        let number = self.files.next(self.live.borrow().generation);
        match wish {
            Wish::Anew => {
                let previous = self.live.borrow().previous;
                self.build(Making::anew(&self.setup, &self.files, number, previous).await?)
            }
            Wish::Back => self.go_back().await,
            Wish::Promote(promotion) => self.build(Making::promoted(&self.setup, &self.files, number, *promotion)?),
        }
    }

    /// Lets the serving file fold by itself, if it does not yet.
    fn wake(&mut self) {
        if let Some(Idle { folding, progress, setup }) = self.idle.take() {
            self.folding = tokio::spawn(folding.keep_on(setup, progress, self.stop.clone()));
        }
    }

    async fn show(&mut self) {
        let Folded { position, clock, due, head, fault, outdated, .. } = self.folded.borrow_and_update().clone();
        self.live.send_modify(|live| {
            live.position = position;
            (live.clock, live.due) = (clock, due);
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
        if let Err(error) = self.grant(Wish::Anew).await {
            tracing::error!(%tenant, generation, %error, "a discarded record goes on counting; ask for a rebuild");
        }
    }

    /// Builds what takes the place of an empty file.
    async fn build_first(&mut self) {
        if let Err(error) = self.grant(Wish::Anew).await {
            tracing::error!(tenant = %self.setup.origin.tenant, %error, "the log is folded record by record");
            self.wake();
        }
    }

    /// Builds what takes the place of a file that was folded under other definitions; if it cannot, tries again in a while.
    async fn build_what_changed(&mut self) {
        self.again = None;
        if !self.live.borrow().is_superseded || self.building.is_some() {
            return;
        }
        if let Err(error) = self.grant(Wish::Anew).await {
            self.cannot_build(error.to_string());
        }
    }

    fn cannot_build(&mut self, fault: String) {
        let (tenant, generation) = (&self.setup.origin.tenant, self.live.borrow().generation);
        tracing::error!(%tenant, generation, %fault, "a new generation is not built; this one goes on serving");
        self.live.send_modify(|live| {
            live.building = None;
            live.not_built = Some(fault);
        });
        let is_superseded = self.live.borrow().is_superseded;
        self.again = is_superseded.then(|| Instant::now() + TRY_AGAIN);
    }

    fn build(&mut self, making: Making) -> Result<Updates, RebuildError> {
        let Live { generation, previous, .. } = *self.live.borrow();
        let kept = [Some(generation), previous, Some(making.generation)];
        self.files.remove_all_but(&kept.into_iter().flatten().collect::<Vec<_>>());
        let (building, updates) = Building::start(making);
        self.building = Some(building);
        Ok(updates)
    }

    /// Names a generation as the one that serves. What it has folded is on the disk before its name is: a power cut must
    /// not leave less than the one before had.
    async fn name(&mut self, building: &Building) -> Result<Reader, ProjectorError> {
        crash_point!("generation/caught-up");
        let Setup { origin, definitions, .. } = building.setup.clone();
        let path = building.path.clone();
        let synced = tokio::task::spawn_blocking(move || {
            ReadModel::sync(&path)?;
            Reader::open(&path, origin, definitions)
        });
        let reader = synced.await.map_err(|_| ProjectorError::BrokenOff)??;
        crash_point!("generation/synced");
        if let Some(definitions_file) = &building.promoted {
            // From here on a start comes to the same, from either file.
            definitions_file.replace()?;
            crash_point!("generation/promoted");
        }
        if self.idle.is_none() {
            self.files.keep([self.live.borrow().generation, building.generation])?;
            crash_point!("generation/kept");
        }
        self.files.set_current(building.generation)?;
        crash_point!("generation/named");
        Ok(reader)
    }

    /// The generation in the making got further; once it is as far as the serving one, it serves.
    async fn built(&mut self, folded: Option<Folded>) {
        let Some(building) = self.building.take() else { return };
        let fault = match &folded {
            None => Some("it broke off".to_owned()),
            Some(folded) => folded.fault.clone(),
        };
        if let Some(fault) = fault {
            return self.give_up(building, fault).await;
        }
        let folded = folded.unwrap_or_default();
        if folded.position < self.live.borrow().position || !folded.is_settled(self.setup.clock.now()) {
            let progress = building.tell(&folded);
            let is_idle = self.idle.is_some();
            // It may have been removed to make room.
            let previous = self.live.borrow().previous.filter(|number| self.files.path(*number).exists());
            self.live.send_modify(|live| {
                live.building = Some(progress);
                live.previous = previous;
                if is_idle {
                    live.head = live.head.max(folded.head);
                }
            });
            self.building = Some(building);
            return;
        }
        match self.name(&building).await {
            Ok(reader) => self.swap(building, reader, folded).await,
            Err(error) => self.give_up(building, error.to_string()).await,
        }
    }

    async fn give_up(&mut self, building: Building, fault: String) {
        if self.idle.is_some() {
            tracing::error!(tenant = %self.setup.origin.tenant, %fault, "the log is folded record by record");
        }
        building.fail(fault.clone()).await;
        let Live { generation, previous, .. } = *self.live.borrow();
        self.files.remove_all_but(&[Some(generation), previous].into_iter().flatten().collect::<Vec<_>>());
        self.cannot_build(fault);
        self.wake();
    }

    /// Lets it serve.
    async fn swap(&mut self, building: Building, reader: Reader, folded: Folded) {
        let (number, before) = (building.generation, self.live.borrow().generation);
        let was_empty = self.idle.take().is_some();
        self.setup = building.setup.clone();
        self.again = None;
        self.stop.cancel();
        self.stop = building.stop.clone();
        self.folded = building.folded.clone();
        let (updates, folding) = building.finish();
        self.retired = std::mem::replace(&mut self.folding, folding);
        let Folded { position, clock, due, head, .. } = folded;
        self.setup.changes.serve(number);
        let goal = self.live.borrow().goal;
        let wanted = self.setup.definitions.fingerprint();
        self.live.send_replace(Live {
            generation: number,
            reader,
            position,
            clock,
            due,
            head,
            goal,
            memory: updates.memory.clone(),
            fault: None,
            building: None,
            wanted,
            is_superseded: false,
            began_anew: false,
            not_built: None,
            previous: (!was_empty).then_some(before),
        });
        let tenant = &self.setup.origin.tenant;
        tracing::info!(%tenant, generation = number, position, head, "a new generation serves");
        crash_point!("generation/serves");
        // Queries that began on an empty one may still open it; the next start or rebuild removes it.
        self.files.remove_all_but(&[before, number]);
        crash_point!("generation/tidied");
        updates.done(&folded).await;
    }

    /// Lets the generation before serve at once; it catches up then. The one that served is kept.
    async fn go_back(&mut self) -> Result<Updates, RebuildError> {
        let serving = self.live.borrow().generation;
        let previous = self.files.previous(serving).ok_or(RebuildError::NoPrevious)?;
        // It may be at its last batch still.
        let _ = (&mut self.retired).await;
        self.retired = tokio::spawn(std::future::ready(()));
        let path = self.files.path(previous);
        let opened = Folding::open(&self.setup, &path, previous).await;
        let folding = match opened {
            Err(error) if is_of_others(&error) => return Err(RebuildError::OtherDefinitions { generation: previous }),
            opened => opened?,
        };
        let reader = folding.reader(&self.setup.origin)?;
        let (Standing { position, clock, due }, head) = (folding.standing()?, folding.head());
        let folded = Folded { position, clock, due, head, ..Folded::default() };
        let (building, updates) = Building::back(&self.setup, (folding, path, previous), folded.clone());
        crash_point!("back/opened");
        if let Err(error) = self.files.set_current(previous) {
            building.fail(error.to_string()).await;
            return Err(error.into());
        }
        crash_point!("back/named");
        self.wake();
        self.swap(building, reader, folded).await;
        Ok(updates)
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

async fn at(moment: Option<Instant>) {
    match moment {
        None => std::future::pending().await,
        Some(moment) => tokio::time::sleep_until(moment).await,
    }
}
