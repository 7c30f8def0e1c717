//! What the server says of itself while it runs: to standard error, for people or for programs.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// What `RUST_LOG` asks for, else whatever is worth knowing. Somebody else's choice of a subscriber stands.
pub(super) fn to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}
