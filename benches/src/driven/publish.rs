//! Touchpoints through the gateway: encoded ahead, by batch or by stream, each with its verdict.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use prost::Message;
use rapport::client::Connection;
use rapport::event_proto::to_proto;
use rapport::wire::PublishRequest;
use rapport::wire::v1::{PublishResponse, verdict};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::Result;

/// What a request takes at most.
pub const BATCH_EVENTS: usize = 1_000;
/// Requests that wait for their verdicts: what the gateway reads of one stream ahead.
const IN_FLIGHT: usize = 8;

/// Requests, encoded.
#[derive(Clone)]
pub struct Encoded {
    pub batches: Vec<Vec<Bytes>>,
    pub events: u64,
}

impl Encoded {
    pub fn new(events: impl IntoIterator<Item = Value>, batch_events: usize) -> Result<Self> {
        let encode = |event| to_proto(event).map(|proto| Bytes::from(proto.encode_to_vec()));
        let encoded: std::result::Result<Vec<Bytes>, _> = events.into_iter().map(encode).collect();
        let encoded = encoded.map_err(|violation| violation.to_string())?;
        let batches = encoded.chunks(batch_events).map(<[Bytes]>::to_vec).collect();
        Ok(Self { batches, events: encoded.len() as u64 })
    }
}

/// Everything was accepted, after this time, and the last of it stands here.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    pub elapsed: Duration,
    pub position: u64,
}

/// `Publish`, with some calls at a time.
pub async fn by_batch(connection: &Connection, tenant: &str, encoded: &Encoded, at_once: usize) -> Result<Published> {
    let requests: Vec<_> = encoded.batches.iter().map(|events| request(tenant, events)).collect();
    let began = Instant::now();
    let calls = requests.into_iter().map(|request| {
        let mut client = connection.ingest();
        async move {
            let response = client.publish(request).await?.into_inner();
            accepted(&response)
        }
    });
    let last = stream::iter(calls).buffer_unordered(at_once).try_fold(0, |last, at| async move { Ok(at.max(last)) });
    let position = last.await?;
    Ok(Published { elapsed: began.elapsed(), position })
}

/// `PublishStream`, as much in flight as the gateway reads ahead.
pub async fn by_stream(connection: &Connection, tenant: &str, encoded: &Encoded) -> Result<Published> {
    let mut requests: VecDeque<_> = encoded.batches.iter().map(|events| request(tenant, events)).collect();
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let began = Instant::now();
    let mut unanswered = 0;
    for request in requests.drain(..IN_FLIGHT.min(requests.len())) {
        sender.send(request).await?;
        unanswered += 1;
    }
    let mut responses = connection.ingest().publish_stream(ReceiverStream::new(receiver)).await?.into_inner();
    let mut position = 0;
    while unanswered > 0 {
        let response = responses.message().await?.ok_or("the server ended the stream")?;
        position = accepted(&response)?.max(position);
        match requests.pop_front() {
            Some(next) => sender.send(next).await?,
            None => unanswered -= 1,
        }
    }
    Ok(Published { elapsed: began.elapsed(), position })
}

fn request(tenant: &str, events: &[Bytes]) -> PublishRequest {
    PublishRequest { tenant: tenant.to_owned(), events: events.to_vec() }
}

/// Where the last of them stands; a measurement in which something was not accepted is none.
pub fn accepted(response: &PublishResponse) -> Result<u64> {
    let mut last = 0;
    for verdict in &response.verdicts {
        match &verdict.verdict {
            Some(verdict::Verdict::Accepted(accepted)) => last = last.max(accepted.position),
            other => return Err(format!("a touchpoint was not accepted: {other:?}").into()),
        }
    }
    Ok(last)
}
