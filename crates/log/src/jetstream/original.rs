//! A tenant's stream, read without being opened for appends, and never made.

use std::sync::Arc;

use async_nats::Client;
use async_nats::jetstream::{Context, ContextBuilder};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{PATIENCE, Reader, connect, stream, subject, without_password};
use crate::{Epoch, Extent, OpenError, Position, ReadError, Tenant};

/// Clones share the connection.
#[derive(Clone)]
pub struct Original {
    pub(super) context: Context,
    pub(super) tenant: Tenant,
    pub(super) epoch: Epoch,
    disconnections: watch::Receiver<u64>,
    closed: CancellationToken,
}

impl Original {
    pub(crate) async fn open(url: &str, tenant: &Tenant) -> Result<Self, OpenError> {
        let (_, context, disconnections) = reach(url, tenant).await?;
        let place = || format!("stream {} of {}", subject::stream_name(tenant), without_password(url));
        let config = stream::find(&context, tenant).await?.ok_or_else(|| OpenError::NoLog { place: place() })?;
        let epoch = stream::checked(&config, tenant)?.epoch;
        Ok(Self::of(context, tenant, epoch, disconnections))
    }

    pub(super) fn of(context: Context, tenant: &Tenant, epoch: Epoch, disconnections: watch::Receiver<u64>) -> Self {
        Self { context, tenant: tenant.clone(), epoch, disconnections, closed: CancellationToken::new() }
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(crate) async fn extent(&self) -> Result<Extent, ReadError> {
        let info = self.stream().await?.get_info().await.map_err(|error| ReadError::Unavailable(Arc::new(error)))?;
        let head = stream::head(&info, self.epoch.id)?;
        let records = info.state.messages;
        let first = if records == 0 { Position::START } else { Position(info.state.first_sequence) };
        Ok(Extent { first, head, records })
    }

    pub(crate) async fn read(&self, after: Position) -> Result<Reader, ReadError> {
        let (stream, disconnections) = (self.stream().await?, self.disconnections.clone());
        let reader = Reader::new(stream, self.epoch.id, Vec::new(), after, disconnections, self.closed.clone());
        Ok(reader.of_tenant(self.tenant.clone()))
    }

    async fn stream(&self) -> Result<super::Stream, ReadError> {
        let name = subject::stream_name(&self.tenant);
        self.context.get_stream_no_info(name).await.map_err(|error| ReadError::Unavailable(Arc::new(error)))
    }
}

pub(super) async fn reach(url: &str, tenant: &Tenant) -> Result<(Client, Context, watch::Receiver<u64>), OpenError> {
    let (disconnected, disconnections) = watch::channel(0);
    let client = connect(url, tenant, disconnected).await?;
    let context = ContextBuilder::new().timeout(PATIENCE).build(client.clone());
    Ok((client, context, disconnections))
}
