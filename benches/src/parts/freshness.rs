//! `freshness`: how long after a touchpoint is published a question sees it, at a quarter, a half and all of what the whole
//! way sustains.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rapport::client::Connection;
use rapport::wire::PublishRequest;
use rapport::wire::v1::customer_ref::By;
use rapport::wire::v1::{CustomerRef, GetCustomerRequest};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::Result;
use crate::driven::Server;
use crate::driven::publish::{BATCH_EVENTS, Encoded, accepted, by_stream};
use crate::frame::statistics::percentile;
use crate::frame::{About, Entry, Floor, Plan, Role, Sample, Setting, Unit};
use crate::workload::{Workload, live};

pub const ABOUT: About = About {
    name: "freshness",
    measures: "From the moment at which a touchpoint is due to be published until a question that waits for its position answers",
    limit: "the rate that the whole way sustains: published by stream without a pause, until the last one is in the read model",
};

const USUAL_EVENTS: u64 = 100_000;
const DURATION: Duration = Duration::from_secs(8);
/// A request goes out this often, with as many touchpoints as are due.
const STEP: Duration = Duration::from_millis(5);
/// Requests without a verdict; beyond them, what is due waits, and its time counts.
const WAITING_REQUESTS: usize = 1_024;
/// How much of the sustained rate, and how the figures are called.
const LOADS: [(f64, &str); 3] = [(0.25, "quarter load"), (0.5, "half load"), (1.0, "full load")];

pub fn plan(setting: &Setting) -> Result<Plan> {
    let events = setting.events(USUAL_EVENTS);
    let entry = Entry::new("embedded log, all models", Role::Rapport, move |setting| {
        let folder = setting.new_folder()?;
        let server = Server::start(folder.path(), "bench", "embedded", &[])?;
        setting.runtime.block_on(measure(setting, &server, events))
    });
    let floors = entry.floor("half load, p50", Floor::AtMost(10.0)).floor("half load, p99", Floor::AtMost(50.0));
    Ok(Plan {
        settings: vec![
            ("events without a pause", events.to_string()),
            ("then at each load", format!("{} s", setting.duration(DURATION).as_secs_f64())),
            ("a request each", format!("{} ms", STEP.as_millis())),
        ],
        entries: vec![floors],
        notes: vec![
            "The touchpoints say no time: they happen when the gateway takes them. A request carries what is due, and its \
             time counts from when it was due, so that a server that falls behind shows it. Publisher, questions and server \
             share the cores."
                .to_owned(),
        ],
    })
}

async fn measure(setting: &Setting, server: &Server, events: u64) -> Result<Vec<Sample>> {
    let connection = server.connect().await?;
    let mut workload = Workload::new(setting.seed, u64::MAX / 1_000_000).map(live).peekable();
    let first = workload.peek().map(|event| &event["data"]["identifiers"]["user_id"]).and_then(Value::as_str);
    let somebody = format!("user_id:{}", first.ok_or("the first touchpoint names no account")?);
    let encoded = Encoded::new(workload.by_ref().take(usize::try_from(events)?), BATCH_EVENTS)?;
    let began = Instant::now();
    let published = by_stream(&connection, &server.tenant, &encoded).await?;
    server.caught_up(published.position).await?;
    let sustained_per_s = events as f64 / began.elapsed().as_secs_f64();
    let mut samples = vec![Sample::new("sustained", Unit::PerSecond, sustained_per_s)];
    for (share, name) in LOADS {
        let requests = paced(&mut workload, sustained_per_s * share, setting.duration(DURATION))?;
        let visible_ms = seen(server, requests, &somebody).await?;
        for (percent, shown) in [(50.0, "p50"), (99.0, "p99"), (99.9, "p999")] {
            let ms = percentile(&visible_ms, percent);
            samples.push(Sample::new(format!("{name}, {shown}"), Unit::Milliseconds, ms));
        }
    }
    Ok(samples)
}

/// Requests, one for each step, made ahead.
fn paced(workload: &mut impl Iterator<Item = Value>, per_s: f64, duration: Duration) -> Result<Vec<Vec<Bytes>>> {
    let of_step = (per_s * STEP.as_secs_f64()).round().clamp(1.0, BATCH_EVENTS as f64) as usize;
    let steps = (duration.as_secs_f64() / STEP.as_secs_f64()).ceil() as usize;
    Ok(Encoded::new(workload.take(of_step * steps), of_step)?.batches)
}

/// The milliseconds of each request from when it was due to when it could be seen by who asks for somebody.
async fn seen(server: &Server, requests: Vec<Vec<Bytes>>, somebody: &str) -> Result<Vec<f64>> {
    let customer = CustomerRef { by: Some(By::Identifier(somebody.to_owned())) };
    let asking = server.connect().await?;
    let (stands, to_look_for) = mpsc::unbounded_channel();
    let looking = tokio::spawn(look(asking, server.tenant.clone(), customer, to_look_for));
    let published = publish(server, requests, stands).await;
    let seen = looking.await??;
    published?;
    Ok(seen)
}

/// What was due when, and where it came to stand.
type Stands = (Instant, u64);

async fn publish(server: &Server, requests: Vec<Vec<Bytes>>, stands: mpsc::UnboundedSender<Stands>) -> Result<()> {
    let connection = server.connect().await?;
    let (sender, receiver) = mpsc::channel(WAITING_REQUESTS);
    let (tenant, all, began) = (server.tenant.clone(), requests.len(), Instant::now());
    let due = move |number: usize| began + STEP * number as u32;
    let publisher = tokio::spawn(async move {
        for (number, events) in requests.into_iter().enumerate() {
            tokio::time::sleep_until(due(number).into()).await;
            if sender.send(PublishRequest { tenant: tenant.clone(), events }).await.is_err() {
                return;
            }
        }
    });
    let mut responses = connection.ingest().publish_stream(ReceiverStream::new(receiver)).await?.into_inner();
    for number in 0..all {
        let response = responses.message().await?.ok_or("the server ended the stream")?;
        stands.send((due(number), accepted(&response)?))?;
    }
    Ok(publisher.await?)
}

/// Asks one question after the other, each of which waits for the first that was not seen; its answer says how far the
/// read model is, and so what else can be seen.
async fn look(
    connection: Connection,
    tenant: String,
    customer: CustomerRef,
    mut stands: mpsc::UnboundedReceiver<Stands>,
) -> Result<Vec<f64>> {
    let (mut visible_ms, mut seen) = (Vec::new(), 0);
    while let Some((due, position)) = stands.recv().await {
        while seen < position {
            let (tenant, customer) = (tenant.clone(), Some(customer.clone()));
            let answer = connection
                .customers()
                .get(GetCustomerRequest { tenant, customer, min_position: position, ..Default::default() })
                .await;
            match answer {
                Ok(answer) => seen = answer.into_inner().freshness.ok_or("an answer says no position")?.position,
                // It waited as long as a question may.
                Err(status) if status.code() == Code::DeadlineExceeded => {}
                Err(status) => return Err(status.into()),
            }
        }
        visible_ms.push(due.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(visible_ms)
}
