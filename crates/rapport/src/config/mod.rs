//! From the arguments of `rapport serve` and `rapport.toml` to a checked [`Config`], before any port opens.

mod argument;
mod error;
mod file;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rapport_customer::Definitions;
use rapport_customer::identity::Rules;
use rapport_log::{LogConfig, Tenant};
use rapport_touchpoint::Catalogue;

pub use self::error::ConfigError;

/// The tenant that an empty name means, and the only one where no file names others.
pub const DEFAULT_TENANT: &str = "default";
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(10);

/// `rapport serve`, as it was typed.
#[derive(Debug, Clone)]
pub struct ServeArgs {
    /// Folder for everything that is kept: logs and read models.
    pub data: PathBuf,
    /// `embedded`, in the data folder, or a NATS server with JetStream: `nats://host:port`.
    pub log: String,
    /// Address and port.
    pub listen: String,
    /// A rapport.toml.
    pub config: Option<PathBuf>,
    /// Listen beyond this machine, without TLS and tokens.
    pub insecure: bool,
}

/// Checked: what is in here can be started.
#[derive(Debug, Clone)]
pub struct Config {
    pub data: PathBuf,
    pub log: LogConfig,
    pub listen: SocketAddr,
    /// At least one.
    pub tenants: BTreeMap<Tenant, TenantConfig>,
    pub limits: Limits,
    /// What is not finished this long after the signal to stop is broken off; it was not acknowledged.
    pub shutdown_patience: Duration,
}

#[derive(Debug, Clone)]
pub struct TenantConfig {
    pub rules: Rules,
    pub catalogue: Arc<Catalogue>,
    /// The time zone and the journeys.
    pub definitions: Arc<Definitions>,
    pub custom_types: CustomTypes,
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

impl TryFrom<ServeArgs> for Config {
    type Error = ConfigError;

    fn try_from(args: ServeArgs) -> Result<Self, ConfigError> {
        let file = file::read(args.config.as_deref())?;
        Ok(Self {
            log: argument::log(&args.log, &args.data, file.replicas)?,
            listen: argument::listen(&args.listen, args.insecure)?,
            data: argument::data(args.data)?,
            tenants: file.tenants,
            limits: file.limits,
            shutdown_patience: SHUTDOWN_PATIENCE,
        })
    }
}

#[cfg(test)]
mod tests;
