//! `query`: what a server answers from a read model, beside what an empty gRPC service answers in the same size.

use std::rc::Rc;
use std::time::Duration;

use clap::ValueEnum;
use prost::Message;
use rapport::client::Connection;
use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::{
    CustomerRef, FunnelRequest, FunnelResponse, GetCustomerRequest, GetCustomerResponse, ListTimelineRequest,
    ScoresRequest,
};

use crate::Result;
use crate::driven::load::{Load, closed, paced};
use crate::driven::{MadeLog, Server};
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::limits::echo::{Caller, Echo};
use crate::workload::{Workload, account, customers};

pub const ABOUT: About = About {
    name: "query",
    measures: "Answers a second over gRPC, with 1, 16 and 64 calls in flight on four connections, and how long they take",
    limit: "an empty tonic service in a process of its own, whose answer has the same size and is ready",
};

const USUAL_EVENTS: u64 = 300_000;
const CONNECTIONS: usize = 4;
const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const DURATION: Duration = Duration::from_secs(2);
/// So many customers are asked for, one after the other, as they come on the log: the frequent ones often.
pub const CHOSEN: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Query {
    Customer,
    Timeline,
    Funnel,
    Scores,
}

impl Query {
    const ALL: [Self; 4] = [Self::Customer, Self::Timeline, Self::Funnel, Self::Scores];

    /// Of its row, of the echo beside it, and of the row that it is held against.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Customer => ["customer", "echo as large as a customer", "echo as large as a customer: 64 in flight"],
            Self::Timeline => {
                ["timeline page of 50", "echo as large as a page", "echo as large as a page: 64 in flight"]
            }
            Self::Funnel => ["funnel", "echo as large as a funnel", "echo as large as a funnel: 64 in flight"],
            Self::Scores => ["scores by month", "echo as large as scores", "echo as large as scores: 64 in flight"],
        }
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

    pub async fn client(&self) -> Result<Client> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(self.server.connect().await?);
        }
        Ok(Client { tenant: self.server.tenant.clone(), connections, chosen: self.chosen.clone() })
    }
}

pub struct Client {
    tenant: String,
    connections: Vec<Connection>,
    chosen: Vec<String>,
}

impl Client {
    /// How large the answer is.
    pub async fn ask(&self, query: Query, number: u64) -> Result<usize> {
        let number = number as usize;
        let (connection, tenant) = (&self.connections[number % CONNECTIONS], self.tenant.clone());
        let by = By::Identifier(self.chosen[number % self.chosen.len()].clone());
        let customer = Some(CustomerRef { by: Some(by) });
        Ok(match query {
            Query::Customer => {
                let request = GetCustomerRequest { tenant, customer, ..Default::default() };
                connection.customers().get(request).await?.into_inner().encoded_len()
            }
            Query::Timeline => {
                let request = ListTimelineRequest { tenant, customer, page_size: 50, ..ListTimelineRequest::default() };
                connection.customers().list_timeline(request).await?.into_inner().encoded_len()
            }
            Query::Funnel => {
                let request = FunnelRequest { tenant, ..FunnelRequest::default() };
                connection.journeys().funnel(request).await?.into_inner().encoded_len()
            }
            Query::Scores => {
                let request = ScoresRequest {
                    tenant,
                    from_day: "2024-01-01".to_owned(),
                    until_day: "2025-01-01".to_owned(),
                    bucket: rapport::wire::v1::Bucket::Month.into(),
                    ..ScoresRequest::default()
                };
                connection.feedback().scores(request).await?.into_inner().encoded_len()
            }
        })
    }

    pub async fn customer(&self, number: u64) -> Result<GetCustomerResponse> {
        let number = number as usize;
        let by = By::Identifier(self.chosen[number % self.chosen.len()].clone());
        let customer = Some(CustomerRef { by: Some(by) });
        let request = GetCustomerRequest { tenant: self.tenant.clone(), customer, ..GetCustomerRequest::default() };
        Ok(self.connections[number % CONNECTIONS].customers().get(request).await?.into_inner())
    }

    pub async fn funnel(&self, number: u64) -> Result<FunnelResponse> {
        let request = FunnelRequest { tenant: self.tenant.clone(), ..FunnelRequest::default() };
        Ok(self.connections[number as usize % CONNECTIONS].journeys().funnel(request).await?.into_inner())
    }

    /// Of some answers, on average.
    async fn bytes(&self, query: Query) -> Result<usize> {
        let mut bytes = 0;
        for number in 0..100 {
            bytes += self.ask(query, number).await?;
        }
        Ok(bytes / 100)
    }
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
        let bytes = setting.runtime.block_on(async { asked.client().await?.bytes(query).await })?;
        let [name, ..] = query.names();
        sizes.push(format!("{name} {bytes}"));
        entries.push(echo(query, bytes)?);
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
            "Customers are asked for as often as they come on the log. At half load calls are due at fixed \
             moments, half as many a second as 64 in flight gave just before, and each counts from the moment at which it \
             was due."
                .to_owned(),
        ],
    })
}

fn echo(query: Query, bytes: usize) -> Result<Entry> {
    let (echo, [_, name, _]) = (Echo::start(bytes)?, query.names());
    Ok(Entry::new(name, Role::Limit, move |setting| {
        setting.runtime.block_on(async {
            let mut callers = Vec::new();
            for _ in 0..CONNECTIONS {
                callers.push(echo.connect().await?);
            }
            let call = move |number| {
                let caller: Caller = callers[number as usize % CONNECTIONS].clone();
                async move { caller.call().await }
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
            let client = std::sync::Arc::new(asked.client().await?);
            let call = move |number| {
                let client = client.clone();
                async move { client.ask(query, number).await.map(drop) }
            };
            measured(setting, || asked.server.cpu_s(), call).await
        })
    });
    let entry = entry.against(IN_FLIGHT_64, limit);
    match query {
        Query::Customer => entry.floor(IN_FLIGHT_64, Floor::TimesOf(0.6, limit)).floor(HALF_P99, Floor::AtMost(10.0)),
        Query::Timeline | Query::Funnel | Query::Scores => entry,
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
