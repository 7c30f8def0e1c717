//! `rapport parked list`: what does not count, and why.

use clap::Args;

use crate::cli::columns::{self, Columns};
use crate::cli::pages::{Page, gather};
use crate::cli::target::Target;
use crate::cli::{CliError, json, moment};
use crate::wire::v1::{ListParkedRequest, ListParkedResponse, ParkedEvent};

/// List what is parked, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport parked list --limit 200\n  \
    rapport parked list --discarded --json")]
pub struct ListArgs {
    /// Those that were discarded, with who did it and why
    #[arg(long)]
    discarded: bool,
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

pub async fn run(args: ListArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let (discarded, min_position) = (args.discarded, args.min_position);
    let page = gather(args.limit, async |page_size, page_token| {
        let tenant = args.target.tenant.clone();
        let request = ListParkedRequest { tenant, discarded, page_size, page_token, min_position };
        let answer = connection.admin().list_parked(request).await.map_err(|status| connection.failed(status))?;
        let ListParkedResponse { events: entries, next_page_token: next, freshness } = answer.into_inner();
        Ok(Page { entries, next, freshness })
    })
    .await?;
    if args.json {
        let Page { entries: events, next: next_page_token, freshness } = page;
        let answer = ListParkedResponse { events, next_page_token, freshness };
        return json::print(&json::proto_json("ListParkedResponse", &answer)?);
    }
    let text = match (page.entries.is_empty(), discarded) {
        (true, true) => "Nothing was discarded.\n".to_owned(),
        (true, false) => "Nothing is parked.\n".to_owned(),
        (false, true) => decided(&page.entries).to_text(),
        (false, false) => super::lines(&page.entries).to_text(),
    };
    columns::print(&format!("{text}{}", page.more()))
}

/// A line for each, with who discarded it and why.
fn decided(events: &[ParkedEvent]) -> Columns {
    let mut lines = Columns::default();
    for event in events {
        let discard = event.discarded.clone().unwrap_or_default();
        let name = format!("{} {}", event.source, event.id);
        let time = moment::show(discard.time.as_ref());
        lines.row([&event.position.to_string(), &time, &event.r#type, &name, &discard.by, &discard.reason]);
    }
    lines
}
