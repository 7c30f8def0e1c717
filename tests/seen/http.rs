//! Plain HTTP on the port of gRPC.

use rapport_log::{Log, LogConfig, Tenant};

use crate::support::events;
use crate::support::happened::{Happened, ordered};
use crate::support::http::get;
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

fn order(id: u32) -> Happened {
    ordered(&format!("o-{id}"), "1.00 EUR").by("user_id:42")
}

/// Until the server is ready; what it said before, if it was not.
async fn until_ready(server: &Server) -> Option<String> {
    let mut said = None;
    loop {
        let answer = get(server.url(), "/readyz").await;
        match answer.status {
            200 => return said,
            503 => said = Some(answer.body),
            _ => panic!("{answer:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_serves_is_alive_and_ready_on_the_port_of_grpc() {
    let server = Server::embedded().await;
    let alive = get(server.url(), "/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (200, "ok\n"));
    assert_eq!(alive.content_type, "text/plain; charset=utf-8");
    assert_eq!(soon(until_ready(&server)).await, None, "an empty log is folded from the start");
    server.accepted([order(1)]).await;
    assert_eq!(server.totals().await.touchpoints, 1, "gRPC goes on beside it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_not_there_is_404_and_says_what_is() {
    let server = Server::embedded().await;
    for path in ["/", "/metricz", "/rapport.v1.OracleService/Ask"] {
        let answer = get(server.url(), path).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(
            answer.body,
            format!(
                "{path:?} is not here: over HTTP there are /healthz, /readyz and /metrics; everything else is gRPC\n"
            )
        );
    }
}

/// A reader of the log is ahead of its writer, here a second process that holds the read model's file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_that_is_behind_at_the_start_is_not_ready_until_it_has_caught_up() {
    let server = Server::embedded().await;
    server.accepted((1..=3).map(order)).await;
    server.totals().await;
    let kept = server.stop().await;
    let log = LogConfig::Embedded { folder: kept.tenant().parent().unwrap().to_owned() };
    let log = Log::open(&log, &Tenant::parse("default").unwrap()).await.unwrap();
    assert!(log.append(events::events("more", 2)).await.iter().all(Result::is_ok));
    log.close().await;

    let held = rusqlite::Connection::open(kept.tenant().join("readmodel/000001.db")).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let server = kept.serve().await;
    let answer = get(server.url(), "/readyz").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.body, "tenant default: the read model is at 3 and not yet at 5\n");
    assert_eq!(get(server.url(), "/healthz").await.status, 200, "it serves what it has");
    held.execute_batch("ROLLBACK").unwrap();
    soon(until_ready(&server)).await;
    assert_eq!(server.totals().await.touchpoints, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_that_stopped_is_not_ready_and_says_why() {
    let server = Kept::embedded().serve().await;
    server.accepted([order(1)]).await;
    server.totals().await;
    let file = rusqlite::Connection::open(server.tenant().join("readmodel/000001.db")).unwrap();
    file.execute_batch("ALTER TABLE seen RENAME TO gone").unwrap();
    server.accepted([order(2)]).await;
    let answer = soon(async {
        loop {
            let answer = get(server.url(), "/readyz").await;
            if answer.status == 503 {
                return answer;
            }
        }
    });
    let said = answer.await.body;
    assert!(said.starts_with("tenant default: the projector stopped: ") && said.contains("seen"), "{said}");
    file.execute_batch("ALTER TABLE gone RENAME TO seen").unwrap();
    assert!(soon(until_ready(&server)).await.is_some(), "it tries again by itself");
}
