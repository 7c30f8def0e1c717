//! Given several processes with a part of the work each: they share one log and one data folder, and each says what it
//! does not do.

use std::fs;

use rapport::import::{self, Job, Mapping, Summary};
use rapport::wire::v1::{ReplayRequest, StatusRequest, TotalsRequest};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::cdnow;
use crate::support::client::{encoded, ids, named};
use crate::support::happened::{Happened, ordered};
use crate::support::http::get;
use crate::support::metrics::scrape;
use crate::support::server::{Kept, Part};
use crate::support::soon::soon;

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by("user_id:42")
}

#[track_caller]
fn assert_not_here(status: &Status, says: &[&str]) {
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
    for part in says {
        assert!(status.message().contains(part), "{:?} does not say {part:?}", status.message());
    }
}

/// What lies in the tenant's folder.
fn folders(kept: &Kept) -> Vec<String> {
    let Ok(entries) = fs::read_dir(kept.tenant()) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn health(part: &Part, service: &str) -> Option<ServingStatus> {
    let channel = soon(Channel::from_shared(part.url().to_owned()).unwrap().connect()).await.unwrap();
    let request = HealthCheckRequest { service: service.to_owned() };
    let answered = soon(HealthClient::new(channel).check(request)).await;
    answered.ok().map(|response| response.into_inner().status())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_and_two_projectors_share_one_log_and_one_folder() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    let all = kept.part("projector", None).await;
    let identity = kept.part("projector", Some("identity")).await;
    let last = *gateway.accepted((1..=3).map(order)).await.last().unwrap();

    let of_all = all.status_at(last).await;
    let of_identity = identity.status_at(last).await;
    assert_eq!((of_all.touchpoints, of_identity.touchpoints), (3, 3));
    assert_eq!(of_identity.digests.keys().collect::<Vec<_>>(), ["identity"]);
    assert_eq!(of_all.digests["identity"], of_identity.digests["identity"], "both know who the customers are");
    assert_eq!(folders(&kept), ["readmodel", "readmodel-identity"]);
    assert_eq!(all.customer("user_id:42").await.unwrap().touchpoints, 3);

    // Each has its own generation and checkpoint.
    assert_eq!(identity.rebuild().await.last().unwrap().generation, 2);
    assert_eq!((all.status().await.generation, identity.status().await.generation), (1, 2));
    all.stop().await;
    let more = gateway.accepted([order(4)]).await[0];
    assert_eq!(identity.status_at(more).await.touchpoints, 4, "it goes on without the other");
    let all = kept.part("projector", None).await;
    assert_eq!(all.status_at(more).await.touchpoints, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_projectors_of_the_same_models_in_one_folder_are_refused() {
    let kept = Kept::jetstream();
    let first = kept.part("projector", None).await;
    let said = kept.refused().await;
    assert!(said.contains("default/readmodel is in use by another process"), "{said}");
    assert!(said.contains("--models") && said.contains("--data"), "{said}");
    first.stop().await;
    kept.part("projector", None).await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_takes_events_in_gives_them_back_and_keeps_no_read_model() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    gateway.accepted((1..=3).map(order)).await;
    assert_eq!(ids(&gateway.replay(ReplayRequest::default()).await.unwrap()), ["o-1", "o-2", "o-3"]);
    assert_eq!(folders(&kept), [""; 0]);

    let status = gateway.customer("user_id:42").await.unwrap_err();
    assert_not_here(
        &status,
        &[
            "rapport.v1.CustomerService is not hosted by this process, which was started with --roles gateway",
            "and hosts rapport.v1.IngestService, rapport.v1.ReplayService;",
            "one with --roles projector --models profile hosts it",
        ],
    );
    let status = soon(gateway.connection.admin().status(StatusRequest::default())).await.unwrap_err();
    assert_not_here(&status, &["rapport.v1.AdminService", "one with --roles projector hosts it"]);
    assert_not_here(
        &gateway.preview("").await.unwrap_err(),
        &["rapport.v1.AdminService", "one with --roles projector hosts it"],
    );
    let of_customer = ReplayRequest { customer: Some(named("user_id:42")), ..ReplayRequest::default() };
    let status = gateway.replay(of_customer).await.unwrap_err();
    assert_not_here(&status, &["customer: the replay of one customer needs a read model", "--roles projector has it"]);

    let scraped = scrape(gateway.url()).await;
    assert_eq!(scraped.value("rapport_ingest_events_total", &[("verdict", "accepted")]), 3.0);
    assert!(!scraped.names().contains("rapport_readmodel_position"), "it has none");
    assert_eq!(get(gateway.url(), "/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_into_a_gateway_says_how_not_to_wait_for_what_is_not_there() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    let mapping = Mapping::load(&cdnow::mapping()).unwrap();
    let (server, tenant) = (gateway.url().to_owned(), String::new());
    let job = Job { files: vec![cdnow::file()], mapping: Some(mapping), strict: true, server, tenant, wait: true };
    let mut summary = Summary::default();
    let said = soon(import::run(&job, &mut summary)).await.unwrap_err().to_string();
    assert!(said.contains("the touchpoints are on the log") && said.contains("--no-wait"), "{said}");
    assert_eq!(ids(&gateway.replay(ReplayRequest::default()).await.unwrap()).len() as u64, cdnow::ORDERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_answers_and_takes_nothing_in() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    let projector = kept.part("projector", None).await;
    gateway.accepted([order(1)]).await;
    assert_eq!(projector.status_at(1).await.touchpoints, 1);
    let of_customer = ReplayRequest { customer: Some(named("user_id:42")), ..ReplayRequest::default() };
    assert_eq!(ids(&projector.replay(of_customer).await.unwrap()), ["o-1"]);
    assert_eq!(ids(&projector.replay(ReplayRequest::default()).await.unwrap()), ["o-1"]);
    let status = projector.publish_bytes(vec![encoded(order(2))]).await.unwrap_err();
    assert_not_here(&status, &["rapport.v1.IngestService is not hosted", "one with --roles gateway hosts it"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_not_folded_here_answers_nowhere_here() {
    let kept = Kept::embedded();
    let server = kept.part("gateway,projector", Some("identity")).await;
    server.accepted([order(1)]).await;
    assert_eq!(server.status().await.touchpoints, 1);
    let status = soon(server.connection.customers().totals(TotalsRequest::default())).await.unwrap_err();
    assert_not_here(
        &status,
        &["started with --roles gateway,projector --models identity", "--models profile hosts it"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_reflection_tell_of_what_is_hosted() {
    let kept = Kept::jetstream();
    let gateway = kept.part("gateway", None).await;
    let projector = kept.part("projector", None).await;
    for (part, hosted, other) in [
        (&gateway, "rapport.v1.IngestService", "rapport.v1.CustomerService"),
        (&projector, "rapport.v1.CustomerService", "rapport.v1.IngestService"),
    ] {
        assert_eq!(health(part, "").await, Some(ServingStatus::Serving));
        assert_eq!(health(part, "rapport.v1.ReplayService").await, Some(ServingStatus::Serving));
        assert_eq!(health(part, hosted).await, Some(ServingStatus::Serving));
        assert_eq!(health(part, other).await, None);
        let listed = crate::clients::services(part.url()).await;
        assert!(listed.iter().any(|name| name == hosted), "{listed:?}");
        assert!(listed.iter().all(|name| name != other), "{listed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_nowhere_is_told_what_there_is() {
    let kept = Kept::embedded();
    let server = kept.part("gateway", None).await;
    let call = async |path: &'static str| {
        let channel = soon(Channel::from_shared(server.url().to_owned()).unwrap().connect()).await.unwrap();
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<StatusRequest, StatusRequest>::default();
        let path = tonic::codegen::http::uri::PathAndQuery::from_static(path);
        soon(grpc.unary(tonic::Request::new(StatusRequest::default()), path, codec)).await.unwrap_err()
    };
    let hosted = "this process hosts rapport.v1.IngestService, rapport.v1.ReplayService";
    assert_not_here(
        &call("/rapport.v1.OracleService/Ask").await,
        &["\"rapport.v1.OracleService\" is no service", hosted],
    );
    assert_not_here(&call("/none").await, &["is no service of Rapport", hosted]);
    let says = "rapport.v1.IngestService has no method \"Unpublish\"; it has Publish, PublishStream";
    assert_not_here(&call("/rapport.v1.IngestService/Unpublish").await, &[says]);
}
