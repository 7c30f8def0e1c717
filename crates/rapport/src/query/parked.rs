//! `AdminService`: what is parked, why, and what becomes of it.

use rapport_readmodel::{ParkedEvent, ParkedPage, ParkedState};
use rapport_touchpoint::{Choice, Discarded};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::admin::to_progress;
use super::projections::Projections;
use super::{Admin, QueryError, arguments, convert, page_token};
use crate::deciding::decide;
use crate::projector::Projection;
use crate::wire::v1::{
    self, DiscardParkedRequest, DiscardParkedResponse, Freshness, GetParkedRequest, GetParkedResponse,
    ListParkedRequest, ListParkedResponse, RetryParkedRequest, RetryParkedResponse, get_parked_response,
};

/// Read again in one step.
const STEP: usize = 500;
/// Read again in one call; beyond it the oldest are left out.
const MOST_RETRIED: u64 = 10_000;
/// Of those that stay parked.
const MOST_SHOWN: usize = 20;

pub(super) type Retrying = ReceiverStream<Result<RetryParkedResponse, Status>>;

pub(super) async fn list(
    projections: &Projections,
    request: ListParkedRequest,
) -> Result<ListParkedResponse, QueryError> {
    let page_size = arguments::page_size(request.page_size)?;
    let state = if request.discarded { ParkedState::Discarded } else { ParkedState::Waiting };
    // Positions are the log's: they mean the same in every generation.
    let (tenant, _) = projections.find(&request.tenant)?;
    let binding = format!("parked {} {state:?}", tenant.name);
    let before =
        page_token::read(&binding, &request.page_token, |bytes| bytes.try_into().ok().map(u64::from_be_bytes))?;
    let (ParkedPage { events, more }, freshness) = projections
        .ask(&request.tenant, request.min_position, move |reader| reader.parked(state, before, page_size))
        .await?;
    let next = events.last().filter(|_| more).map(|last| page_token::write(&binding, &last.position.to_be_bytes()));
    let events = events.into_iter().map(convert::parked).collect();
    Ok(ListParkedResponse { events, next_page_token: next.unwrap_or_default(), freshness: Some(freshness) })
}

pub(super) async fn get(projections: &Projections, request: GetParkedRequest) -> Result<GetParkedResponse, QueryError> {
    let (event, freshness) = at(projections, &request.tenant, request.position, request.min_position).await?;
    let (_, projection) = projections.find(&request.tenant)?;
    let record = projection.parked_record(&event).await?;
    let record = match String::from_utf8(record.json.to_vec()) {
        Ok(text) => get_parked_response::Record::Text(text),
        Err(error) => get_parked_response::Record::Bytes(error.into_bytes()),
    };
    Ok(GetParkedResponse { event: Some(convert::parked(event)), record: Some(record), freshness: Some(freshness) })
}

pub(super) async fn discard(
    projections: &Projections,
    request: DiscardParkedRequest,
) -> Result<DiscardParkedResponse, QueryError> {
    let DiscardParkedRequest { tenant, position, reason, by, min_position } = request;
    let event = waiting(projections, &tenant, position, min_position).await?;
    let named = |text: String| Some(text).filter(|text| !text.is_empty());
    let (source, id) = (named(event.source), named(event.id));
    let discarded = Discarded { record: event.record, source, id, reason, by };
    let decided = decide(projections, &tenant, Choice::Discarded(discarded)).await?;
    let (event, freshness) = at(projections, &tenant, position, decided).await?;
    Ok(DiscardParkedResponse { event: Some(convert::parked(event)), freshness: Some(freshness) })
}

/// Goes on to the end of a rebuild only as long as somebody listens; the rebuild itself goes on.
pub(super) async fn retry(admin: &Admin, request: RetryParkedRequest) -> Result<Retrying, QueryError> {
    let RetryParkedRequest { tenant, position, min_position } = request;
    let only = match position {
        0 => {
            admin.projections.ask(&tenant, min_position, |reader| reader.parked(ParkedState::Waiting, None, 0)).await?;
            None
        }
        position => Some(waiting(&admin.projections, &tenant, position, min_position).await?),
    };
    let (told, receiver) = mpsc::channel(1);
    let retry = Retry { admin: admin.clone(), tenant, told, answer: RetryParkedResponse::default() };
    tokio::spawn(retry.run(only));
    Ok(ReceiverStream::new(receiver))
}

async fn at(
    projections: &Projections,
    tenant: &str,
    position: u64,
    min_position: u64,
) -> Result<(ParkedEvent, Freshness), QueryError> {
    let (event, freshness) = projections.ask(tenant, min_position, move |reader| reader.parked_at(position)).await?;
    Ok((event.ok_or(QueryError::NotParked { position })?, freshness))
}

/// Parked there, and not discarded.
async fn waiting(
    projections: &Projections,
    tenant: &str,
    position: u64,
    min_position: u64,
) -> Result<ParkedEvent, QueryError> {
    let (event, _) = at(projections, tenant, position, min_position).await?;
    match event.discarded {
        None => Ok(event),
        Some(discard) => Err(QueryError::Discarded { position, by: discard.by, reason: discard.reason }),
    }
}

/// A retry under way, and what it came to so far.
struct Retry {
    admin: Admin,
    tenant: String,
    told: mpsc::Sender<Result<RetryParkedResponse, Status>>,
    answer: RetryParkedResponse,
}

/// Why a retry ends before its end.
enum Cut {
    /// Nobody listens any more.
    Unheard,
    Failed(QueryError),
}

impl<E: Into<QueryError>> From<E> for Cut {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Retry {
    async fn run(mut self, only: Option<ParkedEvent>) {
        let ended = match only {
            Some(event) => self.read_again(vec![event]).await,
            None => self.all().await,
        };
        let ended = match ended {
            Ok(()) if self.answer.let_in > 0 => self.rebuild().await,
            ended => ended,
        };
        let last = match ended {
            Ok(()) => Ok(RetryParkedResponse { done: true, ..self.answer }),
            Err(Cut::Unheard) => return,
            Err(Cut::Failed(error)) => Err(error.into()),
        };
        let _ = self.told.send(last).await;
    }

    /// Page by page, the newest first.
    async fn all(&mut self) -> Result<(), Cut> {
        let mut before = None;
        loop {
            let (ParkedPage { events, more }, _) = self
                .admin
                .projections
                .ask(&self.tenant, 0, move |reader| reader.parked(ParkedState::Waiting, before, STEP))
                .await?;
            before = events.last().map(|event| event.position);
            self.read_again(events).await?;
            if !more || self.answer.checked >= MOST_RETRIED {
                return Ok(());
            }
        }
    }

    /// The newest come first; the log is read the other way round.
    async fn read_again(&mut self, mut events: Vec<ParkedEvent>) -> Result<(), Cut> {
        events.reverse();
        let records = self.projection()?.read_again(&events).await?;
        let (reasons, _) = self.admin.projections.ask(&self.tenant, 0, move |reader| reader.kept_out(&records)).await?;
        self.answer.checked += events.len() as u64;
        for (event, reason) in events.into_iter().zip(reasons).rev() {
            match reason {
                None => self.answer.let_in += 1,
                Some(reason) if self.answer.parked.len() < MOST_SHOWN => {
                    self.answer.parked.push(convert::parked(ParkedEvent { reason, ..event }));
                }
                Some(_) => {}
            }
        }
        self.tell().await
    }

    async fn rebuild(&mut self) -> Result<(), Cut> {
        let mut updates = self.projection()?.rebuild().await?;
        while let Some(update) = updates.recv().await {
            let progress = update?;
            let digest = if progress.done { self.admin.digest(&self.tenant).await? } else { String::new() };
            self.answer.rebuild = Some(v1::RebuildProgress { digest, ..to_progress(&progress) });
            self.tell().await?;
        }
        Ok(())
    }

    async fn tell(&self) -> Result<(), Cut> {
        self.told.send(Ok(self.answer.clone())).await.map_err(|_| Cut::Unheard)
    }

    fn projection(&self) -> Result<&Projection, QueryError> {
        Ok(self.admin.projections.find(&self.tenant)?.1)
    }
}
