//! `rapport serve`: the server.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::config;

/// Run the server: gateway, log, projector and queries in one process
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport serve\n  \
    rapport serve --data /var/lib/rapport --listen 127.0.0.1:7800\n  \
    rapport serve --log nats://127.0.0.1:4222\n  \
    rapport serve --log nats://127.0.0.1:4222 --roles projector --models profile\n\n\
    Over HTTP, on the same port, it says whether it is up (/healthz) and ready (/readyz), and what it measures \
    (/metrics). All that the server keeps lies in the data folder; with NATS, the log itself is kept there. What it says of itself \
    goes to standard error; RUST_LOG=debug says more.")]
pub struct ServeArgs {
    /// Where the log and the read models are kept; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "./rapport-data")]
    pub data: PathBuf,
    /// Where touchpoints are kept: embedded (one file per tenant) or nats://HOST:PORT (JetStream), with commas between
    /// the servers of a cluster
    #[arg(long, value_name = "LOG", default_value = "embedded")]
    pub log: String,
    /// The address and port to listen at, for gRPC and HTTP
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7700")]
    pub listen: String,
    /// Tenants and limits in TOML; one tenant, default, without it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Allow listening beyond this machine without TLS and tokens
    #[arg(long)]
    pub insecure: bool,
    /// What this process does: gateway takes events in, projector folds them and answers; both without it
    #[arg(long, value_name = "ROLES")]
    pub roles: Option<String>,
    /// The models that this process folds and answers from, with commas between them; all without it
    #[arg(long, value_name = "MODELS")]
    pub models: Option<String>,
    /// How the server tells of itself on standard error: text, for people, or json, an object in each line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: String,
    /// Send traces to this collector: OpenTelemetry over gRPC, http://HOST:PORT; none without it
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
}

impl From<ServeArgs> for config::ServeArgs {
    fn from(args: ServeArgs) -> Self {
        let ServeArgs { data, log, listen, config, insecure, roles, models, log_format, otlp_endpoint } = args;
        Self { data, log, listen, config, insecure, roles, models, log_format, otlp_endpoint }
    }
}

pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    crate::serve::run(args.into()).await?;
    Ok(())
}
