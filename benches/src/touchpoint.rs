//! `touchpoint`: what it costs to read one, on each of the ways by which the program does.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use clap::Args;
use prost::Message;
use rapport::event_proto::{from_proto, to_proto};
use rapport::wire::cloudevents::CloudEvent;
use rapport_readmodel::Incoming;
use rapport_touchpoint::{Place, Timestamp, Touchpoint, receive, reread};
use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::folded::definitions;
use crate::report::Machine;
use crate::workload::Workload;

/// Read touchpoints as the gateway, the projector and a refold do
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    cargo run --release -p rapport-benches -- touchpoint\n  \
    cargo run --release -p rapport-benches -- touchpoint --rounds 30 --json\n\n\
    In process and on one thread. The fastest round counts: on a machine with other work the others measure that too.")]
pub struct TouchpointArgs {
    /// Touchpoints that are read in each round
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    touchpoints: u64,
    /// Rounds on each way
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// The same seed makes the same touchpoints
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &TouchpointArgs) -> Result<()> {
    let (definitions, now) = (definitions(), Timestamp::MAX);
    let encode = |event: Value| to_proto(event).map(|proto| proto.encode_to_vec()).map_err(|broken| broken.to_string());
    let sent: Vec<Vec<u8>> =
        Workload::new(args.seed, args.touchpoints).map(encode).collect::<std::result::Result<_, _>>()?;
    let check = |event: &[u8]| -> Result<Touchpoint> {
        let event = CloudEvent::decode(event)?;
        let event = from_proto(&event).map_err(|broken| broken.to_string())?;
        receive(event, now, &definitions.catalogue).map_err(|broken| format!("{broken:?}").into())
    };
    let logged = sent.iter().map(|event| Ok(check(event)?.into_json())).collect::<Result<Vec<_>>>()?;
    let report = Report {
        touchpoints: args.touchpoints,
        rounds: args.rounds,
        bytes: logged.iter().map(Vec::len).sum::<usize>() / logged.len(),
        check_us: fastest_us(args.rounds, &sent, |event| drop(black_box(check(event)))),
        decode_us: fastest_us(args.rounds, &logged, |json| {
            drop(black_box(Incoming::decode(1, now, Place::Touchpoints, json, &definitions)));
        }),
        reread_us: fastest_us(args.rounds, &logged, |json| {
            drop(black_box(reread(json.to_vec(), &definitions.catalogue)));
        }),
        machine: Machine::look(&std::env::current_exe()?),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

/// The microseconds for each of them in the fastest round.
fn fastest_us(rounds: u64, events: &[Vec<u8>], read: impl Fn(&[u8])) -> f64 {
    let round = |_| {
        let began = Instant::now();
        events.iter().for_each(|event| read(event));
        began.elapsed().as_secs_f64() * 1e6 / events.len() as f64
    };
    (0..rounds).map(round).fold(f64::INFINITY, f64::min)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    touchpoints: u64,
    rounds: u64,
    /// Of one on the log, on average.
    bytes: usize,
    check_us: f64,
    decode_us: f64,
    reread_us: f64,
    machine: Machine,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { touchpoints, rounds, bytes, check_us, decode_us, reread_us, .. } = self;
        writeln!(f, "{touchpoints} touchpoints of {bytes} bytes on the log, the fastest of {rounds} rounds")?;
        writeln!(f, "  from protobuf to the log's JSON  {check_us:6.2} us each")?;
        writeln!(f, "  from the log to an event         {decode_us:6.2} us each")?;
        writeln!(f, "  again, for a refold              {reread_us:6.2} us each")?;
        write!(f, "{}", self.machine)
    }
}
