//! `rapport backup`: the logs and the configuration, to be restored or to be checked.

use std::path::PathBuf;

use clap::Args;

use super::migrate::show;
use super::{CliError, columns};
use crate::clock::Clock;
use crate::config::{Config, ServeArgs};
use crate::moving::{self, Backup, Manifest};
use crate::progress;
use crate::serve::ServeError;

/// Back up the logs with their keys, and the configuration, while the server goes on; or check a backup
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rapport backup --out /backup/2026-11-21 --data /var/lib/rapport --config /etc/rapport/rapport.toml\n  \
    rapport backup --out /backup/2026-11-21 --log nats://127.0.0.1:4222\n  \
    rapport backup --verify /backup/2026-11-21\n\n\
    Name the data folder, the log and the configuration as for rapport serve. Read models are not in a backup: they come from \
    the log. The backup holds each tenant's key, which makes customer ids: keep it as safe as the log itself.")]
pub struct BackupArgs {
    /// The folder to make; it appears once it is complete
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// Check this backup instead: every file and every record
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "data", "log", "config"])]
    verify: Option<PathBuf>,
    /// Where the server keeps its data
    #[arg(long, value_name = "DIR", default_value = "./rapport-data")]
    data: PathBuf,
    /// Where touchpoints are kept: embedded, or nats://HOST:PORT
    #[arg(long, value_name = "LOG", default_value = "embedded")]
    log: String,
    /// The server's rapport.toml, which names the tenants; one tenant, default, without it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub async fn run(args: BackupArgs) -> Result<(), CliError> {
    let Some(out) = args.out else {
        let folder = args.verify.unwrap_or_default();
        let manifest = moving::verify(&folder).await?;
        return columns::print(&format!("{}\nall of it is as it was written", told(&manifest)));
    };
    if out.exists() {
        let wrong = format!("--out {}: there is such a file or folder; name another", out.display());
        return Err(CliError::Usage(wrong));
    }
    let (data, log, config) = (args.data, args.log, args.config);
    let served = ServeArgs { data, log, config: config.clone(), ..ServeArgs::default() };
    let served = Config::try_from(served).map_err(ServeError::from)?;
    let tenants = served.tenants.into_keys().collect();
    let backup = Backup { log: served.log, tenants, config, out, made_at: Clock::System.now() };
    let bar = progress::records();
    let manifest = moving::back_up(&backup, |_, copied| show(&bar, copied)).await;
    bar.finish_and_clear();
    columns::print(&told(&manifest?))
}

pub(super) fn told(manifest: &Manifest) -> String {
    let mut lines: Vec<String> = manifest
        .tenants
        .iter()
        .map(|known| format!("tenant {}: {} records, up to position {}", known.tenant, known.records, known.head))
        .collect();
    for elsewhere in &manifest.elsewhere {
        let (key, path) = (&elsewhere.key, elsewhere.path.display());
        lines.push(format!("{key} is {path}, outside the folder of rapport.toml; it lies in {}", elsewhere.kept_as));
    }
    lines.join("\n")
}
