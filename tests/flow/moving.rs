//! Given a log with decisions, conflicts and late events, wherever it is moved it is the same log.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rapport::moving::{self, Backup, Manifest, Meanwhile, MoveError, Moved};
use rapport::wire::v1::{MergeRequest, ReplayRequest, ReplayedTouchpoint};
use rapport_log::{Hold, LogConfig, LogCopy, Origin, Original, Position, Tenant};
use rapport_touchpoint::Timestamp;

use crate::support::client::named;
use crate::support::happened::{ordered, viewed};
use crate::support::nats::NatsServer;
use crate::support::server::{Kept, Server};
use crate::support::soon::soon;

/// What a log is known by, whoever serves it.
#[derive(Debug, PartialEq)]
struct Known {
    digests: BTreeMap<String, String>,
    replayed: Vec<ReplayedTouchpoint>,
    /// Its id, which the key of the log makes.
    ann: String,
    parked: Vec<u64>,
}

async fn known(server: &Server) -> Known {
    let status = server.settled().await;
    Known {
        digests: status.digests.into_iter().collect(),
        replayed: server.replay(ReplayRequest::default()).await.unwrap(),
        ann: server.customer("user_id:ann").await.unwrap().id,
        parked: server.parked(Default::default()).await.unwrap().events.iter().map(|event| event.position).collect(),
    }
}

/// Ann and Bo are one by hand; an event came late, one twice, and one with another body.
async fn given_history(server: &Server) {
    server
        .accepted([
            ordered("a1", "10.00 EUR").at("03-05").by("user_id:ann email:ann@x.org"),
            viewed("b1").at("03-02").by("email:bo@x.org anonymous_id:a-7"),
            viewed("c1").at("03-01").by("anonymous_id:a-7").on("app"),
        ])
        .await;
    server.publish([viewed("b1").at("03-02").by("email:bo@x.org anonymous_id:a-7")]).await;
    server.publish([viewed("b1").at("03-03").by("email:bo@x.org")]).await;
    let (reason, by) = ("she wrote from both".to_owned(), "ops".to_owned());
    let (left, right) = (Some(named("user_id:ann")), Some(named("email:bo@x.org")));
    let min_position = server.acknowledged();
    let merge = MergeRequest { left, right, reason, by, min_position, ..MergeRequest::default() };
    soon(server.connection.admin().merge(merge)).await.unwrap();
    server.accepted([viewed("b2").at("03-04").by("email:bo@x.org")]).await;
}

fn tenant() -> Tenant {
    Tenant::parse("default").unwrap()
}

async fn moved(from: &LogConfig, to: &LogConfig) -> Result<Moved, MoveError> {
    let original = Original::open(from, &tenant(), Hold::Alone).await?;
    soon(moving::copy(&original, &tenant(), to, Meanwhile::Followed, |_| ())).await
}

fn on(nats: &NatsServer) -> LogConfig {
    LogConfig::JetStream { url: nats.url(), replicas: 1 }
}

fn embedded(folder: &Path) -> LogConfig {
    LogConfig::Embedded { folder: folder.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_jetstream_and_back_it_is_the_same_log() {
    let (nats, back) = (NatsServer::start(), tempfile::tempdir().unwrap());
    let server = Server::embedded().await;
    given_history(&server).await;
    let before = known(&server).await;
    let kept = server.stop().await;

    let there = moved(&kept.log_config(), &on(&nats)).await.unwrap();
    assert!(there.keeps_positions && there.before == 0, "{there:?}");
    let elsewhere = Kept::embedded().on(nats).serve().await;
    assert_eq!(known(&elsewhere).await, before, "a read model that is made anew from the moved log");
    assert!(elsewhere.verify().await.unwrap().equal);
    let generation = {
        let (kept_on_nats, nats) = elsewhere.stop().await.off();
        drop(kept_on_nats);
        // The read model of the data folder goes on with the moved log, for it is the same one.
        let server = kept.on(nats.unwrap()).serve().await;
        assert_eq!(known(&server).await, before);
        let generation = server.status().await.generation;
        server.accepted([viewed("d1").at("03-06").by("user_id:ann")]).await;
        let (after, kept) = (known(&server).await, server.stop().await);
        assert_ne!(after.digests, before.digests);
        let moved_back = moved(&kept.log_config(), &embedded(back.path())).await.unwrap();
        assert!(moved_back.keeps_positions, "{moved_back:?}");
        let server = Kept::embedded_in(back.path()).serve().await;
        assert_eq!(known(&server).await, after);
        assert_eq!(server.rebuild().await.last().unwrap().digest, server.digest().await);
        server.stop().await;
        generation
    };
    assert_eq!(generation, 1, "nothing was folded anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_broken_off_goes_on_and_is_no_log_before() {
    let (nats, folder) = (NatsServer::start(), tempfile::tempdir().unwrap());
    let server = Server::embedded().await;
    given_history(&server).await;
    let before = known(&server).await;
    let kept = server.stop().await;
    for to in [on(&nats), embedded(folder.path())] {
        {
            let original = Original::open(&kept.log_config(), &tenant(), Hold::Alone).await.unwrap();
            let (epoch, extent) = (original.epoch().clone(), original.extent().await.unwrap());
            let mut copy = LogCopy::open(&to, &Origin { tenant: tenant(), epoch, extent }).await.unwrap();
            let mut some = original.read(Position::START, Position(3)).await.unwrap();
            copy.put(some.next().await.unwrap().unwrap()).await.unwrap();
        }
        let refused = rapport_log::Log::open(&to, &tenant()).await.err().expect("it is no log yet").to_string();
        assert!(refused.contains("not finished"), "{refused}");
        let whole = moved(&kept.log_config(), &to).await.unwrap();
        assert_eq!((whole.before, whole.extent.records), (3, before.replayed.len() as u64));
        let again = moved(&kept.log_config(), &to).await.unwrap_err().to_string();
        assert!(again.contains("there is a log at") && again.contains("already"), "{again}");
    }
    let server = Kept::embedded_in(folder.path()).serve().await;
    assert_eq!(known(&server).await, before);
    let retried = server.publish([viewed("b2").at("03-04").by("email:bo@x.org")]).await;
    assert!(matches!(retried[..], [rapport::wire::v1::verdict::Verdict::Duplicate(_)]), "{retried:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_into_another_logs_copy_is_refused() {
    let (one, other) = (Server::embedded().await, Server::embedded().await);
    let folder = tempfile::tempdir().unwrap();
    for server in [&one, &other] {
        server.accepted([viewed("1").by("user_id:ann")]).await;
    }
    let (one, other) = (one.stop().await, other.stop().await);
    {
        let original = Original::open(&one.log_config(), &tenant(), Hold::Alone).await.unwrap();
        let (epoch, extent) = (original.epoch().clone(), original.extent().await.unwrap());
        LogCopy::open(&embedded(folder.path()), &Origin { tenant: tenant(), epoch, extent }).await.unwrap();
    }
    let refused = moved(&other.log_config(), &embedded(folder.path())).await.unwrap_err().to_string();
    assert!(refused.contains("the copy of another log"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_not_there_is_not_made() {
    let (nats, folder) = (NatsServer::start(), tempfile::tempdir().unwrap());
    for from in [on(&nats), embedded(&folder.path().join("none"))] {
        let refused = moved(&from, &embedded(folder.path())).await.unwrap_err().to_string();
        assert!(refused.contains("there is no log at"), "{refused}");
    }
    assert!(!folder.path().join("none").exists() && !folder.path().join("default").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_a_server_has_is_not_moved() {
    let (server, folder) = (Server::embedded().await, tempfile::tempdir().unwrap());
    let data = server.tenant().parent().unwrap().to_owned();
    let refused = moved(&embedded(&data), &embedded(folder.path())).await.unwrap_err().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
}

async fn backed_up(server: &Server, out: &Path) -> Result<Manifest, MoveError> {
    let log = match server.log() {
        "jetstream" => on(server.nats()),
        _ => embedded(server.tenant().parent().unwrap()),
    };
    let made_at = Timestamp::parse("2026-11-21T10:00:00Z").unwrap();
    let backup = Backup { log, tenants: vec![tenant()], config: None, out: out.to_owned(), made_at };
    soon(moving::back_up(&backup, |_, _| ())).await
}

/// Backed up beside publishes, checked, restored: as the log was then.
async fn a_backup_comes_back(server: Server) {
    let folder = tempfile::tempdir().unwrap();
    let (out, data) = (folder.path().join("backup"), folder.path().join("data"));
    given_history(&server).await;
    let before = known(&server).await;
    let manifest = backed_up(&server, &out).await.unwrap();
    server.accepted([viewed("late").at("03-07").by("user_id:ann")]).await;
    assert_eq!(manifest.tenants[0].records, before.replayed.len() as u64);
    assert_eq!(soon(moving::verify(&out)).await.unwrap(), manifest);

    soon(moving::restore(&out, &data, None, |_, _| ())).await.unwrap();
    let restored = Kept::embedded_in(&data).serve().await;
    assert_eq!(known(&restored).await, before);
    assert!(restored.verify().await.unwrap().equal);
    restored.stop().await;
    let refused = soon(moving::restore(&out, &data, None, |_, _| ())).await.unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");

    let nats = NatsServer::start();
    let (beside, log) = (folder.path().join("beside"), on(&nats));
    soon(moving::restore(&out, &beside, Some(&log), |_, _| ())).await.unwrap();
    let restored = Kept::embedded_in(&beside).on(nats).serve().await;
    assert_eq!(known(&restored).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_an_embedded_log_comes_back() {
    a_backup_comes_back(Server::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_stream_comes_back() {
    a_backup_comes_back(Server::jetstream().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_was_damaged_is_told_and_not_restored() {
    let (server, folder) = (Server::embedded().await, tempfile::tempdir().unwrap());
    given_history(&server).await;
    let (out, data) = (folder.path().join("backup"), folder.path().join("data"));
    backed_up(&server, &out).await.unwrap();
    let (log, manifest) = (out.join("default/log.db"), out.join("backup.json"));
    let (whole, told) = (fs::read(&log).unwrap(), fs::read_to_string(&manifest).unwrap());
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&log, bytes).unwrap();
    };
    let refusals = Cell::new(0);
    let refused = async |says: &str| {
        refusals.set(refusals.get() + 1);
        let error = soon(moving::restore(&out, &data, None, |_, _| ())).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(!data.exists(), "nothing half-restored is left");
    };
    broken(&|bytes| bytes[5_000] ^= 1);
    refused("log.db is damaged: it is not what was written").await;
    broken(&|bytes| bytes.truncate(5_000));
    refused("log.db is damaged: it has 5000 bytes").await;
    fs::remove_file(&log).unwrap();
    refused("log.db").await;
    fs::write(&log, &whole).unwrap();
    fs::write(&manifest, told.replace("\"format\": 1", "\"format\": 2")).unwrap();
    refused("its format is 2; this version knows 1").await;
    fs::remove_file(&manifest).unwrap();
    refused("is no backup of Rapport").await;
    fs::write(&manifest, &told).unwrap();
    soon(moving::verify(&out)).await.unwrap();
    assert_eq!(refusals.get(), 5);
}

/// It holds the key.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_may_read_the_logs_of_a_backup() {
    use std::os::unix::fs::PermissionsExt;
    let (server, folder) = (Server::embedded().await, tempfile::tempdir().unwrap());
    server.accepted([viewed("1").by("user_id:ann")]).await;
    let out = folder.path().join("backup");
    backed_up(&server, &out).await.unwrap();
    let mode = fs::metadata(out.join("default/log.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
