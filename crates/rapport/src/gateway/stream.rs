//! `PublishStream`: batches in flight while earlier ones are awaited, answered and appended in their order.
//!
//! Each batch is a task of its own: a client that does not read its answers stops its own stream and holds no room that
//! others need. A request is read only when fewer than [`IN_FLIGHT`] are unanswered and the gateway has room for it.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::PublishError;
use super::batch::Batch;
use super::room::Place;
use super::service::Gateway;
use crate::wire::v1::{PublishRequest, PublishResponse};

/// Batches of one stream between being read and being answered.
const IN_FLIGHT: usize = 8;

pub(super) type Responses = Pin<Box<dyn Stream<Item = Result<PublishResponse, Status>> + Send>>;
type Answer = JoinHandle<Result<PublishResponse, PublishError>>;

pub(super) fn responses<R>(gateway: Gateway, requests: R) -> Responses
where
    R: Stream<Item = Result<PublishRequest, Status>> + Send + Unpin + 'static,
{
    let (sender, answers) = mpsc::channel(IN_FLIGHT);
    tokio::spawn(accept(gateway, requests, sender));
    Box::pin(ReceiverStream::new(answers).then(|answer: Result<Answer, Status>| async {
        match answer?.await {
            Ok(answered) => Ok(answered?),
            Err(_) => Err(PublishError::Broken.into()),
        }
    }))
}

/// Until the client has no more requests or is gone, a request is refused as a whole, or the service stops.
async fn accept<R>(gateway: Gateway, mut requests: R, answers: mpsc::Sender<Result<Answer, Status>>)
where
    R: Stream<Item = Result<PublishRequest, Status>> + Unpin,
{
    let (_, mut turn) = oneshot::channel();
    while let Ok(slot) = answers.reserve().await {
        let request = tokio::select! {
            request = requests.next() => request,
            () = gateway.stopping.cancelled() => Some(Err(PublishError::Stopping.into())),
            () = answers.closed() => None,
        };
        let batch = match request {
            None => return,
            Some(Err(status)) => return slot.send(Err(status)),
            Some(Ok(request)) => gateway.batch(request),
        };
        let accepted = match batch {
            Err(error) => Err(error),
            Ok(batch) => gateway.room.wait_for(&batch.events).await.map(|place| (batch, place)),
        };
        match accepted {
            Err(error) => return slot.send(Err(error.into())),
            Ok((batch, place)) => {
                let (next, next_turn) = oneshot::channel();
                let turn = std::mem::replace(&mut turn, next_turn);
                slot.send(Ok(tokio::spawn(publish(batch, place, turn, next))));
            }
        }
    }
}

/// Checks at once, appends when the batch before has its place before the log or was given up.
async fn publish(
    batch: Batch,
    _place: Place,
    turn: oneshot::Receiver<()>,
    next: oneshot::Sender<()>,
) -> Result<PublishResponse, PublishError> {
    let checked = batch.check().await?;
    let _ = turn.await;
    checked.append(|| drop(next)).await
}
