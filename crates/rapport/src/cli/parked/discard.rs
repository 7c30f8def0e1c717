//! `rapport parked discard`: a parked event never counts.

use std::env;

use clap::Args;

use crate::cli::target::Target;
use crate::cli::{CliError, columns, json};
use crate::wire::v1::DiscardParkedRequest;

/// Decide that a parked event never counts, whatever code and definitions read it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport parked discard 8841 --reason \"a test till\"\n  \
    rapport parked discard 8841 --reason \"sent twice by mistake\" --by ann --json\n\n\
    The decision goes onto the log, and cannot be taken back. The record stays on the log, and on the list of \
    `rapport parked list --discarded`.")]
pub struct DiscardArgs {
    /// Where it stands on the log
    position: u64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides it; who is logged in, if this is left out
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Act only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: DiscardArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let by = args.by.unwrap_or_else(logged_in);
    let DiscardArgs { position, reason, min_position, .. } = args;
    let request = DiscardParkedRequest { tenant: args.target.tenant, position, reason, by, min_position };
    let answer = connection.admin().discard_parked(request).await.map_err(|status| connection.failed(status))?;
    let answer = answer.into_inner();
    if args.json {
        return json::print(&json::proto_json("DiscardParkedResponse", &answer)?);
    }
    columns::print(&super::facts(&answer.event.unwrap_or_default()))
}

fn logged_in() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "rapport".to_owned())
}
