//! Questions about a past moment: which one is meant, and who answers.

use std::sync::Arc;

use bytes::Bytes;
use rapport_readmodel::{
    Answer, CustomerAnswer, CustomerName, Definitions, Entangled, KnownAt, Moment, ReadModelError, Reader,
};
use rapport_touchpoint::Timestamp;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::projections::Projections;
use super::{QueryError, arguments, convert};
use crate::event_proto;
use crate::projector::{KnownBy, Live, PreparedPast, Projection, ScratchError, ScratchUpdate};
use crate::wire::v1::known_at;
use crate::wire::v1::prepare_past_response::What;
use crate::wire::v1::{self, Freshness, PreparePastProgress, PreparePastRequest, PreparePastResponse};

pub(super) type Preparing = std::pin::Pin<Box<dyn Stream<Item = Result<PreparePastResponse, Status>> + Send>>;

/// What a request says of when it is meant: `as_of` and `known_at`.
pub(super) type When<'w> = (Option<&'w prost_types::Timestamp>, Option<&'w v1::KnownAt>);

/// Of which moment an answer tells, and who knows.
pub(super) struct Asked<'q> {
    projections: &'q Projections,
    tenant: &'q str,
    min_position: u64,
    moment: Option<Moment>,
    /// What serves. It holds everything that the moment says was known.
    pub live: Live,
    /// Whom it is about, if it is about one.
    about: Option<&'q CustomerName>,
}

/// What a request says of a past moment; none, if it is about now.
async fn moment(
    projections: &Projections,
    tenant: &str,
    (as_of, known_at): When<'_>,
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
        Some(known_at::When::Position(position)) => KnownBy::Position(*position),
        Some(known_at::When::Time(time)) => KnownBy::Time(passed("known_at.time", time, now)?),
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

impl<'q> Asked<'q> {
    /// Waits until what serves holds everything up to `min_position`, and all that was known then.
    pub async fn of(
        projections: &'q Projections,
        tenant: &'q str,
        min_position: u64,
        when: When<'_>,
    ) -> Result<Self, QueryError> {
        let moment = moment(projections, tenant, when).await?;
        let known_at = moment.and_then(|moment| moment.known_at());
        let at_least = known_at.map_or(min_position, |known| known.position.max(min_position));
        let live = projections.serving(tenant, at_least).await?;
        Ok(Self { projections, tenant, min_position, moment, live, about: None })
    }

    pub fn about(self, customer: Option<&'q CustomerName>) -> Self {
        Self { about: customer, ..self }
    }

    /// Under which whoever answers was folded.
    pub fn definitions(&self) -> Arc<Definitions> {
        self.live.reader.definitions().clone()
    }

    /// The moment that a page token is good for.
    pub fn then(&self) -> String {
        self.moment.map(|moment| format!(" {moment:?}")).unwrap_or_default()
    }

    /// What places in a page mean: those of one file, as of one moment.
    pub fn binding(&self) -> Result<String, QueryError> {
        let Some(moment) = &self.moment else { return Ok(self.live.generation.to_string()) };
        let kept = self.kept(moment)?.map(|(_, position)| position);
        Ok(format!("{} {moment:?} {kept:?}", self.live.generation))
    }

    /// The past of everybody, if it is folded, and up to which position.
    fn kept(&self, moment: &Moment) -> Result<Option<(Reader, u64)>, QueryError> {
        let (_, projection) = self.projections.find(self.tenant)?;
        Ok(projection.past(&self.live, moment, self.min_position))
    }

    /// Asks whoever knows: what serves; the past of everybody, if it is folded; or the past of the one whom it is about, from
    /// all that is there by now.
    pub async fn ask<T: Send + 'static>(
        self,
        question: impl FnOnce(&Reader) -> Result<Answer<T>, ReadModelError> + Send + 'static,
    ) -> Result<(T, Freshness), QueryError> {
        let Some(moment) = self.moment else { return self.projections.ask_of(&self.live, question).await };
        let kept = self.kept(&moment)?;
        let (threads, Live { reader, position, head, .. }) = (self.projections.threads(), self.live);
        let (content, position) = match (kept, self.about) {
            (kept, Some(one))
                if !kept.as_ref().is_some_and(|(_, at)| moment.known_at().is_some() || *at >= position) =>
            {
                let one = one.clone();
                threads.ask(move || alone(&reader, &one, &moment, kept, question)).await???
            }
            (Some((kept, position)), _) => (threads.ask(move || question(&kept)).await??.content, position),
            (None, _) => return Err(QueryError::NotPrepared),
        };
        let clock = Some(convert::timestamp(moment.clock()));
        let head = head.max(position);
        Ok((content, Freshness { position, head, lag: head - position, clock }))
    }

    /// The same, where the one whom it is about may not be there.
    pub async fn ask_of_one<T: Send + 'static>(
        self,
        question: impl FnOnce(&Reader) -> Result<Answer<Option<T>>, ReadModelError> + Send + 'static,
    ) -> Result<(T, Freshness), QueryError> {
        let (about, moment) = (self.about, self.moment);
        let (found, freshness) = self.ask(question).await?;
        match (found, about) {
            (Some(found), _) => Ok((found, freshness)),
            (None, Some(one)) => Err(nobody(one, moment.as_ref())),
            (None, None) => Err(QueryError::BrokenOff),
        }
    }

    /// What is known of one customer: a `rapport.v1.Customer`, encoded.
    pub async fn customer(self, name: &'q CustomerName) -> Result<(Bytes, Freshness), QueryError> {
        if self.moment.is_none() {
            return self.projections.customer(&self.live, name);
        }
        let definitions = self.definitions();
        let (found, freshness) = self.customer_found(name).await?;
        Ok((convert::encoded_customer(found, &definitions.journeys), freshness))
    }

    /// The same, to be looked into.
    pub async fn customer_found(self, name: &'q CustomerName) -> Result<(CustomerAnswer, Freshness), QueryError> {
        if self.moment.is_none() {
            return self.projections.customer_found(&self.live, name);
        }
        let asked = name.clone();
        self.about(Some(name)).ask_of_one(move |reader| reader.customer(&asked)).await
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
    let asked = Asked::of(projections, &tenant, min_position, (as_of.as_ref(), known_at.as_ref())).await?;
    let Some(moment) = asked.moment else {
        let rule = "is missing, as known_at is; say when with one of them or with both".to_owned();
        return Err(QueryError::Argument { field: "as_of", rule });
    };
    let kept = asked.kept(&moment)?;
    let (served, projection) = projections.find(&tenant)?;
    let named = served.name.as_str().to_owned();
    if let Some((_, position)) = kept {
        let prepared = PreparedPast { position, clock: moment.clock(), took: std::time::Duration::ZERO };
        return Ok(Box::pin(tokio_stream::once(Ok(result(&named, &prepared, true)))));
    }
    let updates = ReceiverStream::new(projection.prepare_past(moment)?);
    Ok(Box::pin(updates.map(move |update| told(&named, update))))
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
