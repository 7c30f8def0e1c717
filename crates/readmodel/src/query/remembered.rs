//! What was said of customers, for as long as no transaction changes them: told again instead of looked up.
//!
//! Whoever writes the file says whom a transaction changed before anybody hears how far the file is now. So what was true
//! at an earlier moment is true now, if the customer is not among those who changed since. Who has a person's name changes
//! only with the customers that had it and have it; who is found by a device is not remembered ([`Tenure`]).

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;
use rapport_touchpoint::Timestamp;

use super::{CustomerName, Standing, Tenure};
use crate::CustomerKey;

/// Customers of whom it is known when they changed last.
const MOST_CHANGED: usize = 64 * 1024;
/// What a name takes beside its text and what was said.
const BYTES_OF_ENTRY: usize = 256;

/// Transactions follow each other by position, and at one position by the clock.
type Ordinal = (u64, Timestamp);

impl Standing {
    fn ordinal(self) -> Ordinal {
        (self.position, self.clock)
    }
}

/// Bounded in memory; `T` is cheap to clone.
pub struct Remembered<T> {
    state: Mutex<State<T>>,
    most_bytes: usize,
}

struct State<T> {
    /// Who changed after this moment is known.
    since: Ordinal,
    /// The latest at the end.
    changed: LruCache<CustomerKey, Ordinal>,
    said: LruCache<CustomerName, Said<T>>,
    bytes: usize,
}

struct Said<T> {
    of: CustomerKey,
    at: Standing,
    content: T,
    bytes: usize,
}

impl<T: Clone> Remembered<T> {
    pub fn new(most_bytes: usize) -> Self {
        let state = State {
            since: Ordinal::default(),
            changed: LruCache::new_unbounded(),
            said: LruCache::new_unbounded(),
            bytes: 0,
        };
        Self { state: Mutex::new(state), most_bytes }
    }

    /// What was said of whoever has this name, and where the read model stands by which it is true: no earlier than `now`.
    pub fn recall(&self, name: &CustomerName, now: Standing) -> Option<(T, Standing)> {
        let mut state = self.state();
        let Said { of, at, content, .. } = state.said.get(name)?;
        let (of, at, content) = (*of, *at, content.clone());
        if !state.is_true(of, at) {
            state.forget(name);
            return None;
        }
        Some((content, if at.ordinal() > now.ordinal() { at } else { now }))
    }

    /// Keeps what a question found at this standing, if it holds until the customer changes. `bytes` is what it takes in
    /// memory.
    pub fn remember(
        &self,
        (name, tenure): (&CustomerName, Tenure),
        of: CustomerKey,
        at: Standing,
        (content, bytes): (T, usize),
    ) {
        let mut state = self.state();
        // A transaction may have changed it since it was asked for.
        if tenure == Tenure::UntilClaimed || !state.is_true(of, at) {
            return;
        }
        state.forget(name);
        let bytes = BYTES_OF_ENTRY + name.bytes() + bytes;
        state.bytes += bytes;
        state.said.insert(name.clone(), Said { of, at, content, bytes });
        while state.bytes > self.most_bytes
            && let Some((_, oldest)) = state.said.remove_lru()
        {
            state.bytes -= oldest.bytes;
        }
    }

    /// A transaction changed these customers and came to this standing. To be told of each, in their order, and before
    /// [`Remembered::recall`] is asked for what is true afterwards.
    pub fn changed(&self, customers: &[CustomerKey], standing: Standing) {
        let mut state = self.state();
        if state.said.is_empty() {
            state.changed.clear();
            state.since = standing.ordinal();
            return;
        }
        for customer in customers {
            state.changed.insert(*customer, standing.ordinal());
        }
        while state.changed.len() > MOST_CHANGED
            && let Some((_, oldest)) = state.changed.remove_lru()
        {
            state.since = oldest;
        }
    }

    /// The file was opened anew at this standing: it is not known who changed before.
    pub fn start_over(&self, standing: Standing) {
        let mut state = self.state();
        state.said.clear();
        state.bytes = 0;
        state.changed.clear();
        state.since = standing.ordinal();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// Is what was true of the customer then true still?
    fn is_true(&self, of: CustomerKey, at: Standing) -> bool {
        at.ordinal() >= self.since && self.changed.peek(&of).is_none_or(|changed| *changed <= at.ordinal())
    }

    fn forget(&mut self, name: &CustomerName) {
        if let Some(said) = self.said.remove(name) {
            self.bytes -= said.bytes;
        }
    }
}

impl CustomerName {
    fn bytes(&self) -> usize {
        match self {
            Self::Id(_) => 0,
            Self::Identifier(identifier) => identifier.namespace.len() + identifier.value.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_customer::identity::CustomerId;

    use super::*;

    fn name(number: u8) -> CustomerName {
        CustomerName::Id(CustomerId([number; 16]))
    }

    fn customer(number: u8) -> CustomerKey {
        CustomerKey::from_bytes(&[0, 0, 0, 0, 0, 0, 0, number]).unwrap()
    }

    fn at(position: u64, clock: i64) -> Standing {
        Standing { position, clock: Timestamp::from_nanos(clock).unwrap(), due: None }
    }

    fn remember(remembered: &Remembered<&'static str>, number: u8, at: Standing, said: (&'static str, usize)) {
        remembered.remember((&name(number), Tenure::UntilItChanges), customer(number), at, said);
    }

    fn with_ann_at(standing: Standing) -> Remembered<&'static str> {
        let remembered = Remembered::new(10_000);
        remember(&remembered, 1, standing, ("ann", 3));
        remembered
    }

    #[test]
    fn what_was_said_is_true_until_its_customer_changes() {
        let remembered = with_ann_at(at(5, 0));
        remembered.changed(&[customer(2)], at(6, 0));
        assert_eq!(remembered.recall(&name(1), at(6, 0)), Some(("ann", at(6, 0))));
        assert_eq!(remembered.recall(&name(2), at(6, 0)), None);
        remembered.changed(&[customer(1)], at(7, 0));
        assert_eq!(remembered.recall(&name(1), at(7, 0)), None);
    }

    #[test]
    fn who_is_found_by_a_device_is_not_remembered() {
        let remembered = Remembered::new(10_000);
        remembered.remember((&name(1), Tenure::UntilClaimed), customer(1), at(5, 0), ("ann", 3));
        assert_eq!(remembered.recall(&name(1), at(5, 0)), None);
    }

    #[test]
    fn silence_changes_a_customer_without_a_new_position() {
        let remembered = with_ann_at(at(5, 10));
        remembered.changed(&[customer(1)], at(5, 20));
        assert_eq!(remembered.recall(&name(1), at(5, 20)), None);
    }

    #[test]
    fn an_answer_that_is_ahead_of_what_was_told_says_so() {
        let remembered = with_ann_at(at(7, 0));
        assert_eq!(remembered.recall(&name(1), at(6, 0)), Some(("ann", at(7, 0))));
        remembered.changed(&[customer(1)], at(7, 0));
        assert_eq!(remembered.recall(&name(1), at(7, 0)), Some(("ann", at(7, 0))), "it was asked after that");
    }

    #[test]
    fn an_answer_that_comes_after_the_change_is_not_kept() {
        let remembered = with_ann_at(at(5, 0));
        remembered.changed(&[customer(2)], at(6, 0));
        remember(&remembered, 2, at(5, 0), ("bo as he was", 12));
        assert_eq!(remembered.recall(&name(2), at(6, 0)), None);
    }

    #[test]
    fn nothing_is_kept_from_before_it_was_known_who_changed() {
        let remembered = Remembered::new(10_000);
        remembered.changed(&[customer(1)], at(6, 0));
        remember(&remembered, 1, at(5, 0), ("ann as she was", 14));
        assert_eq!(remembered.recall(&name(1), at(6, 0)), None, "with nothing said there was nothing to note");
        let remembered = with_ann_at(at(5, 0));
        remembered.start_over(at(8, 0));
        assert_eq!(remembered.recall(&name(1), at(8, 0)), None);
        remember(&remembered, 1, at(7, 0), ("ann as she was", 14));
        assert_eq!(remembered.recall(&name(1), at(8, 0)), None);
    }

    #[test]
    fn more_changes_than_are_kept_let_older_answers_go() {
        let remembered = with_ann_at(at(5, 0));
        let many = |from: i64| -> Vec<CustomerKey> {
            let key = |number: i64| CustomerKey::from_bytes(&number.to_be_bytes()).unwrap();
            (from..from + MOST_CHANGED as i64).map(key).collect()
        };
        remembered.changed(&many(100), at(6, 0));
        assert_eq!(remembered.recall(&name(1), at(6, 0)), Some(("ann", at(6, 0))));
        remembered.changed(&many(1_000_000), at(7, 0));
        assert_eq!(remembered.recall(&name(1), at(7, 0)), None);
    }

    #[test]
    fn what_was_asked_for_longest_ago_makes_room() {
        let remembered = Remembered::new(2 * BYTES_OF_ENTRY + 20);
        for number in [1, 2] {
            remember(&remembered, number, at(5, 0), ("somebody", 8));
        }
        assert!(remembered.recall(&name(1), at(5, 0)).is_some());
        remember(&remembered, 3, at(5, 0), ("somebody", 8));
        let known = [1, 2, 3].map(|number| remembered.recall(&name(number), at(5, 0)).is_some());
        assert_eq!(known, [true, false, true]);
        remember(&remembered, 4, at(5, 0), ("one who is too large", 5_000));
        assert_eq!(remembered.recall(&name(4), at(5, 0)), None);
        assert_eq!(remembered.state().bytes, 0);
    }
}
