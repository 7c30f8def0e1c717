//! `rapport status`: how is the service?

use std::time::Duration;

use clap::Args;

use super::columns::{self, Columns, plain};
use super::target::Target;
use super::{CliError, json, moment, parked, rebuild};
use crate::wire::v1::{StatusRequest, StatusResponse};

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Show how far the log and the read model are, and whether something is wrong
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport status\n  \
    rapport status --wait\n  \
    rapport status --tenant acme --json\n\n\
    Two read models with the same digest hold the same answers. At equal position and clock, those of one log have the \
    same.")]
pub struct StatusArgs {
    #[command(flatten)]
    target: Target,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    /// Answer only once nothing changes any more by itself: all that is on the log is folded, all due silence has fallen
    #[arg(long)]
    wait: bool,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: StatusArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = StatusRequest { tenant: args.target.tenant, min_position: args.min_position };
    let mut admin = connection.admin();
    let status = loop {
        let status = admin.status(request.clone()).await.map_err(|status| connection.failed(status))?.into_inner();
        if status.settled || !args.wait || !status.fault.is_empty() {
            break status;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    if args.json { json::print(&json::proto_json("StatusResponse", &status)?) } else { columns::print(&text(&status)) }
}

fn text(status: &StatusResponse) -> String {
    let mut facts = Columns::default();
    facts.row(["version", &status.version]);
    facts.row(["log", &format!("{} (epoch {})", status.log, status.epoch)]);
    facts.row(["head", &format!("position {}", status.head)]);
    facts.row(["read model", &format!("position {}, {} behind", status.position, status.lag)]);
    let silence = if status.settled { "" } else { "; more is due, or more is on the log" };
    facts.row(["silence", &format!("until {}{silence}", moment::show(status.clock.as_ref()))]);
    facts.row(["generation", &format!("no. {}", status.generation)]);
    if let Some(building) = &status.building {
        let phase = rebuild::phase(building);
        let left = building.seconds_left.map(|left| format!(", about {left:.0} s left")).unwrap_or_default();
        facts.row([
            "building",
            &format!("no. {}: {phase}, {} of {}{left}", building.generation, building.position, building.head),
        ]);
    }
    if status.previous_generation != 0 {
        facts.row(["kept", &format!("no. {}, for `rapport rebuild --back`", status.previous_generation)]);
    }
    facts.row(["touchpoints", &format!("{} distinct, {} sent twice", status.touchpoints, status.duplicates)]);
    facts.row(["parked", &format!("{} events, {} discarded beside them", status.parked, status.discarded)]);
    facts.row(["digest", &format!("{} ", status.digest)]);
    facts.row(["fingerprint", &format!("{} ", status.fingerprint)]);
    if status.wanted_fingerprint != status.fingerprint {
        facts.row(["in force", &format!("{}; what serves was folded under others", status.wanted_fingerprint)]);
    }
    let mut text = format!("tenant {}\n{}", plain(&status.tenant), facts.to_text());

    let mut digests: Vec<_> = status.digests.iter().collect();
    digests.sort();
    let mut models = Columns::default();
    for (model, digest) in digests {
        models.row([model, digest]);
    }
    text.push_str(&models.under("Digests by model"));
    text.push_str(&parked::lines(&status.newest_parked).under("Newest parked events"));
    if status.began_anew {
        text.push_str(
            "\nThe read model began empty: what there was is of another version of Rapport, or of definitions that are not \
             known. Answers lag until it has caught up.\n",
        );
    }
    if !status.not_built.is_empty() {
        text.push_str(&format!("\nThe last generation that was built does not serve: {}\n", plain(&status.not_built)));
    }
    if !status.fault.is_empty() {
        text.push_str(&format!("\nThe projector stopped: {}\n", plain(&status.fault)));
    }
    text
}
