//! What a server measures of itself.

use std::collections::BTreeSet;

use bytes::Bytes;
use rapport::wire::PublishRequest;
use rapport::wire::v1::{ReplayRequest, TotalsRequest};
use serde_json::json;

use crate::support::client::encoded;
use crate::support::happened::{Happened, ordered, viewed};
use crate::support::metrics::{Scraped, scrape};
use crate::support::server::Server;
use crate::support::soon::soon;

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by("user_id:42")
}

/// Once it is so.
async fn scraped(server: &Server, is_so: impl Fn(&Scraped) -> bool) -> Scraped {
    soon(async {
        loop {
            let scraped = scrape(server.url()).await;
            if is_so(&scraped) {
                return scraped;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_counted_by_its_verdict() {
    let server = Server::embedded().await;
    server.accepted((1..=3).map(order)).await;
    let (conflict, invalid) = (order(3).with(json!({"amount": "2.00"})), order(4).but("type", json!("No type")));
    server.publish([order(1), order(2), conflict, invalid]).await;
    let scraped = scrape(server.url()).await;
    for (verdict, count) in [("accepted", 3.0), ("duplicate", 2.0), ("quarantined", 1.0), ("rejected", 1.0)] {
        let labels = [("tenant", "default"), ("verdict", verdict)];
        assert_eq!(scraped.value("rapport_ingest_events_total", &labels), count, "{verdict}");
    }
    assert_eq!(scraped.value("rapport_ingest_publish_seconds_count", &[("tenant", "default")]), 2.0);
    assert_eq!(scraped.value("rapport_ingest_in_flight_bytes", &[]), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_is_measured() {
    let server = Server::jetstream().await;
    server.accepted([order(1), order(2).at("03-05"), viewed("v").by("user_id:7")]).await;
    server.publish([order(1).with(json!({"amount": "2.00"}))]).await;
    server.accepted([order(3).at("03-02")]).await;
    server.totals().await;
    let of_default = |scraped: &Scraped, name: &str| scraped.value(name, &[("tenant", "default")]);
    let scraped = scraped(&server, |scraped| of_default(scraped, "rapport_readmodel_position") == 5.0).await;
    for (name, right) in [
        ("rapport_fold_events_total", 4.0),
        ("rapport_fold_parked_total", 1.0),
        ("rapport_fold_duplicates_total", 0.0),
        ("rapport_fold_refolds_total", 1.0),
        ("rapport_fold_faults_total", 0.0),
        ("rapport_fold_fault", 0.0),
        ("rapport_fold_lag_events", 0.0),
        ("rapport_fold_lag_seconds", 0.0),
        ("rapport_fold_batch_records_sum", 5.0),
        ("rapport_log_head_position", 5.0),
        ("rapport_readmodel_parked_events", 1.0),
        ("rapport_readmodel_generation", 1.0),
    ] {
        assert_eq!(of_default(&scraped, name), right, "{name}");
    }
    let batches = of_default(&scraped, "rapport_fold_batch_seconds_count");
    assert!(batches >= 1.0 && of_default(&scraped, "rapport_fold_apply_seconds_count") == batches);
    assert!(
        of_default(&scraped, "rapport_fold_batch_seconds_sum")
            >= of_default(&scraped, "rapport_fold_apply_seconds_sum")
    );

    server.rebuild().await;
    let after = scrape(server.url()).await;
    assert_eq!(of_default(&after, "rapport_readmodel_generation"), 2.0);
    assert_eq!(of_default(&after, "rapport_readmodel_parked_events"), 1.0);
    assert_eq!(of_default(&after, "rapport_fold_events_total"), 8.0, "a rebuild folds them again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_projector_that_stopped_is_its_lag() {
    let server = Server::embedded().await;
    server.accepted([order(1)]).await;
    server.totals().await;
    let file = rusqlite::Connection::open(server.tenant().join("readmodel/000001.db")).unwrap();
    file.execute_batch("ALTER TABLE seen RENAME TO gone").unwrap();
    server.accepted([order(2), order(3)]).await;
    let of_default = |scraped: &Scraped, name: &str| scraped.value(name, &[("tenant", "default")]);
    let first = scraped(&server, |scraped| of_default(scraped, "rapport_fold_fault") == 1.0).await;
    assert!(of_default(&first, "rapport_fold_faults_total") >= 1.0);
    assert_eq!(of_default(&first, "rapport_fold_lag_events"), 2.0);
    let lag = of_default(&first, "rapport_fold_lag_seconds");
    let later = scraped(&server, |scraped| of_default(scraped, "rapport_fold_lag_seconds") > lag).await;
    assert!(lag > 0.0 && of_default(&later, "rapport_fold_lag_events") == 2.0);
    file.execute_batch("ALTER TABLE gone RENAME TO seen").unwrap();
    scraped(&server, |scraped| {
        of_default(scraped, "rapport_fold_lag_seconds") == 0.0 && of_default(scraped, "rapport_fold_fault") == 0.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_is_measured_by_its_method_and_code() {
    let server = Server::embedded().await;
    server.totals().await;
    let elsewhere = TotalsRequest { tenant: "globex".to_owned(), ..TotalsRequest::default() };
    soon(server.connection.customers().totals(elsewhere)).await.unwrap_err();
    server.replay(ReplayRequest::default()).await.unwrap();
    let scraped = scrape(server.url()).await;
    let totals = |code| {
        let labels = [("service", "rapport.v1.CustomerService"), ("method", "Totals"), ("code", code)];
        scraped.value("rapport_grpc_call_seconds_count", &labels)
    };
    assert_eq!((totals("OK"), totals("NOT_FOUND")), (1.0, 1.0));
    let replays = [("service", "rapport.v1.ReplayService"), ("method", "Replay")];
    assert_eq!(scraped.value("rapport_grpc_open_streams", &replays), 0.0);
    assert_eq!(scraped.value("rapport_grpc_streams_total", &[replays[0], replays[1], ("code", "OK")]), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_is_counted_until_it_ends() {
    let server = Server::embedded().await;
    let (requests, stream) = tokio::sync::mpsc::channel::<PublishRequest>(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
    let mut ingest = server.connection.ingest();
    let mut answers = soon(ingest.publish_stream(stream)).await.unwrap().into_inner();
    let events = vec![encoded(order(1))];
    requests.send(PublishRequest { tenant: String::new(), events }).await.unwrap();
    assert_eq!(soon(answers.message()).await.unwrap().unwrap().verdicts.len(), 1);
    let publishing = [("service", "rapport.v1.IngestService"), ("method", "PublishStream")];
    assert_eq!(scrape(server.url()).await.value("rapport_grpc_open_streams", &publishing), 1.0);
    drop(requests);
    assert_eq!(soon(answers.message()).await.unwrap(), None);
    let after = scraped(&server, |scraped| scraped.value("rapport_grpc_open_streams", &publishing) == 0.0).await;
    assert_eq!(after.value("rapport_grpc_streams_total", &[publishing[0], publishing[1], ("code", "OK")]), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_in_one_process_measure_by_themselves() {
    let (one, other) = (Server::embedded().await, Server::embedded().await);
    one.accepted([order(1)]).await;
    let accepted = [("tenant", "default"), ("verdict", "accepted")];
    assert_eq!(scrape(one.url()).await.value("rapport_ingest_events_total", &accepted), 1.0);
    assert_eq!(scrape(other.url()).await.value("rapport_ingest_events_total", &accepted), 0.0);
}

/// Whatever strangers send, there are no more series than tenants, methods and codes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_label_holds_what_a_stranger_said() {
    let server = Server::embedded().await;
    server.publish([order(1), viewed("a-strangers-id").on("a-strangers-channel")]).await;
    server.publish_bytes(vec![Bytes::from_static(b"no event")]).await.unwrap();
    server.customer("user_id:a-stranger").await.unwrap_err();
    let strange = format!("{}/a-strangers-prefix", server.url());
    let mut customers = rapport::wire::v1::customer_service_client::CustomerServiceClient::with_origin(
        tonic::transport::Channel::from_shared(server.url().to_owned()).unwrap().connect().await.unwrap(),
        strange.parse().unwrap(),
    );
    soon(customers.totals(TotalsRequest::default())).await.unwrap_err();
    let scraped = scrape(server.url()).await;
    assert!(!scraped.text.contains("stranger"), "{}", scraped.text);
    let known = ["code", "le", "method", "service", "tenant", "verdict", "version"];
    assert_eq!(scraped.labels(), BTreeSet::from(known));
    assert_eq!(scraped.values_of("tenant"), BTreeSet::from(["default"]));
    let other = [("service", "(other)"), ("code", "UNIMPLEMENTED")];
    assert_eq!(scraped.value("rapport_grpc_call_seconds_count", &other), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_says_what_it_is_and_in_which_unit() {
    let server = Server::embedded().await;
    let scraped = scrape(server.url()).await;
    let mut described = 0;
    for line in scraped.text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = line.split_once(' ').unwrap();
        assert!(name.starts_with("rapport_") && help.len() > 20, "{line}");
        for (ending, unit) in [("_seconds", "econds"), ("_bytes", "ytes"), ("_position", "osition")] {
            assert!(!name.ends_with(ending) || help.contains(unit), "{name} without its unit: {help}");
        }
        described += 1;
    }
    let typed = scraped.text.lines().filter(|line| line.starts_with("# TYPE rapport_")).count();
    assert!(described == typed && described > 20, "{described} of {typed} metrics are described");
    let start = scraped.value("rapport_start_time_seconds", &[]);
    assert!(start > 1_700_000_000.0, "{start}");
    assert_eq!(scraped.value("rapport_build_info", &[]), 1.0);
}
