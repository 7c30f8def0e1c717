//! `rapport find`: which customers are like this?

use std::collections::BTreeMap;

use clap::Args;

use super::columns::{self, Columns};
use super::filter::FilterArgs;
use super::pages::{Page, gather};
use super::past::PastArgs;
use super::target::Target;
use super::{CliError, json, moment};
use crate::client::Connection;
use crate::wire::v1::{Customer, FindRequest, FindResponse};

/// Channels that are named in a line.
const CHANNELS_NAMED: usize = 2;

/// Find customers by stage, channel, last contact and traits
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport find --stage at_risk\n  \
    rapport find --channel store --seen-until 2026-01-01 --limit 500\n  \
    rapport find --trait city=Oslo --trait plan=gold --json\n\n\
    All of it has to hold. Customers come in no particular order.")]
pub struct FindArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// At most N of them
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
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

pub async fn run(args: FindArgs) -> Result<(), CliError> {
    let filter = Some(args.filter.check()?);
    let connection = args.target.connect().await?;
    let (tenant, min_position) = (args.target.tenant, args.min_position);
    args.past.prepare(&connection, &tenant, min_position).await?;
    let (as_of, known_at) = (args.past.as_of(), args.past.known_at());
    let request = FindRequest { tenant, filter, min_position, as_of, known_at, ..FindRequest::default() };
    let page = find(&connection, &request, args.limit).await?;
    if args.json {
        let Page { entries: customers, next: next_page_token, freshness } = page;
        let answer = FindResponse { customers, next_page_token, freshness };
        return json::print(&json::proto_json("FindResponse", &answer)?);
    }
    let title = args.past.title(page.freshness.as_ref());
    columns::print(&format!("{title}{}{}", text(&page.entries, args.filter.journey()), page.more()))
}

/// So many that this request means.
pub async fn find(connection: &Connection, request: &FindRequest, limit: u32) -> Result<Page<Customer>, CliError> {
    gather(limit, async |page_size, page_token| {
        let request = FindRequest { page_size, page_token, ..request.clone() };
        let answer = connection.customers().find(request).await.map_err(|status| connection.failed(status))?;
        let FindResponse { customers: entries, next_page_token: next, freshness } = answer.into_inner();
        Ok(Page { entries, next, freshness })
    })
    .await
}

/// For people.
pub fn print_found(customers: &[Customer]) -> Result<(), CliError> {
    columns::print(&text(customers, ""))
}

/// The stage is that of the named journey, or of the first.
fn text(customers: &[Customer], journey: &str) -> String {
    if customers.is_empty() {
        return "Nobody is so.\n".to_owned();
    }
    let mut lines = Columns::default();
    lines.row(["customer", "name", "stage", "last seen", "channels", "touchpoints", "orders"]);
    for customer in customers {
        let orders: u64 = customer.orders.iter().map(|orders| orders.orders).sum();
        lines.row([
            &customer.id,
            &customer.display_name,
            stage(customer, journey),
            &moment::show_day(customer.last_seen.as_ref()),
            &channels(&customer.channels),
            &customer.touchpoints.to_string(),
            &orders.to_string(),
        ]);
    }
    lines.to_text()
}

/// Where a customer is on this journey, or on the first.
pub fn stage<'a>(customer: &'a Customer, journey: &str) -> &'a str {
    let mut journeys = customer.journeys.iter();
    let found = journeys.find(|progress| journey.is_empty() || progress.journey == journey);
    found.map(|progress| progress.stage.as_str()).unwrap_or_default()
}

/// The busiest, and how many more there are.
fn channels(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    let mut text = sorted.iter().take(CHANNELS_NAMED).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ");
    if sorted.len() > CHANNELS_NAMED {
        text.push_str(&format!(" +{}", sorted.len() - CHANNELS_NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::{JourneyProgress, Orders};

    #[test]
    fn each_customer_is_a_line() {
        let progress = |journey: &str, stage: &str| JourneyProgress {
            journey: journey.to_owned(),
            stage: stage.to_owned(),
            ..JourneyProgress::default()
        };
        let orders = |orders| Orders { orders, ..Orders::default() };
        let customer = Customer {
            id: "cus_1".to_owned(),
            display_name: "Ann\u{7}".to_owned(),
            last_seen: Some(prost_types::Timestamp { seconds: 1_767_312_000, nanos: 0 }),
            touchpoints: 12,
            channels: [("app", 2), ("web", 5), ("store", 2), ("chat", 1)].map(|(name, n)| (name.to_owned(), n)).into(),
            orders: vec![orders(2), orders(1)],
            journeys: vec![progress("sales", "loyal"), progress("service", "content")],
            ..Customer::default()
        };
        let right = "  customer  name      stage    last seen   channels    touchpoints  orders\n  \
            cus_1     Ann\\u{7}  content  2026-01-02  web app +2           12       3\n";
        assert_eq!(text(std::slice::from_ref(&customer), "service"), right);
        assert_eq!(stage(&customer, ""), "loyal");
        assert_eq!(text(&[], ""), "Nobody is so.\n");
    }
}
