//! The one task that appends: takes what is waiting, leaves out what is known, sends the rest and judges each event.
//!
//! One group is on its way at a time. That keeps the order of appends through every refusal and retry, and costs little:
//! what arrives meanwhile makes the next group larger.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use bytes::Bytes;
use rapport_touchpoint::BodyHash;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::publish::{BATCH_MESSAGES, Message, Publisher, Stored};
use super::recent::Recent;
use super::stream::{EPOCH, hex};
use super::subject;
use crate::batch::Entry;
use crate::name::{Name, Standing, written};
use crate::queue::{Jobs, Verdict, answer, entries};
use crate::{AppendError, Appended, Away, Position, Tenant};

const GROUP_BYTES: usize = 8 * 1024 * 1024;
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
        while let Some(mut group) = jobs.next_group(BATCH_MESSAGES, GROUP_BYTES).await {
            let Some(deadline) = group.iter().map(|job| job.deadline).max() else { continue };
            let confirmed = self.confirm_stream(deadline).await;
            group.retain(|job| !job.is_abandoned());
            let events = entries(&group);
            crash_point!("jetstream/gathered");
            let verdicts = match confirmed {
                Ok(()) => self.append(&events).await,
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

    async fn append(&mut self, events: &[Entry<'_>]) -> Vec<Verdict> {
        let names: Vec<Name> = events.iter().map(|entry| entry.event.name).collect();
        let (steps, messages) = self.plan(events, &names);
        let outcomes = tokio::select! {
            outcomes = self.publisher.publish(&messages) => outcomes,
            // Its word on these messages is lost; a retry under the same ids will tell.
            _ = self.disconnections.changed() => vec![Err(AppendError::Unavailable(Away::Disconnected)); messages.len()],
        };
        let mut verdicts = Vec::with_capacity(events.len());
        for (step, (Entry { event, .. }, name)) in steps.into_iter().zip(events.iter().zip(names)) {
            verdicts.push(match step {
                Step::Told(verdict) => Ok(verdict),
                Step::Sent(message) => outcomes[message].clone().map(|stored| self.judge(name, event.body, stored)),
            });
        }
        verdicts
    }

    /// An event that comes twice in a group is one message: the server refuses a batch with one id twice.
    fn plan(&self, events: &[Entry<'_>], names: &[Name]) -> (Vec<Step>, Vec<Message>) {
        let mut messages: Vec<Message> = Vec::with_capacity(events.len());
        let mut sent: HashMap<(Name, BodyHash), usize> = HashMap::with_capacity(events.len());
        let step = |(Entry { event, trace }, name): (&Entry<'_>, &Name)| {
            if let Standing::Known(verdict) = self.recent.standing(name, event.body) {
                return Step::Told(verdict);
            }
            let message = *sent.entry((*name, event.body)).or_insert_with(|| {
                messages.push(Message {
                    subject: subject::of(&self.tenant, event),
                    id: Some(format!("{}-{}", hex(name), event.body)),
                    payload: Bytes::copy_from_slice(&event.json),
                    trace: *trace,
                    recorded_at: None,
                    after: None,
                });
                messages.len() - 1
            });
            Step::Sent(message)
        };
        let steps = events.iter().zip(names).map(step).collect();
        (steps, messages)
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
