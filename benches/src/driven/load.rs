//! Calls to a server: as many at a time as asked, or so many a second whatever the answers take.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Result;
use crate::frame::statistics::percentile;

/// The calls that were answered, and how long each took.
#[derive(Debug)]
pub struct Load {
    pub elapsed: Duration,
    pub took_ms: Vec<f64>,
}

impl Load {
    pub fn per_s(&self) -> f64 {
        self.took_ms.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    pub fn ms(&self, percent: f64) -> f64 {
        percentile(&self.took_ms, percent)
    }
}

/// `call` gets a number of its own each time.
pub async fn closed<C, F>(at_once: usize, duration: Duration, call: C) -> Result<Load>
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let numbers = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..at_once {
        let (call, numbers) = (call.clone(), numbers.clone());
        callers.spawn(async move {
            let mut took_ms = Vec::new();
            while began.elapsed() < duration {
                let asked = Instant::now();
                call(numbers.fetch_add(1, Ordering::Relaxed)).await.map_err(|error| error.to_string())?;
                took_ms.push(asked.elapsed().as_secs_f64() * 1_000.0);
            }
            Ok::<_, String>(took_ms)
        });
    }
    let mut load = Load { elapsed: duration, took_ms: Vec::new() };
    while let Some(took_ms) = callers.join_next().await {
        load.took_ms.extend(took_ms??);
    }
    load.elapsed = began.elapsed();
    Ok(load)
}

/// Each call is due at its moment, and its time counts from then: a server that stalls makes all wait that come meanwhile.
pub async fn paced<C, F>(per_s: f64, duration: Duration, call: C) -> Result<Load>
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let began = Instant::now();
    let calls = (per_s * duration.as_secs_f64()).ceil() as u64;
    let mut under_way = JoinSet::new();
    for number in 0..calls {
        let due = began + Duration::from_secs_f64(number as f64 / per_s);
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let call = call.clone();
        under_way.spawn(async move {
            call(number).await.map_err(|error| error.to_string())?;
            Ok::<_, String>(due.elapsed().as_secs_f64() * 1_000.0)
        });
    }
    let mut took_ms = Vec::new();
    while let Some(took) = under_way.join_next().await {
        took_ms.push(took??);
    }
    Ok(Load { elapsed: began.elapsed(), took_ms })
}
