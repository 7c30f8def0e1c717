//! Given these touchpoints, then this: one-line builders and a read model in a folder of its own.

#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part, and says what failed by panicking")]

pub mod decided;
pub mod given;
pub mod property;

use std::cell::OnceCell;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rapport_customer::identity::Rules;
use rapport_customer::journey::{
    Entries, EventEntry, From, JourneyMap, JourneyMaps, Silence, Stage, StageIndex, StageSet, Types,
};
use rapport_customer::{Model, Zone};
use rapport_readmodel::{
    Applied, Bounds, Built, BulkBuild, BulkError, CustomerAnswer, CustomerName, Definitions, Heard, Incoming, Origin,
    ReadModel, ReadModelError, Reader, Spacing,
};
use rapport_touchpoint::{Catalogue, EventType, Identifier, Place, Timestamp, receive};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A touchpoint `id` at a minute after 2026-01-01 began, about `ids` (blank-separated `namespace:value`).
pub fn at(minute: u32, id: &str, ids: &str) -> Value {
    event(minute, id, "test.seen", ids, json!({}))
}

pub fn event(minute: u32, id: &str, event_type: &str, ids: &str, data: Value) -> Value {
    event_on("web", minute, id, event_type, ids, data)
}

pub fn event_on(channel: &str, minute: u32, id: &str, event_type: &str, ids: &str, data: Value) -> Value {
    let mut identifiers: serde_json::Map<String, Value> = serde_json::Map::new();
    for named in ids.split_whitespace() {
        let (namespace, value) = named.split_once(':').unwrap();
        let values = identifiers.entry(namespace).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push(json!(value));
    }
    let mut data = data;
    data["identifiers"] = Value::Object(identifiers);
    json!({
        "specversion": "1.0", "id": id, "source": "test", "type": event_type, "channel": channel,
        "time": minute_of(minute).to_string(), "data": data,
    })
}

pub fn minute_of(minute: u32) -> Timestamp {
    let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    Timestamp::from_nanos(start.nanos() + i64::from(minute) * 60_000_000_000).unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::parse("2026-02-01T00:00:00Z").unwrap()
}

pub fn origin() -> Origin {
    Origin { tenant: "test".to_owned(), epoch: "e".to_owned(), key: [7; 32] }
}

/// Compiled once for a test binary: it takes longer than a small test.
pub fn catalogue() -> Arc<Catalogue> {
    static BUILT_IN: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::built_in()));
    BUILT_IN.clone()
}

pub fn definitions(rules: Rules) -> Arc<Definitions> {
    Arc::new(Definitions {
        rules,
        zone: Zone::parse("Asia/Shanghai").unwrap(),
        journeys: Arc::new(journeys()),
        catalogue: catalogue(),
        models: Model::ALL.to_vec(),
    })
}

/// Two journeys that few events go through: the one by buying and by an hour's silence, the other by being asked.
pub fn journeys() -> JourneyMaps {
    let set = |stages: &[u8]| stages.iter().copied().map(StageIndex).collect::<StageSet>();
    let by = |on: Types, outside: bool, from: &[u8]| {
        Entries::ByEvent(vec![EventEntry { on, when: None, from: From { outside, stages: set(from) } }])
    };
    let after_minutes = |minutes: i64, from: &[u8]| {
        Entries::BySilence(Silence { quiet_nanos: minutes * 60 * 1_000_000_000, from: set(from) })
    };
    let named = |name: &str| Types::Named(vec![name.to_owned()]);
    let stage = |name: &str, entries| Stage { name: name.to_owned(), entries };
    let sales = JourneyMap {
        name: "sales".to_owned(),
        stages: vec![
            stage("aware", by(Types::Active, true, &[])),
            stage("customer", by(named("order.placed"), true, &[0])),
            stage("loyal", by(named("order.placed"), false, &[1])),
            stage("at_risk", after_minutes(5, &[1, 2])),
            stage("lapsed", after_minutes(9, &[3])),
        ],
        passive: vec![EventType::parse("survey.sent").unwrap()],
    };
    let research = JourneyMap {
        name: "research".to_owned(),
        stages: vec![
            stage("asked", by(named("survey.sent"), true, &[1])),
            stage("answered", by(named("survey.answered"), true, &[0])),
            stage("forgotten", after_minutes(7, &[0, 1])),
        ],
        passive: Vec::new(),
    };
    JourneyMaps(vec![sales, research])
}

const FILE: &str = "model.db";

/// As few names wait as there are events from one snapshot to the next, so that they are swept in small logs too.
fn open(path: &Path, definitions: Arc<Definitions>, spacing: Spacing) -> ReadModel {
    ReadModel::open_with(path, origin(), definitions, spacing).unwrap().with_names_waiting(spacing.every)
}

/// What stands on the log, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub place: Place,
    pub json: Vec<u8>,
}

pub struct World {
    folder: TempDir,
    pub definitions: Arc<Definitions>,
    spacing: Spacing,
    pub model: ReadModel,
    /// What the last batch came to.
    pub applied: Applied,
    reader: OnceCell<Reader>,
    file: OnceCell<rusqlite::Connection>,
}

impl World {
    pub fn new() -> Self {
        Self::under(definitions(Rules::default()))
    }

    pub fn under(definitions: Arc<Definitions>) -> Self {
        Self::spaced(definitions, Spacing::default())
    }

    pub fn spaced(definitions: Arc<Definitions>, spacing: Spacing) -> Self {
        Self::in_folder(TempDir::new().unwrap(), definitions, spacing, Applied::default())
    }

    /// One batch.
    pub fn fold(&mut self, events: &[Value]) -> &mut Self {
        self.fold_records(self.records(events))
    }

    /// As the gateway writes them to the log.
    pub fn records(&self, events: &[Value]) -> Vec<Record> {
        let record = |event: &Value| {
            let json = receive(event.clone(), now(), &self.definitions.catalogue).unwrap().into_json();
            Record { place: Place::Touchpoints, json }
        };
        events.iter().map(record).collect()
    }

    /// One batch, as it stands on the log.
    pub fn fold_records(&mut self, records: Vec<Record>) -> &mut Self {
        self.applied = self.try_fold(records).unwrap();
        self
    }

    /// One batch after the checkpoint, which may fail.
    pub fn try_fold(&mut self, records: Vec<Record>) -> Result<Applied, ReadModelError> {
        let position = self.model.checkpoint().position;
        let decode =
            |(Record { place, json }, position)| Incoming::decode(position, now(), place, &json, &self.definitions);
        self.model.apply(records.into_iter().zip(position + 1..).map(decode).collect())
    }

    /// Lets silence fall up to a minute after 2026-01-01 began.
    pub fn let_pass(&mut self, minute: u32) -> &mut Self {
        while self.model.let_pass(minute_of(minute)).unwrap().is_some() {}
        self
    }

    /// One batch for each event, in this order of arrival.
    pub fn fold_each(&mut self, events: &[Value]) -> &mut Self {
        for event in events {
            self.fold(std::slice::from_ref(event));
        }
        self
    }

    /// Closes the file and opens it again.
    pub fn reopen(self) -> Self {
        let Self { folder, definitions, spacing, model, applied, reader, file } = self;
        drop((model, reader, file));
        Self::in_folder(folder, definitions, spacing, applied)
    }

    /// Opens what a crash left behind: the file as it lies there, and as much of the write-ahead log as `damage` leaves.
    pub fn crash(self, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let folder = TempDir::new().unwrap();
        let ahead = |folder: &TempDir| folder.path().join(format!("{FILE}-wal"));
        std::fs::copy(self.model.path(), folder.path().join(FILE)).unwrap();
        if let Ok(mut written) = std::fs::read(ahead(&self.folder)) {
            damage(&mut written);
            std::fs::write(ahead(&folder), written).unwrap();
        }
        let Self { definitions, spacing, applied, .. } = self;
        Self::in_folder(folder, definitions, spacing, applied)
    }

    fn in_folder(folder: TempDir, definitions: Arc<Definitions>, spacing: Spacing, applied: Applied) -> Self {
        let model = open(&folder.path().join(FILE), definitions.clone(), spacing);
        let (reader, file) = (OnceCell::new(), OnceCell::new());
        Self { folder, definitions, spacing, model, applied, reader, file }
    }

    /// Builds a log in bulk, without silence.
    pub fn in_bulk(log: &[Record], bounds: Bounds) -> Result<Self, BulkError> {
        let definitions = definitions(Rules::default());
        Ok(Self::built(definitions, Spacing::default(), log, Timestamp::EPOCH, bounds)?.0)
    }

    /// Builds a log in bulk instead, with the silence until then.
    pub fn built(
        definitions: Arc<Definitions>,
        spacing: Spacing,
        log: &[Record],
        until: Timestamp,
        bounds: Bounds,
    ) -> Result<(Self, Built), BulkError> {
        Self::built_as_of(definitions, spacing, log, (None, until), bounds)
    }

    /// The same of what had happened by a moment.
    pub fn built_as_of(
        definitions: Arc<Definitions>,
        spacing: Spacing,
        log: &[Record],
        (as_of, until): (Option<Timestamp>, Timestamp),
        bounds: Bounds,
    ) -> Result<(Self, Built), BulkError> {
        let folder = TempDir::new().unwrap();
        let scratch = folder.path().join("bulk");
        let file = folder.path().join(FILE);
        let build = BulkBuild::begin_with(&file, origin(), definitions.clone(), &scratch, spacing, bounds)?;
        let mut build = build.only_as_of(as_of);
        let hear = |(Record { place, json }, position)| Heard::decode(position, now(), place, json, &definitions);
        let decode = |(Record { place, json }, position)| Incoming::decode(position, now(), place, &json, &definitions);
        let heard: Vec<_> = log.iter().cloned().zip(1..).map(hear).collect();
        let discards = log.iter().cloned().zip(1..).map(decode).filter(Incoming::is_discard).collect::<Vec<_>>();
        build.foresee(&discards, log.len() as u64)?;
        let mut heard = heard.into_iter().peekable();
        while heard.peek().is_some() {
            build.take(heard.by_ref().take(7).collect())?;
        }
        let built = build.finish(until, &mut |_| true);
        assert!(!scratch.exists(), "scratch files are left behind");
        Ok((Self::in_folder(folder, definitions, spacing, Applied::default()), built?))
    }

    /// Another writer of the same file.
    pub fn another_writer(&self) -> ReadModel {
        open(self.model.path(), self.definitions.clone(), self.spacing)
    }

    /// A connection that can do anything to the file.
    pub fn file(&self) -> &rusqlite::Connection {
        self.file.get_or_init(|| rusqlite::Connection::open(self.model.path()).unwrap())
    }

    pub fn reader(&self) -> Reader {
        let open = || Reader::open(self.model.path(), origin(), self.definitions.clone()).unwrap();
        self.reader.get_or_init(open).clone()
    }

    pub fn customer(&self, name: &str) -> Option<CustomerAnswer> {
        self.reader().customer(&named(name)).unwrap().content
    }

    /// The ids of a customer's events, oldest first; `-` if there is no such customer.
    #[track_caller]
    pub fn timeline(&self, name: &str) -> String {
        let Some(entries) = self.reader().history(&named(name), None, 1_000).unwrap().content else {
            return "-".to_owned();
        };
        entries.iter().map(|entry| entry.touchpoint.order.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub fn digests(&self) -> Vec<String> {
        let status = self.reader().status().unwrap().content;
        status.digests.iter().map(|(model, digest)| format!("{} {digest}", model.name())).collect()
    }

    /// How many labels there are, over all customers.
    pub fn labels(&self) -> usize {
        self.file().query_row("SELECT count(*) FROM labels", [], |row| row.get(0)).unwrap()
    }

    /// All sums that are not zero, cells too.
    pub fn sums(&self) -> Vec<String> {
        let file = self.file();
        let mut find =
            file.prepare_cached("SELECT name || ' ' || sum FROM totals WHERE sum != '0' ORDER BY name").unwrap();
        find.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Snapshots of nobody, or after an event that is not theirs.
    pub fn stray_snapshots(&self) -> u64 {
        let stray = "SELECT count(*) FROM snapshots LEFT JOIN customers ON id = customer
            WHERE id IS NULL OR event < first OR event > last OR snapshots.events > customers.events";
        self.file().prepare_cached(stray).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    /// Touchpoints that stand in no timeline or in two, and rows of timelines whose touchpoint is gone.
    pub fn stray_touchpoints(&self) -> u64 {
        let stray = "SELECT (SELECT count(*) FROM touchpoints WHERE id NOT IN (SELECT touchpoint FROM timeline))
            + (SELECT count(*) FROM timeline WHERE touchpoint NOT IN (SELECT id FROM touchpoints))
            + (SELECT count(*) - count(DISTINCT touchpoint) FROM timeline)";
        self.file().prepare_cached(stray).unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    pub fn total(&self, name: &str) -> i128 {
        self.reader().totals().unwrap().content.get(name)
    }
}

/// All that must not depend on arrival, batches, restarts and what was undone.
pub fn everything(world: &World) -> Vec<String> {
    world.digests().into_iter().chain(world.sums()).collect()
}

pub fn named(name: &str) -> CustomerName {
    CustomerName::Identifier(Identifier::parse(name).unwrap())
}
