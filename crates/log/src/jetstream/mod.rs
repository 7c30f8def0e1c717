//! The log on a NATS server, for more than one machine. Nothing outside this folder knows NATS.

mod append;
mod copying;
mod one_by_one;
mod original;
mod publish;
mod reader;
mod recent;
mod stream;
mod subject;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{Context, ContextBuilder};
use async_nats::{Client, ConnectOptions, Event};
use futures::TryStreamExt;
use rapport_touchpoint::limits::MAX_EVENT_BYTES;
use rapport_touchpoint::{Channel, EventType};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::append::Appender;
pub use self::copying::Copying;
pub use self::original::Original;
use self::publish::Publisher;
pub(crate) use self::reader::Reader;
use self::stream::OVERHEAD_BYTES;
use crate::queue::{Queue, Verdict, WAITING_BYTES, queue};
use crate::{Batch, Epoch, Filter, OpenError, Position, ReadError, Tenant};

/// How long an append, or any other question, waits for the server.
const PATIENCE: Duration = Duration::from_secs(5);
/// A server that hangs, or whose machine is gone, says no goodbye: after three of these without a word it is left for
/// another one.
const PING_INTERVAL: Duration = Duration::from_secs(3);
const LONGEST_PAUSE_BEFORE_RECONNECT: Duration = Duration::from_secs(1);

/// Duplicates and conflicts are told as far as the server's duplicate window and the recent names reach.
#[derive(Clone)]
pub struct JetStream(Arc<Inner>);

struct Inner {
    context: Context,
    tenant: Tenant,
    epoch: Epoch,
    queue: Queue,
    appender: Mutex<Option<JoinHandle<()>>>,
    disconnections: watch::Receiver<u64>,
    closed: CancellationToken,
    /// Ends the readers when the last clone is gone.
    _closes: DropGuard,
}

impl JetStream {
    pub(crate) async fn open(url: &str, replicas: usize, tenant: &Tenant) -> Result<Self, OpenError> {
        let (disconnected, disconnections) = watch::channel(0);
        let client = connect(url, tenant, disconnected).await?;
        let context = ContextBuilder::new().timeout(PATIENCE).build(client.clone());
        let checked = stream::open(&context, tenant, replicas).await?;
        if !checked.takes_atomic_batches {
            tracing::warn!(%tenant, "the stream takes no atomic batches; events are appended one by one, which is slower");
        }
        let max_event_bytes = max_event_bytes(&client);
        if max_event_bytes < MAX_EVENT_BYTES {
            tracing::warn!(max_event_bytes, "the server's max_payload is less than an event may need");
        }
        let (queue, jobs) = queue(max_event_bytes, WAITING_BYTES, PATIENCE);
        let publisher = Publisher::new(client, checked.takes_atomic_batches, max_event_bytes);
        let appender =
            Appender::new(publisher, context.clone(), tenant.clone(), checked.epoch.id, disconnections.clone());
        let closed = CancellationToken::new();
        Ok(Self(Arc::new(Inner {
            context,
            tenant: tenant.clone(),
            epoch: checked.epoch,
            queue,
            appender: Mutex::new(Some(tokio::spawn(appender.run(jobs)))),
            disconnections,
            _closes: closed.clone().drop_guard(),
            closed,
        })))
    }

    pub(crate) async fn append(&self, batch: Batch) -> Vec<Verdict> {
        self.0.queue.append(batch).await
    }

    pub(crate) async fn read(&self, after: Position, filter: Filter) -> Result<Reader, ReadError> {
        let head = self.head().await?;
        if after > head {
            return Err(ReadError::BeyondHead { after, head });
        }
        let stream = self.stream().await?;
        let subjects = subject::passing(&self.0.tenant, &filter);
        let disconnections = self.0.disconnections.clone();
        Ok(Reader::new(stream, self.0.epoch.id, subjects, after, disconnections, self.0.closed.clone()))
    }

    pub(crate) async fn head(&self) -> Result<Position, ReadError> {
        let info = self.stream().await?.get_info().await.map_err(|error| ReadError::Unavailable(Arc::new(error)))?;
        stream::head(&info, self.0.epoch.id)
    }

    pub(crate) async fn bytes(&self) -> Result<u64, ReadError> {
        let info = self.stream().await?.get_info().await.map_err(|error| ReadError::Unavailable(Arc::new(error)))?;
        Ok(info.state.bytes)
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.0.epoch
    }

    pub(crate) async fn kinds(&self) -> Result<BTreeSet<(Channel, EventType)>, ReadError> {
        let unavailable = |error| ReadError::Unavailable(Arc::new(error));
        let subjects = subject::touchpoints(&self.0.tenant);
        let mut counts = self.stream().await?.info_with_subjects(subjects).await.map_err(unavailable)?;
        let mut kinds = BTreeSet::new();
        while let Some((subject, _)) = counts.try_next().await.map_err(unavailable)? {
            kinds.extend(subject::kind(&self.0.tenant, &subject));
        }
        Ok(kinds)
    }

    pub(crate) async fn close(self) {
        self.0.queue.close();
        let appender = self.0.appender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(appender) = appender
            && appender.await.is_err()
        {
            tracing::error!(tenant = %self.0.tenant, "the log's appender did not end well");
        }
        self.0.closed.cancel();
    }

    async fn stream(&self) -> Result<Stream, ReadError> {
        let name = subject::stream_name(&self.0.tenant);
        self.0.context.get_stream_no_info(name).await.map_err(|error| ReadError::Unavailable(Arc::new(error)))
    }
}

type Stream = async_nats::jetstream::stream::Stream<()>;

/// Connects once, or fails; after that the client reconnects by itself for ever.
async fn connect(url: &str, tenant: &Tenant, disconnections: watch::Sender<u64>) -> Result<Client, OpenError> {
    let servers: Vec<&str> = url.split(',').map(str::trim).collect();
    let pause = |attempt: usize| {
        let steps = u32::try_from(attempt.min(100)).unwrap_or(100);
        (Duration::from_millis(50) * steps).min(LONGEST_PAUSE_BEFORE_RECONNECT)
    };
    let options = ConnectOptions::new()
        .name(format!("rapport {tenant}"))
        .connection_timeout(PATIENCE)
        .request_timeout(Some(PATIENCE))
        .ping_interval(PING_INTERVAL)
        .reconnect_delay_callback(pause)
        .event_callback(move |event| {
            match event {
                Event::Disconnected => {
                    disconnections.send_modify(|count| *count += 1);
                    tracing::warn!("disconnected from the NATS server");
                }
                other => tracing::debug!("NATS client: {other}"),
            }
            std::future::ready(())
        });
    let unreachable = |source| OpenError::Unreachable { url: without_password(url), source };
    options.connect(servers).await.map_err(|error| unreachable(Arc::new(error)))
}

fn max_event_bytes(client: &Client) -> usize {
    client.max_payload().saturating_sub(OVERHEAD_BYTES).min(MAX_EVENT_BYTES)
}

/// Fit for an error message: what stands before an `@` is a secret.
pub(crate) fn without_password(url: &str) -> String {
    let hide = |server: &str| match server.rsplit_once('@') {
        Some((secret, host)) => {
            let scheme = secret.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://...@{host}")
        }
        None => server.to_owned(),
    };
    url.split(',').map(hide).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("nats://me:secret@host:4222,nats://b"), "nats://...@host:4222,nats://b");
    }
}
