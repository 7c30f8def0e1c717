//! The threads that ask the read models: a few, each with what waits in a bounded queue.
//!
//! A question about one customer takes some tens of microseconds; to wake a thread for it, and a task for its answer, takes
//! as long. So such a thread takes what waits, asks it all, and then gives the answers together: they leave in one write.
//! Questions that may take long are asked by other threads, one at a time.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, available_parallelism};

use tokio::sync::{mpsc, oneshot};

use super::QueryError;

/// Questions that wait; more are sent back.
const MOST_WAITING: usize = 1_024;
/// Short questions that are answered together.
const GROUP: usize = 32;
/// One long question must not hold up all others.
const FEWEST_FOR_LONG: usize = 4;

/// Clones share the threads; these end with the last one.
#[derive(Clone)]
pub(super) struct Threads {
    short: mpsc::Sender<Question>,
    long: mpsc::Sender<Question>,
}

/// Asks, and says how the answer is given.
type Question = Box<dyn FnOnce() -> Telling + Send>;
type Telling = Box<dyn FnOnce() + Send>;

impl Threads {
    pub fn start() -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        Ok(Self {
            short: start("short-query", cores, GROUP)?,
            long: start("long-query", cores.max(FEWEST_FOR_LONG), 1)?,
        })
    }

    /// Of one customer.
    pub async fn ask_shortly<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        ask(&self.short, question).await
    }

    pub async fn ask<T: Send + 'static>(&self, question: impl FnOnce() -> T + Send + 'static) -> Result<T, QueryError> {
        ask(&self.long, question).await
    }
}

/// What nobody waits for any more is not asked.
async fn ask<T: Send + 'static>(
    threads: &mpsc::Sender<Question>,
    question: impl FnOnce() -> T + Send + 'static,
) -> Result<T, QueryError> {
    let (answer, answered) = oneshot::channel();
    let asking = move || -> Telling {
        if answer.is_closed() {
            return Box::new(|| ());
        }
        let found = question();
        // Whoever asked may be gone by now.
        Box::new(move || drop(answer.send(found)))
    };
    threads.try_send(Box::new(asking)).map_err(|_| QueryError::TooManyQuestions { limit: MOST_WAITING })?;
    answered.await.map_err(|_| QueryError::BrokenOff)
}

fn start(name: &str, threads: usize, group: usize) -> io::Result<mpsc::Sender<Question>> {
    let (sender, waiting) = mpsc::channel(MOST_WAITING);
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..threads {
        let waiting = waiting.clone();
        Builder::new().name(name.to_owned()).spawn(move || answer_all(&waiting, group))?;
    }
    Ok(sender)
}

fn answer_all(waiting: &Mutex<mpsc::Receiver<Question>>, most: usize) {
    let mut group = Vec::with_capacity(most);
    loop {
        // One thread waits for the next questions, the others for their turn to do so.
        waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv_many(&mut group, most);
        if group.is_empty() {
            return;
        }
        // One that panics gives no answer; that is told where it was asked.
        let asked = group.drain(..).map(|question| catch_unwind(AssertUnwindSafe(question)));
        let tellings: Vec<Result<Telling, Box<dyn Any + Send>>> = asked.collect();
        tellings.into_iter().flatten().for_each(|tell| tell());
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

    #[tokio::test]
    async fn a_question_that_panics_breaks_off_alone() {
        let threads = Threads::start().unwrap();
        for _ in 0..100 {
            let broken = threads.ask_shortly(|| assert_eq!(1, 2, "on purpose")).await;
            assert!(matches!(broken, Err(QueryError::BrokenOff)));
        }
        assert_eq!(threads.ask_shortly(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
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
