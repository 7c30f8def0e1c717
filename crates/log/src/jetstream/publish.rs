//! Messages to the server and its word on each: in atomic batches, or one by one with many on their way.
//!
//! An atomic batch is one write and one sync for up to 1,000 messages, which is what makes a synced log fast. The server
//! refuses it whole when one message was there before; then nothing of it is stored and each message is sent by itself.

use std::sync::Arc;

use async_nats::client::RequestErrorKind;
use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SEQUENCE,
    NATS_MESSAGE_ID,
};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Client, HeaderMap, Request};
use bytes::Bytes;
use rapport_touchpoint::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::PATIENCE;
use crate::{AppendError, Away, Position, TraceParent};

/// The header that carries a message's trace, as everywhere.
pub(super) const TRACE: &str = "traceparent";
/// The header of a record that was copied from another log: when it was recorded there, in nanoseconds since 1970.
pub(super) const RECORDED_AT: &str = "Rapport-Recorded-At";
/// What the server takes in one atomic batch.
pub(super) const BATCH_MESSAGES: usize = 1000;

pub(super) struct Message {
    pub(super) subject: String,
    /// The server takes a message with the id of a recent one for the same.
    pub(super) id: Option<String>,
    pub(super) payload: Bytes,
    pub(super) trace: Option<TraceParent>,
    /// Of a record that was on another log before.
    pub(super) recorded_at: Option<Timestamp>,
    /// The server refuses it if another sequence is the last; of a batch, only the first may say so.
    pub(super) after: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) position: Position,
    pub(super) duplicate: bool,
}

pub(super) struct Publisher {
    pub(super) client: Client,
    atomic: bool,
    max_event_bytes: usize,
}

/// A batch of which the server has all but the last message: with that one it is stored, without it never.
pub(super) struct Staged {
    id: String,
}

/// The server's word on a batch.
pub(super) enum Batch {
    /// All of it is stored; the first message stands here, the others right behind it.
    Stored(u64),
    /// Nothing of it is.
    Refused(async_nats::jetstream::Error),
}

impl Publisher {
    pub(super) fn new(client: Client, atomic: bool, max_event_bytes: usize) -> Self {
        Self { client, atomic, max_event_bytes }
    }

    /// One outcome per message, in their order. What is staged of them is not sent again.
    pub(super) async fn publish(
        &self,
        messages: &[Message],
        staged: Option<Staged>,
    ) -> Vec<Result<Stored, AppendError>> {
        assert!(messages.len() <= BATCH_MESSAGES, "the queue gives no more than a batch");
        if !self.makes_batch_of(messages) {
            return self.one_by_one(messages).await;
        }
        let sent = timeout(PATIENCE, async {
            match staged {
                Some(staged) => self.commit(messages, staged).await,
                None => self.batch(messages).await,
            }
        });
        match sent.await.unwrap_or(Err(AppendError::Unavailable(Away::Deadline(PATIENCE)))) {
            Ok(Batch::Stored(first)) => positions(first, messages.len()).map(Ok).collect(),
            Ok(Batch::Refused(told)) => {
                tracing::debug!(%told, messages = messages.len(), "batch refused; its messages are sent one by one");
                self.one_by_one(messages).await
            }
            Err(error) => vec![Err(error); messages.len()],
        }
    }

    pub(super) fn makes_batch_of(&self, messages: &[Message]) -> bool {
        self.atomic && messages.len() > 1
    }

    pub(super) async fn batch(&self, messages: &[Message]) -> Result<Batch, AppendError> {
        let staged = self.stage(messages).await?;
        crash_point!("jetstream/half-sent");
        self.commit(messages, staged).await
    }

    pub(super) async fn stage(&self, messages: &[Message]) -> Result<Staged, AppendError> {
        let id = Uuid::new_v4().simple().to_string();
        let before = messages.split_last().map_or(&[][..], |(_, before)| before);
        for (index, message) in before.iter().enumerate() {
            let headers = batch_headers(message, &id, index + 1);
            let sent = self.client.publish_with_headers(message.subject.clone(), headers, message.payload.clone());
            sent.await.map_err(|error| AppendError::Unavailable(Away::Refused(Arc::new(error))))?;
        }
        Ok(Staged { id })
    }

    async fn commit(&self, messages: &[Message], Staged { id }: Staged) -> Result<Batch, AppendError> {
        let Some(last) = messages.last() else { return Ok(Batch::Stored(0)) };
        let mut headers = batch_headers(last, &id, messages.len());
        headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        match read(&self.request(last, headers).await?)? {
            Response::Ok(ack) => first_of_batch(&ack, messages.len()).map(Batch::Stored),
            Response::Err { error } => Ok(Batch::Refused(error)),
        }
    }

    pub(super) async fn one(&self, message: &Message) -> Result<Stored, AppendError> {
        self.stored(&self.request(message, headers(message)).await?, message)
    }

    pub(super) fn stored(&self, word: &[u8], message: &Message) -> Result<Stored, AppendError> {
        match read(word)? {
            Response::Ok(ack) => Ok(Stored { position: Position(ack.sequence), duplicate: ack.duplicate }),
            Response::Err { error } => Err(self.refusal(error, message)),
        }
    }

    /// The server's word, to be read.
    async fn request(&self, message: &Message, headers: HeaderMap) -> Result<Bytes, AppendError> {
        let request = Request::new().headers(headers).payload(message.payload.clone()).timeout(Some(PATIENCE));
        let reply =
            self.client.send_request(message.subject.clone(), request).await.map_err(|error| match error.kind() {
                RequestErrorKind::TimedOut => AppendError::Unavailable(Away::Deadline(PATIENCE)),
                RequestErrorKind::NoResponders => AppendError::Unavailable(Away::NoStream),
                RequestErrorKind::MaxPayloadExceeded => self.too_large(message),
                RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                    AppendError::Unavailable(Away::Refused(Arc::new(error)))
                }
            })?;
        Ok(reply.payload)
    }

    fn refusal(&self, told: async_nats::jetstream::Error, message: &Message) -> AppendError {
        match told.error_code() {
            ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => self.too_large(message),
            ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::INSUFFICIENT_RESOURCES
            | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED => AppendError::Full(Arc::new(told)),
            ErrorCode::STREAM_STORE_FAILED => AppendError::Storage(Arc::new(told)),
            _ => AppendError::Unavailable(Away::Refused(Arc::new(told))),
        }
    }

    pub(super) fn too_large(&self, message: &Message) -> AppendError {
        AppendError::TooLarge { bytes: message.payload.len(), limit: self.max_event_bytes }
    }
}

fn read(word: &[u8]) -> Result<Response<PublishAck>, AppendError> {
    serde_json::from_slice(word).map_err(|error| AppendError::Unavailable(Away::Refused(Arc::new(error))))
}

pub(super) fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(id) = &message.id {
        headers.insert(NATS_MESSAGE_ID, id.as_str());
    }
    if let Some(recorded_at) = message.recorded_at {
        headers.insert(RECORDED_AT, recorded_at.nanos().to_string());
    }
    if let Some(after) = message.after {
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, after.to_string());
    }
    if let Some(trace) = message.trace {
        headers.insert(TRACE, trace.to_string());
    }
    headers
}

fn batch_headers(message: &Message, batch: &str, sequence: usize) -> HeaderMap {
    let mut headers = headers(message);
    headers.insert(NATS_BATCH_ID, batch);
    headers.insert(NATS_BATCH_SEQUENCE, sequence.to_string());
    headers
}

/// The server names the last message of a batch and how many there are.
fn first_of_batch(ack: &PublishAck, messages: usize) -> Result<u64, AppendError> {
    let messages = messages as u64;
    let first = (ack.sequence + 1).checked_sub(messages).filter(|_| ack.batch_size == Some(messages));
    first.ok_or_else(|| {
        let what = format!("the word on a batch of {:?} messages, not of {messages}", ack.batch_size);
        AppendError::Unavailable(Away::Refused(Arc::new(std::io::Error::other(what))))
    })
}

fn positions(first: u64, messages: usize) -> impl Iterator<Item = Stored> {
    (first..).take(messages).map(|position| Stored { position: Position(position), duplicate: false })
}
