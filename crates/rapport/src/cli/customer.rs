//! `rapport customer`: who is this, and what do we know of them?

use clap::Args;
use serde_json::Value;

use super::columns::{self, Columns, plain};
use super::target::{Target, customer_ref};
use super::totals::{counts, orders};
use super::{CliError, journey, json, moment};
use crate::client::Connection;
use crate::wire::v1::{
    Customer, CustomerRef, FeedbackGiven, GetCustomerRequest, GetCustomerResponse, Identifier, ListTimelineRequest,
    ListTimelineResponse, TimelineEntry,
};

const MAX_PAGE: u32 = 500;

/// Show one customer: who it is, what it did, what it bought, and its newest touchpoints
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport customer user_id:42\n  \
    rapport customer email:ann@example.com --timeline 50\n  \
    rapport customer cus_0123456789abcdef0123456789abcdef --json")]
pub struct CustomerArgs {
    /// A customer id (cus_…), current or former, or any identifier as namespace:value
    #[arg(value_name = "NAME", value_parser = customer_ref)]
    name: CustomerRef,
    /// Show the newest N touchpoints as well
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    timeline: Option<u32>,
    /// Touchpoints to fetch at a time
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
    page_size: u32,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
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
    };
    let answer = connection.customers().get(request).await.map_err(|status| connection.failed(status))?.into_inner();
    let timeline = match args.timeline {
        Some(newest) => Some(timeline(&connection, &args, newest).await?),
        None => None,
    };
    if args.json {
        let mut value = json::proto_json("GetCustomerResponse", &answer)?;
        if let (Value::Object(answer), Some(entries)) = (&mut value, timeline) {
            let list =
                json::proto_json("ListTimelineResponse", &ListTimelineResponse { entries, ..Default::default() })?;
            answer.insert("timeline".to_owned(), list["entries"].clone());
        }
        return json::print(&value);
    }
    print_customer(&answer)?;
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

/// For people.
pub fn print_customer(answer: &GetCustomerResponse) -> Result<(), CliError> {
    let now = answer.freshness.as_ref().and_then(|freshness| freshness.clock.as_ref());
    answer.customer.as_ref().map_or(Ok(()), |customer| columns::print(&profile(customer, now)))
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

/// With a moment, it also says how long ago and in how long.
fn profile(customer: &Customer, now: Option<&prost_types::Timestamp>) -> String {
    let names = |identifiers: &[Identifier]| {
        let names = identifiers.iter().map(|identifier| format!("{}:{}", identifier.namespace, identifier.value));
        names.collect::<Vec<_>>().join("  ")
    };
    let mut text = customer.id.clone();
    if !customer.display_name.is_empty() {
        text.push_str(&format!("  {}", plain(&customer.display_name)));
    }
    text.push('\n');
    let mut facts = Columns::default();
    if !customer.identifiers.is_empty() {
        facts.row(["identifiers", &names(&customer.identifiers)]);
    }
    if !customer.devices.is_empty() {
        let hidden = customer.devices_in_all.saturating_sub(customer.devices.len() as u64);
        let more = if hidden > 0 { format!("  and {hidden} more") } else { String::new() };
        facts.row(["devices", &format!("{}{more}", names(&customer.devices))]);
    }
    facts.row(["first seen", &format!("{}  {}", moment::show(customer.first_seen.as_ref()), customer.first_channel)]);
    facts.row(["last seen", &format!("{}  {}", moment::show(customer.last_seen.as_ref()), customer.last_channel)]);
    facts.row(["touchpoints", &format!("{} in all", customer.touchpoints)]);
    text.push_str(&facts.to_text());

    text.push_str(&counts(&customer.channels).under("Touchpoints by channel"));
    text.push_str(&counts(&customer.types).under("Touchpoints by type"));
    text.push_str(&orders(&customer.orders));
    for journey in &customer.journeys {
        text.push_str(&journey::progress(journey, now).under(&format!("Journey {}", plain(&journey.journey))));
    }
    text.push_str(&feedback(&customer.feedback).under("Feedback"));
    let mut interests = Columns::default();
    for interest in &customer.interests {
        let last_seen = moment::show(interest.last_seen.as_ref());
        interests.row([&interest.category, &interest.weight.to_string(), &format!("last {last_seen}")]);
    }
    text.push_str(&interests.under("Interests"));
    let mut consents = Columns::default();
    for consent in &customer.consents {
        let granted = if consent.granted { "granted" } else { "refused" };
        consents.row([&consent.purpose, granted, &format!("since {}", moment::show(consent.since.as_ref()))]);
    }
    text.push_str(&consents.under("Consents"));
    let mut traits = Columns::default();
    for r#trait in &customer.traits {
        let since = format!("since {}", moment::show(r#trait.since.as_ref()));
        traits.row([&r#trait.name, &r#trait.value_json, &since]);
    }
    text.push_str(&traits.under("Traits"));
    let mut items = Columns::default();
    for item in &customer.recent_items {
        let how = if item.ordered { "ordered" } else { "viewed" };
        items.row([&moment::show(item.time.as_ref()), how, &item.sku, &item.name]);
    }
    text.push_str(&items.under("Recent items"));
    text
}

/// One line for each measure.
fn feedback(given: &[FeedbackGiven]) -> Columns {
    let mut rows = Columns::default();
    if !given.is_empty() {
        rows.row(["", "last score", "given", "answers", "asked", "answered"]);
    }
    for given in given {
        rows.row([
            &given.measure,
            &given.last_score.map_or_else(|| "-".to_owned(), |score| score.to_string()),
            &moment::show(given.last_time.as_ref()),
            &given.responses.to_string(),
            &given.asked.to_string(),
            &given.answered.to_string(),
        ]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::{JourneyProgress, Orders};

    #[test]
    fn a_profile_reads_from_top_to_bottom() {
        let identifier = Identifier { namespace: "user_id".to_owned(), value: "42".to_owned() };
        let moment = prost_types::Timestamp { seconds: 852_076_800, nanos: 0 };
        let bought = Orders {
            currency: "USD".to_owned(),
            orders: 2,
            units: 3,
            revenue: "41.06".to_owned(),
            refunded: "0".to_owned(),
            last_order: Some(moment),
            ..Orders::default()
        };
        let journey = JourneyProgress {
            journey: "standard".to_owned(),
            stage: "customer".to_owned(),
            since: Some(moment),
            transitions: 1,
            ..JourneyProgress::default()
        };
        let given = FeedbackGiven {
            measure: "nps".to_owned(),
            responses: 1,
            last_score: Some(9),
            last_time: Some(moment),
            asked: 2,
            answered: 1,
        };
        let customer = Customer {
            id: "cus_1".to_owned(),
            display_name: "Ann\n".to_owned(),
            identifiers: vec![identifier],
            touchpoints: 2,
            first_seen: Some(moment),
            last_seen: Some(moment),
            first_channel: "web".to_owned(),
            last_channel: "web".to_owned(),
            channels: [("web".to_owned(), 2)].into(),
            orders: vec![bought],
            journeys: vec![journey],
            feedback: vec![given],
            ..Customer::default()
        };
        let right = "\
cus_1  Ann\\n
  identifiers  user_id:42
  first seen   1997-01-01T00:00:00Z  web
  last seen    1997-01-01T00:00:00Z  web
  touchpoints  2 in all

Touchpoints by channel
  web  2

Orders
       orders  units  revenue  refunds  refunded  last order
  USD       2      3    41.06        0         0  1997-01-01T00:00:00Z

Journey standard
  stage    customer, the first
  since    1997-01-01T00:00:00Z
  changes  1 in all

Feedback
       last score  given                 answers  asked  answered
  nps           9  1997-01-01T00:00:00Z        1      2         1
";
        assert_eq!(profile(&customer, None), right);
    }
}
