//! `rapport merge`: two customers are one, by hand.

use clap::Args;

use super::columns::{self, Columns};
use super::identity::decided;
use super::reason::Reason;
use super::target::{Target, customer_ref};
use super::{CliError, json};
use crate::wire::v1::{CustomerRef, DecisionResponse, MergeRequest};

/// Decide that two customers are one; it can be undone, exactly
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport merge user_id:42 email:ann@example.com --reason \"she wrote from both\"\n  \
    rapport merge user_id:42 anonymous_id:kiosk-7 --reason \"her tablet\"\n  \
    rapport split --undo 6f1c… --reason \"it was her sister\"\n\n\
    The decision is appended to the log. A merge against a rule, such as one user_id for each customer, is refused with \
    the rule, unless it is forced.")]
pub struct MergeArgs {
    /// A customer id (cus_…), current or former, or any identifier as namespace:value
    #[arg(value_name = "ONE", value_parser = customer_ref)]
    one: CustomerRef,
    /// The other customer; may be a device that nobody claimed
    #[arg(value_name = "OTHER", value_parser = customer_ref)]
    other: CustomerRef,
    #[command(flatten)]
    reason: Reason,
    /// Also against a rule
    #[arg(long)]
    force: bool,
    /// Act only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: MergeArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = MergeRequest {
        tenant: args.target.tenant,
        left: Some(args.one),
        right: Some(args.other),
        forced: args.force,
        by: args.reason.by(),
        reason: args.reason.reason,
        min_position: args.min_position,
    };
    let answer = connection.admin().merge(request).await.map_err(|status| connection.failed(status))?;
    print(&answer.into_inner(), args.json)
}

/// The decision, and what came of it.
pub fn print(answer: &DecisionResponse, as_json: bool) -> Result<(), CliError> {
    if as_json {
        return json::print(&json::proto_json("DecisionResponse", answer)?);
    }
    let mut customers = Columns::default();
    for customer in &answer.customers {
        let touchpoints = format!("{} touchpoints", customer.touchpoints);
        customers.row([&customer.id, &touchpoints, &customer.identifiers.join(" ")]);
    }
    let decision = decided(answer.decision.as_slice()).to_text();
    columns::print(&format!("{decision}{}", customers.under("Customers now")))
}
