//! Exports that take long: a few at once, each of one moment, whatever becomes of the generation that it reads.

use rapport::wire::v1::export_response::What;
use rapport::wire::v1::export_service_client::ExportServiceClient;
use rapport::wire::v1::{ExportRequest, ExportResponse};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::support::happened::{Happened, viewed};
use crate::support::server::Server;
use crate::support::soon::soon;

const TOUCHPOINTS: usize = 6_000;
/// So little that an export waits for whoever does not read on.
const WINDOW_BYTES: u32 = 64 * 1024;

fn touchpoints(prefix: &str, count: usize) -> impl Iterator<Item = Happened> {
    (0..count).map(move |n| viewed(&format!("{prefix}-{n}")).by(&format!("user_id:u{}", n % 500)).at("03-01"))
}

async fn publish(server: &Server, count: usize) {
    for from in (0..count).step_by(1_000) {
        server.accepted(touchpoints(&from.to_string(), 1_000)).await;
    }
    server.settled().await;
}

async fn client(server: &Server) -> ExportServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(server.url().to_owned()).unwrap().initial_stream_window_size(WINDOW_BYTES);
    ExportServiceClient::new(endpoint.connect().await.unwrap())
}

/// An export of which nothing but its beginning was read, and the position of its moment.
async fn begun(server: &Server) -> Result<(Streaming<ExportResponse>, u64), Status> {
    let mut responses = soon(client(server).await.export(ExportRequest::default())).await?.into_inner();
    match soon(responses.message()).await?.unwrap().what {
        Some(What::Begun(begun)) => Ok((responses, begun.freshness.unwrap().position)),
        other => panic!("it begins with {other:?}"),
    }
}

/// How many touchpoints the rest of it has; it comes to its end.
async fn touchpoints_of(mut responses: Streaming<ExportResponse>) -> u32 {
    let mut touchpoints = 0;
    let mut is_complete = false;
    while let Some(response) = soon(responses.message()).await.unwrap() {
        match response.what {
            Some(What::Rows(rows)) if rows.table == "timeline" => touchpoints += rows.rows,
            Some(What::Complete(_)) => is_complete = true,
            _ => {}
        }
    }
    assert!(is_complete);
    touchpoints
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_go_on_at_once_and_a_fifth_is_told_until_one_is_given_up() {
    let server = Server::embedded().await;
    publish(&server, TOUCHPOINTS).await;
    let mut exports = Vec::new();
    for _ in 0..4 {
        exports.push(begun(&server).await.unwrap().0);
    }
    let refused = begun(&server).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains('4'), "{refused:?}");

    drop(exports.pop());
    let fifth = soon(async {
        loop {
            match begun(&server).await {
                Ok((export, _)) => return export,
                Err(full) => assert_eq!(full.code(), Code::ResourceExhausted, "{full:?}"),
            }
        }
    });
    exports.push(fifth.await);
    for export in exports {
        assert_eq!(touchpoints_of(export).await as usize, TOUCHPOINTS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_began_before_a_swap_ends_as_it_began() {
    let server = Server::embedded().await;
    publish(&server, TOUCHPOINTS).await;
    let (before, position) = begun(&server).await.unwrap();
    assert_eq!(position as usize, TOUCHPOINTS);

    server.accepted(touchpoints("later", 10)).await;
    server.rebuild().await;
    // Once more: what was kept of the generation that the export reads is removed.
    server.rebuild().await;
    let (after, position) = begun(&server).await.unwrap();
    assert_eq!(position as usize, TOUCHPOINTS + 10);
    assert_eq!(touchpoints_of(before).await as usize, TOUCHPOINTS);
    assert_eq!(touchpoints_of(after).await as usize, TOUCHPOINTS + 10);
}
