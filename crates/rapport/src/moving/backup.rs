//! A backup: the logs of some tenants as embedded ones, the configuration, and a manifest of all of it.
//!
//! The servers go on meanwhile. Each log is backed up as it was at one position.

use std::fs;
use std::path::{Path, PathBuf};

use rapport_log::{Hold, LogConfig, Original, Position, Tenant};
use rapport_touchpoint::Timestamp;

use super::manifest::{BackedUp, Manifest};
use super::{Copied, Meanwhile, MoveError, Moved, copy, files};
use crate::new_folder::NewFolder;

/// What is backed up, and where to.
#[derive(Debug, Clone)]
pub struct Backup {
    pub log: LogConfig,
    pub tenants: Vec<Tenant>,
    /// `rapport.toml`, if there is one.
    pub config: Option<PathBuf>,
    /// Where nothing is yet; the folder appears once it is complete.
    pub out: PathBuf,
    pub made_at: Timestamp,
}

/// Backs up; `tell` hears of each tenant how far it is.
pub async fn back_up(backup: &Backup, tell: impl Fn(&Tenant, Copied)) -> Result<Manifest, MoveError> {
    let out = NewFolder::beside(&backup.out).map_err(MoveError::at(&backup.out))?;
    let into = LogConfig::Embedded { folder: out.path().to_owned() };
    let mut tenants = Vec::new();
    for tenant in &backup.tenants {
        let original = Original::open(&backup.log, tenant, Hold::Shared).await?;
        let copied = copy(&original, tenant, &into, Meanwhile::Left, |copied| tell(tenant, copied)).await?;
        let Moved { extent, fingerprint, .. } = copied;
        tenants.push(BackedUp::new(tenant, original.epoch(), extent, fingerprint));
        let lock = out.path().join(tenant.as_str()).join("log.lock");
        fs::remove_file(&lock).map_err(MoveError::at(lock))?;
    }
    let elsewhere = match &backup.config {
        Some(toml) => files::copy_config(toml, out.path())?,
        None => Vec::new(),
    };
    let manifest = Manifest::new(backup.made_at.to_string(), tenants, files::list(out.path())?, elsewhere);
    manifest.write(out.path())?;
    out.complete().map_err(MoveError::at(&backup.out))?;
    Ok(manifest)
}

/// Is all that the manifest names there, as it was written?
pub async fn verify(folder: &Path) -> Result<Manifest, MoveError> {
    let manifest = Manifest::read(folder)?;
    let damaged = |path: &str, problem: String| MoveError::Damaged { path: folder.join(path), problem };
    for kept in &manifest.files {
        let found = files::describe(folder, Path::new(&kept.path))?;
        if found.bytes != kept.bytes {
            return Err(damaged(&kept.path, format!("it has {} bytes, and had {}", found.bytes, kept.bytes)));
        }
        if found.blake3 != kept.blake3 {
            return Err(damaged(&kept.path, "it is not what was written: its hash is another".to_owned()));
        }
    }
    let logs = LogConfig::Embedded { folder: folder.to_owned() };
    for known in &manifest.tenants {
        let original = Original::open(&logs, &known.tenant, Hold::Shared).await?;
        let fingerprint = original.fingerprint(Position(known.head)).await?;
        let found = BackedUp::new(&known.tenant, original.epoch(), original.extent().await?, fingerprint);
        if found != *known {
            let path = format!("{}/log.db", known.tenant);
            let BackedUp { records, head, .. } = found;
            let problem = format!(
                "it holds {records} records up to position {head}, and not the {} up to {} that were written",
                known.records, known.head
            );
            return Err(damaged(&path, problem));
        }
    }
    Ok(manifest)
}
