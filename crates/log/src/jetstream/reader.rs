//! Reading with a consumer that keeps no state but ours: whatever goes wrong, a new one starts behind the last record.
//!
//! The server never sends again what it sent once, so a lost message shows only as a gap in the consumer's own count.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use futures::StreamExt;
use rapport_touchpoint::{Channel, EventType, Place, Timestamp};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Stream;
use super::publish::{RECORDED_AT, TRACE};
use super::{stream, subject};
use crate::{Cause, Position, Read, ReadError, Record, Tenant, TraceParent};

/// Asked for at a time; half as many more may be on their way, far below what the client can hold.
const BATCH_MESSAGES: usize = 1000;
const EXPIRES: Duration = Duration::from_secs(30);
/// Two of these without a word, and the consumer is gone with its server.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long the server keeps a consumer that nobody asks.
const INACTIVE: Duration = Duration::from_secs(60);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A new leader of the stream may not have caught up with what the old one gave; a lost tail stays lost.
const TRIES_BEYOND_HEAD: usize = 8;
/// A reader that has this few records before it has caught up with a log that is being written.
const NEARLY_NONE: u64 = BATCH_MESSAGES as u64;

pub(crate) struct Reader {
    stream: Stream,
    epoch: Uuid,
    subjects: Vec<String>,
    position: Position,
    /// What was read there, if anything was.
    last: Option<Bytes>,
    /// Whose subjects are told apart, if anybody asks.
    tenant: Option<Tenant>,
    kind: Option<(Channel, EventType)>,
    following: Option<Following>,
    disconnections: watch::Receiver<u64>,
    pause: Duration,
    found_beyond_head: usize,
    caught_up: CaughtUp,
    closed: CancellationToken,
    ended: bool,
}

/// A consumer's messages and how many it has sent.
struct Following {
    messages: pull::Stream,
    delivered: u64,
}

enum CaughtUp {
    /// To be said when everything up to here was given.
    NotBefore(Position),
    /// To be said next.
    At(Position),
    Said,
}

enum Trouble {
    /// A new consumer may help.
    Passing(Cause),
    /// Nothing will.
    Final(ReadError),
}

impl Reader {
    pub(super) fn new(
        stream: Stream,
        epoch: Uuid,
        subjects: Vec<String>,
        after: Position,
        disconnections: watch::Receiver<u64>,
        closed: CancellationToken,
    ) -> Self {
        let caught_up = CaughtUp::NotBefore(after);
        Self {
            stream,
            epoch,
            subjects,
            position: after,
            last: None,
            tenant: None,
            kind: None,
            following: None,
            disconnections,
            pause: SHORTEST_PAUSE,
            found_beyond_head: 0,
            caught_up,
            closed,
            ended: false,
        }
    }

    /// One that can be asked for the kind of a record.
    pub(super) fn of_tenant(self, tenant: Tenant) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// Channel and type in the subject of the last record; of a decision, the channel says nothing.
    pub(crate) fn kind(&self) -> Option<(Channel, EventType)> {
        self.kind.clone()
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Read, ReadError>> {
        if self.ended {
            return None;
        }
        let closed = self.closed.clone();
        let read = tokio::select! {
            read = self.next_unless_closed() => Some(read),
            () = closed.cancelled() => None,
        };
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }

    async fn next_unless_closed(&mut self) -> Result<Read, ReadError> {
        loop {
            if let CaughtUp::At(position) = self.caught_up {
                self.caught_up = CaughtUp::Said;
                return Ok(Read::CaughtUp(position));
            }
            let step = match &mut self.following {
                None => self.start().await.map(|()| None),
                Some(following) => tokio::select! {
                    message = following.next(self.position) => message.map(Some).map_err(Trouble::Passing),
                    // The consumer may be gone with its server; to find that out by its silence takes much longer.
                    _ = self.disconnections.changed() => Err(Trouble::Passing(cause("the connection was lost"))),
                },
            };
            match step {
                Ok(None) => {}
                Ok(Some(message)) => return self.take(message),
                Err(Trouble::Passing(cause)) => {
                    tracing::warn!(position = %self.position, %cause, "reading goes on with a new consumer");
                    self.following = None;
                    sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
                Err(Trouble::Final(error)) => return Err(error),
            }
        }
    }

    /// A new consumer behind the last record, on the same log.
    async fn start(&mut self) -> Result<(), Trouble> {
        self.disconnections.mark_unchanged();
        let info = self.stream.get_info().await.map_err(passing)?;
        let head = stream::head(&info, self.epoch).map_err(Trouble::Final)?;
        if self.position > head {
            self.found_beyond_head += 1;
            let error = ReadError::BeyondHead { after: self.position, head };
            let last_try = self.found_beyond_head >= TRIES_BEYOND_HEAD;
            return Err(if last_try { Trouble::Final(error) } else { passing(error) });
        }
        self.found_beyond_head = 0;
        self.check_last().await?;
        let consumer = self.stream.create_consumer(self.consumer()).await.map_err(passing)?;
        let messages = consumer.stream().max_messages_per_batch(BATCH_MESSAGES).expires(EXPIRES).heartbeat(HEARTBEAT);
        let messages = messages.messages().await.map_err(passing)?;
        if let CaughtUp::NotBefore(_) = self.caught_up {
            self.caught_up = match consumer.cached_info().num_pending {
                0 => CaughtUp::At(head),
                _ => CaughtUp::NotBefore(head),
            };
        }
        self.following = Some(Following { messages, delivered: 0 });
        Ok(())
    }

    /// Is the record that was given last still there, as it was? Else what comes after it is another log's.
    async fn check_last(&self) -> Result<(), Trouble> {
        let Some(last) = &self.last else { return Ok(()) };
        match self.stream.get_raw_message(self.position.0).await {
            Ok(found) if found.payload == *last => Ok(()),
            Err(error) if error.kind() != RawMessageErrorKind::NoMessageFound => Err(passing(error)),
            Ok(_) | Err(_) => Err(Trouble::Final(ReadError::Changed { at: self.position })),
        }
    }

    fn consumer(&self) -> pull::Config {
        pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.position.0 + 1 },
            ack_policy: AckPolicy::None,
            filter_subjects: self.subjects.clone(),
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: INACTIVE,
            ..pull::Config::default()
        }
    }

    fn take(&mut self, message: Received) -> Result<Read, ReadError> {
        let Received { position, recorded_at, pending, place, json, trace, subject } = message;
        let recorded_at = recorded_at.ok_or_else(|| ReadError::Broken {
            position,
            what: "it was recorded before 1970 or after 2262".to_owned(),
        })?;
        self.position = position;
        self.last = Some(json.clone());
        self.kind = self.tenant.as_ref().and_then(|tenant| subject::kind_at(tenant, place, &subject));
        self.pause = SHORTEST_PAUSE;
        if let CaughtUp::NotBefore(head) = self.caught_up {
            if pending == 0 {
                self.caught_up = CaughtUp::At(head.max(position));
            } else if position >= head && pending <= NEARLY_NONE {
                self.caught_up = CaughtUp::At(position);
            }
        }
        Ok(Read::Record(Record { position, recorded_at, place, json, trace }))
    }
}

/// A message that is next in its consumer's count.
struct Received {
    position: Position,
    recorded_at: Option<Timestamp>,
    pending: u64,
    place: Place,
    json: Bytes,
    trace: Option<TraceParent>,
    subject: async_nats::Subject,
}

impl Following {
    async fn next(&mut self, after: Position) -> Result<Received, Cause> {
        let message = self.messages.next().await.ok_or_else(|| cause("the consumer ended"))?;
        let message: jetstream::Message = message.map_err(|error| Arc::new(error) as Cause)?;
        let info = message.info().map_err(|error| cause(&error.to_string()))?;
        let (position, sequence) = (Position(info.stream_sequence), info.consumer_sequence);
        if sequence != self.delivered + 1 || position <= after {
            return Err(cause(&format!("message {sequence} of the consumer came after {}", self.delivered)));
        }
        self.delivered = sequence;
        let (stored_at, pending) = (Timestamp::from_datetime(info.published), info.pending);
        let header = |name| Some(message.headers.as_ref()?.get(name)?.as_str());
        let trace = header(TRACE).and_then(TraceParent::parse);
        let recorded_at =
            stored_at.map(|stored_at| header(RECORDED_AT).map_or(stored_at, |text| recorded_at(text, stored_at)));
        let (subject, json) = (message.message.subject, message.message.payload);
        Ok(Received { position, recorded_at, pending, place: subject::place(&subject), json, trace, subject })
    }
}

/// When a record that was copied was recorded. Whoever writes past the program may say anything: what lies in the future is
/// not believed, but for the difference of two clocks.
fn recorded_at(text: &str, stored_at: Timestamp) -> Timestamp {
    let said = text.parse().ok().and_then(Timestamp::from_nanos);
    said.filter(|said| *said <= stored_at.plus_a_day()).unwrap_or(stored_at)
}

fn passing(error: impl std::error::Error + Send + Sync + 'static) -> Trouble {
    Trouble::Passing(Arc::new(error))
}

fn cause(what: &str) -> Cause {
    Arc::new(std::io::Error::other(what))
}
