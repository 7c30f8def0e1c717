//! `rapport customer`: who is this, and what do we know of them?

mod history;
mod profile;

use clap::Args;
use serde_json::Value;

use super::columns::{self, Columns};
use super::past::PastArgs;
use super::target::{Target, customer_ref};
use super::{CliError, json, moment};
use crate::client::Connection;
use crate::wire::v1::{
    CustomerRef, GetCustomerRequest, GetCustomerResponse, ListTimelineRequest, ListTimelineResponse, TimelineEntry,
    TraitHistoryRequest, TraitHistoryResponse,
};

const MAX_PAGE: u32 = 500;

/// Show one customer: who it is, what it did, what it bought, and its newest touchpoints
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport customer user_id:42\n  \
    rapport customer email:ann@example.com --timeline 50\n  \
    rapport customer user_id:42 --as-of 2026-03-01\n  \
    rapport customer user_id:42 --history email\n  \
    rapport customer cus_0123456789abcdef0123456789abcdef --json")]
pub struct CustomerArgs {
    /// A customer id (cus_…), current or former, or any identifier as namespace:value
    #[arg(value_name = "NAME", value_parser = customer_ref)]
    name: CustomerRef,
    /// Show the newest N touchpoints as well
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    timeline: Option<u32>,
    /// Show the values that this trait had as well, the newest first, with the event behind each
    #[arg(long, value_name = "TRAIT")]
    history: Option<String>,
    /// Touchpoints to fetch at a time
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
    page_size: u32,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    past: PastArgs,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: CustomerArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = GetCustomerRequest {
        tenant: args.target.tenant.clone(),
        customer: Some(args.name.clone()),
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
    };
    let get = async || {
        let answer = connection.customers().get(request.clone()).await;
        Ok(answer.map_err(|status| connection.failed(status))?.into_inner())
    };
    let asked = (args.target.tenant.as_str(), args.min_position);
    let answer: GetCustomerResponse = args.past.of_one(&connection, asked, get).await?;
    let timeline = match args.timeline {
        Some(newest) => Some(timeline(&connection, &args, newest).await?),
        None => None,
    };
    let history = match &args.history {
        Some(of_trait) => Some(history(&connection, &args, of_trait).await?),
        None => None,
    };
    if args.json {
        let mut value = json::proto_json("GetCustomerResponse", &answer)?;
        if let (Value::Object(answer), Some(entries)) = (&mut value, timeline) {
            let list =
                json::proto_json("ListTimelineResponse", &ListTimelineResponse { entries, ..Default::default() })?;
            answer.insert("timeline".to_owned(), list["entries"].clone());
        }
        if let (Value::Object(answer), Some(history)) = (&mut value, history) {
            let list = json::proto_json("TraitHistoryResponse", &history)?;
            answer.insert("history".to_owned(), list["changes"].clone());
        }
        return json::print(&value);
    }
    let title = args.past.title(answer.freshness.as_ref());
    print_customer(&title, &answer)?;
    if let (Some(of_trait), Some(history)) = (&args.history, &history) {
        columns::print(&history::text(&columns::plain(of_trait), history))?;
    }
    match timeline {
        Some(entries) => print_timeline(&entries),
        None => Ok(()),
    }
}

/// The newest touchpoints, page by page.
async fn timeline(connection: &Connection, args: &CustomerArgs, newest: u32) -> Result<Vec<TimelineEntry>, CliError> {
    let newest = usize::try_from(newest).unwrap_or(usize::MAX);
    let mut entries: Vec<TimelineEntry> = Vec::new();
    let mut page_token = String::new();
    let mut client = connection.customers();
    while entries.len() < newest {
        let missing = u32::try_from(newest - entries.len()).unwrap_or(u32::MAX);
        let request = ListTimelineRequest {
            tenant: args.target.tenant.clone(),
            customer: Some(args.name.clone()),
            page_size: args.page_size.min(missing),
            page_token,
            min_position: args.min_position,
            as_of: args.past.as_of(),
            known_at: args.past.known_at(),
        };
        let page = client.list_timeline(request).await.map_err(|status| connection.failed(status))?.into_inner();
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    entries.truncate(newest);
    Ok(entries)
}

async fn history(
    connection: &Connection,
    args: &CustomerArgs,
    of_trait: &str,
) -> Result<TraitHistoryResponse, CliError> {
    let request = TraitHistoryRequest {
        tenant: args.target.tenant.clone(),
        customer: Some(args.name.clone()),
        r#trait: of_trait.to_owned(),
        page_size: MAX_PAGE,
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
    };
    let answer = connection.customers().trait_history(request).await;
    Ok(answer.map_err(|status| connection.failed(status))?.into_inner())
}

/// For people.
fn print_customer(title: &str, answer: &GetCustomerResponse) -> Result<(), CliError> {
    let now = answer.freshness.as_ref().and_then(|freshness| freshness.clock.as_ref());
    let whole = |customer| format!("{title}{}", profile::whole(customer, now));
    answer.customer.as_ref().map_or(Ok(()), |customer| columns::print(&whole(customer)))
}

/// For people in a hurry.
pub fn print_customer_briefly(answer: &GetCustomerResponse) -> Result<(), CliError> {
    let now = answer.freshness.as_ref().and_then(|freshness| freshness.clock.as_ref());
    answer.customer.as_ref().map_or(Ok(()), |customer| columns::print(&profile::brief(customer, now)))
}

/// For people: the newest first.
pub fn print_timeline(entries: &[TimelineEntry]) -> Result<(), CliError> {
    let mut rows = Columns::default();
    for entry in entries {
        let time = moment::show(entry.time.as_ref());
        rows.row([&time, &entry.channel, &entry.r#type, &format!("{} {}", entry.source, entry.id)]);
    }
    columns::print(&rows.under("Timeline, the newest first"))
}
