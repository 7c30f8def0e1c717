//! A client in another language, generated from `proto/` by that language's own tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio::task::spawn_blocking;

use crate::support::python::{environment, told};
use crate::support::repository;
use crate::support::server::Server;
use crate::support::soon::soon;

const GRPC: &str = "1.85.1";
const PROTOBUF: &str = "7.36.2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_generated_for_python_publishes_and_reads_back() {
    let server = Server::embedded().await;
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let (first, again) = soon(spawn_blocking(move || {
        let client = generated();
        (run(client.path(), &address), run(client.path(), &address))
    }))
    .await
    .unwrap();

    let customer = server.customer("email:ann@example.com").await.unwrap().id;
    assert_eq!(first, format!("accepted at 1\n{customer} has 1 touchpoint\n1 order, 129.90 CNY\n"));
    assert_eq!(again, format!("duplicate at 1\n{customer} has 1 touchpoint\n1 order, 129.90 CNY\n"));
}

fn run(client: &Path, address: &str) -> String {
    let script = repository().join("tests/clients/publish_and_read.py");
    told(Command::new(python()).arg(script).arg(address).env("PYTHONPATH", client))
        .unwrap_or_else(|why| panic!("{why}"))
}

/// A folder with the modules that Python's tools make of `proto/`.
fn generated() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let proto = repository().join("proto");
    let mut generate = Command::new(python());
    generate.args(["-m", "grpc_tools.protoc", "-I"]).arg(&proto);
    for option in ["--python_out", "--grpc_python_out"] {
        generate.arg(format!("{option}={}", folder.path().display()));
    }
    for package in ["rapport/v1", "cloudevents/v1"] {
        let files = fs::read_dir(proto.join(package)).unwrap();
        generate.args(files.map(|file| file.unwrap().path()));
    }
    told(&mut generate).unwrap_or_else(|why| panic!("Python's tools do not take proto/: {why}"));
    folder
}

/// The interpreter of an environment with the pinned tools. Fails, saying how to help, if it cannot be made.
fn python() -> PathBuf {
    let wanted = [format!("grpcio=={GRPC}"), format!("grpcio-tools=={GRPC}"), format!("protobuf=={PROTOBUF}")];
    environment(GRPC, &wanted).unwrap_or_else(|why| panic!("no Python client can be generated: {why}"))
}
