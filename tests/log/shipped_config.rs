//! The NATS configuration that is shipped promises what the tests rely on.

use crate::support::nats::{NatsServer, SHIPPED_CONFIG, sync_interval};

#[test]
fn the_shipped_server_syncs_before_it_acknowledges() {
    assert_eq!(sync_interval(SHIPPED_CONFIG), "always");
}

#[test]
fn the_tests_servers_sync_like_the_shipped_one() {
    let server = NatsServer::start();
    assert_eq!(sync_interval(&server.config()), sync_interval(SHIPPED_CONFIG));
}

#[test]
fn a_server_takes_the_shipped_config() {
    NatsServer::check(SHIPPED_CONFIG);
}
