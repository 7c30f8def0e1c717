//! An embedded log that is there before anything is timed, made in this process through the log's own `append`.

use std::path::{Path, PathBuf};

use rapport_log::{Log, LogConfig, Position, Tenant};
use rapport_touchpoint::{Catalogue, Timestamp, Touchpoint, receive};
use rayon::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::Result;
use crate::driven::publish::BATCH_EVENTS;
use crate::frame::Setting;
use crate::workload::RECEIVED_AT;

/// Received and hashed on all cores at a time.
const CHUNK_EVENTS: usize = 20_000;

/// A data folder with the log of one tenant, and no read model.
pub struct MadeLog {
    folder: TempDir,
    tenant: Tenant,
}

impl MadeLog {
    pub fn new(setting: &Setting) -> Result<Self> {
        let made = Self { folder: setting.new_folder()?, tenant: Tenant::parse("bench")? };
        std::fs::create_dir_all(made.data())?;
        Ok(made)
    }

    pub fn of(setting: &Setting, events: impl Iterator<Item = Value>) -> Result<Self> {
        let made = Self::new(setting)?;
        setting.runtime.block_on(made.append(events, Timestamp::parse(RECEIVED_AT)?))?;
        Ok(made)
    }

    /// What a server is given as its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn tenant(&self) -> &str {
        self.tenant.as_str()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn of_tenant(&self) -> PathBuf {
        self.data().join(self.tenant())
    }

    pub fn log_file(&self) -> PathBuf {
        self.of_tenant().join("log.db")
    }

    pub fn read_model_folder(&self) -> PathBuf {
        self.of_tenant().join("readmodel")
    }

    /// The read model comes back from the log.
    pub fn forget_read_model(&self) -> Result<()> {
        match std::fs::remove_dir_all(self.read_model_folder()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Nobody else may have it open.
    pub async fn open(&self) -> Result<Log> {
        Ok(Log::open(&LogConfig::Embedded { folder: self.data() }, &self.tenant).await?)
    }

    /// As if they were received from this moment on, one each microsecond; how far the log goes then.
    pub async fn append(&self, events: impl Iterator<Item = Value>, from: Timestamp) -> Result<Position> {
        let mut events = (from.nanos()..).step_by(1_000).zip(events);
        let log = self.open().await?;
        let catalogue = Catalogue::built_in();
        loop {
            let chunk: Vec<(i64, Value)> = events.by_ref().take(CHUNK_EVENTS).collect();
            if chunk.is_empty() {
                break;
            }
            let received: Vec<Touchpoint> = chunk
                .into_par_iter()
                .map(|(nanos, event)| {
                    let now = Timestamp::from_nanos(nanos).ok_or("received after the last moment that there is")?;
                    receive(event, now, &catalogue).map_err(|broken| format!("made up and not valid: {broken:?}"))
                })
                .collect::<std::result::Result<_, _>>()?;
            let mut received = received.into_iter().peekable();
            while received.peek().is_some() {
                let batch: Vec<Touchpoint> = received.by_ref().take(BATCH_EVENTS).collect();
                for appended in log.append(batch).await {
                    appended?;
                }
            }
        }
        let head = log.head().await?;
        log.close().await;
        Ok(head)
    }
}
