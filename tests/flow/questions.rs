//! Given a question that makes no sense: the code and the message say what was wrong, and what would be right.

use std::fmt::Debug;

use rapport::wire::v1::watch_request::Who;
use rapport::wire::v1::{
    CustomerFilter, FindRequest, FunnelRequest, GetJourneyRequest, ResponsesRequest, ScoresRequest, TransitionsRequest,
    WatchRequest,
};
use serde_json::json;
use tonic::{Code, Response, Status};

use crate::support::client::named;
use crate::support::happened::{happened, ordered, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

/// The call is refused with this code and a message that begins so and has the rest.
#[track_caller]
fn refused<T: Debug>(
    call: impl Future<Output = Result<Response<T>, Status>>,
    code: Code,
    begins: &str,
    has: &str,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let status = soon(call).await.unwrap_err();
        let message = status.message();
        assert_eq!(status.code(), code, "at {caller}: {status}");
        assert!(message.starts_with(begins) && message.contains(has), "at {caller}: {message}");
        assert!(message.len() < 1_000, "at {caller}: {message}");
    }
}

/// A day of 2024.
fn on(day: &str) -> Option<prost_types::Timestamp> {
    let moment = rapport_touchpoint::Timestamp::parse(&format!("2024-{day}T00:00:00Z")).unwrap();
    Some(prost_types::Timestamp { seconds: moment.nanos() / 1_000_000_000, nanos: 0 })
}

fn stage(stage: &str, journey: &str) -> CustomerFilter {
    CustomerFilter { stage: stage.to_owned(), journey: journey.to_owned(), ..CustomerFilter::default() }
}

fn find(filter: CustomerFilter) -> FindRequest {
    FindRequest { filter: Some(filter), ..FindRequest::default() }
}

pub async fn an_unknown_journey_is_not_found_and_those_that_exist_are_named(server: Server) {
    server.accepted([viewed("v-1").by("user_id:42")]).await;
    let (journeys, named_so) = (server.connection.journeys(), "nonsense".repeat(1_000));
    let (begins, known) = ("journey: \"nonsense", "there are main");
    for name in ["nonsense", &named_so] {
        let name = || name.to_owned();
        let request =
            GetJourneyRequest { customer: Some(named("user_id:42")), journey: name(), ..GetJourneyRequest::default() };
        refused(journeys.clone().get(request), Code::NotFound, begins, known).await;
        let request = FunnelRequest { journey: name(), ..FunnelRequest::default() };
        refused(journeys.clone().funnel(request), Code::NotFound, begins, known).await;
        let request = TransitionsRequest { journey: name(), ..TransitionsRequest::default() };
        refused(journeys.clone().transitions(request), Code::NotFound, begins, known).await;
        let request = find(stage("aware", &name()));
        refused(server.connection.customers().find(request), Code::NotFound, begins, known).await;
    }
}

pub async fn a_stage_that_is_none_is_told_with_those_that_are(server: Server) {
    let known = "its stages are aware, interested, considering, customer, loyal, advocate, at_risk, lapsed";
    let begins = "filter.stage: \"bought\" is no stage of main";
    refused(server.connection.customers().find(find(stage("bought", ""))), Code::InvalidArgument, begins, known).await;
    let watch = WatchRequest { who: Some(Who::Filter(stage("bought", "main"))), ..WatchRequest::default() };
    refused(server.connection.customers().watch(watch), Code::InvalidArgument, begins, known).await;
    let begins = "to: \"bought\" is no stage of main";
    for journey in ["", "main"] {
        let request = TransitionsRequest {
            to: "bought".to_owned(),
            journey: journey.to_owned(),
            ..TransitionsRequest::default()
        };
        refused(server.connection.journeys().transitions(request), Code::InvalidArgument, begins, known).await;
    }
    let (begins, right) = ("filter.journey: names a journey", "filter.stage no stage of it");
    refused(server.connection.customers().find(find(stage("", "main"))), Code::InvalidArgument, begins, right).await;
}

pub async fn a_range_that_ends_before_it_starts_is_refused(server: Server) {
    let (journeys, feedback) = (server.connection.journeys(), server.connection.feedback());
    let wrong = Code::InvalidArgument;
    for until in ["2024-03-01", "2024-03-02"] {
        let (from_day, until_day) = ("2024-03-02".to_owned(), until.to_owned());
        let (begins, right) = (format!("until_day: is {until}"), "must come after from_day, 2024-03-02");
        let request = FunnelRequest { from_day, until_day, ..FunnelRequest::default() };
        let FunnelRequest { from_day, until_day, .. } = request.clone();
        refused(journeys.clone().funnel(request), wrong, &begins, right).await;
        let request = ScoresRequest { from_day, until_day, ..ScoresRequest::default() };
        let ScoresRequest { from_day, until_day, .. } = request.clone();
        refused(feedback.clone().scores(request), wrong, &begins, right).await;
        let request = ResponsesRequest { from_day, until_day, ..ResponsesRequest::default() };
        refused(feedback.clone().responses(request), wrong, &begins, right).await;
    }
    let request =
        TransitionsRequest { from_time: on("03-02"), until_time: on("03-02"), ..TransitionsRequest::default() };
    let right = "must come after from_time, 2024-03-02T00:00:00Z";
    refused(journeys.clone().transitions(request), wrong, "until_time: is 2024-03-02T00:00:00Z", right).await;
    let filter = CustomerFilter { seen_from: on("03-02"), seen_until: on("03-01"), ..CustomerFilter::default() };
    let (begins, right) = ("filter.seen_until: is 2024-03-01T00:00:00Z", "must come after filter.seen_from");
    refused(server.connection.customers().find(find(filter)), wrong, begins, right).await;
    let request = ResponsesRequest { lowest: Some(7), highest: Some(6), ..ResponsesRequest::default() };
    refused(feedback.clone().responses(request), wrong, "highest: is 6", "must not be below lowest, 7").await;
}

pub async fn a_day_that_is_none_is_named(server: Server) {
    for day in ["2024-02-30", "01.03.2024", "2024-03", "20240301", "2024-03-01T23:00:00-05:00", " ", "never"] {
        let right = "is no day such as 2026-03-01";
        let request = FunnelRequest { from_day: day.to_owned(), ..FunnelRequest::default() };
        refused(server.connection.journeys().funnel(request), Code::InvalidArgument, "from_day: ", right).await;
        let request = ScoresRequest { until_day: day.to_owned(), ..ScoresRequest::default() };
        refused(server.connection.feedback().scores(request), Code::InvalidArgument, "until_day: ", right).await;
    }
}

pub async fn an_unknown_measure_slice_or_bucket_is_told_with_those_that_exist(server: Server) {
    let feedback = server.connection.feedback();
    let wrong = Code::InvalidArgument;
    for measure in ["NPS", "happiness"] {
        let (begins, right) = (format!("measure: {measure:?} is none of"), "nps, csat, ces, stars");
        let request = ScoresRequest { measure: measure.to_owned(), ..ScoresRequest::default() };
        refused(feedback.clone().scores(request), wrong, &begins, right).await;
        let request = ResponsesRequest { measure: measure.to_owned(), ..ResponsesRequest::default() };
        refused(feedback.clone().responses(request), wrong, &begins, right).await;
    }
    let slices = "is none of channel, survey, touchpoint, agent, team, stage";
    let request = ScoresRequest { slice_by: "country".to_owned(), ..ScoresRequest::default() };
    refused(feedback.clone().scores(request), wrong, "slice_by: \"country\"", slices).await;
    let only = || [("country".to_owned(), "NO".to_owned())].into();
    let request = ScoresRequest { only: only(), ..ScoresRequest::default() };
    refused(feedback.clone().scores(request), wrong, "only: \"country\"", slices).await;
    let request = ResponsesRequest { only: only(), ..ResponsesRequest::default() };
    refused(feedback.clone().responses(request), wrong, "only: \"country\"", slices).await;
    let right = "is none of BUCKET_DAY, BUCKET_WEEK, BUCKET_MONTH, BUCKET_QUARTER";
    let request = ScoresRequest { bucket: 5, ..ScoresRequest::default() };
    refused(feedback.clone().scores(request), wrong, "bucket: 5", right).await;
    let request = FunnelRequest { bucket: -1, ..FunnelRequest::default() };
    refused(server.connection.journeys().funnel(request), wrong, "bucket: -1", right).await;
}

pub async fn a_page_that_is_too_large_is_refused(server: Server) {
    let (wrong, page_size) = (Code::InvalidArgument, 501);
    let begins = "page_size: is 501; at most 500";
    let request = FindRequest { page_size, ..FindRequest::default() };
    refused(server.connection.customers().find(request), wrong, begins, "").await;
    let request = TransitionsRequest { page_size, ..TransitionsRequest::default() };
    refused(server.connection.journeys().transitions(request), wrong, begins, "").await;
    let request = ResponsesRequest { page_size, ..ResponsesRequest::default() };
    refused(server.connection.feedback().responses(request), wrong, begins, "").await;
}

pub async fn a_filter_that_asks_too_much_is_refused(server: Server) {
    let wrong = Code::InvalidArgument;
    let traits = (0..11).map(|n| (format!("trait_{n}"), "x".to_owned())).collect();
    let filter = CustomerFilter { traits, ..CustomerFilter::default() };
    let begins = "filter.traits: names 11 traits; at most 10";
    refused(server.connection.customers().find(find(filter)), wrong, begins, "").await;
    let traits = [("motto".to_owned(), "x".repeat(129))].into();
    let filter = CustomerFilter { traits, ..CustomerFilter::default() };
    let begins = "filter.traits: the value of \"motto\" has more than 128 characters";
    refused(server.connection.customers().find(find(filter)), wrong, begins, "").await;
}

/// Three customers, each with an order and an answer: more than one page of everything.
pub async fn a_page_token_belongs_to_one_question(server: Server) {
    for user in ["user_id:1", "user_id:2", "user_id:3"] {
        let answer = json!({"survey": "parcel", "metric": "nps", "score": 9});
        let answer = happened("survey.answered", &format!("a {user}")).by(user).with(answer).at("03-02");
        server.accepted([ordered(&format!("o {user}"), "5.00 EUR").by(user).at("03-01"), answer]).await;
    }
    let min_position = server.acknowledged();
    let wrong = Code::InvalidArgument;
    let begins = "page_token: belongs to another question or is not whole";

    let all = FindRequest { page_size: 1, min_position, ..FindRequest::default() };
    let page = soon(server.connection.customers().find(all.clone())).await.unwrap().into_inner();
    let next = FindRequest { page_token: page.next_page_token.clone(), ..all.clone() };
    let second = soon(server.connection.customers().find(next.clone())).await.unwrap().into_inner();
    assert_ne!(second.customers, page.customers);
    let others = CustomerFilter { channel: "web".to_owned(), ..CustomerFilter::default() };
    let other = FindRequest { filter: Some(others), ..next.clone() };
    refused(server.connection.customers().find(other), wrong, begins, "start from the first page").await;
    let cut = FindRequest { page_token: page.next_page_token[..18].to_owned(), ..all.clone() };
    refused(server.connection.customers().find(cut), wrong, begins, "").await;
    let made_up = FindRequest { page_token: "next".to_owned(), ..all };
    let says = "page_token: is no token that a page came with";
    refused(server.connection.customers().find(made_up), wrong, says, "").await;

    let journeys = server.connection.journeys();
    let all = TransitionsRequest { page_size: 1, min_position, ..TransitionsRequest::default() };
    let page = soon(journeys.clone().transitions(all.clone())).await.unwrap().into_inner();
    let next = TransitionsRequest { page_token: page.next_page_token, ..all };
    assert!(soon(journeys.clone().transitions(next.clone())).await.is_ok());
    let other = TransitionsRequest { to: "customer".to_owned(), ..next.clone() };
    refused(journeys.clone().transitions(other), wrong, begins, "").await;
    let other = TransitionsRequest { customer: Some(named("user_id:1")), ..next.clone() };
    refused(journeys.clone().transitions(other), wrong, begins, "").await;

    let feedback = server.connection.feedback();
    let all = ResponsesRequest { page_size: 1, min_position, ..ResponsesRequest::default() };
    let page = soon(feedback.clone().responses(all.clone())).await.unwrap().into_inner();
    let own = ResponsesRequest { page_token: page.next_page_token, ..all.clone() };
    assert!(soon(feedback.clone().responses(own.clone())).await.is_ok());
    let other = ResponsesRequest { highest: Some(9), ..own };
    refused(feedback.clone().responses(other), wrong, begins, "").await;
    let of_transitions = ResponsesRequest { page_token: next.page_token, ..all };
    refused(feedback.clone().responses(of_transitions), wrong, begins, "").await;
}

pub async fn nobody_has_no_journey_and_no_responses(server: Server) {
    let nobody = || Some(named("user_id:43"));
    let says = "customer: nobody is known as user_id:43";
    let request = GetJourneyRequest { customer: nobody(), ..GetJourneyRequest::default() };
    refused(server.connection.journeys().get(request), Code::NotFound, says, "").await;
    let request = TransitionsRequest { customer: nobody(), ..TransitionsRequest::default() };
    refused(server.connection.journeys().transitions(request), Code::NotFound, says, "").await;
    let request = ResponsesRequest { customer: nobody(), ..ResponsesRequest::default() };
    refused(server.connection.feedback().responses(request), Code::NotFound, says, "").await;
    let request = WatchRequest { who: nobody().map(Who::Customer), ..WatchRequest::default() };
    refused(server.connection.customers().watch(request), Code::NotFound, says, "").await;
    let request = GetJourneyRequest::default();
    refused(server.connection.journeys().get(request), Code::InvalidArgument, "customer: is missing", "").await;
}
