//! `rapport totals`: what all customers add up to.

use clap::Args;

use super::columns::{self, Columns};
use super::past::PastArgs;
use super::target::Target;
use super::{CliError, json, moment};
use crate::wire::v1::{Orders, TotalsRequest, TotalsResponse};

/// Show what all customers add up to: people, touchpoints, orders and revenue
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport totals\n  \
    rapport totals --as-of 2026-01-01\n  \
    rapport totals --json")]
pub struct TotalsArgs {
    #[command(flatten)]
    past: PastArgs,
    #[command(flatten)]
    target: Target,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: TotalsArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let (tenant, min_position) = (args.target.tenant, args.min_position);
    args.past.prepare(&connection, &tenant, min_position).await?;
    let (as_of, known_at) = (args.past.as_of(), args.past.known_at());
    let request = TotalsRequest { tenant, min_position, as_of, known_at };
    let totals = connection.customers().totals(request).await.map_err(|status| connection.failed(status))?.into_inner();
    match args.json {
        true => json::print(&json::proto_json("TotalsResponse", &totals)?),
        false => columns::print(&format!("{}{}", args.past.title(totals.freshness.as_ref()), text(&totals))),
    }
}

/// For people: the orders only.
pub fn print_currencies(totals: &TotalsResponse) -> Result<(), CliError> {
    columns::print(&orders(&totals.by_currency))
}

fn text(totals: &TotalsResponse) -> String {
    let mut facts = Columns::default();
    for (name, count) in [
        ("customers", totals.customers),
        ("identified", totals.identified),
        ("buyers", totals.buyers),
        ("touchpoints", totals.touchpoints),
        ("anonymous", totals.anonymous),
        ("orders", totals.orders),
    ] {
        facts.row([name, &count.to_string()]);
    }
    let mut text = facts.to_text();
    text.push_str(&orders(&totals.by_currency));
    text.push_str(&counts(&totals.by_type).under("Touchpoints by type"));
    text.push_str(&counts(&totals.by_channel).under("Touchpoints by channel"));
    text
}

/// One line for each currency.
pub fn orders(by_currency: &[Orders]) -> String {
    let mut rows = Columns::default();
    if !by_currency.is_empty() {
        rows.row(["", "orders", "units", "revenue", "refunds", "refunded", "last order"]);
    }
    for orders in by_currency {
        rows.row([
            &orders.currency,
            &orders.orders.to_string(),
            &orders.units.to_string(),
            &orders.revenue,
            &orders.refunds.to_string(),
            &orders.refunded,
            &moment::show(orders.last_order.as_ref()),
        ]);
    }
    rows.under("Orders")
}

/// The most first.
pub fn counts(by_name: &std::collections::BTreeMap<String, u64>) -> Columns {
    let mut sorted: Vec<_> = by_name.iter().collect();
    sorted.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    let mut rows = Columns::default();
    for (name, count) in sorted {
        rows.row([name, &count.to_string()]);
    }
    rows
}
