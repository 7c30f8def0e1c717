//! A verify leaves nothing behind, however it ends, and says why it could not begin.

use std::path::PathBuf;

use tonic::Code;

use crate::support::happened::ordered;
use crate::support::server::Server;

/// Where it is folded anew.
fn scratch(server: &Server) -> PathBuf {
    server.tenant().join("readmodel/verify")
}

async fn given_an_order(server: &Server) {
    server.accepted([ordered("o-1", "5 EUR").by("user_id:ann")]).await;
    server.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_behind_is_removed() {
    let server = Server::embedded().await;
    given_an_order(&server).await;
    let folder = scratch(&server);
    let kept = server.stop().await;
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("anew.db"), "half").unwrap();
    let server = kept.serve().await;
    assert!(!folder.exists());
    assert!(server.verify().await.unwrap().equal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scratch_that_cannot_be_made_is_named() {
    let server = Server::embedded().await;
    given_an_order(&server).await;
    std::fs::write(scratch(&server), "no folder").unwrap();
    let status = server.verify().await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("readmodel/verify cannot be made"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_gone_ends_it_and_leaves_nothing() {
    let server = Server::jetstream().await;
    given_an_order(&server).await;
    let nats = async_nats::connect(server.nats().url()).await.unwrap();
    async_nats::jetstream::new(nats).delete_stream("touchpoints_default").await.unwrap();
    let status = server.verify().await.unwrap_err();
    assert!(status.message().contains("log"), "{status}");
    assert!(!scratch(&server).exists());
}
