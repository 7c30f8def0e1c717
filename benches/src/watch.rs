//! `watch`: how long after a publish begins whoever watches the customer is told of it, on a server that does little else.

use std::time::{Duration, Instant};

use clap::Args;
use prost::Message;
use rapport::client::Connection;
use rapport::event_proto::to_proto;
use rapport::wire::PublishRequest;
use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::watch_request::Who;
use rapport::wire::v1::watch_response::What;
use rapport::wire::v1::{CustomerRef, StatusRequest, WatchRequest, WatchResponse};
use serde::Serialize;
use serde_json::json;
use tempfile::TempDir;

use crate::Result;
use crate::report::Machine;
use crate::server::{self, Server};

/// Streams on one connection; a server takes 200.
const STREAMS: u32 = 150;

/// Publish one touchpoint after the other, and measure until a watch tells of it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- watch\n  \
    cargo run --release -p rapport-benches -- watch --watchers 4000 --json\n\n\
    Build the server first: cargo build --release -p rapport.")]
pub struct WatchArgs {
    /// Watches that are open besides the measured one, each of another customer
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    watchers: u32,
    /// Touchpoints to publish
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    touchpoints: u32,
    /// Between two of them
    #[arg(long, value_name = "MS", default_value_t = 10)]
    pause_ms: u64,
    /// Where the server keeps its log: embedded or nats://HOST:PORT
    #[arg(long, value_name = "LOG", default_value = "embedded")]
    log: String,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Latencies {
    p50_ms: f64,
    p99_ms: f64,
    most_ms: f64,
}

#[derive(Debug, Serialize)]
struct Watched {
    machine: Machine,
    log: String,
    watchers: u32,
    touchpoints: u32,
    /// From the call to its verdict.
    publish: Latencies,
    /// From the call to the change.
    watch: Latencies,
    server_peak_bytes: Option<u64>,
}

pub fn run(args: &WatchArgs) -> Result<()> {
    let program = server::program()?;
    let folder = TempDir::new_in(program.parent().unwrap_or(&program))?;
    let server = Server::start(&program, folder.path(), &args.log, 1)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (publish, watch) = runtime.block_on(measure(&server, args))?;
    let watched = Watched {
        machine: Machine::look(&program),
        log: args.log.clone(),
        watchers: args.watchers,
        touchpoints: args.touchpoints,
        publish: latencies(publish),
        watch: latencies(watch),
        server_peak_bytes: server.peak_bytes()?,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&watched)?);
        return Ok(());
    }
    println!(
        "{}\n{} touchpoints, {} other watches, log {}",
        watched.machine, args.touchpoints, args.watchers, args.log
    );
    for (what, of) in [("verdict", &watched.publish), ("watch", &watched.watch)] {
        println!("{what:8} p50 {:6.2} ms  p99 {:6.2} ms  most {:6.2} ms", of.p50_ms, of.p99_ms, of.most_ms);
    }
    if let Some(bytes) = watched.server_peak_bytes {
        println!("server's peak memory {} MiB", bytes >> 20);
    }
    Ok(())
}

async fn measure(server: &Server, args: &WatchArgs) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let publisher = Connection::open(&server.url).await?;
    let customers: Vec<u32> = (1..=args.watchers + 1).collect();
    for some in customers.chunks(1_000) {
        publish(&publisher, server, some.iter().map(|customer| (*customer, "first".to_owned()))).await?;
    }
    // Who is not folded yet cannot be watched.
    let request = StatusRequest { tenant: server.tenant.clone(), min_position: customers.len() as u64 };
    publisher.admin().status(request).await?;
    let mut others = Vec::new();
    for some in customers[1..].chunks(STREAMS as usize) {
        let connection = Connection::open(&server.url).await?;
        for customer in some {
            others.push(watch(&connection, server, *customer).await?);
        }
    }
    let mut watched = watch(&Connection::open(&server.url).await?, server, 1).await?;
    let (mut published, mut told) = (Vec::new(), Vec::new());
    for number in 0..args.touchpoints {
        tokio::time::sleep(Duration::from_millis(args.pause_ms)).await;
        let began = Instant::now();
        publish(&publisher, server, [(1, number.to_string())]).await?;
        published.push(began.elapsed());
        while !matches!(next(&mut watched).await?, What::Changed(customer) if customer.touchpoints == u64::from(number) + 2)
        {
        }
        told.push(began.elapsed());
    }
    Ok((published, told))
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

async fn publish(
    connection: &Connection,
    server: &Server,
    visits: impl IntoIterator<Item = (u32, String)>,
) -> Result<()> {
    let mut events = Vec::new();
    for (customer, id) in visits {
        let event = json!({
            "specversion": "1.0", "id": format!("{customer}-{id}"), "source": "bench", "type": "page.viewed",
            "channel": "web", "subject": format!("user_id:u{customer}"), "data": {"url": "https://shop.example/"},
        });
        events.push(to_proto(event).map_err(|violation| violation.to_string())?.encode_to_vec().into());
    }
    connection.ingest().publish(PublishRequest { tenant: server.tenant.clone(), events }).await?;
    Ok(())
}

fn latencies(mut of: Vec<Duration>) -> Latencies {
    of.sort_unstable();
    let at = |share: usize| of[(of.len() * share / 100).min(of.len() - 1)].as_secs_f64() * 1_000.0;
    Latencies { p50_ms: at(50), p99_ms: at(99), most_ms: at(100) }
}
