//! `rapport restore`: a backup put back.

use std::path::PathBuf;

use clap::Args;

use super::backup::told;
use super::migrate::show;
use super::{CliError, columns};
use crate::config::log_by_itself;
use crate::moving;
use crate::progress;

/// Put a backup back, into a data folder that is not there yet or onto a NATS server
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport restore /backup/2026-11-21 --data /var/lib/rapport\n  \
    rapport restore /backup/2026-11-21 --data /var/lib/rapport --log nats://127.0.0.1:4222\n\n\
    The backup is checked first. What was rapport.toml, with the schemas and definitions that it names, is put into the \
    folder config in the data folder; name it to rapport serve with --config. The same touchpoints give the same answers: \
    digests are those of before.")]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "DIR")]
    backup: PathBuf,
    /// The data folder to make; it appears once it is complete
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where the logs are put: embedded, in the data folder, or nats://HOST:PORT
    #[arg(long, value_name = "LOG", default_value = "embedded")]
    log: String,
}

pub async fn run(args: RestoreArgs) -> Result<(), CliError> {
    let nats = match args.log.as_str() {
        "embedded" => None,
        text => {
            let log = log_by_itself("--log", text, 1).map_err(|error| CliError::Usage(error.to_string()))?;
            Some(log)
        }
    };
    let bar = progress::records();
    let restored = moving::restore(&args.backup, &args.data, nats.as_ref(), |_, copied| show(&bar, copied)).await;
    bar.finish_and_clear();
    columns::print(&format!("{}\nrestored into {}", told(&restored?), args.data.display()))
}
