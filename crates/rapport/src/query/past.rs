//! Questions about a past moment: which one is meant, and who answers.

use rapport_readmodel::{Answer, CustomerName, Entangled, KnownAt, Moment, ReadModelError, Reader};
use rapport_touchpoint::Timestamp;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::projections::{PATIENCE, Projections};
use super::{QueryError, arguments, convert};
use crate::event_proto;
use crate::projector::{KnownBy, Live, PreparedPast, Projection, ScratchError, ScratchUpdate};
use crate::wire::v1::known_at::When;
use crate::wire::v1::prepare_past_response::What;
use crate::wire::v1::{self, Freshness, PreparePastProgress, PreparePastRequest, PreparePastResponse};

pub(super) type Preparing = std::pin::Pin<Box<dyn Stream<Item = Result<PreparePastResponse, Status>> + Send>>;

/// Of whom an answer tells, as of when.
pub(super) struct Asked<'q> {
    pub tenant: &'q str,
    pub min_position: u64,
    pub moment: Option<Moment>,
    /// Whom it is about, if it is about one.
    pub of: Option<&'q CustomerName>,
}

/// What a request says of a past moment; none, if it is about now.
pub(super) async fn moment(
    projections: &Projections,
    tenant: &str,
    as_of: Option<&prost_types::Timestamp>,
    known_at: Option<&v1::KnownAt>,
) -> Result<Option<Moment>, QueryError> {
    if as_of.is_none() && known_at.is_none() {
        return Ok(None);
    }
    let (_, projection) = projections.find(tenant)?;
    let now = projections.now();
    let as_of = as_of.map(|moment| passed("as_of", moment, now)).transpose()?;
    let known_at = match known_at {
        Some(known_at) => Some(known(projection, known_at, now).await?),
        None => None,
    };
    Ok(Moment::new(as_of, known_at))
}

async fn known(projection: &Projection, asked: &v1::KnownAt, now: Timestamp) -> Result<KnownAt, QueryError> {
    let by = match &asked.when {
        Some(When::Position(position)) => KnownBy::Position(*position),
        Some(When::Time(time)) => KnownBy::Time(passed("known_at.time", time, now)?),
        None => {
            let rule = "says nothing; it is a position or a time".to_owned();
            return Err(QueryError::Argument { field: "known_at", rule });
        }
    };
    let head = projection.log_head().await?;
    match by {
        KnownBy::Position(position) if position > head => Err(QueryError::BeyondHead { position, head }),
        by => Ok(projection.known_at(by, head).await?),
    }
}

/// A moment that is not to come.
fn passed(field: &'static str, moment: &prost_types::Timestamp, now: Timestamp) -> Result<Timestamp, QueryError> {
    let wrong = |rule: String| QueryError::Argument { field, rule };
    let moment =
        event_proto::timestamp(moment).ok_or_else(|| wrong("lies outside 1970-01-01 to 2262-04-11".to_owned()))?;
    if moment > now {
        return Err(wrong(format!("is {moment}, which is to come; now it is {now}")));
    }
    Ok(moment)
}

impl Asked<'_> {
    /// Up to where a read model has to be before it can answer.
    fn at_least(&self) -> u64 {
        let known_at = self.moment.and_then(|moment| moment.known_at());
        known_at.map_or(self.min_position, |known| known.position.max(self.min_position))
    }

    /// What places in a page mean: those of one file, as of one moment.
    pub fn binding(&self, projections: &Projections) -> Result<String, QueryError> {
        let (_, projection) = projections.find(self.tenant)?;
        let Some(moment) = &self.moment else { return Ok(projection.live().generation.to_string()) };
        let kept = projection.past(moment, self.min_position).map(|(_, position)| position);
        Ok(format!("{} {moment:?} {kept:?}", projection.live().generation))
    }

    /// Asks whoever knows: what serves; the past of everybody, if it is folded; or the past of the one whom it is about, from
    /// all that is there by now.
    pub async fn ask<T: Send + 'static>(
        self,
        projections: &Projections,
        question: impl FnOnce(&Reader) -> Result<Answer<T>, ReadModelError> + Send + 'static,
    ) -> Result<(T, Freshness), QueryError> {
        let Some(moment) = self.moment else {
            return projections.ask(self.tenant, self.min_position, question).await;
        };
        let (_, projection) = projections.find(self.tenant)?;
        let Live { reader, position, head, .. } = projection.at_least(self.at_least(), PATIENCE).await?;
        let kept = projection.past(&moment, self.min_position);
        let (content, position) = match (kept, self.of) {
            (kept, Some(of))
                if !kept.as_ref().is_some_and(|(_, at)| moment.known_at().is_some() || *at >= position) =>
            {
                let of = of.clone();
                projections.threads().ask(move || alone(&reader, &of, &moment, kept, question)).await???
            }
            (Some((kept, position)), _) => {
                (projections.threads().ask(move || question(&kept)).await??.content, position)
            }
            (None, _) => return Err(QueryError::NotPrepared),
        };
        let clock = Some(convert::timestamp(moment.clock()));
        let head = head.max(position);
        Ok((content, Freshness { position, head, lag: head - position, clock }))
    }

    /// The same, where the one whom it is about may not be there.
    pub async fn ask_of_one<T: Send + 'static>(
        self,
        projections: &Projections,
        question: impl FnOnce(&Reader) -> Result<Answer<Option<T>>, ReadModelError> + Send + 'static,
    ) -> Result<(T, Freshness), QueryError> {
        let (of, moment) = (self.of, self.moment);
        let (found, freshness) = self.ask(projections, question).await?;
        match (found, of) {
            (Some(found), _) => Ok((found, freshness)),
            (None, Some(of)) => Err(nobody(of, moment.as_ref())),
            (None, None) => Err(QueryError::BrokenOff),
        }
    }
}

/// The answer and the position that it is true at; of everybody's past, if it takes that and there is one.
fn alone<T>(
    serving: &Reader,
    of: &CustomerName,
    moment: &Moment,
    kept: Option<(Reader, u64)>,
    question: impl FnOnce(&Reader) -> Result<Answer<T>, ReadModelError>,
) -> Result<Result<(T, u64), Entangled>, ReadModelError> {
    let Answer { position, content, .. } = serving.past_of(of, moment)?;
    let position = moment.known_at().map_or(position, |known| known.position.min(position));
    let (then, position) = match (content, kept) {
        (Ok(then), _) => (then, position),
        (Err(_), Some(kept)) => kept,
        (Err(entangled), None) => return Ok(Err(entangled)),
    };
    Ok(Ok((question(&then)?.content, position)))
}

/// As it was asked for, for the error that nobody has that name, or had it then.
pub(crate) fn nobody(name: &CustomerName, moment: Option<&Moment>) -> QueryError {
    let name = match name {
        CustomerName::Id(id) => id.to_string(),
        CustomerName::Identifier(identifier) => arguments::cut(&identifier.to_string()),
    };
    match moment {
        None => QueryError::NoCustomer { name },
        Some(moment) => QueryError::NoCustomerThen { name, then: then(moment) },
    }
}

/// When that was, in words.
fn then(moment: &Moment) -> String {
    let known_at = moment.known_at().map(|known| format!("from what the log held up to position {}", known.position));
    let as_of = moment.as_of().map(|as_of| format!("as of {as_of}"));
    as_of.into_iter().chain(known_at).collect::<Vec<_>>().join(" ")
}

/// Folds the past of everybody, unless that was done; ends when the client drops the stream.
pub(super) async fn prepare(projections: &Projections, request: PreparePastRequest) -> Result<Preparing, QueryError> {
    let PreparePastRequest { tenant, as_of, known_at, min_position } = request;
    let Some(moment) = moment(projections, &tenant, as_of.as_ref(), known_at.as_ref()).await? else {
        let rule = "is missing, as known_at is; say when with one of them or with both".to_owned();
        return Err(QueryError::Argument { field: "as_of", rule });
    };
    let asked = Asked { tenant: &tenant, min_position, moment: Some(moment), of: None };
    let (served, projection) = projections.find(&tenant)?;
    projection.at_least(asked.at_least(), PATIENCE).await?;
    let tenant = served.name.as_str().to_owned();
    if let Some((_, position)) = projection.past(&moment, min_position) {
        let prepared = PreparedPast { position, clock: moment.clock(), took: std::time::Duration::ZERO };
        return Ok(Box::pin(tokio_stream::once(Ok(result(&tenant, &prepared, true)))));
    }
    let updates = ReceiverStream::new(projection.prepare_past(moment)?);
    Ok(Box::pin(updates.map(move |update| told(&tenant, update))))
}

fn told(
    tenant: &str,
    update: Result<ScratchUpdate<PreparedPast>, ScratchError>,
) -> Result<PreparePastResponse, Status> {
    Ok(match update.map_err(QueryError::Scratch)? {
        ScratchUpdate::Progress(progress) => {
            let progress = PreparePastProgress { done: progress.done, total: progress.total };
            PreparePastResponse { what: Some(What::Progress(progress)) }
        }
        ScratchUpdate::Done(prepared) => result(tenant, &prepared, false),
    })
}

fn result(tenant: &str, prepared: &PreparedPast, reused: bool) -> PreparePastResponse {
    let PreparedPast { position, clock, took } = *prepared;
    let (tenant, clock) = (tenant.to_owned(), Some(convert::timestamp(clock)));
    let result = v1::PreparedPast { tenant, position, clock, reused, seconds: took.as_secs_f64() };
    PreparePastResponse { what: Some(What::Result(result)) }
}
