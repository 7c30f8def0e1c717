//! A server that crashes at any step of append, fold, silence and swap: started again, it comes to the same digest as one
//! that nobody disturbed, and what was acknowledged counts.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use rapport::wire::v1::{RebuildRequest, StatusRequest, WhatIfRequest};
use rapport_log::{Fingerprint, Hold, Log, LogConfig, Original, Tenant};
use tokio::sync::OnceCell;

use crate::support::client::{Client, encoded, position};
use crate::support::events::events;
use crate::support::happened::{Happened, ordered, viewed};
use crate::support::nats::NatsServer;
use crate::support::program::{self, Ended, Served};
use crate::support::repository;
use crate::support::server::Kept;
use crate::support::soon::soon;

/// A point and how often it is passed before the crash.
type Point = (&'static str, usize);

/// All points there are, by what leads to them.
const OPENING: [Point; 6] = [
    ("log/tables", 0),
    ("log/made", 0),
    ("readmodel/tables", 0),
    ("readmodel/made", 0),
    ("current/drafted", 0),
    ("current/renamed", 0),
];
const APPENDING: [Point; 4] = [("append/begun", 2), ("append/written", 2), ("append/committed", 2), ("append/told", 2)];
const ON_JETSTREAM: [Point; 3] = [("jetstream/gathered", 2), ("jetstream/half-sent", 1), ("jetstream/stored", 2)];
const FOLDING: [Point; 8] = [
    ("fold/begun", 1),
    ("fold/sifted", 1),
    ("fold/settled", 1),
    ("fold/folded", 1),
    ("fold/summed", 1),
    ("fold/advanced", 1),
    ("fold/committed", 1),
    ("fold/told", 1),
];
const FALLING_SILENT: [Point; 4] =
    [("silence/begun", 0), ("silence/folded", 0), ("silence/passed", 0), ("silence/committed", 0)];
const BUILDING_IN_BULK: [Point; 9] = [
    ("bulk/begun", 0),
    ("bulk/taken", 0),
    ("bulk/gathered", 0),
    ("bulk/settled", 0),
    ("bulk/arranged", 0),
    ("bulk/written", 0),
    ("bulk/indexed", 0),
    ("bulk/complete", 0),
    ("bulk/in-place", 0),
];
const REBUILDING: [Point; 5] = [
    ("generation/opened", 0),
    ("generation/caught-up", 0),
    ("generation/synced", 0),
    ("generation/kept", 0),
    ("current/drafted", 1),
];
const MOVING_TO_A_FILE: [Point; 3] = [("copy/committed", 1), ("copy/written", 0), ("copy/renamed", 0)];
const MOVING_TO_A_STREAM: [Point; 2] = [("copy/stored", 1), ("copy/named", 0)];
/// A file is named at the start too, so the second time is meant.
const SWAPPING: [Point; 4] =
    [("current/renamed", 1), ("generation/named", 0), ("generation/serves", 0), ("generation/tidied", 0)];
const GOING_BACK: [Point; 2] = [("back/opened", 0), ("back/named", 0)];
const SUPPOSING: [Point; 3] = [("whatif/folded", 0), ("whatif/synced", 0), ("generation/promoted", 0)];

const BATCHES: usize = 6;
const OF_A_BATCH: usize = 5;

/// Looks and orders of four customers, who turn out to be three; some come late.
fn event(number: usize) -> Happened {
    let day = if number.is_multiple_of(7) { 1 } else { 1 + number % 25 };
    let event = match number % 3 {
        0 => ordered(&number.to_string(), "2.50 EUR"),
        _ => viewed(&number.to_string()),
    };
    let by = if number == 17 { "user_id:1 email:a@shop.example".to_owned() } else { by(number) };
    event.by(&by).at(&format!("03-{day:02}"))
}

fn by(number: usize) -> String {
    match number % 4 {
        0 => "email:a@shop.example".to_owned(),
        customer => format!("user_id:{customer}"),
    }
}

fn batch(number: usize) -> Range<usize> {
    number * OF_A_BATCH..(number + 1) * OF_A_BATCH
}

/// Publishes all of it, as far as the server lives; the highest position that was acknowledged.
async fn publish(client: &Client) -> u64 {
    let mut acknowledged = 0;
    for number in 0..BATCHES {
        let events = batch(number).map(|number| encoded(event(number))).collect();
        let Ok(verdicts) = client.publish_bytes(events).await else { break };
        acknowledged = verdicts.iter().filter_map(position).max().unwrap_or(0).max(acknowledged);
        // So that each is folded by itself.
        let folded = StatusRequest { min_position: acknowledged, ..StatusRequest::default() };
        let _ = soon(client.connection.admin().status(folded)).await;
    }
    acknowledged
}

/// Of a server that nobody disturbs.
async fn undisturbed() -> &'static str {
    static DIGEST: OnceCell<String> = OnceCell::const_new();
    DIGEST
        .get_or_init(|| async {
            let server = Kept::embedded().serve().await;
            publish(&server).await;
            server.digest().await
        })
        .await
}

#[track_caller]
fn assert_crashed(ended: &Ended, point: &str) {
    assert_eq!(ended.code, None, "{point}: {ended:?}");
    assert!(ended.err.contains(&format!("crashed at {point}")), "{point}: {ended:?}");
}

/// Starts it again without the point, and goes on.
async fn goes_on(data: &Path, log: &str, acknowledged: u64, point: &str) {
    let served = Served::start_with(data, &["--listen", "127.0.0.1:0", "--log", log]);
    let client = Client::connect(&served.url).await;
    let found = client.settled().await;
    assert!(found.position >= acknowledged, "{acknowledged} was acknowledged, {} is there: {point}", found.position);
    publish(&client).await;
    let whole = client.settled().await;
    assert_eq!((whole.touchpoints, whole.fault.as_str()), ((BATCHES * OF_A_BATCH) as u64, ""), "{point}");
    assert_eq!(whole.digest, undisturbed().await, "{point}");
    assert!(client.verify().await.unwrap().equal, "{point}");
}

/// The server crashes by itself or under what is published.
async fn crashes_and_goes_on((point, passes): Point, log: &str) {
    let data = tempfile::tempdir().unwrap();
    let (ended, acknowledged) = match Served::crashing(data.path(), log, point, passes) {
        Err(ended) => (ended, 0),
        Ok(served) => {
            let client = Client::connect(&served.url).await;
            let acknowledged = publish(&client).await;
            (served.end(), acknowledged)
        }
    };
    assert_crashed(&ended, point);
    goes_on(data.path(), log, acknowledged, point).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_files_are_made() {
    for point in OPENING {
        crashes_and_goes_on(point, "embedded").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_events_are_appended() {
    for point in APPENDING {
        crashes_and_goes_on(point, "embedded").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_events_are_sent_to_jetstream() {
    for point in ON_JETSTREAM {
        let nats = NatsServer::start();
        crashes_and_goes_on(point, &nats.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_a_batch_is_folded() {
    for point in FOLDING {
        crashes_and_goes_on(point, "embedded").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_silence_falls() {
    for point in FALLING_SILENT {
        crashes_and_goes_on(point, "embedded").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_a_generation_is_built() {
    for point in BUILDING_IN_BULK.into_iter().chain(REBUILDING) {
        rebuilds_and_goes_on(point).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_generations_are_swapped() {
    for point in SWAPPING {
        rebuilds_and_goes_on(point).await;
    }
}

/// The server crashes under a rebuild; whichever generation serves after it is whole at once.
async fn rebuilds_and_goes_on((point, passes): Point) {
    let data = tempfile::tempdir().unwrap();
    let served = Served::crashing(data.path(), "embedded", point, passes).unwrap();
    let client = Client::connect(&served.url).await;
    let acknowledged = publish(&client).await;
    let before = client.settled().await;
    // The answer breaks off at some point.
    if let Ok(answers) = client.connection.admin().rebuild(RebuildRequest::default()).await {
        let mut answers = answers.into_inner();
        while let Ok(Some(_)) = soon(answers.message()).await {}
    }
    assert_crashed(&served.end(), point);

    let served = Served::start(data.path());
    let after = Client::connect(&served.url).await.status_at(0).await;
    assert!((1..=2).contains(&after.generation), "{point}");
    assert_eq!((after.touchpoints, &after.digest), (before.touchpoints, &before.digest), "{point}");
    served.kill();
    goes_on(data.path(), "embedded", acknowledged, point).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_on_the_way_back_to_the_generation_before() {
    for (point, passes) in GOING_BACK {
        let data = tempfile::tempdir().unwrap();
        let served = Served::crashing(data.path(), "embedded", point, passes).unwrap();
        let client = Client::connect(&served.url).await;
        let acknowledged = publish(&client).await;
        let before = client.settled().await;
        client.rebuild().await;
        assert!(client.go_back().await.is_err(), "{point}");
        assert_crashed(&served.end(), point);

        let served = Served::start(data.path());
        let after = Client::connect(&served.url).await.status_at(0).await;
        // Either way the other one of the two is kept.
        assert_eq!(after.generation + after.previous_generation, 3, "{point}");
        assert_eq!((after.touchpoints, &after.digest), (before.touchpoints, &before.digest), "{point}");
        served.kill();
        goes_on(data.path(), "embedded", acknowledged, point).await;
    }
}

/// One that is killed under other definitions comes to these if their file was written, and else stays as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_definitions_are_tried_and_promoted() {
    let other = "time_zone = \"Asia/Shanghai\"\n";
    for (point, passes) in SUPPOSING {
        let data = tempfile::tempdir().unwrap();
        let file = |name: &str| data.path().join(name);
        fs::write(file("rapport.toml"), "[tenants.default]\ndefinitions = \"definitions.toml\"\n").unwrap();
        fs::write(file("definitions.toml"), "time_zone = \"UTC\"\n").unwrap();
        let config = file("rapport.toml");
        let arguments = ["--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()];
        let served = Served::crashing_with(data.path(), &arguments, point, passes).unwrap();
        let client = Client::connect(&served.url).await;
        publish(&client).await;
        let before = client.settled().await;
        let request = WhatIfRequest { definitions: other.to_owned(), promote: true, ..WhatIfRequest::default() };
        assert!(client.what_if(request).await.is_err(), "{point}");
        assert_crashed(&served.end(), point);

        let is_promoted = point == "generation/promoted";
        let text = fs::read_to_string(file("definitions.toml")).unwrap();
        assert_eq!(text == other, is_promoted, "{point}");
        let served = Served::start_with(data.path(), &arguments);
        let client = Client::connect(&served.url).await;
        let at_once = client.status_at(0).await;
        assert_eq!(at_once.touchpoints, before.touchpoints, "{point}: nobody waits");
        let after = client.settled().await;
        assert_eq!(after.fingerprint != before.fingerprint, is_promoted, "{point}");
        assert_eq!((after.touchpoints, after.fault.as_str()), (before.touchpoints, ""), "{point}");
        assert!(client.verify().await.unwrap().equal, "{point}");
    }
}

/// A migration that crashes goes on when it is run again; until it is done there is no log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_a_log_is_moved() {
    let (here, nats) = (tempfile::tempdir().unwrap(), NatsServer::start());
    let from = LogConfig::Embedded { folder: here.path().to_owned() };
    let log = Log::open(&from, &Tenant::parse("acme").unwrap()).await.unwrap();
    assert!(log.append(events("moved", 2_500)).await.iter().all(Result::is_ok));
    log.close().await;
    let whole = fingerprint(&from, "acme").await.unwrap();
    for point in MOVING_TO_A_FILE {
        let there = tempfile::tempdir().unwrap();
        let to = LogConfig::Embedded { folder: there.path().to_owned() };
        crashes_and_moves_on(point, here.path(), &format!("embedded:{}", there.path().display()), &to, whole).await;
    }
    for point in MOVING_TO_A_STREAM {
        let to = LogConfig::JetStream { url: nats.url(), replicas: 1 };
        crashes_and_moves_on(point, here.path(), &nats.url(), &to, whole).await;
        let client = async_nats::connect(nats.url()).await.unwrap();
        async_nats::jetstream::new(client).delete_stream("touchpoints_acme").await.unwrap();
    }
}

async fn crashes_and_moves_on((point, passes): Point, here: &Path, there: &str, to: &LogConfig, whole: Fingerprint) {
    let from = format!("embedded:{}", here.display());
    let migrate = ["migrate", "--from", &from, "--to", there, "--tenant", "acme"];
    assert_crashed(&program::crash(migrate, point, passes), point);
    let again = program::rapport(migrate);
    if ["copy/renamed", "copy/named"].contains(&point) {
        assert!(again.code == Some(1) && again.err.contains("there is a log at"), "{point}: {again:?}");
    } else {
        assert!(again.well().contains("2500 records, the same on both logs"), "{point}");
    }
    assert_eq!(fingerprint(to, "acme").await.unwrap(), whole, "{point}");
}

async fn fingerprint(log: &LogConfig, tenant: &str) -> Option<Fingerprint> {
    let original = Original::open(log, &Tenant::parse(tenant).unwrap(), Hold::Shared).await.ok()?;
    let head = original.extent().await.unwrap().head;
    Some(original.fingerprint(head).await.unwrap())
}

#[test]
fn each_point_in_the_sources_has_its_crash_here() {
    let here: BTreeSet<String> = [
        &OPENING[..],
        &APPENDING,
        &ON_JETSTREAM,
        &FOLDING,
        &FALLING_SILENT,
        &BUILDING_IN_BULK,
        &REBUILDING,
        &SWAPPING,
        &GOING_BACK,
        &SUPPOSING,
        &MOVING_TO_A_FILE,
        &MOVING_TO_A_STREAM,
    ]
    .concat()
    .into_iter()
    .map(|(point, _)| point.to_owned())
    .collect();
    let mut there = BTreeSet::new();
    collect(&repository().join("crates"), &mut there);
    assert_eq!(here, there);
}

fn collect(folder: &Path, points: &mut BTreeSet<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, points);
        } else if path.extension() == Some("rs".as_ref()) {
            let code = fs::read_to_string(&path).unwrap();
            for rest in code.split("crash_point!(\"").skip(1) {
                let point = rest.split('"').next().unwrap();
                assert!(points.insert(point.to_owned()), "{point} is there twice");
            }
        }
    }
}
