//! `swap`: queries at a steady pace while a server builds its read model anew and swaps it in.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use rapport::client::Connection;
use rapport::wire::v1::{
    CustomerRef, FunnelRequest, FunnelResponse, GetCustomerRequest, GetCustomerResponse, StatusRequest,
};
use tokio::task::JoinSet;

use super::query::{Asked, CHOSEN, CONNECTIONS};
use crate::Result;
use crate::driven::load::paced;
use crate::driven::{MadeLog, Server};
use crate::frame::statistics::percentile;
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::workload::{Workload, account};

pub const ABOUT: About = About {
    name: "swap",
    measures: "500 queries a second, whatever their answers take, while the read model is built anew and swapped in",
    limit: "the same queries on the same server when it does nothing else",
};

const USUAL_EVENTS: u64 = 1_000_000;
const PER_S: f64 = 500.0;
const IDLE: Duration = Duration::from_secs(10);
/// Some more queries of the new one.
const AFTER: Duration = Duration::from_secs(1);
const P99_IDLE: &str = "p99 when idle";
const P99: &str = "p99 during the rebuild";
const P99_TIMES: &str = "p99 during the rebuild beside the larger of 3 times idle and 20 ms";
const FAILED: &str = "failed queries";
const MIXED: &str = "answers of neither generation";

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let made = Rc::new(MadeLog::of(setting, Workload::new(setting.seed, events))?);
    let server = Server::start(made.folder(), made.tenant(), "embedded", &[])?;
    setting.runtime.block_on(server.settled())?;
    let one_in = usize::try_from(events)?.div_ceil(CHOSEN);
    let some = Workload::new(setting.seed, events).step_by(one_in);
    let chosen: Vec<String> = some.filter_map(|event| account(&event).map(str::to_owned)).collect();
    let asked = Rc::new(Asked::of(server, &made, &chosen));
    let entry = Entry::new("server", Role::Rapport, move |setting| setting.runtime.block_on(swapped(setting, &asked)));
    Ok(Plan {
        settings: vec![("events", events.to_string()), ("queries a second", PER_S.to_string())],
        entries: vec![
            entry
                .floor(FAILED, Floor::AtMost(0.0))
                .floor(MIXED, Floor::AtMost(0.0))
                .floor(P99_TIMES, Floor::AtMost(1.0)),
        ],
        notes: vec![
            "Each query is due at its moment and counts from then: a customer, and once a second a funnel. Both \
             generations have the same answers, so one that is another than when the server was idle is of neither."
                .to_owned(),
        ],
    })
}

/// Queries of which one asks about everybody.
const FUNNEL_IN: u64 = 500;

/// Asks, and reads what is answered.
struct Client {
    tenant: String,
    connections: Vec<Connection>,
    customers: Vec<CustomerRef>,
}

impl Client {
    async fn connect(asked: &Asked) -> Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(asked.server.connect().await?);
        }
        let customers = (0..CHOSEN as u64).map(|number| asked.customer(number)).collect();
        Ok(Self { tenant: asked.server.tenant.clone(), connections, customers })
    }

    fn connection(&self, number: u64) -> &Connection {
        &self.connections[number as usize % CONNECTIONS]
    }

    async fn customer(&self, number: u64) -> Result<GetCustomerResponse> {
        let customer = Some(self.customers[number as usize % self.customers.len()].clone());
        let request = GetCustomerRequest { tenant: self.tenant.clone(), customer, ..Default::default() };
        Ok(self.connection(number).customers().get(request).await?.into_inner())
    }

    async fn funnel(&self, number: u64) -> Result<FunnelResponse> {
        let request = FunnelRequest { tenant: self.tenant.clone(), ..Default::default() };
        Ok(self.connection(number).journeys().funnel(request).await?.into_inner())
    }
}

/// A customer or, once a second, a funnel: what is true at one moment and at the next.
async fn ask(client: &Client, number: u64) -> Result<Vec<u8>> {
    if number.is_multiple_of(FUNNEL_IN) {
        return Ok(client.funnel(number).await?.rows.iter().flat_map(Message::encode_to_vec).collect());
    }
    let customer = client.customer(number).await?.customer;
    // Maps have no order.
    Ok(format!("{:?}", customer.map(|customer| (customer.id, customer.touchpoints, customer.journeys))).into_bytes())
}

#[derive(Default)]
struct Asking {
    took_ms: Vec<f64>,
    failed: u64,
    mixed: u64,
}

async fn swapped(setting: &Setting, asked: &Asked) -> Result<Vec<Sample>> {
    let client = Arc::new(Client::connect(asked).await?);
    let idle_client = client.clone();
    let idle = paced(PER_S, setting.duration(IDLE), move |number| {
        let client = idle_client.clone();
        async move { ask(&client, number).await.map(drop) }
    })
    .await?;
    let mut known = Vec::new();
    for number in 0..CHOSEN as u64 {
        known.push(ask(&client, number).await?);
    }
    let (known, admin) = (Arc::new(known), asked.server.connect().await?);
    let tenant = StatusRequest { tenant: asked.server.tenant.clone(), min_position: 0 };
    let before = admin.admin().status(tenant.clone()).await?.into_inner();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let asking = tokio::spawn(ask_until(stopped, client, known));
    let rebuilt = asked.server.rebuild().await;
    tokio::time::sleep(setting.duration(AFTER)).await;
    stop.send_replace(true);
    let Asking { took_ms, failed, mixed } = asking.await?;
    let rebuilt = rebuilt?;
    let after = admin.admin().status(tenant).await?.into_inner();
    if (after.generation, &after.digest) == (before.generation, &before.digest) || after.digest != before.digest {
        return Err("the generation that was built is not another one with the same digest".into());
    }
    let (idle_p99, p99) = (idle.ms(99.0), percentile(&took_ms, 99.0));
    let allowed = (3.0 * idle_p99).max(20.0);
    Ok(vec![
        Sample::new(P99_IDLE, Unit::Milliseconds, idle_p99),
        Sample::new(P99, Unit::Milliseconds, p99),
        Sample::new(P99_TIMES, Unit::Ratio, p99 / allowed),
        Sample::new("slowest during the rebuild", Unit::Milliseconds, percentile(&took_ms, 100.0)),
        Sample::new("queries during the rebuild", Unit::Count, took_ms.len() as f64),
        Sample::new(FAILED, Unit::Count, failed as f64),
        Sample::new(MIXED, Unit::Count, mixed as f64),
        Sample::new("rebuild", Unit::PerSecond, before.touchpoints as f64 / rebuilt.as_secs_f64()),
    ])
}

/// At its pace until it is told to stop; nothing that fails ends it.
async fn ask_until(
    stopped: tokio::sync::watch::Receiver<bool>,
    client: Arc<Client>,
    known: Arc<Vec<Vec<u8>>>,
) -> Asking {
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    let mut all = Asking::default();
    let mut number = 0;
    while !*stopped.borrow() {
        let due = began + Duration::from_secs_f64(number as f64 / PER_S);
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let (client, known, asked) = (client.clone(), known.clone(), number % known.len() as u64);
        under_way.spawn(async move {
            let found = ask(&client, asked).await.map_err(|error| error.to_string());
            (due.elapsed().as_secs_f64() * 1_000.0, found.map(|found| found == known[asked as usize]))
        });
        number += 1;
        while let Some(done) = under_way.try_join_next() {
            all.count(done);
        }
    }
    while let Some(done) = under_way.join_next().await {
        all.count(done);
    }
    all
}

impl Asking {
    fn count(&mut self, done: std::result::Result<(f64, std::result::Result<bool, String>), tokio::task::JoinError>) {
        match done {
            Ok((took_ms, Ok(is_known))) => {
                self.took_ms.push(took_ms);
                self.mixed += u64::from(!is_known);
            }
            Ok((_, Err(_))) | Err(_) => self.failed += 1,
        }
    }
}
