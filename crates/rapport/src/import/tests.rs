//! Imports against a server that keeps what it is sent, and fails when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::{Stream, StreamExt};
use prost::Message;
use serde_json::Value;
use tempfile::NamedTempFile;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::*;
use crate::event_proto;
use crate::wire::cloudevents::CloudEvent;
use crate::wire::v1::admin_service_server::{AdminService, AdminServiceServer};
use crate::wire::v1::ingest_service_server::{IngestService, IngestServiceServer};
use crate::wire::v1::{
    Accepted, CopyDecisionRequest, CopyDecisionResponse, DecisionResponse, DiscardParkedRequest, DiscardParkedResponse,
    Duplicate, GetParkedRequest, GetParkedResponse, ListParkedRequest, ListParkedResponse, MergeRequest,
    PreparePastRequest, PreparePastResponse, PreviewRequest, PreviewResponse, PublishRequest, PublishResponse, Reason,
    RebuildProgress, RebuildRequest, Rejected, RetryParkedRequest, RetryParkedResponse, SplitRequest, StatusRequest,
    StatusResponse, Verdict, VerifyRequest, VerifyResponse, WhatIfRequest, WhatIfResponse, verdict,
};

/// By source and id, as they came.
#[derive(Debug, Default)]
struct Kept {
    events: BTreeMap<(String, String), Value>,
    requests: usize,
    waited_for: Option<u64>,
}

#[derive(Clone, Default)]
struct Server {
    kept: Arc<Mutex<Kept>>,
    /// Each such request is kept and not answered: the stream breaks.
    breaks_every: Option<usize>,
    /// Ids that end so are rejected.
    rejects: Option<&'static str>,
}

impl Server {
    fn publish(&self, request: PublishRequest) -> Result<PublishResponse, Status> {
        let mut kept = self.kept.lock().unwrap();
        kept.requests += 1;
        assert!(request.encoded_len() < 3 * 1024 * 1024 && request.events.len() <= 1_000);
        let verdicts = request.events.into_iter().map(|bytes| {
            let event = Value::from(&event_proto::from_proto(&CloudEvent::decode(bytes).unwrap()).unwrap());
            let name = |field: &str| event[field].as_str().unwrap().to_owned();
            let key = (name("source"), name("id"));
            if self.rejects.is_some_and(|end| key.1.ends_with(end)) {
                let reason = Reason { field: "id".to_owned(), rule: "is not wanted".to_owned() };
                return verdict::Verdict::Rejected(Rejected { reasons: vec![reason] });
            }
            let position = kept.events.len() as u64 + 1;
            match kept.events.insert(key, event) {
                None => verdict::Verdict::Accepted(Accepted { position }),
                Some(_) => verdict::Verdict::Duplicate(Duplicate { position: 1 }),
            }
        });
        let verdicts = verdicts.map(|verdict| Verdict { verdict: Some(verdict) }).collect();
        match self.breaks_every {
            Some(every) if kept.requests.is_multiple_of(every) => Err(Status::unavailable("the log is away")),
            _ => Ok(PublishResponse { verdicts }),
        }
    }

    async fn start(&self) -> String {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", incoming.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(IngestServiceServer::new(self.clone()))
            .add_service(AdminServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        url
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl IngestService for Server {
    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        self.publish(request.into_inner()).map(Response::new)
    }

    type PublishStreamStream = Answers<PublishResponse>;

    async fn publish_stream(
        &self,
        request: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<Self::PublishStreamStream>, Status> {
        let server = self.clone();
        let answers = request.into_inner().map(move |request| server.publish(request?));
        Ok(Response::new(Box::pin(answers)))
    }
}

#[tonic::async_trait]
impl AdminService for Server {
    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let waited_for = request.into_inner().min_position;
        self.kept.lock().unwrap().waited_for = Some(waited_for);
        Ok(Response::new(StatusResponse { position: waited_for, ..StatusResponse::default() }))
    }

    type RebuildStream = Answers<RebuildProgress>;

    async fn rebuild(&self, _: Request<RebuildRequest>) -> Result<Response<Self::RebuildStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type PreviewStream = Answers<PreviewResponse>;

    async fn preview(&self, _: Request<PreviewRequest>) -> Result<Response<Self::PreviewStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type WhatIfStream = Answers<WhatIfResponse>;

    async fn what_if(&self, _: Request<WhatIfRequest>) -> Result<Response<Self::WhatIfStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type PreparePastStream = Answers<PreparePastResponse>;

    async fn prepare_past(&self, _: Request<PreparePastRequest>) -> Result<Response<Self::PreparePastStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type VerifyStream = Answers<VerifyResponse>;

    async fn verify(&self, _: Request<VerifyRequest>) -> Result<Response<Self::VerifyStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn merge(&self, _: Request<MergeRequest>) -> Result<Response<DecisionResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn split(&self, _: Request<SplitRequest>) -> Result<Response<DecisionResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn copy_decision(&self, _: Request<CopyDecisionRequest>) -> Result<Response<CopyDecisionResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn list_parked(&self, _: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn get_parked(&self, _: Request<GetParkedRequest>) -> Result<Response<GetParkedResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn discard_parked(
        &self,
        _: Request<DiscardParkedRequest>,
    ) -> Result<Response<DiscardParkedResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type RetryParkedStream = Answers<RetryParkedResponse>;

    async fn retry_parked(&self, _: Request<RetryParkedRequest>) -> Result<Response<Self::RetryParkedStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn cdnow(server: String) -> Job {
    Job {
        files: vec![in_project("tests/data/cdnow_sample.txt.gz")],
        mapping: Some(Mapping::load(&in_project("examples/cdnow-sample.toml")).unwrap()),
        strict: false,
        server,
        tenant: "default".to_owned(),
        wait: true,
    }
}

/// `{line}` of an NDJSON file with these lines.
fn events(server: String, lines: &[&str]) -> (Job, NamedTempFile) {
    let mut file = NamedTempFile::new().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    let files = vec![file.path().to_owned()];
    (Job { files, mapping: None, strict: false, server, tenant: "default".to_owned(), wait: false }, file)
}

/// Orders, customers, cents.
fn sums(server: &Server) -> (usize, usize, u64) {
    let kept = server.kept.lock().unwrap();
    let subjects: BTreeSet<_> = kept.events.values().map(|event| event["subject"].to_string()).collect();
    let cents = |event: &Value| event["data"]["amount"].as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
    (kept.events.len(), subjects.len(), kept.events.values().map(cents).sum())
}

const CDNOW_SAMPLE: (usize, usize, u64) = (6_919, 2_357, 24_409_194);

#[tokio::test]
async fn the_sample_comes_out_with_its_published_sums_and_again_adds_nothing() {
    let server = Server::default();
    let job = cdnow(server.start().await);
    let mut first = Summary::default();
    run(&job, &mut first).await.unwrap();
    assert_eq!((first.read, first.accepted, first.duplicates, first.bad()), (6_919, 6_919, 0, 0));
    assert_eq!(sums(&server), CDNOW_SAMPLE);
    assert_eq!(server.kept.lock().unwrap().waited_for, Some(6_919));
    assert!(first.until_in_read_model >= Some(first.elapsed));

    let mut again = Summary::default();
    run(&job, &mut again).await.unwrap();
    assert_eq!((again.read, again.accepted, again.duplicates), (6_919, 0, 6_919));
    assert_eq!(sums(&server), CDNOW_SAMPLE);
}

#[tokio::test]
async fn a_stream_that_breaks_loses_nothing() {
    let server = Server { breaks_every: Some(3), ..Server::default() };
    let mut summary = Summary::default();
    run(&cdnow(server.start().await), &mut summary).await.unwrap();
    assert_eq!((summary.read, summary.acknowledged(), summary.bad()), (6_919, 6_919, 0));
    assert!(summary.sent_again > 0);
    assert_eq!(sums(&server), CDNOW_SAMPLE);
}

#[tokio::test]
async fn bad_rows_do_not_stop_the_rest() {
    let server = Server { rejects: Some("-bad"), ..Server::default() };
    let lines = [
        r#"{"source": "s", "id": "1"}"#,
        "no json",
        "",
        r#"{"source": "s", "id": "2-bad"}"#,
        r#"{"source": "s", "id": "3", "tags": []}"#,
        r#"{"source": "s", "id": "4", "data": {"amount": "12.00"}}"#,
    ];
    let (mut job, _file) = events(server.start().await, &lines);
    let mut summary = Summary::default();
    run(&job, &mut summary).await.unwrap();
    assert_eq!((summary.read, summary.accepted, summary.bad_rows, summary.rejected), (5, 2, 2, 1));

    job.strict = true;
    let mut summary = Summary::default();
    assert!(matches!(run(&job, &mut summary).await, Err(ImportError::Strict)));
    assert_eq!((summary.read, summary.duplicates, summary.bad_rows), (2, 1, 1));
}

#[tokio::test]
async fn batches_stay_small_whatever_the_events() {
    let server = Server::default();
    let long = "x".repeat(200_000);
    let lines: Vec<_> =
        (0..60).map(|id| format!(r#"{{"source": "s", "id": "{id}", "data": {{"text": "{long}"}}}}"#)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let (job, _file) = events(server.start().await, &lines);
    let mut summary = Summary::default();
    run(&job, &mut summary).await.unwrap();
    assert_eq!(summary.accepted, 60);
    assert!(server.kept.lock().unwrap().requests >= 6);
}

#[tokio::test]
async fn what_cannot_work_is_wrong_usage() {
    let url = Server::default().start().await;
    let mut twice = cdnow(url.clone());
    twice.files = vec![twice.files[0].clone(), twice.files[0].clone()];
    let mut missing = cdnow(url.clone());
    missing.files = vec!["not/there.csv".into()];
    let mut other_columns = cdnow(url);
    other_columns.mapping = Some(Mapping::load(&in_project("examples/ecom.toml")).unwrap());
    for (job, right) in [
        (twice, "put {file} into touchpoint.id"),
        (missing, "cannot read not/there.csv"),
        (other_columns, "cdnow_sample.txt.gz has not; it has: "),
    ] {
        let error = run(&job, &mut Summary::default()).await.unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(right), "{error}");
    }
}

#[test]
fn the_examples_are_mappings_and_name_each_type_once() {
    for name in ["cdnow", "cdnow-sample", "ecom"] {
        Mapping::load(&in_project(&format!("examples/{name}.toml"))).unwrap();
    }
    let text = std::fs::read_to_string(in_project("examples/ecom.toml")).unwrap();
    let toml: toml::Table = toml::from_str(&text).unwrap();
    let map = toml["touchpoint"]["type"]["map"].as_table().unwrap();
    let types: BTreeSet<_> = map.values().map(toml::Value::as_str).collect();
    assert_eq!((map.len(), types.len()), (19, 19));
}
