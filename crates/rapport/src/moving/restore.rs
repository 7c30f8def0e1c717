//! A backup put back: into a data folder that is not there yet, or onto a NATS server.

use std::fs;
use std::io;
use std::path::Path;

use rapport_log::{Hold, LogConfig, Original, Tenant};

use super::files::CONFIG;
use super::manifest::Manifest;
use super::{Copied, Meanwhile, MoveError, copy, files, verify};
use crate::new_folder::NewFolder;

/// Checks the backup, and puts it back. `data` appears once all is in it; `nats` takes the logs instead, if it is given.
pub async fn restore(
    backup: &Path,
    data: &Path,
    nats: Option<&LogConfig>,
    tell: impl Fn(&Tenant, Copied),
) -> Result<Manifest, MoveError> {
    make_room(data)?;
    let manifest = verify(backup).await?;
    let from = LogConfig::Embedded { folder: backup.to_owned() };
    let new = NewFolder::beside(data).map_err(MoveError::at(data))?;
    let into = nats.cloned().unwrap_or_else(|| LogConfig::Embedded { folder: new.path().to_owned() });
    for known in &manifest.tenants {
        let original = Original::open(&from, &known.tenant, Hold::Shared).await?;
        copy(&original, &known.tenant, &into, Meanwhile::Left, |copied| tell(&known.tenant, copied)).await?;
    }
    let config = backup.join(CONFIG);
    if config.is_dir() {
        let mut copied = 0;
        files::copy_all(&config, &new.path().join(CONFIG), &mut copied).map_err(MoveError::at(config))?;
    }
    new.complete().map_err(MoveError::at(data))?;
    Ok(manifest)
}

/// An empty folder makes way; anything else stays.
fn make_room(data: &Path) -> Result<(), MoveError> {
    match fs::remove_dir(data) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => Err(MoveError::NotEmpty { path: data.to_owned() }),
    }
}
