//! `rapport feedback`: how do customers feel about us?

mod about;
mod responses;
mod scores;

use clap::{Args, Subcommand};

use super::CliError;

pub use scores::{print_scores, scores};

/// Show NPS, CSAT, CES and stars, by period and by what they are about; or the responses behind them
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    override_usage = "rapport feedback [OPTIONS]\n       rapport feedback responses [OPTIONS]",
    after_help = "Examples:\n  \
    rapport feedback\n  \
    rapport feedback --measure nps --from 2026-01-01 --by month\n  \
    rapport feedback --measure csat --slice channel --only team=returns\n  \
    rapport feedback responses --measure nps --highest 6\n\n\
    NPS is the % of 9-10 minus the % of 0-6, CSAT the % of 4-5, CES the % of 5-7, stars their mean. Of several answers \
    of a customer to one survey the last one counts. ± is the margin of error: 95 of 100 such ranges hold the true \
    value."
)]
pub struct FeedbackArgs {
    #[command(subcommand)]
    behind: Option<Behind>,
    #[command(flatten)]
    scores: scores::ScoresArgs,
}

#[derive(Debug, Subcommand)]
enum Behind {
    Responses(responses::ResponsesArgs),
}

pub async fn run(args: FeedbackArgs) -> Result<(), CliError> {
    match args.behind {
        None => scores::run(args.scores).await,
        Some(Behind::Responses(args)) => responses::run(args).await,
    }
}
