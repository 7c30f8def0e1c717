//! A read model after a power cut: whole, perhaps further back, and it folds on to what it would have been.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rapport_customer::Model;
use rapport_customer::identity::Rules;
use rapport_readmodel::{Definitions, Incoming, Origin, ReadModel, Reader};
use rapport_touchpoint::{Catalogue, Place, Timestamp, receive};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::cuts::{Cut, sample};
use super::disk::Disk;
use super::log::integrity;

static DEFINITIONS: LazyLock<Arc<Definitions>> = LazyLock::new(|| {
    let catalogue = Catalogue::built_in();
    let standard = rapport_customer::Definitions::standard(&catalogue);
    Arc::new(Definitions {
        rules: Rules::default(),
        zone: standard.zone,
        journeys: standard.journeys,
        catalogue: Arc::new(catalogue),
        models: Model::ALL.to_vec(),
    })
});

const EVENTS: usize = 120;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").unwrap()
}

/// Looks and orders of eleven customers, who turn out to be ten when two of them are linked; some come late.
fn event(number: usize) -> Value {
    let (customer, day) = (number % 11, if number.is_multiple_of(13) { 1 } else { 1 + number / 5 });
    let identifiers = match number {
        90 => json!({ "user_id": "1", "email": "2@shop.example" }),
        _ if customer == 2 => json!({ "email": "2@shop.example" }),
        _ => json!({ "user_id": customer.to_string() }),
    };
    let (event_type, data) = match number % 3 {
        0 => (
            "order.placed",
            json!({ "order_id": number.to_string(), "amount": "5.00", "currency": "EUR", "items": [] }),
        ),
        _ => ("page.viewed", json!({ "url": "https://shop.example/" })),
    };
    let mut event = json!({
        "specversion": "1.0", "id": number.to_string(), "source": "shop", "type": event_type, "channel": "web",
        "time": format!("2026-01-{day:02}T{:02}:00:00Z", number % 24), "data": data,
    });
    event["data"]["identifiers"] = identifiers;
    event
}

/// The records at these places of the log.
fn records(places: Range<usize>) -> Vec<Incoming> {
    let record = |place: usize| {
        let json = receive(event(place), now(), &DEFINITIONS.catalogue).unwrap().into_json();
        Incoming::decode(place as u64 + 1, now(), Place::Touchpoints, &json, &DEFINITIONS)
    };
    places.map(record).collect()
}

fn origin() -> Origin {
    Origin { tenant: "acme".to_owned(), epoch: "e".to_owned(), key: [7; 32] }
}

fn open(folder: &Path) -> ReadModel {
    ReadModel::open(&folder.join("000001.db"), origin(), DEFINITIONS.clone()).unwrap()
}

fn silence(model: &mut ReadModel) {
    let until = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    while model.let_pass(until).unwrap().is_some() {}
}

/// Folds what is left of the log, and lets silence fall; what comes out.
fn digests(mut model: ReadModel) -> Vec<String> {
    let position = model.checkpoint().position as usize;
    model.apply(records(position..EVENTS)).unwrap();
    silence(&mut model);
    let status = Reader::open(model.path(), origin(), DEFINITIONS.clone()).unwrap().status().unwrap().content;
    status.digests.iter().map(|(model, digest)| format!("{} {digest}", model.name())).collect()
}

/// Batches of one and of many, over checkpoints and restarts, and silence at the end.
fn workload() -> Disk {
    let disk = Disk::new();
    let mut model = open(disk.path());
    for end in [1, 2, 10, 40] {
        let position = model.checkpoint().position as usize;
        model.apply(records(position..end)).unwrap();
    }
    checkpoint(disk.path());
    model.apply(records(40..85)).unwrap();
    drop(model);
    let mut model = open(disk.path());
    model.apply(records(85..100)).unwrap();
    checkpoint(disk.path());
    model.apply(records(100..EVENTS)).unwrap();
    silence(&mut model);
    drop(model);
    disk
}

fn checkpoint(folder: &Path) {
    let file = Connection::open(folder.join("000001.db")).unwrap();
    file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
}

#[test]
fn a_read_model_folds_on_from_what_a_power_cut_left_of_it() {
    let elsewhere = tempfile::tempdir().unwrap();
    let undisturbed = digests(open(elsewhere.path()));
    let disk = workload();
    for cut in sample(&disk, 0, 90) {
        check(&disk, cut, &undisturbed);
    }
}

fn check(disk: &Disk, cut: Cut, undisturbed: &[String]) {
    let left = tempfile::tempdir().unwrap();
    cut.of(disk, left.path());
    let model = open(left.path());
    let position = model.checkpoint().position;
    assert!([0, 1, 2, 10, 40, 85, 100, 120].contains(&position), "{position} was never a position: {cut:?}");
    assert_eq!(digests(model), undisturbed, "{cut:?}");
    assert_eq!(integrity(&left.path().join("000001.db")), "ok", "{cut:?}");
}
