//! `rapport identity void`: identifiers that are nobody's.

use std::collections::{BTreeMap, HashMap};

use clap::Args;

use super::named;
use crate::cli::columns::{self, Columns};
use crate::cli::pages::{Page, gather};
use crate::cli::target::Target;
use crate::cli::{CliError, json};
use crate::wire::v1::{ListVoidIdentifiersRequest, ListVoidIdentifiersResponse};

/// List identifiers that are nobody's because too many share them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport identity void\n  \
    rapport identity void --limit 500 --json")]
pub struct VoidArgs {
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

pub async fn run(args: VoidArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let counted = std::cell::RefCell::new(HashMap::new());
    let page = gather(args.limit, async |page_size, page_token| {
        let (tenant, min_position) = (args.target.tenant.clone(), args.min_position);
        let request = ListVoidIdentifiersRequest { tenant, page_size, page_token, min_position };
        let answer = connection.identity().list_void_identifiers(request).await;
        let answer = answer.map_err(|status| connection.failed(status))?.into_inner();
        let ListVoidIdentifiersResponse { identifiers: entries, next_page_token: next, by_namespace, freshness } =
            answer;
        counted.replace(by_namespace);
        Ok(Page { entries, next, freshness })
    })
    .await?;
    let by_namespace = counted.into_inner();
    if args.json {
        let Page { entries: identifiers, next: next_page_token, freshness } = page;
        let answer = ListVoidIdentifiersResponse { identifiers, next_page_token, by_namespace, freshness };
        return json::print(&json::proto_json("ListVoidIdentifiersResponse", &answer)?);
    }
    if page.entries.is_empty() {
        return columns::print("No identifier is void.\n");
    }
    let mut lines = Columns::default();
    for void in &page.entries {
        let met = format!("met {} different {}, {} at most", void.met, void.met_namespace, void.most);
        lines.row([&void.identifier, &met, &format!("since {}", named(void.since.as_ref()))]);
    }
    let mut counts = Columns::default();
    for (namespace, count) in by_namespace.into_iter().collect::<BTreeMap<_, _>>() {
        counts.row([&count.to_string(), &namespace]);
    }
    columns::print(&format!("{}{}{}", lines.to_text(), counts.under("Of each namespace"), page.more()))
}
