//! `rapport demo`: a server with customers in it, to look around.

use clap::Args;

use super::CliError;

/// Start a server with sample customers in a temporary folder and show what it knows
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport demo\n  \
    rapport demo --exit\n\n\
    The server stays up for your own questions until you press Ctrl-C; nothing is left behind.")]
pub struct DemoArgs {
    /// Stop after the tour
    #[arg(long)]
    pub exit: bool,
}

pub async fn run(args: DemoArgs) -> Result<(), CliError> {
    crate::demo::run(args.exit).await
}
