//! Who asks the read models: the thread that serves the call, where it takes no time to speak of, or else one for questions.
//!
//! A question about one customer takes some tens of microseconds; to wake a thread for it, and a task for its answer, takes
//! as long. So it is asked in place. Questions that may take long are asked by threads, with what waits in a bounded queue.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, available_parallelism};

use tokio::sync::{mpsc, oneshot};

use super::QueryError;

/// Questions that wait; more are sent back.
const MOST_WAITING: usize = 1_024;
/// One long question must not hold up all others.
const FEWEST_FOR_LONG: usize = 4;

/// Clones share the threads; these end with the last one.
#[derive(Clone)]
pub(super) struct Threads {
    waiting: mpsc::Sender<Question>,
}

/// Asks, and gives the answer.
type Question = Box<dyn FnOnce() + Send>;

impl Threads {
    pub fn start() -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, usize::from).max(FEWEST_FOR_LONG);
        Ok(Self { waiting: start("query", threads)? })
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

/// Asks what is known of one customer.
pub(super) fn in_place<T>(question: impl FnOnce() -> T) -> Result<T, QueryError> {
    catch_unwind(AssertUnwindSafe(question)).map_err(|_| QueryError::BrokenOff)
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

    #[test]
    fn a_short_question_that_panics_breaks_off_alone() {
        let broken = in_place(|| assert_eq!(1, 2, "on purpose"));
        assert!(matches!(broken, Err(QueryError::BrokenOff)));
        assert_eq!(in_place(|| 7).unwrap(), 7);
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
}
