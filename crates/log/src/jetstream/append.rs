//! The one task that appends: takes what is waiting, leaves out what is known, sends the rest and judges each event.
//!
//! One group is stored at a time. That keeps the order of appends through every refusal and retry, and costs little: what
//! arrives meanwhile makes the next group larger. Once that is as large as it may be, all of it but the last message is sent
//! ahead. The server stores a batch with its last message, so the order is that of the last ones.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use bytes::Bytes;
use futures::future::join;
use rapport_touchpoint::BodyHash;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::PATIENCE;
use super::publish::{BATCH_MESSAGES, Message, Publisher, Staged, Stored};
use super::recent::Recent;
use super::stream::{EPOCH, hex};
use super::subject;
use crate::batch::Entry;
use crate::name::{Name, Standing, written};
use crate::queue::{Bounds, Job, Jobs, Verdict, answer, entries};
use crate::{AppendError, Appended, Away, Position, Tenant};

const GROUP: Bounds = Bounds { events: BATCH_MESSAGES, bytes: 8 * 1024 * 1024 };
const LOOK_FOR_CONNECTION_EVERY: Duration = Duration::from_millis(20);

pub(super) struct Appender {
    publisher: Publisher,
    context: Context,
    tenant: Tenant,
    epoch: Uuid,
    recent: Recent,
    /// Counted by the client.
    disconnections: watch::Receiver<u64>,
    /// The count at which the stream was last known to be the one that was opened.
    confirmed_at: u64,
}

/// What there is to do for the events of a group.
struct Plan {
    /// One for each event.
    steps: Vec<Step>,
    messages: Vec<Message>,
}

/// A group that follows the one that is being stored.
struct Ahead {
    group: Vec<Job>,
    /// Counts as long as the connection holds over which it was sent.
    sent: Option<(Plan, Staged)>,
}

/// What is done about one event of a group.
enum Step {
    /// It is known to be on the log.
    Told(Appended),
    /// It is the message of this number.
    Sent(usize),
}

impl Appender {
    pub(super) fn new(
        publisher: Publisher,
        context: Context,
        tenant: Tenant,
        epoch: Uuid,
        disconnections: watch::Receiver<u64>,
    ) -> Self {
        let confirmed_at = *disconnections.borrow();
        Self { publisher, context, tenant, epoch, recent: Recent::default(), disconnections, confirmed_at }
    }

    /// Until the queue is closed and empty.
    pub(super) async fn run(mut self, mut jobs: Jobs) {
        let mut ahead = None;
        loop {
            let Ahead { mut group, sent } = match ahead.take() {
                Some(ahead) => ahead,
                None => match jobs.next_group(GROUP).await {
                    Some(group) => Ahead { group, sent: None },
                    None => return,
                },
            };
            let Some(deadline) = group.iter().map(|job| job.deadline).max() else { continue };
            let connection = self.confirmed_at;
            let confirmed = self.confirm_stream(deadline).await;
            let sent = sent.filter(|_| connection == self.confirmed_at);
            if sent.is_none() {
                group.retain(|job| !job.is_abandoned());
            }
            let events = entries(&group);
            crash_point!("jetstream/gathered");
            let verdicts = match confirmed {
                Ok(()) => {
                    let (verdicts, next) = self.append(&events, sent, &mut jobs).await;
                    ahead = next;
                    verdicts
                }
                Err(away) => vec![Err(AppendError::Unavailable(away)); events.len()],
            };
            crash_point!("jetstream/stored");
            answer(group, verdicts);
        }
    }

    /// Waits for a connection. After a new one, makes sure that the stream is still the same: what was known of another
    /// log, or of one that lost its tail, must not be told as duplicate.
    async fn confirm_stream(&mut self, deadline: Instant) -> Result<(), Away> {
        while self.publisher.client.connection_state() != State::Connected {
            if Instant::now() >= deadline {
                return Err(Away::Disconnected);
            }
            sleep(LOOK_FOR_CONNECTION_EVERY).await;
        }
        let disconnections = *self.disconnections.borrow_and_update();
        if disconnections == self.confirmed_at {
            return Ok(());
        }
        self.recent.clear();
        let found = self.context.get_stream(subject::stream_name(&self.tenant)).await;
        let found = found.map_err(|error| Away::Refused(Arc::new(error)))?;
        if found.cached_info().config.metadata.get(EPOCH) != Some(&self.epoch.to_string()) {
            return Err(Away::Replaced);
        }
        self.confirmed_at = disconnections;
        Ok(())
    }

    async fn append(
        &mut self,
        events: &[Entry<'_>],
        sent: Option<(Plan, Staged)>,
        jobs: &mut Jobs,
    ) -> (Vec<Verdict>, Option<Ahead>) {
        let (Plan { steps, messages }, staged) = match sent {
            Some((plan, staged)) => (plan, Some(staged)),
            None => (self.plan(events), None),
        };
        let (outcomes, ahead) = {
            let mut storing = pin!(self.unless_disconnected(self.publisher.publish(&messages, staged)));
            tokio::select! {
                outcomes = &mut storing => (outcomes, None),
                Some(group) = jobs.full_group(GROUP) => {
                    let (outcomes, ahead) = join(storing, self.send_ahead(group)).await;
                    (outcomes, Some(ahead))
                }
            }
        };
        // The server's word on these messages is lost; a retry under the same ids will tell.
        let lost = || vec![Err(AppendError::Unavailable(Away::Disconnected)); messages.len()];
        let outcomes = outcomes.unwrap_or_else(lost);
        let mut verdicts = Vec::with_capacity(events.len());
        for (step, Entry { event, .. }) in steps.into_iter().zip(events) {
            verdicts.push(match step {
                Step::Told(verdict) => Ok(verdict),
                Step::Sent(message) => {
                    outcomes[message].clone().map(|stored| self.judge(event.name, event.body, stored))
                }
            });
        }
        (verdicts, ahead)
    }

    /// All but its last message. What the group before makes a duplicate of this one, the server refuses.
    async fn send_ahead(&self, group: Vec<Job>) -> Ahead {
        let plan = self.plan(&entries(&group));
        if !self.publisher.makes_batch_of(&plan.messages) {
            return Ahead { group, sent: None };
        }
        let staged = self.unless_disconnected(timeout(PATIENCE, self.publisher.stage(&plan.messages))).await;
        let sent = staged.and_then(|staged| staged.ok()?.ok()).map(|staged| (plan, staged));
        Ahead { group, sent }
    }

    async fn unless_disconnected<T>(&self, word: impl Future<Output = T>) -> Option<T> {
        let mut disconnections = self.disconnections.clone();
        tokio::select! {
            word = word => Some(word),
            _ = disconnections.changed() => None,
        }
    }

    /// An event that comes twice in a group is one message: the server refuses a batch with one id twice.
    fn plan(&self, events: &[Entry<'_>]) -> Plan {
        let mut messages: Vec<Message> = Vec::with_capacity(events.len());
        let mut sent: HashMap<(Name, BodyHash), usize> = HashMap::with_capacity(events.len());
        let step = |Entry { event, trace }: &Entry<'_>| {
            if let Standing::Known(verdict) = self.recent.standing(&event.name, event.body) {
                return Step::Told(verdict);
            }
            let message = *sent.entry((event.name, event.body)).or_insert_with(|| {
                messages.push(Message {
                    subject: subject::of(&self.tenant, event),
                    id: Some(format!("{}-{}", hex(&event.name), event.body)),
                    payload: Bytes::copy_from_slice(&event.json),
                    trace: *trace,
                    recorded_at: None,
                    after: None,
                });
                messages.len() - 1
            });
            Step::Sent(message)
        };
        let steps = events.iter().map(step).collect();
        Plan { steps, messages }
    }

    fn judge(&mut self, name: Name, body: BodyHash, stored: Stored) -> Appended {
        let Stored { position, duplicate } = stored;
        let first = match self.recent.standing(&name, body) {
            // The same event a second time in this group.
            Standing::Known(verdict) => return verdict,
            Standing::New { first } => first.filter(|first: &Position| *first < position),
        };
        self.recent.add(name, body, position);
        match first {
            None if duplicate => Appended::Duplicate(position),
            first => written(position, first),
        }
    }
}
