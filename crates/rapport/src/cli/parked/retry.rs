//! `rapport parked retry`: what is parked, read as it would be read today.

use clap::Args;

use crate::cli::target::Target;
use crate::cli::{CliError, columns, json};
use crate::progress;
use crate::wire::v1::{RetryParkedRequest, RetryParkedResponse};

/// Read what is parked again, and build the read model anew if something of it counts now
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport parked retry\n  \
    rapport parked retry 8841 --json\n\n\
    Changed definitions let in by themselves what they can read. This is for a newer Rapport that reads more. An event \
    that is let in counts as if it had been good from the start, so the log is folded anew; queries are answered all \
    the while.")]
pub struct RetryArgs {
    /// Only the one that stands there on the log
    position: Option<u64>,
    /// Act only once the read model is at this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    min_position: u64,
    #[command(flatten)]
    target: Target,
    /// Print the last answer as proto3 JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: RetryArgs) -> Result<(), CliError> {
    if args.position == Some(0) {
        return Err(CliError::Usage("0 is no position; the first one on a log is 1".to_owned()));
    }
    let connection = args.target.connect().await?;
    let (tenant, position) = (args.target.tenant, args.position.unwrap_or(0));
    let request = RetryParkedRequest { tenant, position, min_position: args.min_position };
    let call = connection.admin().retry_parked(request).await;
    let mut answers = call.map_err(|status| connection.failed(status))?.into_inner();
    let bar = progress::phases();
    let mut last: Option<RetryParkedResponse> = None;
    while let Some(answer) = answers.message().await.map_err(|status| connection.failed(status))? {
        match &answer.rebuild {
            None => bar.set_message(format!("read {} again", answer.checked)),
            Some(rebuild) => {
                bar.set_message("rebuild");
                bar.set_length(rebuild.head);
                bar.set_position(rebuild.position);
            }
        }
        last = Some(answer);
    }
    bar.finish_and_clear();
    let last = last.filter(|answer| answer.done).ok_or(CliError::Incomplete)?;
    if args.json {
        return json::print(&json::proto_json("RetryParkedResponse", &last)?);
    }
    columns::print(&text(&last))
}

fn text(answer: &RetryParkedResponse) -> String {
    let RetryParkedResponse { checked, let_in, parked, rebuild, .. } = answer;
    let mut text = format!("{checked} read again, {let_in} let in\n");
    if let Some(rebuild) = rebuild {
        let (generation, position, digest) = (rebuild.generation, rebuild.position, &rebuild.digest);
        text.push_str(&format!("generation {generation}, position {position}, digest {digest}\n"));
    }
    text.push_str(&super::lines(parked).under("Still parked, the newest"));
    text
}
