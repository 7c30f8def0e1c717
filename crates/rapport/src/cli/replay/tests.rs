//! What is wrong with a replay before anybody is asked, and what becomes of one whose connection breaks.

use std::sync::{Arc, Mutex};

use clap::Parser;
use tempfile::{NamedTempFile, tempdir};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::fetch::Step;
use super::*;
use crate::client::Connection;
use crate::wire::v1::replay_service_server::{ReplayService, ReplayServiceServer};
use crate::wire::v1::{ReplayResponse, ReplayedTouchpoint};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    replay: ReplayArgs,
}

fn args(line: &[&str]) -> ReplayArgs {
    Line::try_parse_from([&["replay"], line].concat()).unwrap_or_else(|error| panic!("{error}")).replay
}

#[track_caller]
fn wrong(line: &[&str], right: &str) {
    let error = check(&args(line)).unwrap_err();
    assert_eq!(error.exit_code(), super::super::USAGE);
    assert!(error.to_string().contains(right), "{error}");
}

#[track_caller]
fn refused(line: &[&str], right: &str) {
    let error = Line::try_parse_from([&["replay"], line].concat()).unwrap_err();
    assert!(error.to_string().contains(right), "{error}");
}

#[test]
fn a_range_that_ends_before_it_starts_is_wrong() {
    wrong(&["--from", "2026-03-02", "--to", "2026-03-01"], "--to 2026-03-01T00:00:00Z lies before");
    wrong(&["--recorded-from", "2026-03-02", "--recorded-to", "2026-03-01"], "--recorded-to 2026-03-01T00:00:00Z lies");
    wrong(&["--after-position", "5", "--until-position", "4"], "--until-position 4 lies before");
}

#[test]
fn a_file_that_is_there_stays() {
    let file = NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    wrong(&["--out", path], "--force");
    assert!(check(&args(&["--out", path, "--force"])).is_ok());
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    wrong(&["--out", path, "--force"], "name another");
    wrong(&["--out", path, "--partition-by", "day"], "name another");
}

#[test]
fn the_format_is_named_or_follows_from_the_ending() {
    for (line, format) in [
        (&["--out", "a.ndjson"][..], Format::Ndjson),
        (&["--out", "a"], Format::Ndjson),
        (&["--out", "a.Parquet"], Format::Parquet),
        (&["--out", "a.data", "--format", "parquet"], Format::Parquet),
        (&["--out", "a", "--partition-by", "day"], Format::Parquet),
        (&[], Format::Ndjson),
    ] {
        assert_eq!(check(&args(line)).unwrap(), format, "{line:?}");
    }
    wrong(&["--out", "a.csv"], "--out a.csv: its ending names no format");
    wrong(&["--format", "parquet"], "--out FILE");
    wrong(&["--out", "a", "--partition-by", "day", "--format", "ndjson"], "--partition-by makes tables");
    refused(&["--format", "avro"], "[possible values: ndjson, parquet]");
    refused(&["--out", "a", "--partition-by", "hour"], "[possible values: day]");
    refused(&["--into-tenant", "b", "--out", "a"], "--out");
}

/// Gives three touchpoints, one in each answer; every call but the last breaks after the first of them.
struct Breaking {
    calls: Mutex<Vec<ReplayRequest>>,
    breaks: usize,
}

#[tonic::async_trait]
impl ReplayService for Breaking {
    type ReplayStream = tokio_stream::Iter<std::vec::IntoIter<Result<ReplayResponse, Status>>>;

    async fn replay(&self, request: Request<ReplayRequest>) -> Result<Response<Self::ReplayStream>, Status> {
        let after = request.get_ref().after_position;
        let mut calls = self.calls.lock().unwrap();
        calls.push(request.into_inner());
        let answer = |position| {
            let touchpoint = ReplayedTouchpoint { position, event_json: "{}".to_owned(), ..Default::default() };
            Ok(ReplayResponse { touchpoints: vec![touchpoint], position, until: 3, ..Default::default() })
        };
        let mut answers: Vec<_> = (after + 1..=3).map(answer).collect();
        if calls.len() <= self.breaks {
            answers.truncate(1);
            answers.push(Err(Status::unavailable("the service is stopping")));
        }
        Ok(Response::new(tokio_stream::iter(answers)))
    }
}

/// What is fetched from it, and what it was asked.
async fn fetched(breaks: usize, request: ReplayRequest) -> (Result<(), CliError>, Vec<u64>, Vec<ReplayRequest>) {
    let service = Arc::new(Breaking { calls: Mutex::default(), breaks });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(ReplayServiceServer::from_arc(service.clone()));
    let served = tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let connection = Connection::open(&url).await.unwrap();
    let (steps, mut receiver) = mpsc::channel(10);
    let mut fetch = Fetch::new(&connection, request, steps);
    let result = fetch.run().await;
    fetch.end();
    let mut positions = Vec::new();
    while let Some(Step::Touchpoints { touchpoints, .. }) = receiver.recv().await {
        positions.extend(touchpoints.into_iter().map(|touchpoint| touchpoint.position));
    }
    served.abort();
    (result, positions, service.calls.lock().unwrap().clone())
}

#[tokio::test]
async fn a_call_that_breaks_is_taken_up_where_it_was() {
    let (result, positions, calls) = fetched(2, ReplayRequest::default()).await;
    result.unwrap();
    assert_eq!(positions, [1, 2, 3]);
    let asked: Vec<(u64, u64)> = calls.iter().map(|call| (call.after_position, call.until_position)).collect();
    assert_eq!(asked, [(0, 0), (1, 3), (2, 3)], "to the end that the log had at the first call");
}

#[tokio::test]
async fn what_has_no_positions_is_not_taken_up() {
    let of_customers = ReplayRequest { order: ReplayOrder::Customer.into(), ..ReplayRequest::default() };
    let (result, positions, calls) = fetched(1, of_customers).await;
    assert!(result.unwrap_err().to_string().contains("stopping"));
    assert_eq!((positions, calls.len()), (vec![1], 1));
}
