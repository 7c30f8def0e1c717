//! Clients that publish at once, each until it is told that its events are on the log; some publish what another one does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rapport::client::Connection;
use rapport::demo::population::Population;
use rapport::event_proto::to_proto;
use rapport::wire::PublishRequest;
use rapport::wire::v1::PublishResponse;
use rapport::wire::v1::verdict::Verdict;
use rapport_touchpoint::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Status};

use super::world::Addresses;
use crate::support::client::position;
use crate::support::soon::soon;

const CLIENTS: u64 = 6;
const BATCH_EVENTS: usize = 12;
const BETWEEN_BATCHES: Duration = Duration::from_millis(100);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// Of each call.
const DEADLINE: Duration = Duration::from_secs(3);

/// Source and id: what names an event for ever.
pub type Name = (String, String);

/// One request.
struct Batch {
    names: Vec<Name>,
    events: Vec<Bytes>,
}

/// The clients at work.
pub struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

struct Shared {
    /// The demo's year: persons with several names, links, shared devices, late events, and some that come twice.
    batches: Vec<Batch>,
    next: AtomicUsize,
    gateways: Addresses,
    stopped: AtomicBool,
    acknowledged: Mutex<BTreeMap<Name, u64>>,
    tally: Mutex<Tally>,
}

/// What the clients were told.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub calls: usize,
    pub accepted: usize,
    pub duplicates: usize,
    /// Calls that the client gave up half-way.
    pub hung_up: usize,
    /// Calls that failed, by the words for their code.
    pub failed: BTreeMap<String, usize>,
    /// Answers that no fault excuses.
    pub wrong: Vec<String>,
}

/// What they had when they were through.
pub struct Published {
    /// With the position that was told last.
    pub acknowledged: BTreeMap<Name, u64>,
    pub tally: Tally,
}

impl Load {
    /// Publishes the lives of so many customers, and then the same again, until it is stopped.
    pub fn start(gateways: Addresses, customers: u32, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            batches: batches(customers, seed),
            next: AtomicUsize::new(0),
            gateways,
            stopped: AtomicBool::new(false),
            acknowledged: Mutex::default(),
            tally: Mutex::default(),
        });
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let chance = ChaCha8Rng::seed_from_u64(seed ^ (client + 1) << 32);
            let gateway = usize::try_from(client).unwrap_or_default();
            clients.spawn(Client { shared: shared.clone(), chance, gateway, connection: None }.publish());
        }
        Self { shared, clients }
    }

    /// Nothing new is begun; what was begun is published until it is acknowledged.
    pub async fn stop(self) -> Published {
        let Self { shared, clients } = self;
        shared.stopped.store(true, Ordering::SeqCst);
        soon(clients.join_all()).await;
        let tally = shared.tally.lock().unwrap().clone();
        let acknowledged = std::mem::take(&mut *shared.acknowledged.lock().unwrap());
        Published { acknowledged, tally }
    }
}

struct Client {
    shared: Arc<Shared>,
    chance: ChaCha8Rng,
    /// Which one it asks; the next one after a failure.
    gateway: usize,
    /// To whom it speaks, and where that is.
    connection: Option<Connection>,
}

impl Client {
    async fn publish(mut self) {
        let shared = self.shared.clone();
        let batches = shared.batches.len();
        while !shared.stopped.load(Ordering::SeqCst) {
            let next = shared.next.fetch_add(1, Ordering::SeqCst);
            self.publish_one(&shared.batches[next % batches]).await;
            // What another client has on its way, or had.
            if self.chance.random_ratio(1, 6) {
                self.publish_one(&shared.batches[next.saturating_sub(1) % batches]).await;
            }
            sleep(BETWEEN_BATCHES).await;
        }
    }

    /// Until all of it is acknowledged.
    async fn publish_one(&mut self, batch: &Batch) {
        let mut verdicts = None;
        while verdicts.is_none() {
            self.shared.tally().calls += 1;
            match self.try_once(&batch.events).await {
                Ok(response) => verdicts = Some(response),
                Err(why) => {
                    *self.shared.tally().failed.entry(why).or_default() += 1;
                    self.gateway += 1;
                    self.connection = None;
                    sleep(BETWEEN_TRIES).await;
                }
            }
        }
        self.shared.told(batch, verdicts.unwrap_or_default());
    }

    async fn try_once(&mut self, events: &[Bytes]) -> Result<PublishResponse, String> {
        let url = self.shared.gateways.get(self.gateway);
        let connection = match self.connection.take().filter(|connection| connection.url() == url) {
            Some(connection) => connection,
            None => soon(Connection::open(&url)).await.map_err(|_| "no connection".to_owned())?,
        };
        let mut request = Request::new(PublishRequest { tenant: String::new(), events: events.to_vec() });
        request.set_timeout(DEADLINE);
        let mut ingest = connection.ingest();
        let call = soon(ingest.publish(request));
        let answered = if self.chance.random_ratio(1, 20) {
            let until = Duration::from_millis(self.chance.random_range(1..30));
            match timeout(until, call).await {
                Ok(answered) => answered,
                Err(_) => {
                    self.shared.tally().hung_up += 1;
                    return Err("hung up".to_owned());
                }
            }
        } else {
            call.await
        };
        self.connection = Some(connection);
        answered.map(tonic::Response::into_inner).map_err(|status| self.shared.failed(&status))
    }
}

impl Shared {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap()
    }

    /// What the server says of itself is that it is away or full, whatever the fault.
    fn failed(&self, status: &Status) -> String {
        let said_by_the_server = std::error::Error::source(status).is_none();
        let excused = [Code::Unavailable, Code::ResourceExhausted, Code::Cancelled, Code::DeadlineExceeded];
        if said_by_the_server && !excused.contains(&status.code()) {
            self.tally().wrong.push(format!("{:?}: {}", status.code(), status.message()));
        }
        format!("{:?}", status.code())
    }

    fn told(&self, batch: &Batch, response: PublishResponse) {
        let mut tally = self.tally();
        if response.verdicts.len() != batch.names.len() {
            tally.wrong.push(format!("{} verdicts on {} events", response.verdicts.len(), batch.names.len()));
        }
        let mut acknowledged = self.acknowledged.lock().unwrap();
        for (name, verdict) in batch.names.iter().zip(response.verdicts) {
            match &verdict.verdict {
                Some(verdict @ (Verdict::Accepted(_) | Verdict::Duplicate(_))) => {
                    let is_new = matches!(verdict, Verdict::Accepted(_));
                    *(if is_new { &mut tally.accepted } else { &mut tally.duplicates }) += 1;
                    acknowledged.insert(name.clone(), position(verdict).unwrap_or_default());
                }
                other => tally.wrong.push(format!("{name:?}: {other:?}")),
            }
        }
    }
}

fn batches(customers: u32, seed: u64) -> Vec<Batch> {
    // Long ago, so that all silence has fallen and no clock makes a difference.
    let until = Timestamp::parse("2025-06-30T00:00:00Z").unwrap();
    let events: Vec<Value> = Population::new(customers, seed, until).unwrap().events().collect();
    let batch = |events: &[Value]| Batch {
        names: events.iter().map(name).collect(),
        events: events.iter().map(|event| to_proto(event.clone()).unwrap().encode_to_vec().into()).collect(),
    };
    events.chunks(BATCH_EVENTS).map(batch).collect()
}

/// Of an event in JSON.
pub fn name(event: &Value) -> Name {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    (text("source"), text("id"))
}
