//! `rapport parked`: what is on the log and does not count, and what becomes of it.

mod discard;
mod list;
mod retry;
mod show;

use clap::{Args, Subcommand};

use super::columns::Columns;
use super::{CliError, moment};
use crate::wire::v1::ParkedEvent;

/// Show what is on the log and does not count, discard it for ever, or read it again after an update
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport parked list\n  \
    rapport parked show 8841\n  \
    rapport parked discard 8841 --reason \"a test till\"\n  \
    rapport parked retry\n\n\
    An event is parked with the reason, and stops nobody else: it cannot be read, breaks a rule, or another body stands \
    under its source and id. Other definitions or a newer Rapport may let it in, as if it had been good from the start.")]
pub struct ParkedArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Discard(discard::DiscardArgs),
    Retry(retry::RetryArgs),
}

pub async fn run(args: ParkedArgs) -> Result<(), CliError> {
    match args.verb {
        Verb::List(args) => list::run(args).await,
        Verb::Show(args) => show::run(args).await,
        Verb::Discard(args) => discard::run(args).await,
        Verb::Retry(args) => retry::run(args).await,
    }
}

/// A line for each, with the reason why it is parked.
pub fn lines(events: &[ParkedEvent]) -> Columns {
    let mut lines = Columns::default();
    for event in events {
        let recorded_at = moment::show(event.recorded_at.as_ref());
        let name = format!("{} {}", event.source, event.id);
        lines.row([&event.position.to_string(), &recorded_at, &event.r#type, &name, &event.reason]);
    }
    lines
}

/// All that is known of one.
fn facts(event: &ParkedEvent) -> String {
    let mut facts = Columns::default();
    facts.row(["position", &format!("{} ", event.position)]);
    facts.row(["recorded at", &moment::show(event.recorded_at.as_ref())]);
    facts.row(["event", &format!("{} {} {}", event.r#type, event.source, event.id)]);
    facts.row(["parked", &event.reason]);
    if let Some(discard) = &event.discarded {
        let time = moment::show(discard.time.as_ref());
        facts.row(["discarded", &format!("{time} by {}, at position {}", discard.by, discard.position)]);
        facts.row(["because", &discard.reason]);
    }
    facts.to_text()
}
