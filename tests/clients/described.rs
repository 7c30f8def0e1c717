//! What a server says of itself, for tools such as grpcurl and for whoever watches over it.

use prost::Message;
use rapport::wire::v1::customer_service_client::CustomerServiceClient;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::server::Server;
use crate::support::soon::soon;

const SERVICES: [&str; 4] =
    ["rapport.v1.AdminService", "rapport.v1.CustomerService", "rapport.v1.IngestService", "rapport.v1.ReplayService"];

async fn channel(server: &Server) -> Channel {
    soon(Channel::from_shared(server.url().to_owned()).unwrap().connect()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_told_for_the_server_and_for_each_service() {
    let server = Server::embedded().await;
    let mut health = HealthClient::new(channel(&server).await);
    for service in [""].into_iter().chain(SERVICES) {
        let request = HealthCheckRequest { service: service.to_owned() };
        let response = soon(health.check(request)).await.unwrap().into_inner();
        assert_eq!(response.status(), ServingStatus::Serving, "{service}");
    }
    let unknown = HealthCheckRequest { service: "rapport.v1.OracleService".to_owned() };
    assert_eq!(soon(health.check(unknown)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_lists_the_services() {
    let server = Server::embedded().await;
    let names = services(server.url()).await;
    for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(names.iter().any(|name| name == service), "{service} is not among {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reflection_describes_what_an_event_is() {
    let server = Server::embedded().await;
    let symbol = MessageRequest::FileContainingSymbol("io.cloudevents.v1.CloudEvent".to_owned());
    let MessageResponse::FileDescriptorResponse(found) = ask(server.url(), symbol).await else { panic!("no file") };
    let file = prost_types::FileDescriptorProto::decode(found.file_descriptor_proto[0].as_slice()).unwrap();
    assert_eq!((file.name(), file.package()), ("cloudevents/v1/cloudevents.proto", "io.cloudevents.v1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_not_there_is_unimplemented() {
    let server = Server::embedded().await;
    let mut customers = CustomerServiceClient::with_origin(
        channel(&server).await,
        format!("{}/elsewhere", server.url()).parse().unwrap(),
    );
    let status = soon(customers.totals(rapport::wire::v1::TotalsRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
}

/// The services that a server lists.
pub async fn services(url: &str) -> Vec<String> {
    let MessageResponse::ListServicesResponse(list) = ask(url, MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list")
    };
    list.service.into_iter().map(|service| service.name).collect()
}

async fn ask(url: &str, question: MessageRequest) -> MessageResponse {
    let channel = soon(Channel::from_shared(url.to_owned()).unwrap().connect()).await.unwrap();
    let mut reflection = ServerReflectionClient::new(channel);
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let call = reflection.server_reflection_info(tokio_stream::once(request));
    let mut responses = soon(call).await.unwrap().into_inner();
    soon(responses.message()).await.unwrap().unwrap().message_response.unwrap()
}
