//! The bounded way to the one writer of a log: events wait here in the order of their appends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::batch::{Appending, Entry};
use crate::error::Away;
use crate::{AppendError, Appended, Batch, TraceParent};

/// Bytes that may wait; beyond them an append is refused.
pub(crate) const WAITING_BYTES: usize = 128 * 1024 * 1024;
/// What one event takes of the waiting room at least, so that many small ones are bounded too.
const UNIT_BYTES: usize = 1024;
/// Events and bytes of one job: a longer append is several.
const JOB_EVENTS: usize = 1000;
const JOB_BYTES: usize = 4 * 1024 * 1024;

pub(crate) type Verdict = Result<Appended, AppendError>;

/// Events of one append that are written together.
pub(crate) struct Job {
    pub(crate) events: Vec<Appending>,
    trace: Option<TraceParent>,
    /// When the appender stops waiting.
    pub(crate) deadline: Instant,
    bytes: usize,
    answer: oneshot::Sender<Vec<Verdict>>,
    _room: OwnedSemaphorePermit,
}

impl Job {
    /// Has the appender stopped waiting? Then it was told so, and nothing need be written.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

/// The events of a group, in their order.
pub(crate) fn entries(group: &[Job]) -> Vec<Entry<'_>> {
    group.iter().flat_map(|job| job.events.iter().map(|event| Entry { event, trace: job.trace })).collect()
}

/// Gives each job its part of the group's verdicts.
pub(crate) fn answer(group: Vec<Job>, verdicts: Vec<Verdict>) {
    let mut verdicts = verdicts.into_iter();
    for job in group {
        let part = verdicts.by_ref().take(job.events.len()).collect();
        // An appender that went away wants no answer.
        let _ = job.answer.send(part);
    }
    assert!(verdicts.next().is_none(), "one verdict per event");
}

/// The appenders' end.
#[derive(Clone)]
pub(crate) struct Queue {
    jobs: Arc<Mutex<Option<mpsc::UnboundedSender<Job>>>>,
    room: Arc<Semaphore>,
    max_event_bytes: usize,
    waiting_bytes: usize,
    patience: Duration,
}

/// The writer's end.
pub(crate) struct Jobs {
    receiver: mpsc::UnboundedReceiver<Job>,
    /// Of the next groups, in their order.
    taken: VecDeque<Job>,
    taken_events: usize,
    taken_bytes: usize,
}

pub(crate) fn queue(max_event_bytes: usize, waiting_bytes: usize, patience: Duration) -> (Queue, Jobs) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(waiting_bytes / UNIT_BYTES));
    let queue = Queue { jobs: Arc::new(Mutex::new(Some(sender))), room, max_event_bytes, waiting_bytes, patience };
    (queue, Jobs { receiver, taken: VecDeque::new(), taken_events: 0, taken_bytes: 0 })
}

impl Queue {
    /// One verdict per event, in their order, within the queue's patience.
    pub(crate) async fn append(&self, batch: Batch) -> Vec<Verdict> {
        let Batch { events, trace } = batch;
        let deadline = Instant::now() + self.patience;
        let mut verdicts: Vec<Option<Verdict>> = Vec::new();
        verdicts.resize_with(events.len(), || None);
        let mut waiting = Vec::new();
        let mut next = Draft::default();
        for (index, event) in events.into_iter().enumerate() {
            let bytes = event.json.len();
            if bytes > self.max_event_bytes {
                verdicts[index] = Some(Err(AppendError::TooLarge { bytes, limit: self.max_event_bytes }));
                continue;
            }
            if next.is_full(bytes) {
                waiting.push(self.submit(std::mem::take(&mut next), trace, deadline));
            }
            next.add(index, event, bytes);
        }
        waiting.push(self.submit(next, trace, deadline));
        for (indexes, answer) in waiting {
            let answered = match answer {
                Ok(answer) => self.wait(answer, deadline).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(answers) => indexes.into_iter().zip(answers).for_each(|(i, verdict)| verdicts[i] = Some(verdict)),
                Err(error) => indexes.into_iter().for_each(|i| verdicts[i] = Some(Err(error.clone()))),
            }
        }
        verdicts.into_iter().map(|verdict| verdict.expect("every event is in a job or refused")).collect()
    }

    /// Nothing more is taken; what waits is still written.
    pub(crate) fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn submit(
        &self,
        draft: Draft,
        trace: Option<TraceParent>,
        deadline: Instant,
    ) -> (Vec<usize>, Result<Answer, AppendError>) {
        let Draft { indexes, events, bytes, units } = draft;
        let Ok(room) = self.room.clone().try_acquire_many_owned(units) else {
            return (indexes, Err(AppendError::Overloaded { limit: self.waiting_bytes }));
        };
        let (answer, receiver) = oneshot::channel();
        let job = Job { events, trace, deadline, bytes, answer, _room: room };
        let closed = || AppendError::Unavailable(Away::Closed);
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().ok_or_else(closed).and_then(|jobs| jobs.send(job).map_err(|_| closed()));
        (indexes, sent.map(|()| receiver))
    }

    async fn wait(&self, answer: Answer, deadline: Instant) -> Result<Vec<Verdict>, AppendError> {
        match timeout_at(deadline, answer).await {
            Ok(Ok(verdicts)) => Ok(verdicts),
            Ok(Err(_)) => Err(AppendError::Unavailable(Away::Closed)),
            Err(_) => Err(AppendError::Unavailable(Away::Deadline(self.patience))),
        }
    }
}

type Answer = oneshot::Receiver<Vec<Verdict>>;

/// A job in the making, with the places of its events in the append.
#[derive(Default)]
struct Draft {
    indexes: Vec<usize>,
    events: Vec<Appending>,
    bytes: usize,
    units: u32,
}

impl Draft {
    fn is_full(&self, more: usize) -> bool {
        !self.events.is_empty() && (self.events.len() == JOB_EVENTS || self.bytes + more > JOB_BYTES)
    }

    fn add(&mut self, index: usize, event: Appending, bytes: usize) {
        self.indexes.push(index);
        self.events.push(event);
        self.bytes += bytes;
        self.units += u32::try_from(bytes.div_ceil(UNIT_BYTES)).expect("a job is a few MiB");
    }
}

/// The most that a group may be; one job is a group, however large.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Jobs {
    /// Waits for a job and adds what else is waiting; `None` when the queue is closed and empty.
    pub(crate) async fn next_group(&mut self, most: Bounds) -> Option<Vec<Job>> {
        if self.taken.is_empty() {
            let first = self.receiver.recv().await?;
            self.take(first);
        }
        Some(self.group(most))
    }

    pub(crate) fn blocking_next_group(&mut self, most: Bounds) -> Option<Vec<Job>> {
        if self.taken.is_empty() {
            let first = self.receiver.blocking_recv()?;
            self.take(first);
        }
        Some(self.group(most))
    }

    /// Waits until a group is as large as it may be: whoever has something else to do meanwhile does not make groups
    /// smaller by taking them early. Dropped while it waits, it loses nothing. `None` when the queue is closed.
    pub(crate) async fn full_group(&mut self, most: Bounds) -> Option<Vec<Job>> {
        while !self.is_full(most) {
            let next = self.receiver.recv().await?;
            self.take(next);
        }
        Some(self.group(most))
    }

    fn group(&mut self, most: Bounds) -> Vec<Job> {
        while !self.is_full(most)
            && let Ok(next) = self.receiver.try_recv()
        {
            self.take(next);
        }
        let (mut group, mut events, mut bytes) = (Vec::new(), 0, 0);
        while let Some(job) = self.taken.pop_front() {
            events += job.events.len();
            bytes += job.bytes;
            if !group.is_empty() && (events > most.events || bytes > most.bytes) {
                self.taken.push_front(job);
                break;
            }
            self.taken_events -= job.events.len();
            self.taken_bytes -= job.bytes;
            group.push(job);
        }
        group
    }

    fn is_full(&self, most: Bounds) -> bool {
        self.taken_events >= most.events || self.taken_bytes >= most.bytes
    }

    fn take(&mut self, job: Job) {
        self.taken_events += job.events.len();
        self.taken_bytes += job.bytes;
        self.taken.push_back(job);
    }
}

#[cfg(test)]
mod tests {
    use rapport_touchpoint::{Catalogue, Timestamp, Touchpoint, receive};
    use serde_json::json;

    use super::*;
    use crate::Position;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn events(count: usize) -> Vec<Touchpoint> {
        let catalogue = Catalogue::built_in();
        let event = |n| {
            let event = json!({
                "specversion": "1.0", "id": format!("{n}"), "source": "test", "type": "thing.seen", "channel": "web",
            });
            receive(event, Timestamp::EPOCH, &catalogue).unwrap()
        };
        (0..count).map(event).collect()
    }

    #[tokio::test]
    async fn what_finds_no_room_is_refused_at_once_and_the_rest_waits() {
        let (queue, mut jobs) = queue(1024, 4 * UNIT_BYTES, PATIENCE);
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.append(events(3).into()).await }
        });
        let group = jobs.next_group(Bounds { events: 10, bytes: 10_000 }).await.unwrap();
        let refused = queue.append(events(2).into()).await;
        assert!(matches!(refused[..], [Err(AppendError::Overloaded { .. }), Err(AppendError::Overloaded { .. })]));
        answer(group, (1..=3).map(|n| Ok(Appended::Accepted(Position(n)))).collect());
        assert!(waiting.await.unwrap().iter().all(Result::is_ok));
        let appender = tokio::spawn(async move { queue.append(events(2).into()).await });
        assert_eq!(jobs.next_group(Bounds { events: 10, bytes: 10_000 }).await.unwrap()[0].events.len(), 2);
        appender.abort();
    }

    #[tokio::test]
    async fn a_group_keeps_to_its_bounds_and_the_order() {
        let (queue, mut jobs) = queue(1024, WAITING_BYTES, PATIENCE);
        let mut drafts = Vec::new();
        for count in [3, 4, 5] {
            let mut draft = Draft::default();
            events(count).into_iter().enumerate().for_each(|(index, event)| draft.add(index, event.into(), 100));
            drafts.push(queue.submit(draft, None, Instant::now() + PATIENCE).1.unwrap());
        }
        queue.close();
        let mut sizes = Vec::new();
        while let Some(group) = jobs.next_group(Bounds { events: 8, bytes: 10_000 }).await {
            sizes.push(group.iter().map(|job| job.events.len()).collect::<Vec<_>>());
        }
        assert_eq!(sizes, [vec![3, 4], vec![5]]);
    }

    #[tokio::test]
    async fn a_full_group_is_waited_for_and_what_came_is_not_lost() {
        let most = Bounds { events: 6, bytes: 10_000 };
        let (queue, mut jobs) = queue(1024, WAITING_BYTES, PATIENCE);
        let submit = |count| {
            let mut draft = Draft::default();
            events(count).into_iter().enumerate().for_each(|(index, event)| draft.add(index, event.into(), 100));
            queue.submit(draft, None, Instant::now() + PATIENCE).1.unwrap()
        };
        let sizes =
            |group: Option<Vec<Job>>| group.map(|jobs| jobs.iter().map(|job| job.events.len()).collect::<Vec<_>>());
        let _first = submit(3);
        assert!(futures::poll!(std::pin::pin!(jobs.full_group(most))).is_pending());
        let _second = (submit(2), submit(4));
        assert_eq!(sizes(jobs.full_group(most).await), Some(vec![3, 2]));
        assert!(futures::poll!(std::pin::pin!(jobs.full_group(most))).is_pending());
        queue.close();
        assert_eq!(sizes(jobs.full_group(most).await), None);
        assert_eq!(sizes(jobs.next_group(most).await), Some(vec![4]));
        assert_eq!(sizes(jobs.next_group(most).await), None);
    }

    #[tokio::test]
    async fn a_writer_that_is_gone_is_said() {
        let (queue, jobs) = queue(1024, WAITING_BYTES, PATIENCE);
        drop(jobs);
        assert!(matches!(queue.append(events(1).into()).await[..], [Err(AppendError::Unavailable(Away::Closed))]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_does_not_answer_is_said() {
        let (queue, _jobs) = queue(1024, WAITING_BYTES, PATIENCE);
        assert!(matches!(
            queue.append(events(1).into()).await[..],
            [Err(AppendError::Unavailable(Away::Deadline(PATIENCE)))]
        ));
    }
}
