//! `append`: touchpoints through the gateway onto each log, beside the bare disk and a bare NATS server.

use std::rc::Rc;

use tempfile::TempDir;

use crate::Result;
use crate::driven::nats::Sync;
use crate::driven::publish::{self, BATCH_EVENTS, Encoded};
use crate::driven::{Nats, Server, nats_binary};
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, version_of};
use crate::limits::jetstream::{self, Manner};
use crate::limits::{Message, messages, sqlite};
use crate::workload::Workload;

pub const ABOUT: About = About {
    name: "append",
    measures: "Touchpoints a second from the first request to the last verdict, over gRPC, checked against their schemas",
    limit: "the same events on a bare SQLite file, WAL and synchronous=FULL, and in a bare JetStream stream",
};

const USUAL_EVENTS: u64 = 200_000;
/// One message for each event is slow, and no faster with more of them.
const ONE_BY_ONE_EVENTS: usize = 20_000;
const WINDOW_EVENTS: usize = 50_000;
/// `Publish` calls at a time.
const CALLS_AT_ONCE: usize = 4;

const SQLITE: &str = "SQLite FULL, transactions of 1,000";

/// Everything that is sent, made before anything is timed.
struct Made {
    messages: Vec<Message>,
    encoded: Encoded,
    nats: [(Sync, Nats); 2],
    /// Each run's streams need names of their own.
    tenants: std::cell::Cell<u32>,
}

impl Made {
    fn new(setting: &Setting, events: u64) -> Result<Self> {
        let nats = |sync| Ok::<_, crate::Error>((sync, Nats::start(setting.folder(), sync)?));
        Ok(Self {
            messages: messages(Workload::new(setting.seed, events))?,
            encoded: Encoded::new(Workload::new(setting.seed, events), BATCH_EVENTS)?,
            nats: [nats(Sync::Default)?, nats(Sync::Always)?],
            tenants: 0.into(),
        })
    }

    fn tenant(&self) -> String {
        self.tenants.set(self.tenants.get() + 1);
        format!("bench_{}", self.tenants.get())
    }

    fn url(&self, sync: Sync) -> &str {
        let [default, always] = &self.nats;
        if sync == Sync::Default { &default.1.url } else { &always.1.url }
    }
}

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let made = Rc::new(Made::new(setting, events)?);
    let mut entries = vec![sqlite_limit(&made)];
    for sync in [Sync::Default, Sync::Always] {
        for manner in [Manner::OneByOne, Manner::Window, Manner::AtomicBatches] {
            entries.push(jetstream_limit(&made, sync, manner));
        }
    }
    for way in [Way::Batch, Way::Stream] {
        entries.push(through_gateway(&made, Kept::Embedded, way));
        for sync in [Sync::Default, Sync::Always] {
            entries.push(through_gateway(&made, Kept::JetStream(sync), way));
        }
    }
    entries.push(with_projector(&made));
    let bytes = made.messages.iter().map(|message| message.json.len()).sum::<usize>() / made.messages.len().max(1);
    Ok(Plan {
        settings: vec![
            ("events", events.to_string()),
            ("bytes of an event on the log", bytes.to_string()),
            ("events in a request", BATCH_EVENTS.to_string()),
            ("requests at a time", format!("{CALLS_AT_ONCE} by batch, 8 by stream")),
            ("nats-server", version_of(nats_binary::path())),
        ],
        entries,
        notes: vec![
            "The server is a process with the gateway alone (`--roles gateway`), but for the last row, where a projector \
             folds all models beside it. Client, server and NATS share the cores; CPU of an event is the server's alone. \
             JetStream is given at most 20,000 messages one after the other, and 50,000 with 256 in flight."
                .to_owned(),
        ],
    })
}

fn sqlite_limit(made: &Rc<Made>) -> Entry {
    let made = made.clone();
    Entry::new(SQLITE, Role::Limit, move |setting| {
        let folder = setting.new_folder()?;
        let took = sqlite::append(&made.messages, 1_000, folder.path())?;
        Ok(Sample::rate(made.messages.len() as u64, took.as_secs_f64()))
    })
}

fn limit_name(sync: Sync, manner: Manner) -> &'static str {
    match (sync, manner) {
        (Sync::Default, Manner::OneByOne) => "JetStream sync_interval 2m, one after the other",
        (Sync::Default, Manner::Window) => "JetStream sync_interval 2m, one by one, 256 in flight",
        (Sync::Default, Manner::AtomicBatches) => "JetStream sync_interval 2m, atomic batches of 1,000",
        (Sync::Always, Manner::OneByOne) => "JetStream sync_interval always, one after the other",
        (Sync::Always, Manner::Window) => "JetStream sync_interval always, one by one, 256 in flight",
        (Sync::Always, Manner::AtomicBatches) => "JetStream sync_interval always, atomic batches of 1,000",
    }
}

fn jetstream_limit(made: &Rc<Made>, sync: Sync, manner: Manner) -> Entry {
    let made = made.clone();
    Entry::new(limit_name(sync, manner), Role::Limit, move |setting| {
        let most = match manner {
            Manner::OneByOne => ONE_BY_ONE_EVENTS,
            Manner::Window => WINDOW_EVENTS,
            Manner::AtomicBatches => usize::MAX,
        };
        let messages = &made.messages[..made.messages.len().min(most)];
        let took = setting.runtime.block_on(jetstream::publish(made.url(sync), messages, manner))?;
        Ok(Sample::rate(messages.len() as u64, took.as_secs_f64()))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Embedded,
    JetStream(Sync),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Batch,
    Stream,
}

fn through_gateway(made: &Rc<Made>, kept: Kept, way: Way) -> Entry {
    let way_name = if way == Way::Batch { "by batch" } else { "by stream" };
    let (name, limit) = match kept {
        Kept::Embedded => (format!("gateway to the embedded log, {way_name}"), SQLITE),
        Kept::JetStream(sync) => {
            (format!("gateway to JetStream {}, {way_name}", sync.name()), limit_name(sync, Manner::AtomicBatches))
        }
    };
    let of_run = made.clone();
    let entry = Entry::new(name, Role::Rapport, move |setting| {
        let folder = setting.new_folder()?;
        publish_all(setting, &of_run, kept, way, &folder, &["--roles", "gateway"])
    });
    let entry = entry.against("", limit);
    match (kept, way) {
        (Kept::Embedded, Way::Stream) => entry.floor("", Floor::AtLeast(60_000.0)),
        (Kept::JetStream(Sync::Always), Way::Stream) => entry
            .floor("", Floor::AtLeast(40_000.0))
            .floor("", Floor::TimesOf(4.0, limit_name(Sync::Always, Manner::OneByOne)))
            .floor("", Floor::TimesOf(4.0, limit_name(Sync::Always, Manner::Window))),
        _ => entry,
    }
}

/// The same with everything else that a server does meanwhile.
fn with_projector(made: &Rc<Made>) -> Entry {
    let made = made.clone();
    let entry = Entry::new("gateway to the embedded log, by stream, folding", Role::Rapport, move |setting| {
        let folder = setting.new_folder()?;
        publish_all(setting, &made, Kept::Embedded, Way::Stream, &folder, &[])
    });
    entry.against("", SQLITE)
}

fn publish_all(
    setting: &Setting,
    made: &Made,
    kept: Kept,
    way: Way,
    folder: &TempDir,
    arguments: &[&str],
) -> Result<Vec<Sample>> {
    let log = match kept {
        Kept::Embedded => "embedded",
        Kept::JetStream(sync) => made.url(sync),
    };
    let tenant = made.tenant();
    let server = Server::start(folder.path(), &tenant, log, arguments)?;
    let cpu_s = server.cpu_s()?;
    let published = setting.runtime.block_on(async {
        let connection = server.connect().await?;
        match way {
            Way::Batch => publish::by_batch(&connection, &tenant, &made.encoded, CALLS_AT_ONCE).await,
            Way::Stream => publish::by_stream(&connection, &tenant, &made.encoded).await,
        }
    })?;
    let cpu_s = server.cpu_s()? - cpu_s;
    server.stop()?;
    if let Kept::JetStream(sync) = kept {
        setting.runtime.block_on(jetstream::forget(made.url(sync), &tenant))?;
    }
    let mut samples = Sample::rate(made.encoded.events, published.elapsed.as_secs_f64());
    samples.push(Sample::cpu(made.encoded.events, cpu_s));
    Ok(samples)
}
