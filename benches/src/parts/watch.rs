//! `watch`: how long after a publish begins whoever watches the customer is told of it, on a server that does little else.

use std::time::{Duration, Instant};

use rapport::client::Connection;
use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::watch_request::Who;
use rapport::wire::v1::watch_response::What;
use rapport::wire::v1::{CustomerRef, StatusRequest, WatchRequest, WatchResponse};
use serde_json::{Value, json};

use crate::Result;
use crate::driven::Server;
use crate::driven::publish::{Encoded, by_batch};
use crate::frame::statistics::percentile;
use crate::frame::{About, Entry, Plan, Role, Sample, Setting, Unit};

pub const ABOUT: About = About {
    name: "watch",
    measures: "From the call that publishes one touchpoint to its verdict, and to word of the change to whoever watches the customer",
    limit: "the verdict, since nothing can be told before it",
};

const USUAL_EVENTS: u64 = 500;
const PAUSE: Duration = Duration::from_millis(10);
/// Streams on one connection; a server takes 200.
const STREAMS: usize = 150;
const OTHERS: u32 = 1_000;

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let others = if setting.quick { 10 } else { OTHERS };
    let entry = |name, others: u32| {
        Entry::new(name, Role::Rapport, move |setting| {
            let folder = setting.new_folder()?;
            let server = Server::start(folder.path(), "bench", "embedded", &[])?;
            let told = setting.runtime.block_on(measure(&server, others, events))?;
            let at = |of, ms: &[f64], percent| Sample::new(of, Unit::Milliseconds, percentile(ms, percent));
            Ok(vec![
                at("verdict, p50", &told.verdict_ms, 50.0),
                at("verdict, p99", &told.verdict_ms, 99.0),
                at("watch, p50", &told.watch_ms, 50.0),
                at("watch, p99", &told.watch_ms, 99.0),
                Sample::new("peak memory", Unit::Mebibytes, server.peak_mib()?),
            ])
        })
    };
    Ok(Plan {
        settings: vec![
            ("touchpoints", events.to_string()),
            ("pause between them", format!("{} ms", PAUSE.as_millis())),
            ("other watches", others.to_string()),
        ],
        entries: vec![entry("no other watch", 0), entry("with other watches", others)],
        notes: Vec::new(),
    })
}

#[derive(Default)]
struct Told {
    verdict_ms: Vec<f64>,
    watch_ms: Vec<f64>,
}

async fn measure(server: &Server, others: u32, touchpoints: u64) -> Result<Told> {
    let publisher = server.connect().await?;
    let customers: Vec<u32> = (1..=others + 1).collect();
    let first = customers.iter().map(|customer| visit(*customer, "first"));
    let position = by_batch(&publisher, &server.tenant, &Encoded::new(first, 1_000)?, 1).await?.position;
    // Who is not folded yet cannot be watched.
    publisher.admin().status(StatusRequest { tenant: server.tenant.clone(), min_position: position }).await?;
    let mut watches = Vec::new();
    for some in customers[1..].chunks(STREAMS) {
        let connection = server.connect().await?;
        for customer in some {
            watches.push(watch(&connection, server, *customer).await?);
        }
    }
    let mut watched = watch(&server.connect().await?, server, 1).await?;
    let mut told = Told::default();
    for number in 0..touchpoints {
        tokio::time::sleep(PAUSE).await;
        let one = Encoded::new([visit(1, &number.to_string())], 1)?;
        let began = Instant::now();
        by_batch(&publisher, &server.tenant, &one, 1).await?;
        told.verdict_ms.push(began.elapsed().as_secs_f64() * 1_000.0);
        while !matches!(next(&mut watched).await?, What::Changed(customer) if customer.touchpoints == number + 2) {}
        told.watch_ms.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(told)
}

async fn watch(connection: &Connection, server: &Server, customer: u32) -> Result<tonic::Streaming<WatchResponse>> {
    let by = By::Identifier(format!("user_id:u{customer}"));
    let who = Some(Who::Customer(CustomerRef { by: Some(by) }));
    let request = WatchRequest { tenant: server.tenant.clone(), who, from_position: None };
    let mut watch = connection.customers().watch(request).await?.into_inner();
    while !matches!(next(&mut watch).await?, What::CaughtUp(_)) {}
    Ok(watch)
}

async fn next(watch: &mut tonic::Streaming<WatchResponse>) -> Result<What> {
    let response = watch.message().await?.ok_or("the watch ended")?;
    response.what.ok_or_else(|| "a response says nothing".into())
}

fn visit(customer: u32, id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{customer}-{id}"), "source": "bench", "type": "page.viewed",
        "channel": "web", "subject": format!("user_id:u{customer}"), "data": {"url": "https://shop.example/"},
    })
}
