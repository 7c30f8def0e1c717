//! `rapport journey`: where are customers on their way?

mod funnel;
mod of_customer;
mod transitions;

use clap::{Args, Subcommand};

use super::CliError;

pub use funnel::{funnel, print_funnel};
pub use of_customer::progress;
pub use transitions::{print_changes, transitions};

/// Show where a customer is on the way, how far all of them come, or who changed stage and why
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    override_usage = "rapport journey [OPTIONS] <NAME>\n       rapport journey <COMMAND>",
    after_help = "Examples:\n  \
    rapport journey user_id:42\n  \
    rapport journey funnel --from 2026-01-01 --by month\n  \
    rapport journey transitions --to at_risk\n\n\
    Which stages there are, and what leads to them, is the tenant's to define; see examples/definitions.toml."
)]
pub struct JourneyArgs {
    #[command(subcommand)]
    of_all: Option<OfAll>,
    #[command(flatten)]
    of_customer: of_customer::OfCustomerArgs,
}

#[derive(Debug, Subcommand)]
enum OfAll {
    Funnel(funnel::FunnelArgs),
    Transitions(transitions::TransitionsArgs),
}

pub async fn run(args: JourneyArgs) -> Result<(), CliError> {
    match args.of_all {
        None => of_customer::run(args.of_customer).await,
        Some(OfAll::Funnel(args)) => funnel::run(args).await,
        Some(OfAll::Transitions(args)) => transitions::run(args).await,
    }
}
