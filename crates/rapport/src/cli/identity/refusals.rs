//! `rapport identity refusals`: links that do not count.

use clap::Args;

use super::{allowed, refused};
use crate::cli::columns::{self, Columns};
use crate::cli::pages::{Page, gather};
use crate::cli::target::{Target, customer_ref};
use crate::cli::{CliError, json};
use crate::wire::v1::{CustomerRef, ListRefusalsRequest, ListRefusalsResponse};

/// List refused links: which rule, which event, which two customers
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport identity refusals\n  \
    rapport identity refusals --customer user_id:42 --json")]
pub struct RefusalsArgs {
    /// Only this customer's; found from either side
    #[arg(long, value_name = "NAME", value_parser = customer_ref)]
    customer: Option<CustomerRef>,
    /// At most N of them
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

pub async fn run(args: RefusalsArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let mut by_rule = Vec::new();
    let page = {
        let counted = std::cell::RefCell::new(&mut by_rule);
        gather(args.limit, async |page_size, page_token| {
            let request = ListRefusalsRequest {
                tenant: args.target.tenant.clone(),
                customer: args.customer.clone(),
                page_size,
                page_token,
                min_position: args.min_position,
            };
            let answer = connection.identity().list_refusals(request).await;
            let answer = answer.map_err(|status| connection.failed(status))?.into_inner();
            let ListRefusalsResponse { refusals: entries, next_page_token: next, by_rule, freshness } = answer;
            **counted.borrow_mut() = by_rule;
            Ok(Page { entries, next, freshness })
        })
        .await?
    };
    if args.json {
        let Page { entries: refusals, next: next_page_token, freshness } = page;
        let answer = ListRefusalsResponse { refusals, next_page_token, by_rule, freshness };
        return json::print(&json::proto_json("ListRefusalsResponse", &answer)?);
    }
    if page.entries.is_empty() {
        return columns::print("No link is refused.\n");
    }
    let mut counts = Columns::default();
    for counted in &by_rule {
        let rule = counted.rule.as_ref().map(allowed).unwrap_or_default();
        counts.row([&counted.refusals.to_string(), &rule]);
    }
    let lines = refused(&page.entries).to_text();
    columns::print(&format!("{lines}{}{}", counts.under("Refused by each rule"), page.more()))
}
