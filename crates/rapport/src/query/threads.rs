//! Who asks the read models: the worker that serves a call, where it takes no time to speak of, or else a thread.
//!
//! A question about one customer takes some tens of microseconds; to wake a thread for it, and a task for its answer, takes
//! as long. So it is asked in place. Now and then it waits for the disk, so one worker at least is left for everything else.
//! Questions that may take long are asked by threads, with what waits in a bounded queue.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, available_parallelism};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::QueryError;

/// Questions of either kind that wait; more are sent back.
const MOST_WAITING: usize = 1_024;
/// One long question must not hold up all others.
const FEWEST_FOR_LONG: usize = 4;

/// Clones share the threads; these end with the last one.
#[derive(Clone)]
pub(super) struct Threads {
    in_place: Option<Arc<InPlace>>,
    waiting: mpsc::Sender<Question>,
}

/// Asks, and gives the answer.
type Question = Box<dyn FnOnce() + Send>;

struct InPlace {
    /// One for each worker but one.
    turns: Semaphore,
    /// Those that wait for a turn, and those that have one.
    places: Semaphore,
}

impl Threads {
    /// In the runtime whose workers serve the calls.
    pub fn start() -> io::Result<Self> {
        let workers = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
        let turns = workers - 1;
        let in_place =
            InPlace { turns: Semaphore::new(turns), places: Semaphore::new(MOST_WAITING.saturating_add(turns)) };
        let threads = available_parallelism().map_or(1, usize::from).max(FEWEST_FOR_LONG);
        Ok(Self { in_place: (turns > 0).then(|| Arc::new(in_place)), waiting: start("query", threads)? })
    }

    /// What is known of one customer.
    pub async fn ask_shortly<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        let Some(InPlace { turns, places }) = self.in_place.as_deref() else { return self.ask(question).await };
        let _place = places.try_acquire().map_err(|_| too_many())?;
        let turn = turns.acquire().await.map_err(|_| QueryError::BrokenOff)?;
        let answer = catch_unwind(AssertUnwindSafe(question)).map_err(|_| QueryError::BrokenOff);
        drop(turn);
        // Those that can be asked now are answered with it: the answers to one client leave in fewer writes.
        tokio::task::yield_now().await;
        answer
    }

    /// What nobody waits for any more is not asked.
    pub async fn ask<T: Send + 'static>(&self, question: impl FnOnce() -> T + Send + 'static) -> Result<T, QueryError> {
        let (answer, answered) = oneshot::channel();
        let asking = move || {
            if !answer.is_closed() {
                // Whoever asked may be gone by now.
                let _ = answer.send(question());
            }
        };
        self.waiting.try_send(Box::new(asking)).map_err(|_| too_many())?;
        answered.await.map_err(|_| QueryError::BrokenOff)
    }
}

fn too_many() -> QueryError {
    QueryError::TooManyQuestions { limit: MOST_WAITING }
}

fn start(name: &str, threads: usize) -> io::Result<mpsc::Sender<Question>> {
    let (sender, waiting) = mpsc::channel(MOST_WAITING);
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..threads {
        let waiting = waiting.clone();
        Builder::new().name(name.to_owned()).spawn(move || answer_all(&waiting))?;
    }
    Ok(sender)
}

fn answer_all(waiting: &Mutex<mpsc::Receiver<Question>>) {
    loop {
        // One thread waits for the next question, the others for their turn to do so.
        let question = waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(question) = question else { return };
        // One that panics gives no answer; that is told where it was asked.
        let _ = catch_unwind(AssertUnwindSafe(question));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_sent_back_and_the_rest_is_answered() {
        let threads = Threads::start().unwrap();
        let (release, held) = blocking::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let mut waiting = Vec::new();
        let refused = loop {
            let number = waiting.len();
            let (threads, held) = (threads.clone(), held.clone());
            let question = move || held.lock().unwrap().recv().map(|()| number).ok();
            let mut asked = Box::pin(async move { threads.ask(question).await });
            match futures::poll!(asked.as_mut()) {
                std::task::Poll::Pending => waiting.push(asked),
                std::task::Poll::Ready(answered) => break answered.unwrap_err(),
            }
        };
        assert!(matches!(refused, QueryError::TooManyQuestions { limit: MOST_WAITING }), "{refused}");
        assert!(waiting.len() >= MOST_WAITING);
        (0..waiting.len()).for_each(|_| release.send(()).unwrap());
        for (number, asked) in waiting.into_iter().enumerate() {
            assert_eq!(asked.await.unwrap(), Some(number));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn short_ones_leave_a_worker_and_what_finds_no_room_is_sent_back() {
        let threads = Threads::start().unwrap();
        let (release, held) = blocking::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let (asks, mut began) = mpsc::unbounded_channel();
        let mut asked = Vec::new();
        for number in 0..MOST_WAITING + 2 {
            let (threads, held, asks) = (threads.clone(), held.clone(), asks.clone());
            asked.push(tokio::spawn(async move {
                let question = move || {
                    let _ = asks.send(());
                    held.lock().unwrap().recv().map(|()| number).ok()
                };
                threads.ask_shortly(question).await
            }));
        }
        // Two workers are held up; all else goes on.
        began.recv().await.unwrap();
        began.recv().await.unwrap();
        while threads.in_place.as_ref().unwrap().places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = threads.ask_shortly(|| 7).await.unwrap_err();
        assert!(matches!(refused, QueryError::TooManyQuestions { limit: MOST_WAITING }), "{refused}");
        assert!(began.try_recv().is_err(), "a third one was asked");
        assert_eq!(threads.ask(|| 7).await.unwrap(), 7);
        (0..asked.len()).for_each(|_| release.send(()).unwrap());
        for (number, asked) in asked.into_iter().enumerate() {
            assert_eq!(asked.await.unwrap().unwrap(), Some(number));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_short_question_that_panics_breaks_off_alone() {
        let threads = Threads::start().unwrap();
        for _ in 0..100 {
            let broken = threads.ask_shortly(|| assert_eq!(1, 2, "on purpose")).await;
            assert!(matches!(broken, Err(QueryError::BrokenOff)));
        }
        assert_eq!(threads.ask_shortly(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_question_that_panics_breaks_off_alone() {
        let threads = Threads::start().unwrap();
        for _ in 0..100 {
            let broken = threads.ask(|| assert_eq!(1, 2, "on purpose")).await;
            assert!(matches!(broken, Err(QueryError::BrokenOff)));
        }
        assert_eq!(threads.ask(|| 7).await.unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn long_questions_do_not_hold_up_short_ones() {
        let threads = Threads::start().unwrap();
        let (release, held) = blocking::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let mut long = Vec::new();
        for _ in 0..100 {
            let (threads, held) = (threads.clone(), held.clone());
            let mut asked = Box::pin(async move { threads.ask(move || held.lock().unwrap().recv().is_ok()).await });
            assert!(futures::poll!(asked.as_mut()).is_pending());
            long.push(asked);
        }
        assert_eq!(threads.ask_shortly(|| 7).await.unwrap(), 7);
        drop(release);
        assert!(futures::future::join_all(long).await.into_iter().all(|answered| matches!(answered, Ok(false))));
    }
}
