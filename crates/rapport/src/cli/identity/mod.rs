//! `rapport identity`: who is who, and why.

mod decisions;
mod explain;
mod refusals;
mod void;

use clap::{Args, Subcommand};

use super::columns::Columns;
use super::{CliError, moment};
use crate::wire::v1::decision::{Outcome, What};
use crate::wire::v1::{Decision, EventName, Refusal, Rule};

/// Explain who is who: why an identifier is on a customer, what was refused, what was decided by hand
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport identity explain email:ann@example.com\n  \
    rapport identity refusals --customer user_id:42\n  \
    rapport identity void\n  \
    rapport identity decisions\n\n\
    Identifiers that stand in one event are one customer's, unless that breaks a rule: then the link is refused, and \
    listed. An identifier that too many share is void: nobody's. `rapport merge` and `rapport split` decide by hand.")]
pub struct IdentityArgs {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    Explain(explain::ExplainArgs),
    Refusals(refusals::RefusalsArgs),
    Void(void::VoidArgs),
    Decisions(decisions::DecisionsArgs),
}

pub async fn run(args: IdentityArgs) -> Result<(), CliError> {
    match args.question {
        Question::Explain(args) => explain::run(args).await,
        Question::Refusals(args) => refusals::run(args).await,
        Question::Void(args) => void::run(args).await,
        Question::Decisions(args) => decisions::run(args).await,
    }
}

/// What a rule allows.
fn allowed(rule: &Rule) -> String {
    match (rule.name.as_str(), rule.most) {
        (_, 0) => "a split by hand keeps them apart".to_owned(),
        ("largest_customer", most) => format!("at most {most} identifiers"),
        (namespace, most) => format!("at most {most} {namespace}"),
    }
}

/// Source, id and time.
fn named(event: Option<&EventName>) -> String {
    let Some(EventName { source, id, time }) = event else { return "the beginning".to_owned() };
    match time {
        Some(time) => format!("{source} {id} of {}", moment::show(Some(time))),
        None => format!("{source} {id}"),
    }
}

/// A line for each decision: when, what, who and why, and whether it holds.
pub fn decided(decisions: &[Decision]) -> Columns {
    let mut lines = Columns::default();
    for decision in decisions {
        let name = decision.name.clone().unwrap_or_default();
        let outcome = match &decision.outcome {
            Some(Outcome::CancelledBy(by)) => format!("undone by {}", by.id),
            Some(Outcome::RefusedBy(rule)) => format!("refused: {}", allowed(rule)),
            Some(Outcome::Holds(_)) | None => "holds".to_owned(),
        };
        lines.row([
            &name.id,
            &moment::show(name.time.as_ref()),
            &what(decision),
            &outcome,
            &decision.by,
            &decision.reason,
        ]);
    }
    lines
}

fn what(decision: &Decision) -> String {
    match &decision.what {
        Some(What::Merge(merge)) => {
            let force = if merge.forced { ", by force" } else { "" };
            format!("merges {} and {}{force}", merge.left.join(" "), merge.right.join(" "))
        }
        Some(What::Split(split)) => {
            let cancels: Vec<&str> = split.cancels.iter().map(|name| name.id.as_str()).collect();
            match (split.left.is_empty(), cancels.is_empty()) {
                (true, _) => format!("undoes {}", cancels.join(" ")),
                (false, true) => format!("parts {} from {}", split.right.join(" "), split.left.join(" ")),
                (false, false) => format!(
                    "parts {} from {} and undoes {}",
                    split.right.join(" "),
                    split.left.join(" "),
                    cancels.join(" ")
                ),
            }
        }
        None => String::new(),
    }
}

/// A line for each refused link, with the rule, the event and the two customers.
fn refused(refusals: &[Refusal]) -> Columns {
    let mut lines = Columns::default();
    for refusal in refusals {
        let rule = refusal.rule.as_ref().map(allowed).unwrap_or_default();
        lines.row([
            &format!("{} with {}", refusal.stronger, refusal.weaker),
            &rule,
            &named(refusal.event.as_ref()),
            &refusal.stronger_customer_id,
            &refusal.weaker_customer_id,
        ]);
    }
    lines
}
