//! What a replay gives, and how it refuses.

use std::path::Path;

use futures::StreamExt;
use rapport_log::Log;
use rapport_touchpoint::{Catalogue, Timestamp, Touchpoint, receive};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::selection::Selection;
use super::*;
use crate::config::{Config, ServeArgs};
use crate::metrics::Metrics;
use crate::query::Projections;
use crate::tenants::Tenants;
use crate::traces::Traces;
use crate::wire::v1::{CustomerRef, ReplayRequest, ReplayResponse};

struct History {
    log: Log,
    replays: Replays,
    _folder: tempfile::TempDir,
}

async fn history(events: Vec<Value>) -> History {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let tenants = Tenants::open(&config, &Metrics::new(), &Traces::default()).await.unwrap();
    let log = tenants.find("").unwrap().log.clone();
    let catalogue = Catalogue::built_in();
    let now = Timestamp::parse("2026-11-30T00:00:00Z").unwrap();
    let touchpoints: Vec<Touchpoint> =
        events.into_iter().map(|event| receive(event, now, &catalogue).unwrap()).collect();
    assert!(log.append(touchpoints).await.iter().all(Result::is_ok));
    let stopping = CancellationToken::new();
    let projections = Projections::start(&config, &tenants, &stopping).await.unwrap();
    History { log, replays: Replays::new(tenants, Some(projections), config.hosting, stopping), _folder: folder }
}

fn config(data: &Path) -> Config {
    Config::try_from(ServeArgs { data: data.to_owned(), ..ServeArgs::default() }).unwrap()
}

fn event(id: usize, event_type: &str, channel: &str, day: u32) -> Value {
    json!({
        "specversion": "1.0", "id": id.to_string(), "source": "test", "type": event_type, "channel": channel,
        "time": format!("2026-11-{day:02}T12:00:00Z"),
    })
}

fn four_days() -> Vec<Value> {
    vec![
        event(1, "fitting.booked", "web", 4),
        event(2, "fitting.line.added", "store", 1),
        event(3, "tour.taken", "web", 3),
        event(4, "fitting.booked", "app", 2),
    ]
}

impl History {
    async fn responses(&self, request: ReplayRequest) -> Vec<ReplayResponse> {
        let stream = self.replays.start(&request).await.unwrap();
        stream.map(Result::unwrap).collect().await
    }

    /// The positions that are given.
    async fn replayed(&self, request: ReplayRequest) -> Vec<u64> {
        let responses = self.responses(request).await;
        let end = responses.last().unwrap();
        assert_eq!(end.position, end.until, "the last response says that everything was looked at");
        responses.iter().flat_map(|response| &response.touchpoints).map(|touchpoint| touchpoint.position).collect()
    }
}

fn day(day: u32) -> Option<prost_types::Timestamp> {
    let moment = Timestamp::parse(&format!("2026-11-{day:02}T12:00:00Z")).unwrap().to_datetime();
    Some(prost_types::Timestamp { seconds: moment.unix_timestamp(), nanos: 0 })
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn all_conditions_hold_and_the_order_is_the_logs() {
    let history = history(four_days()).await;
    let any = ReplayRequest::default;
    for (request, positions) in [
        (any(), &[1, 2, 3, 4][..]),
        (ReplayRequest { after_position: 2, ..any() }, &[3, 4]),
        (ReplayRequest { after_position: 1, until_position: 3, ..any() }, &[2, 3]),
        (ReplayRequest { until_position: 99, ..any() }, &[1, 2, 3, 4]),
        (ReplayRequest { after_position: 4, ..any() }, &[]),
        (ReplayRequest { from: day(3), ..any() }, &[1, 3]),
        (ReplayRequest { to: day(3), ..any() }, &[2, 4]),
        (ReplayRequest { from: day(2), to: day(4), ..any() }, &[3, 4]),
        (ReplayRequest { types: strings(&["fitting.>"]), ..any() }, &[1, 2, 4]),
        (ReplayRequest { types: strings(&["fitting.booked", "tour.taken"]), ..any() }, &[1, 3, 4]),
        (ReplayRequest { channels: strings(&["web", "store"]), ..any() }, &[1, 2, 3]),
        (ReplayRequest { types: strings(&["fitting.booked"]), channels: strings(&["web"]), ..any() }, &[1]),
        (ReplayRequest { types: strings(&["never.seen"]), ..any() }, &[]),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(history.replayed(request).await, positions, "{shown}");
    }
}

#[tokio::test]
async fn touchpoints_are_given_as_they_stand_on_the_log() {
    let history = history(four_days()).await;
    let responses = history.responses(ReplayRequest { until_position: 1, ..ReplayRequest::default() }).await;
    let touchpoint = &responses[0].touchpoints[0];
    let json: Value = serde_json::from_str(&touchpoint.event_json).unwrap();
    assert_eq!((&json["id"], &json["channel"]), (&json!("1"), &json!("web")));
    assert!(json["bodyhash"].is_string() && touchpoint.recorded_at.is_some());
}

#[tokio::test]
async fn responses_are_bounded_and_a_replay_goes_on_from_the_last_one_seen() {
    let history = history((0..9000).map(|id| event(id, "tour.taken", "web", 1)).collect()).await;
    let responses = history.responses(ReplayRequest::default()).await;
    let sizes: Vec<usize> = responses.iter().map(|response| response.touchpoints.len()).collect();
    assert_eq!(sizes, [4000, 4000, 1000]);
    assert_eq!(responses[0].position, 4000);
    assert_eq!(responses[0].until, 9000);
    let rest = ReplayRequest { after_position: responses[0].position, ..ReplayRequest::default() };
    assert_eq!(history.replayed(rest).await.len(), 5000);
}

#[tokio::test]
async fn progress_is_said_where_nothing_is_found() {
    let history = history((0..12_000).map(|id| event(id, "tour.taken", "web", 1)).collect()).await;
    let responses = history.responses(ReplayRequest { from: day(2), ..ReplayRequest::default() }).await;
    let positions: Vec<u64> = responses.iter().map(|response| response.position).collect();
    assert_eq!(positions, [10_000, 12_000]);
}

#[tokio::test]
async fn what_comes_after_the_call_is_not_given() {
    let history = history(four_days()).await;
    let stream = history.replays.start(&ReplayRequest::default()).await.unwrap();
    let late = receive(event(5, "tour.taken", "web", 5), Timestamp::MAX, &Catalogue::built_in()).unwrap();
    history.log.append(vec![late]).await[0].as_ref().unwrap();
    let given: Vec<_> =
        stream.flat_map(|response| futures::stream::iter(response.unwrap().touchpoints)).collect().await;
    assert_eq!(given.len(), 4);
}

#[tokio::test]
async fn bad_arguments_name_their_field() {
    let history = history(four_days()).await;
    let any = ReplayRequest::default;
    let moment = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    for (request, code, says) in [
        (ReplayRequest { tenant: "globex".to_owned(), ..any() }, Code::NotFound, "tenant"),
        (
            ReplayRequest { after_position: 3, until_position: 2, ..any() },
            Code::InvalidArgument,
            "until_position: is 2",
        ),
        (ReplayRequest { after_position: 9, ..any() }, Code::OutOfRange, "after_position: position 9"),
        (ReplayRequest { from: day(3), to: day(2), ..any() }, Code::InvalidArgument, "to: is 2026-11-02"),
        (ReplayRequest { from: moment(-1, 0), ..any() }, Code::InvalidArgument, "from: is -1 s"),
        (ReplayRequest { to: moment(i64::MAX, 0), ..any() }, Code::InvalidArgument, "to: is"),
        (ReplayRequest { to: moment(0, -1), ..any() }, Code::InvalidArgument, "to: is"),
        (ReplayRequest { types: strings(&["Order"]), ..any() }, Code::InvalidArgument, "types: has \"Order\""),
        (ReplayRequest { types: strings(&["order.*"]), ..any() }, Code::InvalidArgument, "order.>"),
        (ReplayRequest { types: strings(&["a"; 101]), ..any() }, Code::InvalidArgument, "types: names 101"),
        (ReplayRequest { channels: strings(&["we b"]), ..any() }, Code::InvalidArgument, "channels: has \"we b\""),
        (ReplayRequest { customer: Some(CustomerRef::default()), ..any() }, Code::InvalidArgument, "customer"),
    ] {
        let status: Status = match history.replays.start(&request).await {
            Err(error) => error.into(),
            Ok(mut stream) => stream.next().await.unwrap().unwrap_err(),
        };
        assert_eq!(status.code(), code, "{request:?}: {status}");
        assert!(status.message().contains(says), "{request:?}: {status}");
    }
}

#[test]
fn only_json_objects_are_given_and_an_unreadable_time_meets_no_condition() {
    let any = Selection::new(&ReplayRequest::default()).unwrap();
    let timed = Selection::new(&ReplayRequest { from: day(1), ..ReplayRequest::default() }).unwrap();
    for (json, given, given_by_time) in [
        (&br#"{"time": "2026-11-05T00:00:00Z"}"#[..], true, true),
        (br#" {"time": "2026-11-05T00:00:00\u005a"}"#, true, true),
        (br#"{"time": "2026-10-01T00:00:00Z", "time": "2026-11-05T00:00:00Z"}"#, true, true),
        (br#"{"time": 5}"#, true, false),
        (br#"{"time": "soon"}"#, true, false),
        (b"{}", true, false),
        (br#"["2026-11-05T00:00:00Z"]"#, false, false),
        (br#"{"time": "2026-11-05T00:00:00Z""#, false, false),
        (b"{\"time\": \"2026-11-05T00:00:00Z\", \"id\": \"\xff\"}", false, false),
        (b"", false, false),
    ] {
        let shown = String::from_utf8_lossy(json);
        assert_eq!(any.take(json.to_vec()).is_some(), given, "{shown}");
        assert_eq!(timed.take(json.to_vec()).is_some(), given_by_time, "{shown}");
    }
}
