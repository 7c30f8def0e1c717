//! With cqrs-es: an aggregate for each customer, kept as its current state (`postgres_aggregate_cqrs`), and a view of it in
//! a table, kept by a `GenericQuery`. What one batch says of a customer is one command; ten customers at a time, as many as
//! the pool of the crate has connections.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{GenericQuery, ViewRepository};
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, View};
use futures::{StreamExt, TryStreamExt, stream};
use postgres_es::{PostgresViewRepository, postgres_aggregate_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::{Pool, Postgres};

use crate::{Done, Failure, Touchpoint};

const BATCH: usize = 1_000;
const AT_ONCE: usize = 10;

/// As the crate's `db/init.sql` has them.
const TABLES: [&str; 3] = [
    "CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint CHECK (sequence >= 0) NOT NULL, \
     event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL, \
     PRIMARY KEY (aggregate_type, aggregate_id, sequence))",
    "CREATE TABLE snapshots (aggregate_type text NOT NULL, aggregate_id text NOT NULL, \
     last_sequence bigint CHECK (last_sequence >= 0) NOT NULL, current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL, \
     payload json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, last_sequence))",
    "CREATE TABLE customer_view (view_id text NOT NULL, version bigint CHECK (version >= 0) NOT NULL, payload json NOT NULL, \
     PRIMARY KEY (view_id))",
];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Recorded {
    time: String,
    cents: Option<i64>,
    event: serde_json::Value,
}

impl DomainEvent for Recorded {
    fn event_type(&self) -> String {
        "Recorded".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Customer {
    orders: i64,
    cents: i64,
    last_seen: String,
}

impl Customer {
    fn count(&mut self, event: &Recorded) {
        self.orders += i64::from(event.cents.is_some());
        self.cents += event.cents.unwrap_or_default();
        if event.time > self.last_seen {
            self.last_seen.clone_from(&event.time);
        }
    }
}

impl Aggregate for Customer {
    const TYPE: &'static str = "customer";
    type Command = Vec<Recorded>;
    type Event = Recorded;
    type Error = Infallible;
    type Services = ();

    async fn handle(&mut self, command: Vec<Recorded>, (): &(), sink: &EventSink<Self>) -> Result<(), Infallible> {
        for recorded in command {
            sink.write(recorded, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Recorded) {
        self.count(&event);
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct CustomerView(Customer);

impl View<Customer> for CustomerView {
    fn update(&mut self, event: &EventEnvelope<Customer>) {
        self.0.count(&event.payload);
    }
}

pub async fn run(pool: Pool<Postgres>, touchpoints: Vec<Touchpoint>, reads: &[String]) -> Result<Done, Failure> {
    for table in TABLES {
        sqlx::query(table).execute(&pool).await?;
    }
    let views = Arc::new(PostgresViewRepository::<CustomerView, Customer>::new("customer_view", pool.clone()));
    let mut query = GenericQuery::new(views.clone());
    query.use_error_handler(Box::new(|error| panic!("a view was not kept: {error}")));
    let cqrs = postgres_aggregate_cqrs(pool.clone(), vec![Box::new(query)], ());
    let events = touchpoints.len();
    let batches = commands(touchpoints)?;
    let began = Instant::now();
    for batch in batches {
        let executed = batch.into_iter().map(|(customer, command)| {
            let cqrs = &cqrs;
            async move { cqrs.execute(&customer, command).await }
        });
        stream::iter(executed).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    }
    let appending = began.elapsed();
    let began = Instant::now();
    for customer in reads {
        views.load(customer).await?.ok_or_else(|| format!("no view of {customer}"))?;
    }
    let reading = began.elapsed();
    let sums =
        "SELECT sum((payload->>'orders')::bigint)::bigint, sum((payload->>'cents')::bigint)::bigint FROM customer_view";
    let sums = sqlx::query_as(sums).fetch_one(&pool).await?;
    Ok(Done::new(events, appending, reads.len(), reading, sums))
}

/// Of each batch, what it says of each customer.
fn commands(touchpoints: Vec<Touchpoint>) -> Result<Vec<BTreeMap<String, Vec<Recorded>>>, Failure> {
    let mut batches = Vec::new();
    for batch in touchpoints.chunks(BATCH) {
        let mut commands: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
        for Touchpoint { customer, time, cents, event, .. } in batch {
            let recorded = Recorded { time: time.clone(), cents: *cents, event: serde_json::from_str(event.get())? };
            commands.entry(customer.clone()).or_default().push(recorded);
        }
        batches.push(commands);
    }
    Ok(batches)
}
