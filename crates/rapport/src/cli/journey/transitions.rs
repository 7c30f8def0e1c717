//! `rapport journey transitions`: who changed stage, when, and why.

use clap::Args;
use rapport_touchpoint::Timestamp;

use crate::cli::columns::{self, Columns};
use crate::cli::pages::{Page, gather};
use crate::cli::past::PastArgs;
use crate::cli::target::Target;
use crate::cli::{CliError, json, moment, span};
use crate::client::Connection;
use crate::wire::v1::transition::Cause;
use crate::wire::v1::{CausingEvent, Silence, Transition, TransitionsRequest, TransitionsResponse};

/// List the changes of stage of all customers with their causes, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport journey transitions --to at_risk\n  \
    rapport journey transitions --from 2026-03-01 --until 2026-03-08 --limit 500 --json")]
pub struct TransitionsArgs {
    /// Only of this journey; all of them without it
    #[arg(long, value_name = "JOURNEY", default_value = "", hide_default_value = true)]
    journey: String,
    /// Only into this stage; of the first journey, where --journey names none
    #[arg(long, value_name = "STAGE", default_value = "", hide_default_value = true)]
    to: String,
    /// At this moment or later: RFC 3339, or a date for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    from: Option<Timestamp>,
    /// Before this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    until: Option<Timestamp>,
    /// The newest N
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

pub async fn run(args: TransitionsArgs) -> Result<(), CliError> {
    moment::check_range(("--from", args.from), ("--until", args.until))?;
    let connection = args.target.connect().await?;
    args.past.prepare(&connection, &args.target.tenant, args.min_position).await?;
    let several = args.journey.is_empty() && args.to.is_empty();
    let request = TransitionsRequest {
        tenant: args.target.tenant,
        customer: None,
        journey: args.journey,
        to: args.to,
        from_time: args.from.map(moment::to_proto),
        until_time: args.until.map(moment::to_proto),
        min_position: args.min_position,
        as_of: args.past.as_of(),
        known_at: args.past.known_at(),
        ..TransitionsRequest::default()
    };
    let page = transitions(&connection, &request, args.limit).await?;
    if args.json {
        let Page { entries: transitions, next: next_page_token, freshness } = page;
        let answer = TransitionsResponse { transitions, next_page_token, freshness };
        return json::print(&json::proto_json("TransitionsResponse", &answer)?);
    }
    if page.entries.is_empty() {
        return columns::print("Nobody changed stage so.");
    }
    let title = args.past.title(page.freshness.as_ref());
    columns::print(&format!("{title}{}{}", table(&page.entries, Whose::Each, several).to_text(), page.more()))
}

/// So many that this request means.
pub async fn transitions(
    connection: &Connection,
    request: &TransitionsRequest,
    limit: u32,
) -> Result<Page<Transition>, CliError> {
    gather(limit, async |page_size, page_token| {
        let request = TransitionsRequest { page_size, page_token, ..request.clone() };
        let answer = connection.journeys().transitions(request).await.map_err(|status| connection.failed(status))?;
        let TransitionsResponse { transitions: entries, next_page_token: next, freshness } = answer.into_inner();
        Ok(Page { entries, next, freshness })
    })
    .await
}

/// For people: one customer's.
pub fn print_changes(changes: &[Transition]) -> Result<(), CliError> {
    columns::print(&of_one(changes, false))
}

pub fn of_one(changes: &[Transition], several: bool) -> String {
    table(changes, Whose::One, several).under("Changes of stage, the newest first")
}

/// Whether each line says whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    One,
    Each,
}

/// One line for each; with the journey where there are `several`.
fn table(transitions: &[Transition], whose: Whose, several: bool) -> Columns {
    let mut rows = Columns::default();
    for transition in transitions {
        let mut cells = vec![moment::show(transition.time.as_ref())];
        match whose {
            Whose::One => {}
            Whose::Each => cells.push(transition.customer_id.clone()),
        }
        if several {
            cells.push(transition.journey.clone());
        }
        cells.push(format!("{} → {}", transition.from, transition.to).trim_start().to_owned());
        cells.push(cause(transition.cause.as_ref()));
        rows.cells(&cells);
    }
    rows
}

fn cause(cause: Option<&Cause>) -> String {
    match cause {
        Some(Cause::Event(CausingEvent { r#type, channel, source, id })) => {
            format!("{type} on {channel}, {source} {id}")
        }
        Some(Cause::Silence(Silence { quiet_seconds })) => format!("{} of silence", span::show(*quiet_seconds)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_each_line_says_whose_it_is() {
        let transition = Transition {
            customer_id: "cus_1".to_owned(),
            journey: "sales".to_owned(),
            from: "lead".to_owned(),
            to: "lapsed".to_owned(),
            cause: Some(Cause::Silence(Silence { quiet_seconds: 7_200 })),
            ..Transition::default()
        };
        let shown = |whose, several| table(std::slice::from_ref(&transition), whose, several).to_text();
        assert_eq!(shown(Whose::Each, true), "  -  cus_1  sales  lead → lapsed  2 h of silence\n");
        assert_eq!(shown(Whose::One, false), "  -  lead → lapsed  2 h of silence\n");
    }
}
