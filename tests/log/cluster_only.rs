//! What only a cluster can do: a server of it may hang, and the others go on.

use rapport_log::{Filter, Log, LogConfig, Position, Tenant};

use super::backend::{accepted, ids, soon, take};
use crate::support::events::events;
use crate::support::nats::NatsServer;

/// A machine that lost its power or its network says no goodbye.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_left_for_another() {
    let nodes = NatsServer::cluster().await;
    let log = open(&nodes).await;
    accepted(&log, events("before", 3)).await;
    let mut reader = log.read(Position::START, Filter::all()).await.unwrap();
    take(&mut reader, 3).await;

    connected(&nodes).await.freeze();
    soon(async {
        for event in events("after", 3) {
            while log.append(vec![event.clone()]).await[0].is_err() {}
        }
    })
    .await;
    assert_eq!(ids(&take(&mut reader, 3).await), ["after-0", "after-1", "after-2"]);
}

/// Once the servers take a stream.
async fn open(nodes: &[NatsServer]) -> Log {
    let url = nodes.iter().map(NatsServer::url).collect::<Vec<_>>().join(",");
    let (config, tenant) = (LogConfig::JetStream { url, replicas: 3 }, Tenant::parse("acme").unwrap());
    soon(async {
        loop {
            if let Ok(log) = Log::open(&config, &tenant).await {
                return log;
            }
        }
    })
    .await
}

/// The server that the log speaks to.
async fn connected(nodes: &[NatsServer]) -> &NatsServer {
    for node in nodes {
        let told = node.told("/connz").await;
        if told["connections"].as_array().unwrap().iter().any(|one| one["name"] == "rapport acme") {
            return node;
        }
    }
    panic!("the log speaks to no server");
}
