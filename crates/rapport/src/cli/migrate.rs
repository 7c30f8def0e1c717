//! `rapport migrate`: a log from one place to another.

use clap::Args;
use rapport_log::{Hold, LogConfig, Original, Tenant};

use super::{CliError, columns};
use crate::config::log_by_itself;
use crate::moving::{self, Meanwhile, Moved};
use crate::progress;

/// Move a log from a data folder to a NATS server, or back, with its positions, times, decisions and key
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport migrate --from embedded:./rapport-data --to nats://127.0.0.1:4222\n  \
    rapport migrate --from nats://127.0.0.1:4222 --to embedded:/var/lib/rapport --tenant acme\n\n\
    Stop the servers first. Each record is copied as it stands, and both logs are held against each other before the new one \
    can be opened. Customers keep their ids, and the read models of the data folder go on serving. A migration that was \
    broken off goes on where it was when it is run again. The old log stays as it is; nothing must be appended to it any more.")]
pub struct MigrateArgs {
    /// Where the log is: embedded:FOLDER, or nats://HOST:PORT
    #[arg(long, value_name = "LOG")]
    from: String,
    /// Where it goes, spelled alike; there must be none yet
    #[arg(long, value_name = "LOG")]
    to: String,
    /// Whose log; may be repeated
    #[arg(long = "tenant", value_name = "NAME", default_value = "default", value_parser = Tenant::parse)]
    tenants: Vec<Tenant>,
    /// On how many NATS servers the new log is kept: 1, 3 or 5
    #[arg(long, value_name = "N", default_value = "1", value_parser = replicas)]
    replicas: usize,
}

fn replicas(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        "5" => Ok(5),
        _ => Err("must be 1, 3 or 5".to_owned()),
    }
}

pub async fn run(args: MigrateArgs) -> Result<(), CliError> {
    let log = |argument, text: &str| {
        log_by_itself(argument, text, args.replicas).map_err(|error| CliError::Usage(error.to_string()))
    };
    let (from, to) = (log("--from", &args.from)?, log("--to", &args.to)?);
    if is_same(&from, &to) {
        return Err(CliError::Usage("--to is where the log is already; name another place".to_owned()));
    }
    for tenant in &args.tenants {
        let original = Original::open(&from, tenant, Hold::Alone).await.map_err(moving::MoveError::from)?;
        let bar = progress::records();
        let moved = moving::copy(&original, tenant, &to, Meanwhile::Followed, |copied| show(&bar, copied)).await;
        bar.finish_and_clear();
        columns::print(&told(tenant, &moved?))?;
    }
    Ok(())
}

fn is_same(from: &LogConfig, to: &LogConfig) -> bool {
    match (from, to) {
        (LogConfig::Embedded { folder: from }, LogConfig::Embedded { folder: to }) => from == to,
        (LogConfig::JetStream { url: from, .. }, LogConfig::JetStream { url: to, .. }) => from == to,
        (LogConfig::Embedded { .. }, LogConfig::JetStream { .. })
        | (LogConfig::JetStream { .. }, LogConfig::Embedded { .. }) => false,
    }
}

pub(super) fn show(bar: &indicatif::ProgressBar, copied: moving::Copied) {
    bar.set_message(match copied.step {
        moving::Step::Copying => "copy",
        moving::Step::Verifying => "verify",
    });
    bar.set_length(copied.of);
    bar.set_position(copied.records);
}

fn told(tenant: &Tenant, moved: &Moved) -> String {
    let Moved { extent, before, keeps_positions, .. } = moved;
    let mut text = format!("tenant {tenant}: {} records, the same on both logs", extent.records);
    if *before > 0 {
        text.push_str(&format!("; {before} had been copied before"));
    }
    text.push_str(match keeps_positions {
        true => "; each is where it was",
        false => "\nThe old log has gaps that the new one has not: remove the read models of the data folder, they are made anew",
    });
    text
}
