//! `rapport journey NAME`: one customer's way.

use clap::Args;
use serde_json::Value;

use super::transitions::{of_one, transitions};
use crate::cli::columns::{self, Columns};
use crate::cli::past::PastArgs;
use crate::cli::target::{Target, customer_ref};
use crate::cli::{CliError, json, moment, span};
use crate::wire::v1::{
    CustomerRef, GetJourneyRequest, GetJourneyResponse, JourneyProgress, Transition, TransitionsRequest,
    TransitionsResponse,
};

#[derive(Debug, Args)]
pub struct OfCustomerArgs {
    /// A customer id (cus_…), current or former, or any identifier as namespace:value
    #[arg(value_name = "NAME", value_parser = name, required = true)]
    name: Option<CustomerRef>,
    /// Only this journey
    #[arg(long, value_name = "JOURNEY", default_value = "", hide_default_value = true)]
    journey: String,
    /// The newest N changes of stage
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
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

/// Whoever mistypes a command learns which ones there are.
fn name(text: &str) -> Result<CustomerRef, String> {
    customer_ref(text).map_err(|rule| match text.contains(':') || text.starts_with("cus_") {
        true => rule,
        false => format!("a name {rule}; to ask about all customers there are funnel and transitions"),
    })
}

pub async fn run(args: OfCustomerArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = GetJourneyRequest {
        tenant: args.target.tenant.clone(),
        customer: args.name.clone(),
        journey: args.journey.clone(),
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
    };
    let asked = (args.target.tenant.as_str(), args.min_position);
    let get = async || {
        let answer = connection.journeys().get(request.clone()).await;
        Ok(answer.map_err(|status| connection.failed(status))?.into_inner())
    };
    let answer = args.past.of_one(&connection, asked, get).await?;
    let changes = TransitionsRequest {
        tenant: args.target.tenant.clone(),
        customer: args.name,
        journey: args.journey,
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
        ..TransitionsRequest::default()
    };
    let transitions = transitions(&connection, &changes, args.limit).await?;
    if args.json {
        let mut value = json::proto_json("GetJourneyResponse", &answer)?;
        let list = TransitionsResponse { transitions: transitions.entries, ..TransitionsResponse::default() };
        let list = json::proto_json("TransitionsResponse", &list)?;
        if let Value::Object(answer) = &mut value {
            answer.insert("transitions".to_owned(), list["transitions"].clone());
        }
        return json::print(&value);
    }
    let title = args.past.title(answer.freshness.as_ref());
    columns::print(&format!("{title}{}{}", text(&answer, &transitions.entries), transitions.more()))
}

fn text(answer: &GetJourneyResponse, transitions: &[Transition]) -> String {
    let now = answer.freshness.as_ref().and_then(|freshness| freshness.clock.as_ref());
    let mut text = format!("{}\n", answer.customer_id);
    if answer.journeys.is_empty() {
        text.push_str("\nNo journey has begun.\n");
    }
    for journey in &answer.journeys {
        text.push_str(&progress(journey, now).under(&format!("Journey {}", columns::plain(&journey.journey))));
        text.push_str(&entered(journey).under("Stages entered, each for the first time"));
    }
    let several = answer.journeys.len() > 1;
    text.push_str(&of_one(transitions, several));
    text
}

/// Where it is, how it got there, and where silence leads.
pub fn progress(journey: &JourneyProgress, now: Option<&prost_types::Timestamp>) -> Columns {
    let mut facts = Columns::default();
    if journey.stage.is_empty() {
        facts.row(["stage", "none, it has not begun"]);
        return facts;
    }
    let before = match journey.previous_stage.as_str() {
        "" => "the first".to_owned(),
        before => format!("before that {before}"),
    };
    facts.row(["stage", &format!("{}, {before}", journey.stage)]);
    let ago = span::between(journey.since.as_ref(), now).map(|span| format!(", {span} ago")).unwrap_or_default();
    facts.row(["since", &format!("{}{ago}", moment::show(journey.since.as_ref()))]);
    if let Some(next) = &journey.next_silence {
        let left = span::between(now, next.due.as_ref()).map(|span| format!(", in {span}")).unwrap_or_default();
        facts.row(["if silent", &format!("{} from {}{left}", next.stage, moment::show(next.due.as_ref()))]);
    }
    facts.row(["changes", &format!("{} in all", journey.transitions)]);
    facts
}

fn entered(journey: &JourneyProgress) -> Columns {
    let mut rows = Columns::default();
    let first = journey.entered.iter().filter_map(|entered| entered.time.as_ref()).min_by_key(|time| time.seconds);
    for entered in &journey.entered {
        let mark = if entered.stage == journey.stage { "●" } else { "○" };
        let after = match span::between(first, entered.time.as_ref()) {
            Some(span) if entered.time.as_ref() != first => format!("after {span}"),
            Some(_) | None => String::new(),
        };
        rows.row([mark, &entered.stage, &moment::show(entered.time.as_ref()), &after]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::transition::Cause;
    use crate::wire::v1::{CausingEvent, Freshness, NextSilence, Silence, StageEntered};

    fn on(day: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds: 1_767_225_600 + day * 86_400, nanos: 0 })
    }

    #[test]
    fn a_way_reads_from_where_it_is_to_how_it_got_there() {
        let entered = |stage: &str, day| StageEntered { stage: stage.to_owned(), time: on(day) };
        let journey = JourneyProgress {
            journey: "standard".to_owned(),
            stage: "customer".to_owned(),
            since: on(120),
            previous_stage: "at_risk".to_owned(),
            entered: vec![entered("aware", 0), entered("customer", 4), entered("at_risk", 94)],
            transitions: 4,
            next_silence: Some(NextSilence { stage: "at_risk".to_owned(), due: on(210) }),
        };
        let freshness = Some(Freshness { clock: on(125), ..Freshness::default() });
        let answer = GetJourneyResponse { customer_id: "cus_1".to_owned(), journeys: vec![journey], freshness };
        let order = CausingEvent {
            r#type: "order.placed".to_owned(),
            channel: "web".to_owned(),
            source: "shop".to_owned(),
            id: "o-7".to_owned(),
        };
        let transition = |day, from: &str, to: &str, cause| Transition {
            customer_id: "cus_1".to_owned(),
            journey: "standard".to_owned(),
            time: on(day),
            from: from.to_owned(),
            to: to.to_owned(),
            cause: Some(cause),
        };
        let transitions = [
            transition(120, "at_risk", "customer", Cause::Event(order.clone())),
            transition(94, "customer", "at_risk", Cause::Silence(Silence { quiet_seconds: 90 * 86_400 })),
            transition(0, "", "aware", Cause::Event(order)),
        ];
        let right = "\
cus_1

Journey standard
  stage      customer, before that at_risk
  since      2026-05-01T00:00:00Z, 5 days ago
  if silent  at_risk from 2026-07-30T00:00:00Z, in 85 days
  changes    4 in all

Stages entered, each for the first time
  ○  aware     2026-01-01T00:00:00Z
  ●  customer  2026-01-05T00:00:00Z  after 4 days
  ○  at_risk   2026-04-05T00:00:00Z  after 94 days

Changes of stage, the newest first
  2026-05-01T00:00:00Z  at_risk → customer  order.placed on web, shop o-7
  2026-04-05T00:00:00Z  customer → at_risk  90 days of silence
  2026-01-01T00:00:00Z  → aware             order.placed on web, shop o-7
";
        assert_eq!(text(&answer, &transitions), right);
    }

    #[test]
    fn who_has_not_set_out_has_no_way() {
        let journeys = vec![JourneyProgress { journey: "standard".to_owned(), ..JourneyProgress::default() }];
        let answer = GetJourneyResponse { customer_id: "cus_1".to_owned(), journeys, freshness: None };
        assert_eq!(text(&answer, &[]), "cus_1\n\nJourney standard\n  stage  none, it has not begun\n");
    }

    #[test]
    fn a_mistyped_command_is_told_what_there_is() {
        assert!(name("funell").unwrap_err().contains("funnel and transitions"));
        assert!(!name("cus_12").unwrap_err().contains("funnel"));
        assert!(name("user_id:42").is_ok());
    }
}
