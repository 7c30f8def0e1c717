//! From the arguments of `rapport serve` and `rapport.toml` to a checked [`Config`], before any port opens.

mod argument;
mod error;
mod file;
mod hosting;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rapport_customer::Definitions;
use rapport_customer::identity::Rules;
use rapport_log::{LogConfig, Tenant};
use rapport_touchpoint::Catalogue;

pub use self::argument::log_by_itself;
pub use self::error::ConfigError;
use crate::clock::Clock;
use crate::hosting::Hosting;

/// The tenant that an empty name means, and the only one where no file names others.
pub const DEFAULT_TENANT: &str = "default";
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(10);

/// `rapport serve`, as it was typed.
#[derive(Debug, Clone)]
pub struct ServeArgs {
    /// Folder for everything that is kept: logs and read models.
    pub data: PathBuf,
    /// `embedded`, in the data folder, or NATS servers with JetStream: `nats://host:port`, with commas between them.
    pub log: String,
    /// Address and port.
    pub listen: String,
    /// A rapport.toml.
    pub config: Option<PathBuf>,
    /// Listen beyond this machine, without TLS and tokens.
    pub insecure: bool,
    /// Names with commas; `None` for all.
    pub roles: Option<String>,
    pub models: Option<String>,
    /// `text` or `json`.
    pub log_format: String,
    /// A collector of traces: `http://host:port`. `None` or empty for none.
    pub otlp_endpoint: Option<String>,
}

/// Checked: what is in here can be started.
#[derive(Debug, Clone)]
pub struct Config {
    pub data: PathBuf,
    pub log: LogConfig,
    pub listen: SocketAddr,
    pub hosting: Hosting,
    pub log_format: LogFormat,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<String>,
    /// At least one.
    pub tenants: BTreeMap<Tenant, TenantConfig>,
    pub limits: Limits,
    /// What is not finished this long after the signal to stop is broken off; it was not acknowledged.
    pub shutdown_patience: Duration,
    pub clock: Clock,
}

#[derive(Debug, Clone)]
pub struct TenantConfig {
    pub rules: Rules,
    pub catalogue: Arc<Catalogue>,
    /// The time zone and the journeys; `rules` are its rules of identity with the tenant's country.
    pub definitions: Arc<Definitions>,
    /// The file of the definitions, if the tenant has its own.
    pub definitions_file: Option<PathBuf>,
    pub custom_types: CustomTypes,
}

/// How the server tells of itself on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object in each line.
    Json,
}

/// What happens to a type that no schema file describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CustomTypes {
    #[default]
    Accept,
    Refuse,
}

/// How much the gateway takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of events between a client and the log, over all calls.
    pub in_flight_bytes: usize,
    /// Distinct types on one tenant's log.
    pub event_types: usize,
    /// Distinct channels on one tenant's log.
    pub channels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight_bytes: 64 * 1024 * 1024, event_types: 512, channels: 64 }
    }
}

impl Default for ServeArgs {
    /// What stands for an argument that was not given.
    fn default() -> Self {
        Self {
            data: PathBuf::from("./rapport-data"),
            log: "embedded".to_owned(),
            listen: "127.0.0.1:7700".to_owned(),
            config: None,
            insecure: false,
            roles: None,
            models: None,
            log_format: "text".to_owned(),
            otlp_endpoint: None,
        }
    }
}

impl TryFrom<ServeArgs> for Config {
    type Error = ConfigError;

    fn try_from(args: ServeArgs) -> Result<Self, ConfigError> {
        let file = file::read(args.config.as_deref())?;
        Ok(Self {
            log: argument::log(&args.log, &args.data, file.replicas)?,
            listen: argument::listen(&args.listen, args.insecure)?,
            log_format: argument::log_format(&args.log_format)?,
            otlp_endpoint: argument::otlp_endpoint(args.otlp_endpoint)?,
            hosting: hosting::hosting(args.roles.as_deref(), args.models.as_deref())?,
            data: argument::data(args.data)?,
            tenants: file.tenants,
            limits: file.limits,
            shutdown_patience: SHUTDOWN_PATIENCE,
            clock: Clock::System,
        })
    }
}

#[cfg(test)]
mod tests;
