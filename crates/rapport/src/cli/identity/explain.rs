//! `rapport identity explain`: why an identifier is on a customer.

use clap::Args;

use super::{decided, named, refused};
use crate::cli::columns::{self, Columns};
use crate::cli::target::Target;
use crate::cli::{CliError, json, moment};
use crate::wire::v1::explain_request::{Link, Without};
use crate::wire::v1::explain_response::Step;
use crate::wire::v1::explain_response::step::By;
use crate::wire::v1::{ExplainRequest, ExplainResponse};

/// Say why an identifier is on a customer: the links, claims and decisions, each with its event
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport identity explain email:ann@example.com\n  \
    rapport identity explain email:ann@example.com --without-link email:ann@example.com user_id:42\n  \
    rapport identity explain phone:+4915112345678 --without-decision 6f1c…")]
pub struct ExplainArgs {
    /// namespace:value, or a customer id (cus_…), current or former
    #[arg(value_name = "IDENTIFIER")]
    identifier: String,
    /// Which customers would there be without the link of these two?
    #[arg(long, num_args = 2, value_names = ["ONE", "OTHER"])]
    without_link: Option<Vec<String>>,
    /// Which customers would there be without this merge or split by hand?
    #[arg(long, value_name = "ID", conflicts_with = "without_link")]
    without_decision: Option<String>,
    /// Answer only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: ExplainArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let link = args.without_link.map(|ends| {
        let mut ends = ends.into_iter();
        Without::Link(Link { one: ends.next().unwrap_or_default(), other: ends.next().unwrap_or_default() })
    });
    let request = ExplainRequest {
        tenant: args.target.tenant,
        identifier: args.identifier,
        without: link.or(args.without_decision.map(Without::Decision)),
        min_position: args.min_position,
    };
    let answer = connection.identity().explain(request).await.map_err(|status| connection.failed(status))?.into_inner();
    if args.json {
        return json::print(&json::proto_json("ExplainResponse", &answer)?);
    }
    columns::print(&text(&answer))
}

fn text(answer: &ExplainResponse) -> String {
    let mut facts = Columns::default();
    let customer = match (&answer.void, answer.customer_id.as_str()) {
        (Some(void), _) => format!(
            "nobody's: it met {} different {}, {} at most, the first one too many in {}",
            void.met,
            void.met_namespace,
            void.most,
            named(void.since.as_ref())
        ),
        (None, "") => "nobody's: nothing has happened to whoever it names".to_owned(),
        (None, id) => id.to_owned(),
    };
    facts.row(["customer", &customer]);
    let first = answer.first_event.as_ref();
    facts.row(["first named", &first.map_or("in no event, by a decision".to_owned(), |first| named(Some(first)))]);
    if let Some(since) = &answer.since {
        facts.row(["since", &format!("{} with {} by {}", since.from, since.to, by(since))]);
    }
    let mut way = Columns::default();
    for step in &answer.way {
        way.row([&step.from, "is", &step.to, &by(step)]);
    }
    let mut hands = Columns::default();
    for hand in &answer.hands {
        let since = hand.since.as_ref().map_or("the beginning".to_owned(), |since| moment::show(Some(since)));
        let claim =
            hand.from.as_ref().map_or("given by hand".to_owned(), |claim| format!("claimed in {}", named(Some(claim))));
        hands.row([&format!("from {since}"), &hand.identifier, &hand.customer_id, &claim]);
    }
    let mut without = Columns::default();
    for customer in &answer.customers_without {
        without.row([&customer.identifiers.join(" ")]);
    }
    let parts = [
        way.under("Why"),
        hands.under("Whose the device was"),
        refused(&answer.refusals).under("Refused links"),
        decided(&answer.decisions).under("Decisions by hand"),
        without.under("Without it there would be"),
    ];
    format!("{}\n{}{}", columns::plain(&answer.identifier), facts.to_text(), parts.concat())
}

fn by(step: &Step) -> String {
    match &step.by {
        Some(By::Link(event)) => format!("link in {}", named(Some(event))),
        Some(By::Claim(event)) => format!("claim in {}", named(Some(event))),
        Some(By::Decision(event)) => format!("merge by hand {}", named(Some(event))),
        None => String::new(),
    }
}
