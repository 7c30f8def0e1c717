//! `rapport serve`: the server.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::CliError;

/// Run the server: gateway, log, projector and queries in one process
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport serve\n  \
    rapport serve --data /var/lib/rapport --listen 127.0.0.1:7800\n  \
    rapport serve --log nats://127.0.0.1:4222\n\n\
    All that the server keeps lies in the data folder; with NATS, the log itself is kept there.")]
pub struct ServeArgs {
    /// Where the log and the read models are kept; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./rapport-data")]
    pub data: PathBuf,
    /// Where touchpoints are kept: embedded (one file per tenant) or nats://HOST:PORT (JetStream)
    #[arg(long, value_name = "LOG", default_value = "embedded", value_parser = log_choice)]
    pub log: LogChoice,
    /// The address and port to listen at, for gRPC
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7700")]
    pub listen: SocketAddr,
    /// Settings in TOML; the defaults without one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogChoice {
    Embedded,
    /// `nats://HOST:PORT`
    Nats(String),
}

fn log_choice(text: &str) -> Result<LogChoice, String> {
    match (text, text.strip_prefix("nats://")) {
        ("embedded", _) => Ok(LogChoice::Embedded),
        (_, Some(host)) if !host.is_empty() => Ok(LogChoice::Nats(text.to_owned())),
        _ => Err("must be embedded or nats://HOST:PORT".to_owned()),
    }
}

pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    // The one place where the command line meets the server: crate::serve::run(crate::config::ServeArgs { .. }).
    Err(CliError::Failed(format!("cannot serve from {}: this build has no server", args.data.display())))
}
