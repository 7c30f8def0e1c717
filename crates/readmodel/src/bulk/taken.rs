//! All that was taken from the log, gone through once more in its order: what counts, and what does not.

use rapport_touchpoint::Timestamp;

use super::error::{BulkError, Result};
use super::spool::Spooled;
use super::standing::{Judged, Verdict};
use super::told::Told;
use super::{BulkPhase, BulkProgress};

/// Touchpoints between two questions whether to go on.
const STEP: u64 = 5_000;

pub(super) struct Taken {
    pub told: Spooled,
    pub touchpoints: Spooled,
    pub judged: Judged,
    /// Only what had happened by then counts, if that is said.
    pub as_of: Option<Timestamp>,
}

/// Whoever waits for the file: is told how far it is, and says whether it is still wanted.
pub(super) struct Watched<'a> {
    pub goes_on: &'a mut dyn FnMut(BulkProgress) -> bool,
    pub total: u64,
}

impl Watched<'_> {
    /// So many touchpoints are done.
    pub fn pass(&mut self, phase: BulkPhase, done: u64) -> Result<()> {
        if done.is_multiple_of(STEP) && !(self.goes_on)(BulkProgress { phase, done, total: self.total }) {
            return Err(BulkError::GivenUp);
        }
        Ok(())
    }
}

impl Taken {
    /// What those that count told.
    pub fn each_standing(
        &self,
        watched: &mut Watched<'_>,
        mut take: impl FnMut(&Told<'_>) -> Result<()>,
    ) -> Result<()> {
        let (mut told, mut verdicts) = (self.told.read()?, self.judged.verdicts()?);
        let mut done = 0;
        while let Some(bytes) = told.next()? {
            let told = Told::read(bytes).ok_or_else(|| BulkError::torn("what a touchpoint told"))?;
            watched.pass(BulkPhase::Settling, done)?;
            done += 1;
            if self.in_time(&told, verdicts.of(told.position)?) == Verdict::Stands {
                take(&told)?;
            }
        }
        Ok(())
    }

    /// All that can be read, with what was kept of them.
    pub fn each_touchpoint(
        &self,
        watched: &mut Watched<'_>,
        mut take: impl FnMut(&Told<'_>, Verdict, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let (mut told, mut verdicts) = (self.told.read()?, self.judged.verdicts()?);
        let mut touchpoints = self.touchpoints.read()?;
        let mut done = 0;
        while let (Some(bytes), Some(kept)) = (told.next()?, touchpoints.next()?) {
            let told = Told::read(bytes).ok_or_else(|| BulkError::torn("what a touchpoint told"))?;
            watched.pass(BulkPhase::Arranging, done)?;
            done += 1;
            take(&told, self.in_time(&told, verdicts.of(told.position)?), kept)?;
        }
        Ok(())
    }

    fn in_time(&self, told: &Told<'_>, verdict: Verdict) -> Verdict {
        match (verdict, self.as_of) {
            (Verdict::Stands, Some(as_of)) if told.order_key().time() > as_of => Verdict::Later,
            (verdict, _) => verdict,
        }
    }

    /// They are not read any more.
    pub fn remove(self) -> Result<Judged> {
        self.told.remove()?;
        self.touchpoints.remove()?;
        Ok(self.judged)
    }
}
