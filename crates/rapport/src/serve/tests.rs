//! The services over a real connection.

use std::time::Instant;

use bytes::Bytes;
use prost::Message;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::*;
use crate::gateway::MAX_REQUEST_BYTES;
use crate::wire::cloudevents::CloudEvent;
use crate::wire::cloudevents::cloud_event::CloudEventAttributeValue;
use crate::wire::cloudevents::cloud_event::cloud_event_attribute_value::Attr;
use crate::wire::v1::ingest_service_client::IngestServiceClient;
use crate::wire::v1::replay_service_client::ReplayServiceClient;
use crate::wire::v1::verdict::Verdict;
use crate::wire::v1::{PublishRequest, PublishResponse, ReplayRequest};

const PATIENCE: Duration = Duration::from_secs(2);

struct Running {
    address: SocketAddr,
    channel: Channel,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
    folder: tempfile::TempDir,
}

async fn start() -> Running {
    start_in(tempfile::tempdir().unwrap()).await
}

async fn start_in(folder: tempfile::TempDir) -> Running {
    let listen = "127.0.0.1:0".to_owned();
    let args = ServeArgs { data: folder.path().to_owned(), listen, ..ServeArgs::default() };
    let config = Config { shutdown_patience: PATIENCE, ..Config::try_from(args).unwrap() };
    let listener = TcpListener::bind(config.listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve(config, listener, async {
        let _ = stopped.await;
    }));
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    Running { address, channel, stop, served, folder }
}

impl Running {
    /// Stops it, and says how long that took.
    async fn stop(self) -> (Duration, tempfile::TempDir) {
        let start = Instant::now();
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        (start.elapsed(), self.folder)
    }
}

fn request(id: &str) -> PublishRequest {
    let channel = CloudEventAttributeValue { attr: Some(Attr::CeString("web".to_owned())) };
    let event = CloudEvent {
        id: id.to_owned(),
        source: "test".to_owned(),
        spec_version: "1.0".to_owned(),
        r#type: "fitting.booked".to_owned(),
        attributes: [("channel".to_owned(), channel)].into(),
        data: None,
    };
    PublishRequest { tenant: String::new(), events: vec![event.encode_to_vec().into()] }
}

fn position(response: &PublishResponse) -> Option<u64> {
    match response.verdicts.first()?.verdict.as_ref()? {
        Verdict::Accepted(accepted) => Some(accepted.position),
        _ => None,
    }
}

#[tokio::test]
async fn what_is_published_is_replayed_also_after_a_restart() {
    let running = start().await;
    let mut ingest = IngestServiceClient::new(running.channel.clone());
    assert_eq!(position(ingest.publish(request("one")).await.unwrap().get_ref()), Some(1));
    let requests = futures::stream::iter(["two", "three"].map(request));
    let mut answers = ingest.publish_stream(requests).await.unwrap().into_inner();
    assert_eq!(position(&answers.message().await.unwrap().unwrap()), Some(2));
    assert_eq!(position(&answers.message().await.unwrap().unwrap()), Some(3));
    assert_eq!(answers.message().await.unwrap(), None);

    let (_, folder) = running.stop().await;
    let running = start_in(folder).await;
    let mut replay = ReplayServiceClient::new(running.channel.clone());
    let mut responses = replay.replay(ReplayRequest::default()).await.unwrap().into_inner();
    let response = responses.message().await.unwrap().unwrap();
    assert_eq!((response.touchpoints.len(), response.position, response.until), (3, 3, 3));
    assert_eq!(responses.message().await.unwrap(), None);
}

#[tokio::test]
async fn health_is_told_for_each_service() {
    let running = start().await;
    let mut health = HealthClient::new(running.channel.clone());
    for service in ["", "rapport.v1.IngestService", "rapport.v1.ReplayService"] {
        let service = service.to_owned();
        let response = health.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(response.get_ref().status(), ServingStatus::Serving);
    }
}

#[tokio::test]
async fn refusals_keep_their_code_on_the_wire() {
    let running = start().await;
    let mut ingest = IngestServiceClient::new(running.channel.clone());
    let too_many = PublishRequest { events: vec![Bytes::new(); 100_000], ..PublishRequest::default() };
    assert_eq!(ingest.publish(too_many).await.unwrap_err().code(), Code::InvalidArgument);
    let too_large = PublishRequest { events: vec![vec![0; MAX_REQUEST_BYTES].into()], ..PublishRequest::default() };
    assert_eq!(ingest.publish(too_large).await.unwrap_err().code(), Code::OutOfRange);
    let elsewhere = PublishRequest { tenant: "globex".to_owned(), ..PublishRequest::default() };
    assert_eq!(ingest.publish(elsewhere).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_open_stream_does_not_hold_up_the_end() {
    let running = start().await;
    let mut ingest = IngestServiceClient::new(running.channel.clone());
    let mut answers = ingest.publish_stream(futures::stream::pending()).await.unwrap().into_inner();
    let (took, _folder) = running.stop().await;
    assert!(took < PATIENCE, "{took:?}");
    assert_eq!(answers.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_up_the_end_for_a_bounded_time() {
    let running = start().await;
    let _silent = tokio::net::TcpStream::connect(running.address).await.unwrap();
    let (took, _folder) = running.stop().await;
    assert!(took < PATIENCE * 2, "{took:?}");
}
