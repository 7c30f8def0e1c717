//! What a client says to a server, in short words. Like a careful client it reads its own writes: every question asks for
//! an answer that holds all that was acknowledged to it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use rapport::client::Connection;
use rapport::event_proto::to_proto;
use rapport::wire::PublishRequest;
use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::verdict::Verdict;
use rapport::wire::v1::{
    Customer, CustomerRef, DiscardParkedRequest, DiscardParkedResponse, FunnelRequest, FunnelResponse,
    GetCustomerRequest, GetParkedRequest, GetParkedResponse, ListParkedRequest, ListParkedResponse,
    ListTimelineRequest, ListTimelineResponse, PreviewRequest, PreviewResult, PublishResponse, RebuildProgress,
    RebuildRequest, ReplayRequest, ReplayedTouchpoint, RetryParkedRequest, RetryParkedResponse, ScoresRequest,
    ScoresResponse, StatusRequest, StatusResponse, TotalsRequest, TotalsResponse, Transition, TransitionsRequest,
    VerifyRequest, VerifyResult, WhatIfRequest, WhatIfResult, preview_response, verify_response::What,
    what_if_response,
};
use serde_json::Value;
use tonic::Status;

use super::happened::Happened;
use super::soon::soon;

pub struct Client {
    pub connection: Connection,
    /// The highest position that was acknowledged.
    acknowledged: AtomicU64,
}

impl Client {
    pub async fn connect(url: &str) -> Self {
        let connection = soon(Connection::open(url)).await.unwrap();
        Self { connection, acknowledged: AtomicU64::new(0) }
    }

    /// One verdict for each event.
    pub async fn publish(&self, events: impl IntoIterator<Item = Happened>) -> Vec<Verdict> {
        let events: Vec<Bytes> = events.into_iter().map(encoded).collect();
        self.publish_bytes(events).await.unwrap()
    }

    /// The same, from what stands on the wire.
    pub async fn publish_bytes(&self, events: Vec<Bytes>) -> Result<Vec<Verdict>, Status> {
        let request = PublishRequest { tenant: String::new(), events };
        let response = soon(self.connection.ingest().publish(request)).await?.into_inner();
        Ok(self.verdicts(response))
    }

    /// The verdicts of a response; their positions are acknowledged from now on.
    pub fn verdicts(&self, response: PublishResponse) -> Vec<Verdict> {
        let verdicts: Vec<Verdict> = response.verdicts.into_iter().map(|verdict| verdict.verdict.unwrap()).collect();
        let highest = verdicts.iter().filter_map(position).max().unwrap_or(0);
        self.acknowledged.fetch_max(highest, Ordering::SeqCst);
        verdicts
    }

    /// Publishes events that are all new; where they stand.
    pub async fn accepted(&self, events: impl IntoIterator<Item = Happened>) -> Vec<u64> {
        let verdicts = self.publish(events).await;
        let place = |verdict| match verdict {
            Verdict::Accepted(accepted) => accepted.position,
            other => panic!("{other:?}"),
        };
        verdicts.into_iter().map(place).collect()
    }

    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    pub async fn customer(&self, name: &str) -> Result<Customer, Status> {
        let request = GetCustomerRequest {
            tenant: String::new(),
            customer: Some(named(name)),
            min_position: self.acknowledged(),
            ..GetCustomerRequest::default()
        };
        Ok(soon(self.connection.customers().get(request)).await?.into_inner().customer.unwrap())
    }

    pub async fn timeline(&self, name: &str, page_size: u32, token: &str) -> Result<ListTimelineResponse, Status> {
        let request = ListTimelineRequest {
            tenant: String::new(),
            customer: Some(named(name)),
            page_size,
            page_token: token.to_owned(),
            min_position: self.acknowledged(),
            ..ListTimelineRequest::default()
        };
        Ok(soon(self.connection.customers().list_timeline(request)).await?.into_inner())
    }

    pub async fn totals(&self) -> TotalsResponse {
        let request = TotalsRequest { min_position: self.acknowledged(), ..TotalsRequest::default() };
        soon(self.connection.customers().totals(request)).await.unwrap().into_inner()
    }

    /// Changes of stage, the newest first.
    pub async fn transitions(&self, request: TransitionsRequest) -> Vec<Transition> {
        let request = TransitionsRequest { min_position: self.acknowledged(), ..request };
        soon(self.connection.journeys().transitions(request)).await.unwrap().into_inner().transitions
    }

    pub async fn funnel(&self, request: FunnelRequest) -> FunnelResponse {
        let request = FunnelRequest { min_position: self.acknowledged(), ..request };
        soon(self.connection.journeys().funnel(request)).await.unwrap().into_inner()
    }

    pub async fn scores(&self, request: ScoresRequest) -> ScoresResponse {
        let request = ScoresRequest { min_position: self.acknowledged(), ..request };
        soon(self.connection.feedback().scores(request)).await.unwrap().into_inner()
    }

    pub async fn status(&self) -> StatusResponse {
        self.status_at(self.acknowledged()).await
    }

    /// Once the read model holds everything up to this position.
    pub async fn status_at(&self, min_position: u64) -> StatusResponse {
        let request = StatusRequest { tenant: String::new(), min_position };
        soon(self.connection.admin().status(request)).await.unwrap().into_inner()
    }

    /// Once nothing changes any more by itself.
    pub async fn settled(&self) -> StatusResponse {
        soon(async {
            loop {
                let status = self.status().await;
                if status.settled {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }

    pub async fn digest(&self) -> String {
        self.settled().await.digest
    }

    /// To its end.
    pub async fn replay(&self, request: ReplayRequest) -> Result<Vec<ReplayedTouchpoint>, Status> {
        let mut responses = soon(self.connection.replay().replay(request)).await?.into_inner();
        let mut replayed = Vec::new();
        while let Some(response) = soon(responses.message()).await? {
            replayed.extend(response.touchpoints);
        }
        Ok(replayed)
    }

    /// To its end; all that was told on the way.
    pub async fn rebuild(&self) -> Vec<RebuildProgress> {
        self.rebuild_by(RebuildRequest::default()).await.unwrap()
    }

    /// To the generation before.
    pub async fn go_back(&self) -> Result<RebuildProgress, Status> {
        let told = self.rebuild_by(RebuildRequest { back: true, ..RebuildRequest::default() }).await?;
        Ok(told.into_iter().last().expect("the last answer says that it is done"))
    }

    async fn rebuild_by(&self, request: RebuildRequest) -> Result<Vec<RebuildProgress>, Status> {
        let mut answers = soon(self.connection.admin().rebuild(request)).await?.into_inner();
        let mut told = Vec::new();
        while let Some(progress) = soon(answers.message()).await? {
            told.push(progress);
        }
        Ok(told)
    }

    /// To its end.
    pub async fn verify(&self) -> Result<VerifyResult, Status> {
        let mut answers = soon(self.connection.admin().verify(VerifyRequest::default())).await?.into_inner();
        let mut result = None;
        while let Some(answer) = soon(answers.message()).await? {
            assert!(result.is_none(), "nothing comes after the result");
            if let Some(What::Result(found)) = answer.what {
                result = Some(found);
            }
        }
        Ok(result.expect("the result is the last answer"))
    }

    /// A page of what is parked.
    pub async fn parked(&self, request: ListParkedRequest) -> Result<ListParkedResponse, Status> {
        let request = ListParkedRequest { min_position: self.acknowledged(), ..request };
        Ok(soon(self.connection.admin().list_parked(request)).await?.into_inner())
    }

    pub async fn parked_at(&self, position: u64) -> Result<GetParkedResponse, Status> {
        let request = GetParkedRequest { position, min_position: self.acknowledged(), ..Default::default() };
        Ok(soon(self.connection.admin().get_parked(request)).await?.into_inner())
    }

    /// By `ops`.
    pub async fn discard(&self, position: u64, reason: &str) -> Result<DiscardParkedResponse, Status> {
        let (reason, by) = (reason.to_owned(), "ops".to_owned());
        let min_position = self.acknowledged();
        let request = DiscardParkedRequest { position, reason, by, min_position, ..Default::default() };
        Ok(soon(self.connection.admin().discard_parked(request)).await?.into_inner())
    }

    /// To its end: the last answer. All that is parked at position 0.
    pub async fn retry(&self, position: u64) -> Result<RetryParkedResponse, Status> {
        let request = RetryParkedRequest { position, min_position: self.acknowledged(), ..Default::default() };
        let mut answers = soon(self.connection.admin().retry_parked(request)).await?.into_inner();
        let mut last = None;
        while let Some(answer) = soon(answers.message()).await? {
            last = Some(answer);
        }
        Ok(last.filter(|answer| answer.done).expect("the last answer says so"))
    }
}

impl Client {
    /// To its end.
    pub async fn preview(&self, definitions: &str) -> Result<PreviewResult, Status> {
        let request = PreviewRequest { definitions: definitions.to_owned(), ..PreviewRequest::default() };
        let mut answers = soon(self.connection.admin().preview(request)).await?.into_inner();
        let mut result = None;
        while let Some(answer) = soon(answers.message()).await? {
            assert!(result.is_none(), "nothing comes after the result");
            if let Some(preview_response::What::Result(found)) = answer.what {
                result = Some(found);
            }
        }
        Ok(result.expect("the result is the last answer"))
    }
}

impl Client {
    /// To its end: the result, and the last word of the promotion if there is one.
    pub async fn what_if(&self, request: WhatIfRequest) -> Result<(WhatIfResult, Option<RebuildProgress>), Status> {
        let mut answers = soon(self.connection.admin().what_if(request)).await?.into_inner();
        let (mut result, mut promoted) = (None, None);
        while let Some(answer) = soon(answers.message()).await? {
            match answer.what.expect("an answer says something") {
                what_if_response::What::Progress(_) => assert!(result.is_none(), "no progress comes after the result"),
                what_if_response::What::Result(found) => result = Some(found),
                what_if_response::What::Promotion(progress) => promoted = Some(progress),
            }
        }
        Ok((result.expect("there is a result"), promoted))
    }
}

/// As it travels.
pub fn encoded(event: Happened) -> Bytes {
    to_proto(event.into_json()).unwrap_or_else(|violation| panic!("{violation}")).encode_to_vec().into()
}

/// `cus_…` or `namespace:value`.
pub fn named(name: &str) -> CustomerRef {
    let by = if name.starts_with("cus_") { By::Id(name.to_owned()) } else { By::Identifier(name.to_owned()) };
    CustomerRef { by: Some(by) }
}

/// Where an event stands, if it is on the log.
pub fn position(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::Accepted(accepted) => Some(accepted.position),
        Verdict::Duplicate(duplicate) => Some(duplicate.position),
        Verdict::Quarantined(quarantined) => Some(quarantined.position),
        Verdict::Rejected(_) => None,
    }
}

/// The reasons of a rejection as `field: rule`.
#[track_caller]
pub fn reasons(verdict: &Verdict) -> Vec<String> {
    let Verdict::Rejected(rejected) = verdict else { panic!("not rejected: {verdict:?}") };
    rejected.reasons.iter().map(|reason| format!("{}: {}", reason.field, reason.rule)).collect()
}

/// The ids of replayed touchpoints.
pub fn ids(replayed: &[ReplayedTouchpoint]) -> Vec<String> {
    let id = |touchpoint: &ReplayedTouchpoint| {
        let event: Value = serde_json::from_str(&touchpoint.event_json).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    replayed.iter().map(id).collect()
}
