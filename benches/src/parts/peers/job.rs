//! The job: the touchpoints and the reads as files, and what a program that did it says.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;
use crate::frame::Setting;
use crate::random::Random;
use crate::workload::Workload;

pub struct Job {
    pub events: u64,
    touchpoints: PathBuf,
    /// Customers, as often as they came.
    pub reads: Vec<String>,
    reads_file: PathBuf,
    orders: u64,
    cents: u64,
}

/// The line that every program prints at its end.
#[derive(Debug, Deserialize)]
pub struct Done {
    events: u64,
    append_s: f64,
    pub reads: u64,
    read_s: f64,
    orders: u64,
    cents: u64,
}

impl Done {
    pub fn append_per_s(&self) -> f64 {
        self.events as f64 / self.append_s
    }

    pub fn read_per_s(&self) -> f64 {
        self.reads as f64 / self.read_s
    }
}

impl Job {
    pub fn write(setting: &Setting, events: u64, reads: usize) -> Result<Self> {
        let touchpoints = setting.folder().join(format!("touchpoints-{events}.ndjson"));
        let reads_file = setting.folder().join(format!("reads-{events}"));
        let mut file = BufWriter::new(File::create(&touchpoints)?);
        let (mut customers, mut orders, mut cents) = (Vec::new(), 0, 0);
        for event in Workload::new(setting.seed, events) {
            let customer = text(&event["data"]["identifiers"]["user_id"]);
            let of_order = of_order(&event)?;
            orders += u64::from(of_order.is_some());
            cents += of_order.unwrap_or_default();
            let line = json!({
                "source": event["source"], "id": event["id"], "customer": customer, "time": event["time"],
                "cents": of_order, "event": event,
            });
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
            customers.push(customer);
        }
        file.flush()?;
        let mut random = Random::new(setting.seed);
        let reads: Vec<String> =
            (0..reads).map(|_| customers[random.below(customers.len() as u64) as usize].clone()).collect();
        fs::write(&reads_file, reads.join("\n") + "\n")?;
        Ok(Self { events, touchpoints, reads, reads_file, orders, cents })
    }

    /// A program that takes the files as its last arguments.
    pub fn run(&self, command: &mut Command) -> Result<Done> {
        let output = command.arg(&self.touchpoints).arg(&self.reads_file).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().into());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let done: Done = serde_json::from_str(said.trim()).map_err(|error| format!("it says {said:?}: {error}"))?;
        self.check_orders(done.orders)?;
        if (done.events, done.cents) != (self.events, self.cents) {
            return Err(format!("it did {done:?} of {} events and {} cents", self.events, self.cents).into());
        }
        Ok(done)
    }

    /// Who lost an order did not do the job.
    pub fn check_orders(&self, orders: u64) -> Result<()> {
        if orders == self.orders {
            return Ok(());
        }
        Err(format!("{orders} orders of {} were kept", self.orders).into())
    }
}

fn of_order(event: &Value) -> Result<Option<u64>> {
    if event["type"] != "order.placed" {
        return Ok(None);
    }
    Ok(Some(text(&event["data"]["amount"]).replace('.', "").parse()?))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
