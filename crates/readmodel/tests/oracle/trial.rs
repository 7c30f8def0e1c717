//! One case, step by step: after each of them, the read model says what the naive reading says.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rapport_customer::identity::CustomerId;
use rapport_readmodel::{
    Bounds, CustomerAnswer, CustomerKey, CustomerName, Filter, ReadModelError, Remembered, Standing,
};
use rapport_touchpoint::Timestamp;

use crate::cases::{Case, Step, Tear, definitions_of};
use crate::coverage::{self, Kind};
use crate::naive::{Log, Naive, read_all};
use crate::support::{Record, World, minute_of, origin};
use crate::views;

type Outcome = Result<(), TestCaseError>;

pub struct Trial {
    world: World,
    log: Vec<Record>,
    read: Log,
    naive: Naive,
    remembered: Remembered<CustomerAnswer>,
    kinds: BTreeSet<Kind>,
}

/// Some customers are forgotten on the way.
const MOST_REMEMBERED_BYTES: usize = 8_000;

impl Trial {
    /// Goes through a case, and gives what it contained.
    pub fn run(case: &Case) -> Result<BTreeSet<Kind>, TestCaseError> {
        let world = World::spaced(definitions_of(case.under), case.spacing);
        let log = case.log();
        let read = read_all(&log, &world.definitions);
        let naive = Naive::of(&[], &world.definitions, world.model.checkpoint().clock);
        let remembered = Remembered::new(MOST_REMEMBERED_BYTES);
        let mut trial = Self { world, log, read, naive, remembered, kinds: BTreeSet::new() };
        for step in &case.steps {
            trial = trial.step(step, case)?;
        }
        while trial.position() < trial.log.len() {
            trial.fold(case.rest)?;
        }
        // A clock only goes forward.
        trial.pass(minute_of(60))?;
        trial.check_answers()?;
        Ok(trial.kinds)
    }

    /// Builds the beginning of a case's log in bulk and goes on from there.
    pub fn run_built(
        case: &Case,
        cut: usize,
        silent_until: Timestamp,
        bounds: Bounds,
    ) -> Result<BTreeSet<Kind>, TestCaseError> {
        let definitions = definitions_of(case.under);
        let log = case.log();
        let cut = cut.min(log.len());
        let (world, built) = World::built(definitions, case.spacing, &log[..cut], silent_until, bounds).unwrap();
        prop_assert_eq!((built.position, built.records), (cut as u64, cut as u64));
        let read = read_all(&log, &world.definitions);
        let naive = Naive::of(&[], &world.definitions, Timestamp::EPOCH);
        let remembered = Remembered::new(MOST_REMEMBERED_BYTES);
        let mut trial = Self { world, log, read, naive, remembered, kinds: BTreeSet::new() };
        prop_assert_eq!(trial.world.model.checkpoint().clock, silent_until);
        trial.check(None)?;
        prop_assert_eq!(built.conflicts, trial.naive.conflicts);
        trial.check_answers()?;
        while trial.position() < trial.log.len() {
            trial.fold(case.rest)?;
        }
        trial.pass(minute_of(60))?;
        trial.check_answers()?;
        Ok(trial.kinds)
    }

    fn step(mut self, step: &Step, case: &Case) -> Result<Self, TestCaseError> {
        match step {
            Step::Fold(records) => self.fold(*records)?,
            Step::Pass(minute) => self.pass(minute_of(*minute))?,
            Step::PassNext => {
                if let Some(next) = self.naive.next_silence() {
                    self.pass(next)?;
                }
            }
            Step::Reopen => {
                self.world = self.world.reopen();
                self.remembered.start_over(self.standing());
                self.check(Some(Kind::Reopened))?;
            }
            Step::Crash(tear, at) => {
                let position = self.position();
                self.world = self.world.crash(|written| damage(written, *tear, *at));
                let is_back = self.position() < position;
                self.remembered.start_over(self.standing());
                self.check(Some(if is_back { Kind::CrashInside } else { Kind::CrashBetween }))?;
            }
            Step::Fail(records) => {
                self.fail(*records)?;
                self.fold(*records)?;
            }
            Step::Race(records) => self = self.race(*records)?,
            Step::Define(number) => {
                let definitions = definitions_of(*number);
                self.read = read_all(&self.log, &definitions);
                self.world = World::spaced(definitions, case.spacing);
                self.remembered = Remembered::new(MOST_REMEMBERED_BYTES);
                self.check(Some(Kind::Redefined))?;
            }
        }
        Ok(self)
    }

    fn position(&self) -> usize {
        self.world.model.checkpoint().position as usize
    }

    /// The next so many records of the log.
    fn next(&self, records: usize) -> Vec<Record> {
        self.log[self.position()..].iter().take(records).cloned().collect()
    }

    fn fold(&mut self, records: usize) -> Outcome {
        let next = self.next(records);
        let in_all = next.len() as u64;
        self.world.fold_records(next);
        let applied = &self.world.applied;
        self.remembered.changed(&applied.changed, self.standing());
        prop_assert!(applied.fresh + applied.decisions + applied.duplicates + applied.parked == in_all);
        let before = self.read_naively();
        coverage::of_batch(&before, &self.naive, &mut self.kinds);
        if self.resumed() {
            self.kinds.insert(Kind::FromSnapshot);
        }
        self.compare()
    }

    /// Was less read than all who were folded anew have?
    fn resumed(&self) -> bool {
        let applied = &self.world.applied;
        let mut find = self.world.file().prepare_cached("SELECT events FROM customers WHERE id = ?1").unwrap();
        let events_of = |key: &CustomerKey| -> u64 {
            find.query_row([i64::from_be_bytes(key.to_bytes())], |row| row.get(0)).unwrap_or_default()
        };
        let in_all: u64 = applied.changed.iter().map(events_of).sum();
        applied.refolds == applied.changed.len() as u64 && applied.reread + applied.fresh < in_all
    }

    fn pass(&mut self, until: Timestamp) -> Outcome {
        let mut changed = false;
        while let Some(passed) = self.world.model.let_pass(until).unwrap() {
            changed |= !passed.changed.is_empty();
            self.remembered.changed(&passed.changed, self.standing());
        }
        self.kinds.extend(changed.then_some(Kind::SilenceFallen));
        // The clock of the file stands at the last silence; by then there is none that has not fallen.
        self.read_naively_at(until);
        self.compare()
    }

    /// A batch that cannot write its last table leaves nothing behind, on the disk or in memory.
    fn fail(&mut self, records: usize) -> Outcome {
        let next = self.next(records);
        if next.is_empty() {
            return Ok(());
        }
        self.world.file().execute_batch("ALTER TABLE fence RENAME TO away").unwrap();
        prop_assert!(self.world.try_fold(next).is_err());
        // No crash may go back to where the table is away.
        self.world.file().execute_batch("ALTER TABLE away RENAME TO fence; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        self.check(Some(Kind::Failed))
    }

    /// Of two writers the one that is behind learns it, and folds nothing over the other's.
    fn race(mut self, records: usize) -> Result<Self, TestCaseError> {
        let next = self.next(records);
        if next.is_empty() {
            return Ok(self);
        }
        let mut first = self.world.another_writer();
        std::mem::swap(&mut self.world.model, &mut first);
        self.fold(records)?;
        std::mem::swap(&mut self.world.model, &mut first);
        let behind = self.world.try_fold(next);
        prop_assert!(matches!(behind, Err(ReadModelError::Raced { .. })), "{behind:?}");
        drop(first);
        self.world = self.world.reopen();
        self.remembered.start_over(self.standing());
        self.check(Some(Kind::Raced))?;
        Ok(self)
    }

    /// Reads naively what the read model says it has folded; gives what was so before.
    fn read_naively(&mut self) -> Naive {
        self.read_naively_at(Timestamp::EPOCH)
    }

    /// The same at a later moment than that of its clock.
    fn read_naively_at(&mut self, moment: Timestamp) -> Naive {
        let checkpoint = self.world.model.checkpoint();
        let log = &self.read[..checkpoint.position as usize];
        let naive = Naive::of(log, &self.world.definitions, checkpoint.clock.max(moment));
        std::mem::replace(&mut self.naive, naive)
    }

    fn check(&mut self, kind: Option<Kind>) -> Outcome {
        self.kinds.extend(kind);
        self.read_naively();
        self.compare()
    }

    fn compare(&mut self) -> Outcome {
        coverage::of_world(&self.naive, &mut self.kinds);
        let mut said = self.world.digests();
        said.extend(self.world.sums());
        prop_assert_eq!(said, self.naive.sums());
        let status = self.world.reader().status().unwrap().content;
        prop_assert_eq!(status.duplicates, self.naive.duplicates);
        prop_assert_eq!(status.parked, self.naive.conflicts + self.naive.unreadable);
        prop_assert_eq!(self.world.stray_snapshots(), 0);
        prop_assert_eq!(self.world.stray_touchpoints(), 0);
        self.check_remembered()
    }

    fn standing(&self) -> Standing {
        let checkpoint = self.world.model.checkpoint();
        Standing { position: checkpoint.position, clock: checkpoint.clock, due: None }
    }

    /// What is remembered is what is found.
    fn check_remembered(&mut self) -> Outcome {
        let reader = self.world.reader();
        let names: BTreeSet<_> = self.naive.who.events.iter().flat_map(|seen| &seen.named).collect();
        for name in names {
            let identifier = name.to_identifier(&self.world.definitions.rules);
            let id = CustomerId::of(&identifier, &origin().key);
            for called in [CustomerName::Identifier(identifier), CustomerName::Id(id)] {
                let (answer, tenure) = reader.customer_and_tenure(&called).unwrap();
                let standing = answer.standing();
                let recalled = self.remembered.recall(&called, self.standing());
                if let Some((said, at)) = recalled {
                    prop_assert_eq!((at.position, at.clock), (standing.position, standing.clock));
                    prop_assert_eq!(Some(&said), answer.content.as_ref(), "{:?} as remembered", called);
                    self.kinds.insert(Kind::Remembered);
                } else if let Some(found) = answer.content {
                    let key = found.key;
                    self.remembered.remember((&called, tenure), key, standing, (found, 100));
                }
            }
        }
        Ok(())
    }

    /// Every customer by every name, with states and timeline.
    fn check_answers(&self) -> Outcome {
        let reader = self.world.reader();
        let rules = &self.world.definitions.rules;
        let everybody = reader.find(&Filter::default(), None, usize::MAX >> 1).unwrap().content.customers;
        prop_assert_eq!(everybody.len(), self.naive.customers.len());
        let names: BTreeSet<_> = self.naive.who.events.iter().flat_map(|seen| &seen.named).collect();
        for name in names {
            let identifier = name.to_identifier(rules);
            let id = CustomerId::of(&identifier, &origin().key);
            for called in [CustomerName::Identifier(identifier), CustomerName::Id(id)] {
                let found = reader.customer(&called).unwrap().content;
                let Some((first, customer)) = self.naive.customer(name) else {
                    prop_assert!(found.is_none(), "{called:?} is nobody");
                    continue;
                };
                let found = found.unwrap();
                let oldest = self.naive.who.oldest(first).to_identifier(rules);
                prop_assert_eq!(found.id, CustomerId::of(&oldest, &origin().key));
                prop_assert_eq!(found.events, customer.timeline.len() as u64);
                prop_assert_eq!(&found.states, &customer.states);
                let history = reader.history(&called, None, usize::MAX).unwrap().content.unwrap();
                let history: Vec<_> = history.into_iter().map(|entry| (entry.position, entry.key)).collect();
                let place = |at: &usize| (self.naive.who.events[*at].position, self.naive.key(*at));
                prop_assert_eq!(history, customer.timeline.iter().map(place).collect::<Vec<_>>());
            }
        }
        let labels = |customer: &crate::naive::Customer| customer.states.labels(&self.world.definitions.journeys).len();
        prop_assert_eq!(self.world.labels(), self.naive.customers.values().map(labels).sum::<usize>());
        views::check(&self.world, &self.naive)
    }
}

/// Spoils a write-ahead log from a place on: a header of 32 bytes, then pages with 24 bytes before each.
fn damage(written: &mut Vec<u8>, tear: Tear, thousandths: usize) {
    let at = written.len() * thousandths / 1_000;
    match tear {
        Tear::Cut => written.truncate(at),
        Tear::CutBetweenFrames => {
            let page = written.get(8..12).map_or(4_096, |size| u32::from_be_bytes(size.try_into().unwrap()) as usize);
            written.truncate(at.saturating_sub(32) / (page + 24) * (page + 24) + 32);
        }
        Tear::Spoiled => {
            if let Some(byte) = written.get_mut(at) {
                *byte ^= 0xff;
            }
        }
    }
}
