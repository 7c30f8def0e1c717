//! A stream in the making: its metadata says so until it is whole, and until then no log is opened on it.
//!
//! Each message says when its record was recorded, since the server's own time is that of the copy; and after which sequence
//! it is meant to stand, so that a batch whose answer was lost is never there twice.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use rapport_touchpoint::Place;
use tokio::time::{sleep, timeout};

use super::original::{Original, reach};
use super::publish::{BATCH_MESSAGES, Batch, Message, Publisher};
use super::{PATIENCE, max_event_bytes, stream, subject, without_password};
use crate::log_copy::Origin;
use crate::{AppendError, Away, CopyError, Extent, Kept, OpenError, Position, ReadError, Tenant};

/// Of one batch, far below what a server holds for one.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Answers that may be lost one after the other.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);

pub struct Copying {
    target: Original,
    publisher: Publisher,
    config: Config,
    origin: Origin,
    atomic: bool,
    /// The sequence of the last message.
    last: u64,
    /// Records to pass over, where positions do not say what is there already.
    there: u64,
}

impl Copying {
    pub(crate) async fn open(url: &str, replicas: usize, origin: &Origin) -> Result<Self, CopyError> {
        let tenant = &origin.tenant;
        let (client, context, disconnections) = reach(url, tenant).await?;
        let place = || format!("stream {} of {}", subject::stream_name(tenant), without_password(url));
        let epoch = origin.epoch_of_copy(origin.extent.is_dense());
        let config = match stream::find(&context, tenant).await? {
            Some(config) => match config.metadata.get(stream::COPY_OF) {
                None => return Err(OpenError::Taken { place: place() }.into()),
                Some(of) if *of != origin.epoch.id.to_string() => {
                    return Err(OpenError::OtherCopy { place: place() }.into());
                }
                Some(_) => config,
            },
            None => {
                let first = origin.extent.is_dense().then_some(origin.extent.first.0).filter(|first| *first > 1);
                let mut config = Config { first_sequence: first, ..stream::config(tenant, replicas, &epoch) };
                config.metadata.insert(stream::COPY_OF.to_owned(), origin.epoch.id.to_string());
                stream::create(&context, config).await?
            }
        };
        let atomic = config.allow_atomic_publish;
        let publisher = Publisher::new(client.clone(), atomic, max_event_bytes(&client));
        let target = Original::of(context, tenant, epoch, disconnections);
        let Extent { head, records, .. } = target.extent().await?;
        Ok(Self { target, publisher, config, origin: origin.clone(), atomic, last: head.0, there: records })
    }

    /// Where positions are kept, behind the last one that is there; else from the beginning, and what is there is passed over.
    pub(crate) fn after(&self) -> Position {
        match self.origin.extent.is_dense() {
            true if self.there > 0 => Position(self.last),
            true | false => Position::START,
        }
    }

    pub(crate) async fn put(&mut self, mut records: Vec<Kept>) -> Result<(), CopyError> {
        if !self.origin.extent.is_dense() && self.there > 0 {
            let passed = records.len().min(usize::try_from(self.there).unwrap_or(usize::MAX));
            records.drain(..passed);
            self.there -= passed as u64;
        }
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let (mut messages, mut bytes) = (Vec::new(), 0);
            while messages.len() < BATCH_MESSAGES
                && bytes < BATCH_BYTES
                && let Some(kept) = records.next()
            {
                bytes += kept.record.json.len();
                messages.push(message(&self.origin.tenant, kept));
            }
            self.send(messages).await?;
        }
        Ok(())
    }

    pub(crate) fn written(&self) -> Original {
        self.target.clone()
    }

    pub(crate) async fn finish(self) -> Result<(), CopyError> {
        let mut config = self.config;
        config.metadata.remove(stream::COPY_OF);
        self.target
            .context
            .update_stream(config)
            .await
            .map_err(|error| OpenError::Server { action: "say that the copy is whole", source: Arc::new(error) })?;
        crash_point!("copy/named");
        Ok(())
    }

    /// All of them, in their order. Where an answer was lost the stream itself says how many are there.
    async fn send(&mut self, mut messages: Vec<Message>) -> Result<(), CopyError> {
        let mut tries = 0;
        while !messages.is_empty() {
            let sent = timeout(PATIENCE, self.try_send(&mut messages)).await;
            let error = match sent.unwrap_or(Err(AppendError::Unavailable(Away::Deadline(PATIENCE)))) {
                Ok(()) => return Ok(()),
                Err(error @ (AppendError::TooLarge { .. } | AppendError::Full(_))) => {
                    return Err(CopyError::Write(error));
                }
                Err(error) => error,
            };
            tries += 1;
            if tries == TRIES {
                return Err(CopyError::Write(error));
            }
            tracing::warn!(%error, "the copy goes on with what the stream has");
            sleep(PAUSE * tries).await;
            let Extent { head, .. } = match self.target.extent().await {
                Ok(extent) => extent,
                Err(ReadError::Unavailable(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let stored = usize::try_from(head.0.saturating_sub(self.last)).unwrap_or(usize::MAX).min(messages.len());
            messages.drain(..stored);
            self.last = self.last.max(head.0);
        }
        Ok(())
    }

    async fn try_send(&mut self, messages: &mut [Message]) -> Result<(), AppendError> {
        if self.atomic && messages.len() > 1 {
            messages[0].after = Some(self.last);
            let sent = self.publisher.batch(messages).await?;
            return match sent {
                Batch::Stored(_) => {
                    crash_point!("copy/stored");
                    self.last += messages.len() as u64;
                    Ok(())
                }
                Batch::Refused(told) => Err(AppendError::Unavailable(Away::Refused(Arc::new(told)))),
            };
        }
        let first = self.last;
        for (message, before) in messages.iter_mut().zip(first..) {
            message.after = Some(before);
            self.last = self.publisher.one(message).await?.position.0;
        }
        Ok(())
    }
}

fn message(tenant: &Tenant, kept: Kept) -> Message {
    let Kept { record, kind: (channel, event_type) } = kept;
    let channel = (record.place == Place::Touchpoints).then_some(&channel);
    Message {
        subject: subject::named(tenant, channel, &event_type),
        id: None,
        payload: Bytes::clone(&record.json),
        trace: record.trace,
        recorded_at: Some(record.recorded_at),
        after: None,
    }
}
