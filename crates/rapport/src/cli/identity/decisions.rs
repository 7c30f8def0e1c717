//! `rapport identity decisions`: merges and splits by hand.

use clap::Args;

use super::decided;
use crate::cli::columns;
use crate::cli::pages::{Page, gather};
use crate::cli::target::{Target, customer_ref};
use crate::cli::{CliError, json};
use crate::wire::v1::{CustomerRef, ListDecisionsRequest, ListDecisionsResponse};

/// List merges and splits by hand, the newest first: who, why, and whether they hold
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport identity decisions\n  \
    rapport identity decisions --customer user_id:42 --json")]
pub struct DecisionsArgs {
    /// Only those that name an identifier of this customer
    #[arg(long, value_name = "NAME", value_parser = customer_ref)]
    customer: Option<CustomerRef>,
    /// The newest N
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: DecisionsArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let page = gather(args.limit, async |page_size, page_token| {
        let request = ListDecisionsRequest {
            tenant: args.target.tenant.clone(),
            customer: args.customer.clone(),
            page_size,
            page_token,
            min_position: args.min_position,
        };
        let answer = connection.identity().list_decisions(request).await;
        let answer = answer.map_err(|status| connection.failed(status))?.into_inner();
        let ListDecisionsResponse { decisions: entries, next_page_token: next, freshness } = answer;
        Ok(Page { entries, next, freshness })
    })
    .await?;
    if args.json {
        let Page { entries: decisions, next: next_page_token, freshness } = page;
        let answer = ListDecisionsResponse { decisions, next_page_token, freshness };
        return json::print(&json::proto_json("ListDecisionsResponse", &answer)?);
    }
    if page.entries.is_empty() {
        return columns::print("Nothing was decided by hand.\n");
    }
    columns::print(&format!("{}{}", decided(&page.entries).to_text(), page.more()))
}
