//! `rapport split`: one customer is two, or a decision by hand is undone.

use clap::Args;

use super::reason::Reason;
use super::target::{Target, customer_ref};
use super::{CliError, merge};
use crate::wire::v1::{CustomerRef, SplitRequest};

/// Decide that a customer is two, or undo a merge or split by hand
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport split user_id:42 --identifiers email:sister@example.com,phone:+4915112345678 --reason \"her sister's\"\n  \
    rapport split --undo 6f1c… --reason \"it was the same person after all\"\n\n\
    What is parted stays parted, whatever the evidence, until the split is undone. An undone decision is as if it had \
    never been: profile, timeline, journey, feedback, totals and ids are what they would be without it.")]
pub struct SplitArgs {
    /// A customer id (cus_…), current or former, or any identifier as namespace:value
    #[arg(value_name = "NAME", value_parser = customer_ref, required_unless_present = "undo", conflicts_with = "undo")]
    customer: Option<CustomerRef>,
    /// Of this customer; they become another one
    #[arg(long, value_name = "I,J", value_delimiter = ',', required_unless_present = "undo", conflicts_with = "undo")]
    identifiers: Vec<String>,
    /// The id of the merge or split that is to be as if it had never been
    #[arg(long, value_name = "DECISION")]
    undo: Option<String>,
    #[command(flatten)]
    reason: Reason,
    /// Act only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: SplitArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = SplitRequest {
        tenant: args.target.tenant,
        customer: args.customer,
        identifiers: args.identifiers,
        undo: args.undo.unwrap_or_default(),
        by: args.reason.by(),
        reason: args.reason.reason,
        min_position: args.min_position,
    };
    let answer = connection.admin().split(request).await.map_err(|status| connection.failed(status))?;
    merge::print(&answer.into_inner(), args.json)
}
