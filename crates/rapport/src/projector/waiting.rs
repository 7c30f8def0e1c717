//! How long the oldest record that is not folded yet has been waiting.
//!
//! Batches are folded in their order, so the oldest is the first record of the first batch that was begun and is not
//! committed. A record that the log has and did not give yet has no moment that is known; it waits at least since its
//! place was heard of.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rapport_touchpoint::Timestamp;

/// Clones share what waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When the first record of each batch was recorded.
    batches: VecDeque<Timestamp>,
    /// What waited when the file was last opened comes from the log a second time; until then it still waits.
    is_old: bool,
    /// Since when the log is known to have more than was given.
    more_since: Option<Timestamp>,
}

impl Waiting {
    /// The log is read anew, from behind the last commit.
    pub fn start_over(&self) {
        self.state().is_old = true;
    }

    /// A batch begins with a record of this moment.
    pub fn begun(&self, recorded_at: Timestamp) {
        let mut state = self.state();
        if std::mem::take(&mut state.is_old) {
            state.batches.clear();
        }
        state.batches.push_back(recorded_at);
    }

    /// The oldest batch is in the read model.
    pub fn committed(&self) {
        let mut state = self.state();
        state.batches.pop_front();
        state.more_since = None;
    }

    /// The end of the log was looked up: is there more than is folded?
    pub fn looked_up(&self, more: bool, now: Timestamp) {
        let mut state = self.state();
        state.more_since = more.then(|| state.more_since.unwrap_or(now));
    }

    pub fn longest(&self, now: Timestamp) -> Duration {
        let state = self.state();
        let since = state.batches.front().copied().or(state.more_since).unwrap_or(now);
        Duration::from_nanos(u64::try_from(now.nanos() - since.nanos()).unwrap_or_default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000).unwrap()
    }

    #[track_caller]
    fn longest(waiting: &Waiting, now: i64, seconds: u64) {
        assert_eq!(waiting.longest(at(now)), Duration::from_secs(seconds));
    }

    #[test]
    fn the_oldest_batch_counts_until_it_is_committed() {
        let waiting = Waiting::default();
        longest(&waiting, 10, 0);
        waiting.begun(at(10));
        waiting.begun(at(14));
        longest(&waiting, 15, 5);
        waiting.committed();
        longest(&waiting, 15, 1);
        waiting.committed();
        longest(&waiting, 99, 0);
    }

    #[test]
    fn what_waited_before_a_fault_waits_until_it_is_read_again() {
        let waiting = Waiting::default();
        waiting.begun(at(10));
        waiting.begun(at(11));
        waiting.start_over();
        longest(&waiting, 30, 20);
        waiting.begun(at(10));
        waiting.committed();
        longest(&waiting, 30, 0);
    }

    #[test]
    fn what_the_log_keeps_back_waits_since_it_was_heard_of() {
        let waiting = Waiting::default();
        waiting.looked_up(true, at(10));
        waiting.looked_up(true, at(12));
        longest(&waiting, 15, 5);
        waiting.looked_up(false, at(15));
        longest(&waiting, 16, 0);
    }

    #[test]
    fn a_clock_behind_the_logs_is_no_lag() {
        let waiting = Waiting::default();
        waiting.begun(at(10));
        longest(&waiting, 9, 0);
    }
}
