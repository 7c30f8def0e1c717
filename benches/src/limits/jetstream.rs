//! What a NATS server does with the same events and no gateway before it: one by one, with many on their way, in atomic batches.

use std::time::{Duration, Instant};

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{Context, new};
use async_nats::{Client, HeaderMap, Request};
use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::Message;
use crate::Result;

/// Messages that wait for the server's word, where many may.
pub const WINDOW: usize = 256;
/// What the server takes in one atomic batch.
pub const BATCH_MESSAGES: usize = 1_000;

/// How the messages go to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The next when the one before is acknowledged.
    OneByOne,
    /// One message each, up to [`WINDOW`] unacknowledged.
    Window,
    /// Atomic batches of [`BATCH_MESSAGES`].
    AtomicBatches,
}

/// Into a new stream, so that runs do not build on each other.
pub async fn publish(url: &str, messages: &[Message], manner: Manner) -> Result<Duration> {
    let client = async_nats::connect(url).await?;
    let context = new(client.clone());
    let config = Config {
        name: "raw".to_owned(),
        subjects: vec!["touchpoint.bench.>".to_owned()],
        storage: StorageType::File,
        allow_atomic_publish: true,
        ..Config::default()
    };
    context.create_stream(config).await?;
    let began = Instant::now();
    match manner {
        Manner::OneByOne => one_by_one(&context, messages).await?,
        Manner::Window => windowed(&context, messages).await?,
        Manner::AtomicBatches => {
            for batch in messages.chunks(BATCH_MESSAGES) {
                atomic(&client, batch).await?;
            }
        }
    }
    let elapsed = began.elapsed();
    let stored = context.get_stream("raw").await?.cached_info().state.messages;
    if stored != messages.len() as u64 {
        return Err(format!("of {} messages {stored} are in the stream", messages.len()).into());
    }
    context.delete_stream("raw").await?;
    Ok(elapsed)
}

async fn one_by_one(context: &Context, messages: &[Message]) -> Result<()> {
    for message in messages {
        context.send_publish(message.subject.clone(), outgoing(message)).await?.await?;
    }
    Ok(())
}

async fn windowed(context: &Context, messages: &[Message]) -> Result<()> {
    let mut sent = Vec::with_capacity(messages.len());
    for message in messages {
        sent.push(async move {
            context.send_publish(message.subject.clone(), outgoing(message)).await?.await?;
            Ok::<_, crate::Error>(())
        });
    }
    stream::iter(sent).buffer_unordered(WINDOW).try_collect::<()>().await
}

fn outgoing(message: &Message) -> PublishMessage {
    PublishMessage::build().payload(message.json.clone()).message_id(hex(&message.name))
}

async fn atomic(client: &Client, batch: &[Message]) -> Result<()> {
    let id = Uuid::new_v4().simple().to_string();
    let headers = |message: &Message, sequence: usize| {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", hex(&message.name));
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", sequence.to_string());
        headers
    };
    let Some((last, before)) = batch.split_last() else { return Ok(()) };
    for (index, message) in before.iter().enumerate() {
        let headers = headers(message, index + 1);
        client.publish_with_headers(message.subject.clone(), headers, message.json.clone()).await?;
    }
    let mut committing = headers(last, batch.len());
    committing.insert("Nats-Batch-Commit", "1");
    let request = Request::new().headers(committing).payload(last.json.clone());
    let answer = client.send_request(last.subject.clone(), request).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload)?;
    match answer["error"].is_null() {
        true => Ok(()),
        false => Err(format!("the server refuses an atomic batch: {}", answer["error"]).into()),
    }
}

fn hex(name: &[u8; 16]) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Removes the stream of a tenant that is not measured any more: what a server keeps makes it slower.
pub async fn forget(url: &str, tenant: &str) -> Result<()> {
    let context = new(async_nats::connect(url).await?);
    context.delete_stream(format!("touchpoints_{tenant}")).await?;
    Ok(())
}
