//! One task per replay, which reads ahead of its client by a few responses at most.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rapport_log::{Log, Position, Read, Record};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::ReplayError;
use super::answer::Answer;
use super::by_customer::ByCustomer;
use super::of_customer::OfCustomer;
use super::selection::Selection;
use crate::hosting::{Hosting, NotHosted};
use crate::query::{Projections, QueryError, customer_name};
use crate::tenants::Tenants;
use crate::wire::v1::customer_ref::By;
use crate::wire::v1::{CustomerRef, ReplayOrder, ReplayRequest, ReplayResponse, replay_service_server::ReplayService};

/// Replays at once; each holds a few chunks of the log in memory.
const MAX_REPLAYS: usize = 16;
/// Responses that wait for the client.
const RESPONSES_AHEAD: usize = 4;
/// The longest silence of a log that has more to give.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clones share the projectors and the number of replays.
#[derive(Clone)]
pub struct Replays {
    tenants: Tenants,
    /// For the replay of one customer.
    projections: Option<Projections>,
    hosting: Hosting,
    running: Arc<Semaphore>,
    /// In which they run; whoever asks for one is in one that serves connections.
    runtime: Handle,
    stopping: CancellationToken,
}

type Responses = ReceiverStream<Result<ReplayResponse, Status>>;

impl Replays {
    /// Running replays end when `stopping` is cancelled.
    pub fn new(
        tenants: Tenants,
        projections: Option<Projections>,
        hosting: Hosting,
        stopping: CancellationToken,
    ) -> Self {
        let running = Arc::new(Semaphore::new(MAX_REPLAYS));
        Self { tenants, projections, hosting, running, runtime: Handle::current(), stopping }
    }

    pub(super) async fn start(&self, request: &ReplayRequest) -> Result<Responses, ReplayError> {
        let tenant = self.tenants.find(&request.tenant).map_err(QueryError::from)?;
        let selection = Selection::new(request)?;
        let running = self.running.clone();
        let place = running.try_acquire_owned().map_err(|_| ReplayError::Full { limit: MAX_REPLAYS })?;
        let head = tenant.log.head().await.map_err(ReplayError::Read)?;
        let until = selection.until.map_or(head, |until| until.min(head));
        let (responses, receiver) = mpsc::channel(RESPONSES_AHEAD);
        if request.customer.is_none() && request.order() == ReplayOrder::Unspecified {
            let replay =
                Replay { log: tenant.log.clone(), selection, until, responses, stopping: self.stopping.clone() };
            self.runtime.spawn(replay.run(place));
            return Ok(ReceiverStream::new(receiver));
        }
        let without = || NotHosted::NoReadModel { hosting: self.hosting.clone() };
        let (_, projection) = self.projections.as_ref().ok_or_else(without)?.find(&request.tenant)?;
        let reader = projection.at_least(until.0, PATIENCE).await.map_err(QueryError::from)?.reader;
        if request.customer.is_some() {
            let name = customer_name(request.customer.as_ref())?;
            let of_customer = OfCustomer { reader, name, selection, until };
            let first = of_customer.start().await?;
            self.runtime.spawn(async move {
                let _place = place;
                of_customer.run(first, responses).await;
            });
        } else {
            let by_customer = ByCustomer { reader, selection, until };
            let named = |id: &String| customer_name(Some(&CustomerRef { by: Some(By::Id(id.clone())) }));
            let after = Some(&request.after_customer).filter(|id| !id.is_empty()).map(named).transpose()?;
            let first = by_customer.start(after).await?;
            self.runtime.spawn(async move {
                let _place = place;
                by_customer.run(first, responses).await;
            });
        }
        Ok(ReceiverStream::new(receiver))
    }
}

struct Replay {
    log: Log,
    selection: Selection,
    until: Position,
    responses: mpsc::Sender<Result<ReplayResponse, Status>>,
    stopping: CancellationToken,
}

/// The client wants no more.
struct Gone;

impl Replay {
    async fn run(self, _place: OwnedSemaphorePermit) {
        if let Ok(Err(error)) = self.send_all().await {
            let _ = self.responses.send(Err(error.into())).await;
        }
    }

    async fn send_all(&self) -> Result<Result<(), ReplayError>, Gone> {
        let after = self.selection.after;
        let mut answer = Answer::new(after, self.until);
        let mut reader = match self.log.read(after, self.selection.filter.clone()).await {
            Ok(reader) => reader,
            Err(error) => return Ok(Err(ReplayError::Read(error))),
        };
        while answer.reached < self.until {
            // What is there already is taken without a timer; only waiting needs one.
            let read = match reader.next().now_or_never() {
                Some(read) => Ok(read),
                None => tokio::select! {
                    read = tokio::time::timeout(PATIENCE, reader.next()) => read,
                    () = self.stopping.cancelled() => return Ok(Err(ReplayError::Stopping { reached: answer.reached })),
                    () = self.responses.closed() => return Err(Gone),
                },
            };
            let record = match read {
                Err(_) => return Ok(Err(ReplayError::Away { patience: PATIENCE, reached: answer.reached })),
                Ok(None) => return Ok(Err(ReplayError::Stopping { reached: answer.reached })),
                Ok(Some(Err(error))) => return Ok(Err(ReplayError::Read(error))),
                Ok(Some(Ok(Read::CaughtUp(_)))) => break,
                Ok(Some(Ok(Read::Record(record)))) => record,
            };
            if record.position > self.until {
                break;
            }
            if answer.is_full_before(&record) {
                if self.stopping.is_cancelled() {
                    return Ok(Err(ReplayError::Stopping { reached: answer.reached }));
                }
                self.send(answer.take()).await?;
            }
            let Record { position, recorded_at, json, .. } = record;
            let taken = self.selection.has_recorded(recorded_at).then(|| self.selection.take(json.into())).flatten();
            answer.add(position, recorded_at, taken);
        }
        self.send(answer.finish()).await.map(Ok)
    }

    async fn send(&self, response: ReplayResponse) -> Result<(), Gone> {
        self.responses.send(Ok(response)).await.map_err(|_| Gone)
    }
}

#[tonic::async_trait]
impl ReplayService for Replays {
    type ReplayStream = Responses;

    async fn replay(&self, request: Request<ReplayRequest>) -> Result<Response<Responses>, Status> {
        Ok(Response::new(self.start(request.get_ref()).await?))
    }
}
