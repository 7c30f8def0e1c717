//! The job of the part `peers` on PostgreSQL, on one machine with one client: `plain` by hand, `cqrs` with cqrs-es.
//! Arguments: which of them, the connection, the touchpoints (NDJSON), the customers to read (one a line).

mod cqrs;
mod plain;

use std::error::Error;
use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

type Failure = Box<dyn Error>;

/// What is appended: the touchpoint as it is, and what of it the job needs.
#[derive(Debug, Clone, Deserialize)]
pub struct Touchpoint {
    pub source: String,
    pub id: String,
    pub customer: String,
    pub time: String,
    /// Of an order.
    pub cents: Option<i64>,
    pub event: Box<RawValue>,
}

/// The line that is printed at the end.
#[derive(Debug, Serialize)]
pub struct Done {
    pub events: usize,
    pub append_s: f64,
    pub reads: usize,
    pub read_s: f64,
    pub orders: i64,
    pub cents: i64,
}

impl Done {
    pub fn new(events: usize, appending: Duration, reads: usize, reading: Duration, sums: (i64, i64)) -> Self {
        let (append_s, read_s, (orders, cents)) = (appending.as_secs_f64(), reading.as_secs_f64(), sums);
        Self { events, append_s, reads, read_s, orders, cents }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [which, url, touchpoints, reads] = &arguments[..] else {
        return Err("usage: rapport-peers-postgres plain|cqrs URL TOUCHPOINTS READS".into());
    };
    let text = fs::read_to_string(touchpoints)?;
    let touchpoints: Vec<Touchpoint> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let reads: Vec<String> = fs::read_to_string(reads)?.lines().map(str::to_owned).collect();
    let pool = postgres_es::default_postgress_pool(url).await;
    let durable: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&pool).await?;
    assert_eq!(durable, "on", "what is acknowledged must be on the disk");
    let done = match which.as_str() {
        "plain" => plain::run(&pool, &touchpoints, &reads).await?,
        "cqrs" => cqrs::run(pool.clone(), touchpoints, &reads).await?,
        other => return Err(format!("{other}: neither plain nor cqrs").into()),
    };
    println!("{}", serde_json::to_string(&done)?);
    Ok(())
}
