//! `backup.json`: what a backup holds, so that it can be checked without what it was made from.

use std::fs;
use std::path::{Path, PathBuf};

use rapport_log::{Extent, Fingerprint, Position, Tenant};
use serde::{Deserialize, Serialize};

use super::MoveError;

const FILE: &str = "backup.json";
const FORMAT: u32 = 1;
/// Of a manifest; each file and tenant takes a few hundred.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Of the program that made it.
    pub version: String,
    /// RFC 3339.
    pub made_at: String,
    pub tenants: Vec<BackedUp>,
    /// All files but this one.
    pub files: Vec<KeptFile>,
    /// What `rapport.toml` named outside its own folder, and where it lies in the backup.
    #[serde(default)]
    pub elsewhere: Vec<Elsewhere>,
}

/// The log of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    pub tenant: Tenant,
    pub epoch: String,
    pub first: u64,
    pub head: u64,
    pub records: u64,
    /// A hash of all records with their times.
    pub fingerprint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// From the folder of the backup, with `/` between the names.
    pub path: String,
    pub bytes: u64,
    pub blake3: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// In `rapport.toml`.
    pub key: String,
    pub path: PathBuf,
    pub kept_as: String,
}

impl BackedUp {
    pub fn new(tenant: &Tenant, epoch: &rapport_log::Epoch, extent: Extent, fingerprint: Fingerprint) -> Self {
        let Extent { first: Position(first), head: Position(head), records } = extent;
        let (epoch, fingerprint) = (epoch.id.to_string(), hex(&fingerprint.hash));
        Self { tenant: tenant.clone(), epoch, first, head, records, fingerprint }
    }
}

impl Manifest {
    pub fn new(made_at: String, tenants: Vec<BackedUp>, files: Vec<KeptFile>, elsewhere: Vec<Elsewhere>) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, version, made_at, tenants, files, elsewhere }
    }

    pub fn read(folder: &Path) -> Result<Self, MoveError> {
        let path = folder.join(FILE);
        let none = |problem: String| MoveError::NoBackup { path: folder.to_owned(), problem };
        let bytes = fs::metadata(&path).map_err(|error| none(format!("{FILE} cannot be read: {error}")))?.len();
        if bytes > MAX_BYTES {
            return Err(none(format!("{FILE} has {bytes} bytes; at most {MAX_BYTES}")));
        }
        let text = fs::read_to_string(&path).map_err(MoveError::at(&path))?;
        let manifest: Self = serde_json::from_str(&text).map_err(|error| none(format!("{FILE}: {error}")))?;
        match manifest.format {
            FORMAT => Ok(manifest),
            other => Err(none(format!("its format is {other}; this version knows {FORMAT}"))),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), MoveError> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec_pretty(self).expect("texts and numbers are JSON");
        super::files::write_synced(&path, &text).map_err(MoveError::at(path))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
