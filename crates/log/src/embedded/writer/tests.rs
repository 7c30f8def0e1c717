//! Verdicts are exact whatever waits in memory, against a plain list of all that was appended.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rapport_touchpoint::EventName;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::Tenant;
use crate::embedded::schema;

/// So few that sweeps begin and end all the time.
const MOST_WAITING: usize = 5;

#[derive(Debug, Clone)]
enum Step {
    /// Events by the numbers of their names and bodies.
    Append(Vec<(u8, u8)>),
    /// The process ends with names in memory.
    Crash,
    Close,
    /// A program without sweeps appends one event: its name is in the table at once.
    AppendByOlder(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec((0..40_u8, 0..3_u8), 1..8).prop_map(Step::Append),
        1 => Just(Step::Crash),
        1 => Just(Step::Close),
        1 => (0..40_u8, 0..3_u8).prop_map(|(name, body)| Step::AppendByOlder(name, body)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn verdicts_are_those_of_a_log_that_forgets_nothing(steps in prop::collection::vec(step(), 1..40)) {
        let folder = Folder::new();
        let mut writer = open(&folder.0);
        let mut all: Vec<(u8, u8)> = Vec::new();
        for step in steps {
            match step {
                Step::Append(events) => {
                    let appending: Vec<Appending> = events.iter().map(|(name, body)| event(*name, *body)).collect();
                    let entries: Vec<Entry<'_>> =
                        appending.iter().map(|event| Entry { event, trace: None }).collect();
                    let verdicts = writer.append(&entries).unwrap();
                    let expected: Vec<Appended> = events.into_iter().map(|event| naive(&mut all, event)).collect();
                    prop_assert_eq!(verdicts, expected);
                }
                Step::Crash => {
                    drop(writer);
                    writer = open(&folder.0);
                }
                Step::Close => {
                    writer.close();
                    writer = open(&folder.0);
                }
                Step::AppendByOlder(name, body) => {
                    writer.close();
                    older(&folder.0, &mut all, (name, body));
                    writer = open(&folder.0);
                }
            }
        }
    }
}

/// The verdict on an event, from all before it.
fn naive(all: &mut Vec<(u8, u8)>, event: (u8, u8)) -> Appended {
    let position = |found: usize| Position(found as u64 + 1);
    let first = all.iter().position(|(name, _)| *name == event.0).map(position);
    match (all.iter().position(|known| *known == event).map(position), first) {
        (Some(here), Some(first)) if here > first => Appended::Conflict { position: here, first },
        (Some(here), _) => Appended::Duplicate(here),
        (None, first) => {
            all.push(event);
            written(position(all.len() - 1), first)
        }
    }
}

fn older(folder: &Path, all: &mut Vec<(u8, u8)>, event: (u8, u8)) {
    if all.contains(&event) {
        return;
    }
    all.push(event);
    let Appending { name, body, json, .. } = self::event(event.0, event.1);
    let connection = Connection::open(folder.join("log.db")).unwrap();
    let position = all.len() as u64;
    let record = "INSERT INTO records (position, recorded_at, kind, json) VALUES (?, 0, 0, ?)";
    // The kind may not be there yet; nobody reads it here.
    connection.execute(record, params![position, json]).unwrap();
    connection.execute("INSERT INTO ids VALUES (?, ?, ?)", params![name, body.0, position]).unwrap();
}

fn event(name: u8, body: u8) -> Appending {
    let called = EventName { source: "test".to_owned(), id: name.to_string() };
    let body = rapport_touchpoint::BodyHash([body; 16]);
    let json = json!({"id": called.id, "source": called.source, "bodyhash": body.to_string()});
    Appending {
        name: called.hash(),
        body,
        channel: Channel::parse("web").ok(),
        event_type: EventType::parse("thing.seen").unwrap(),
        json: json.to_string().into_bytes(),
    }
}

fn open(folder: &Path) -> Writer {
    let tenant = Tenant::parse("acme").unwrap();
    let mut opened = schema::open(&folder.join("log.db"), &tenant).unwrap();
    // It ends in a crash of the process at most, and never in a power cut.
    opened.connection.pragma_update(None, "synchronous", "OFF").unwrap();
    opened.names = Names::open(&opened.connection, opened.head, MOST_WAITING).unwrap();
    let kinds = Kinds::new(opened.kinds.clone());
    let (head, _) = watch::channel(opened.head);
    Writer::new(opened, kinds, head)
}

/// Removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("rapport-names-{}", Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
