//! `CustomerService.Watch`: customers as they change.
//!
//! A watcher is told states, not steps: who changed, as they are now. So one that is slow loses no customer, only the
//! steps between; it is told so ([`Missed`]) and brought up to date from the read model, which knows when each customer
//! changed last. Nothing is kept for it but a few responses.

use std::sync::Arc;

use rapport_readmodel::{CustomerKey, CustomerName, Filter, Found, ReadModelError, Reader};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::arguments::{customer_filter, customer_name};
use super::projections::{Projections, no_customer};
use super::{QueryError, convert};
use crate::projector::{ChangeSet, Live};
use crate::wire::v1::watch_request::Who;
use crate::wire::v1::watch_response::What;
use crate::wire::v1::{CaughtUp, Missed, WatchRequest, WatchResponse};

/// Responses that wait for the client.
const RESPONSES_AHEAD: usize = 8;
/// Customers that are read in one transaction.
const MOST_AT_ONCE: usize = 100;

pub(super) type Watching = ReceiverStream<Result<WatchResponse, Status>>;

/// Starts to watch. Ends with the client, or when `stopping` is cancelled.
pub(super) async fn watch(
    projections: &Projections,
    request: WatchRequest,
    stopping: CancellationToken,
) -> Result<Watching, QueryError> {
    let (_, projection) = projections.find(&request.tenant)?;
    let maps = projection.live().reader.definitions().journeys.clone();
    let whom = match &request.who {
        Some(Who::Customer(customer)) => Whom::One(customer_name(Some(customer))?),
        Some(Who::Filter(filter)) => Whom::Matching(customer_filter(Some(filter), &maps, projection.models())?),
        None => Whom::Matching(Filter::default()),
    };
    let place = projections.place_to_watch()?;
    // From here on no change escapes; those before are looked up.
    let changes = projection.changes();
    let live = projection.live();
    let (responses, receiver) = mpsc::channel(RESPONSES_AHEAD);
    let mut watcher = Watcher {
        projections: projections.clone(),
        tenant: request.tenant,
        whom,
        key: None,
        told: live.position,
        responses,
    };
    watcher.meet(&live).await?;
    tokio::spawn(async move {
        let _place: OwnedSemaphorePermit = place;
        let client = watcher.responses.clone();
        let ended = tokio::select! {
            ended = watcher.run(live, changes, request.from_position) => ended,
            () = client.closed() => return,
            () = stopping.cancelled() => Err(Ended::Failed(Status::unavailable("the server is stopping; resume from the last position"))),
        };
        if let Err(Ended::Failed(status)) = ended {
            let _ = client.try_send(Err(status));
        }
    });
    Ok(ReceiverStream::new(receiver))
}

enum Whom {
    One(CustomerName),
    Matching(Filter),
}

enum Ended {
    /// The client is gone.
    Gone,
    Failed(Status),
}

impl From<QueryError> for Ended {
    fn from(error: QueryError) -> Self {
        Self::Failed(error.into())
    }
}

struct Watcher {
    projections: Projections,
    tenant: String,
    whom: Whom,
    /// The one customer, in the file that serves.
    key: Option<CustomerKey>,
    /// Everything up to here was told.
    told: u64,
    responses: mpsc::Sender<Result<WatchResponse, Status>>,
}

impl Watcher {
    /// Finds out who is meant in the file that serves.
    async fn meet(&mut self, live: &Live) -> Result<Option<Found>, QueryError> {
        let Whom::One(name) = &self.whom else { return Ok(None) };
        let asked = name.clone();
        let found = blocking(&live.reader, move |reader| Ok(reader.who(&asked)?.content)).await?;
        let found = found.ok_or_else(|| no_customer(name))?;
        self.key = Some(found.key);
        Ok(Some(found))
    }

    async fn run(
        &mut self,
        mut live: Live,
        mut changes: broadcast::Receiver<Arc<ChangeSet>>,
        from: Option<u64>,
    ) -> Result<(), Ended> {
        if let Some(from) = from {
            self.catch_up(&live, from).await?;
        }
        self.send(What::CaughtUp(CaughtUp {}), self.told).await?;
        let mut serving = self.projections.find(&self.tenant).map_err(Ended::from)?.1.watch();
        loop {
            let generation = live.generation;
            let heard = tokio::select! {
                heard = changes.recv() => heard,
                swapped = another(&mut serving, generation) => {
                    live = swapped.ok_or_else(stopped)?;
                    self.meet(&live).await?;
                    self.catch_up(&live, self.told).await?;
                    continue;
                }
            };
            match heard {
                Ok(set) if set.generation == live.generation => self.hear(&live, &set).await?,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => {
                    self.send(What::Missed(Missed { since: self.told }), self.told).await?;
                    self.catch_up(&live, self.told).await?;
                }
                Err(RecvError::Closed) => return Err(stopped()),
            }
        }
    }

    /// Tells of one transaction.
    async fn hear(&mut self, live: &Live, set: &ChangeSet) -> Result<(), Ended> {
        match self.key {
            None => self.tell(live, &set.customers).await?,
            Some(key) if set.customers.binary_search(&key).is_ok() => {
                // It may have become another's.
                let found = self.meet(live).await?;
                self.tell(live, &found.map(|found| found.key).into_iter().collect::<Vec<_>>()).await?;
            }
            Some(_) => {}
        }
        self.told = set.position;
        Ok(())
    }

    /// Tells of everyone who changed at or after a position.
    async fn catch_up(&mut self, live: &Live, since: u64) -> Result<(), Ended> {
        if self.key.is_some() {
            let found = self.meet(live).await?;
            let changed = found.filter(|found| found.changed >= since).map(|found| found.key);
            return self.tell(live, &changed.into_iter().collect::<Vec<_>>()).await;
        }
        let mut after: Option<Found> = None;
        loop {
            let page = blocking(&live.reader, move |reader| reader.changed(since, after, MOST_AT_ONCE)).await?;
            let keys: Vec<_> = page.content.customers.iter().map(|found| found.key).collect();
            self.tell(live, &keys).await?;
            after = page.content.customers.last().copied();
            if !page.content.more {
                self.told = self.told.max(page.position);
                return Ok(());
            }
        }
    }

    /// Tells of those of them that are meant, as they are now.
    async fn tell(&mut self, live: &Live, keys: &[CustomerKey]) -> Result<(), Ended> {
        for some in keys.chunks(MOST_AT_ONCE) {
            let some = some.to_vec();
            let filter = match &self.whom {
                Whom::One(_) => Filter::default(),
                Whom::Matching(filter) => filter.clone(),
            };
            let answer = blocking(&live.reader, move |reader| reader.matching(&some, &filter)).await?;
            for customer in answer.content {
                let customer = convert::customer(customer, &live.reader.definitions().journeys);
                self.send(What::Changed(customer), answer.position).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, what: What, position: u64) -> Result<(), Ended> {
        let response = WatchResponse { what: Some(what), position };
        self.responses.send(Ok(response)).await.map_err(|_| Ended::Gone)
    }
}

/// What serves, once it is another generation; `None` when the projector stops.
async fn another(serving: &mut tokio::sync::watch::Receiver<Live>, generation: u32) -> Option<Live> {
    serving.wait_for(|serving| serving.generation != generation).await.ok().map(|live| live.clone())
}

fn stopped() -> Ended {
    Ended::Failed(Status::unavailable("the projector is stopping; resume from the last position"))
}

async fn blocking<T: Send + 'static>(
    reader: &Reader,
    question: impl FnOnce(&Reader) -> Result<T, ReadModelError> + Send + 'static,
) -> Result<T, QueryError> {
    let reader = reader.clone();
    let answer = tokio::task::spawn_blocking(move || question(&reader)).await.map_err(|_| QueryError::BrokenOff)?;
    Ok(answer?)
}
