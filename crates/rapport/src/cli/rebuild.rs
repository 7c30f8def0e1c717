//! `rapport rebuild`: the read model anew from the log.

use clap::Args;

use super::target::Target;
use super::{CliError, columns, json};
use crate::progress;
use crate::wire::v1::rebuild_progress::Phase;
use crate::wire::v1::{RebuildProgress, RebuildRequest};

/// Build the read model anew from the log, beside the one that serves, and swap them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport rebuild\n  \
    rapport rebuild --tenant acme --json\n  \
    rapport rebuild --back\n\n\
    Queries are answered all the while. The digest at the end is that of before: the same touchpoints, the same answers.\n\n\
    The generation before is kept until the next one serves. --back lets it serve again at once, and it catches up then; asked \
    again, it leads forth again.")]
pub struct RebuildArgs {
    #[command(flatten)]
    target: Target,
    /// Let the generation before serve again
    #[arg(long)]
    back: bool,
    /// Print the last answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

/// What a generation in the making is at.
pub(super) fn phase(progress: &RebuildProgress) -> &'static str {
    match progress.phase() {
        Phase::Reading => "read the log",
        Phase::Settling => "settle who is who",
        Phase::Arranging => "sort by customer",
        Phase::Folding => "fold customers",
        Phase::Checking => "check what was built",
        Phase::CatchingUp | Phase::Unspecified => "catch up",
    }
}

pub async fn run(args: RebuildArgs) -> Result<(), CliError> {
    let connection = args.target.connect().await?;
    let request = RebuildRequest { tenant: args.target.tenant, back: args.back };
    let call = connection.admin().rebuild(request).await;
    let mut answers = call.map_err(|status| connection.failed(status))?.into_inner();
    let bar = progress::positions("rebuild");
    let mut last: Option<RebuildProgress> = None;
    while let Some(answer) = answers.message().await.map_err(|status| connection.failed(status))? {
        bar.set_message(phase(&answer));
        bar.set_length(answer.head);
        bar.set_position(answer.position);
        last = Some(answer);
    }
    bar.finish_and_clear();
    let last = last.filter(|answer| answer.done).ok_or(CliError::Incomplete)?;
    if args.json {
        return json::print(&json::proto_json("RebuildProgress", &last)?);
    }
    columns::print(&format!("generation {}, position {}, digest {}", last.generation, last.position, last.digest))
}
