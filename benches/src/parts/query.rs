//! `query`: what a server answers from a read model, beside what an empty gRPC service answers in the same size.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use prost::Message;
use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::{
    Bucket, CustomerRef, FunnelRequest, FunnelResponse, GetCustomerRequest, GetCustomerResponse, GetJourneyRequest,
    GetJourneyResponse, ListTimelineRequest, ListTimelineResponse, ScoresRequest, ScoresResponse,
};

use crate::Result;
use crate::driven::load::{Load, closed, paced};
use crate::driven::{Caller, MadeLog, Server};
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::limits::echo::{self, Echo};
use crate::workload::{Workload, account, customers};

pub const ABOUT: About = About {
    name: "query",
    measures: "Answers a second over gRPC, with 1, 16 and 64 calls in flight on four connections, and how long they take",
    limit: "an empty tonic service in a process of its own, whose answer has the same size and is ready",
};

const USUAL_EVENTS: u64 = 300_000;
pub const CONNECTIONS: usize = 4;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const DURATION: Duration = Duration::from_secs(2);
/// So many customers are asked for, one after the other, as they come on the log: the frequent ones often.
pub const CHOSEN: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Query {
    Customer,
    Journey,
    Timeline,
    Funnel,
    Scores,
}

impl Query {
    const ALL: [Self; 5] = [Self::Customer, Self::Journey, Self::Timeline, Self::Funnel, Self::Scores];

    /// Of its row, of the echo beside it, and of the row that it is held against.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Customer => ["customer", "echo as large as a customer", "echo as large as a customer: 64 in flight"],
            Self::Journey => {
                ["journey of a customer", "echo as large as a journey", "echo as large as a journey: 64 in flight"]
            }
            Self::Timeline => {
                ["timeline page of 50", "echo as large as a page", "echo as large as a page: 64 in flight"]
            }
            Self::Funnel => ["funnel", "echo as large as a funnel", "echo as large as a funnel: 64 in flight"],
            Self::Scores => ["scores by month", "echo as large as scores", "echo as large as scores: 64 in flight"],
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Customer => "/rapport.v1.CustomerService/Get",
            Self::Journey => "/rapport.v1.JourneyService/Get",
            Self::Timeline => "/rapport.v1.CustomerService/ListTimeline",
            Self::Funnel => "/rapport.v1.JourneyService/Funnel",
            Self::Scores => "/rapport.v1.FeedbackService/Scores",
        }
    }

    fn request(self, tenant: &str, customer: CustomerRef) -> Bytes {
        let (tenant, customer) = (tenant.to_owned(), Some(customer));
        Bytes::from(match self {
            Self::Customer => GetCustomerRequest { tenant, customer, ..Default::default() }.encode_to_vec(),
            Self::Journey => GetJourneyRequest { tenant, customer, ..Default::default() }.encode_to_vec(),
            Self::Timeline => {
                ListTimelineRequest { tenant, customer, page_size: 50, ..Default::default() }.encode_to_vec()
            }
            Self::Funnel => FunnelRequest { tenant, ..Default::default() }.encode_to_vec(),
            Self::Scores => ScoresRequest {
                tenant,
                from_day: "2024-01-01".to_owned(),
                until_day: "2025-01-01".to_owned(),
                bucket: Bucket::Month.into(),
                ..Default::default()
            }
            .encode_to_vec(),
        })
    }

    /// Does this say what was asked for?
    fn answers(self, answer: &[u8]) -> Result<bool> {
        Ok(match self {
            Self::Customer => GetCustomerResponse::decode(answer)?.customer.is_some_and(|found| found.touchpoints > 0),
            Self::Journey => !GetJourneyResponse::decode(answer)?.journeys.is_empty(),
            Self::Timeline => !ListTimelineResponse::decode(answer)?.entries.is_empty(),
            Self::Funnel => !FunnelResponse::decode(answer)?.rows.is_empty(),
            Self::Scores => !ScoresResponse::decode(answer)?.rows.is_empty(),
        })
    }
}

/// A server with a read model that is settled, and who is asked for.
pub struct Asked {
    pub server: Server,
    /// Its files are there as long as it runs.
    _log: Rc<MadeLog>,
    chosen: Vec<String>,
}

impl Asked {
    /// The customers of these touchpoints, which are on the log.
    pub fn of<'a>(server: Server, log: &Rc<MadeLog>, customers: impl IntoIterator<Item = &'a String>) -> Self {
        let chosen = customers.into_iter().map(|customer| format!("user_id:{customer}")).collect();
        Self { server, _log: log.clone(), chosen }
    }

    /// Whoever is asked for at this turn.
    pub fn customer(&self, number: u64) -> CustomerRef {
        CustomerRef { by: Some(By::Identifier(self.chosen[number as usize % self.chosen.len()].clone())) }
    }

    pub async fn client(&self, query: Query) -> Result<Client> {
        let tenant = &self.server.tenant;
        let requests = (0..self.chosen.len() as u64).map(|number| query.request(tenant, self.customer(number)));
        Client::connect(self.server.url(), query.path(), requests.collect()).await
    }
}

/// Asks one request after the other.
pub struct Client {
    connections: Vec<Caller>,
    path: &'static str,
    requests: Vec<Bytes>,
}

impl Client {
    async fn connect(url: &str, path: &'static str, requests: Vec<Bytes>) -> Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Caller::connect(url).await?);
        }
        Ok(Self { connections, path, requests })
    }

    pub async fn ask(&self, number: u64) -> Result<Bytes> {
        let number = number as usize;
        let request = self.requests[number % self.requests.len()].clone();
        self.connections[number % CONNECTIONS].call(self.path, request).await
    }
}

/// The size of some answers, on average, each of which says what was asked for.
async fn bytes(query: Query, client: &Client) -> Result<usize> {
    let mut bytes = 0;
    for number in 0..100 {
        let answer = client.ask(number).await?;
        if !query.answers(&answer)? {
            return Err(format!("an answer to {query:?} says nothing").into());
        }
        bytes += answer.len();
    }
    Ok(bytes / 100)
}

/// All queries, if none is named.
pub fn plan(setting: &Setting, only: &[Query]) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let made = Rc::new(MadeLog::of(setting, Workload::new(setting.seed, events))?);
    let server = Server::start(made.folder(), made.tenant(), "embedded", &[])?;
    setting.runtime.block_on(server.settled())?;
    let one_in = usize::try_from(events)?.div_ceil(CHOSEN);
    let some = Workload::new(setting.seed, events).step_by(one_in);
    let chosen: Vec<String> = some.filter_map(|event| account(&event).map(str::to_owned)).collect();
    let asked = Rc::new(Asked::of(server, &made, &chosen));
    let (mut entries, mut sizes) = (Vec::new(), Vec::new());
    for query in Query::ALL.into_iter().filter(|query| only.is_empty() || only.contains(query)) {
        let bytes = setting.runtime.block_on(async { bytes(query, &asked.client(query).await?).await })?;
        let [name, ..] = query.names();
        sizes.push(format!("{name} {bytes}"));
        entries.push(empty(query, bytes)?);
        entries.push(rapport(query, &asked));
    }
    Ok(Plan {
        settings: vec![
            ("events", events.to_string()),
            ("customers", customers(events).to_string()),
            ("connections", CONNECTIONS.to_string()),
            ("bytes of an answer", sizes.join(", ")),
        ],
        entries,
        notes: vec![
            "Customers are asked for as often as they come on the log. Whoever asks shares the cores, so answers are \
             taken as bytes, those of the empty service too. What is said of a customer is remembered until it changes, and \
             here nobody does; a journey is looked up each time. At half load calls are due at fixed \
             moments, half as many a second as 64 in flight gave just before, and each counts from the moment at which it \
             was due."
                .to_owned(),
        ],
    })
}

fn empty(query: Query, bytes: usize) -> Result<Entry> {
    let (echo, [_, name, _]) = (Echo::start(bytes)?, query.names());
    Ok(Entry::new(name, Role::Limit, move |setting| {
        setting.runtime.block_on(async {
            // As large as a small query.
            let request = Bytes::from_static(b"tenant and the name of a customer");
            let client = Arc::new(Client::connect(echo.url(), echo::PATH, vec![request]).await?);
            let call = move |number| {
                let client = client.clone();
                async move { client.ask(number).await.map(drop) }
            };
            measured(setting, || echo.cpu_s(), call).await
        })
    }))
}

fn rapport(query: Query, asked: &Rc<Asked>) -> Entry {
    let asked = asked.clone();
    let [name, _, limit] = query.names();
    let entry = Entry::new(name, Role::Rapport, move |setting| {
        setting.runtime.block_on(async {
            let client = Arc::new(asked.client(query).await?);
            let call = move |number| {
                let client = client.clone();
                async move { client.ask(number).await.map(drop) }
            };
            measured(setting, || asked.server.cpu_s(), call).await
        })
    });
    let entry = entry.against(IN_FLIGHT_64, limit);
    match query {
        Query::Customer => entry.floor(IN_FLIGHT_64, Floor::TimesOf(0.6, limit)).floor(HALF_P99, Floor::AtMost(10.0)),
        Query::Journey | Query::Timeline | Query::Funnel | Query::Scores => entry,
    }
}

const IN_FLIGHT_64: &str = "64 in flight";
const HALF_P99: &str = "p99 at half load";

/// `cpu_s` is that of the process that answers.
async fn measured<C, F>(setting: &Setting, cpu_s: impl Fn() -> Result<f64>, call: C) -> Result<Vec<Sample>>
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let duration = setting.duration(DURATION);
    let mut samples = Vec::new();
    let mut most_per_s = 1.0;
    for in_flight in IN_FLIGHT {
        let began = cpu_s()?;
        let load: Load = closed(in_flight, duration, call.clone()).await?;
        most_per_s = load.per_s();
        samples.push(Sample::new(format!("{in_flight} in flight"), Unit::PerSecond, most_per_s));
        samples.push(Sample::new(format!("{in_flight} in flight, p99"), Unit::Milliseconds, load.ms(99.0)));
        let cpu_us = (cpu_s()? - began) * 1e6 / load.took_ms.len() as f64;
        samples.push(Sample::new(format!("{in_flight} in flight, CPU of an answer"), Unit::Microseconds, cpu_us));
    }
    let half = paced(most_per_s / 2.0, duration, call).await?;
    samples.push(Sample::new("p50 at half load", Unit::Milliseconds, half.ms(50.0)));
    samples.push(Sample::new(HALF_P99, Unit::Milliseconds, half.ms(99.0)));
    Ok(samples)
}
