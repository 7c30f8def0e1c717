//! A NATS server of one's own, on the same disk as everything else that is measured.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::nats_binary;
use crate::Result;

const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);

/// When the server puts what it acknowledged on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// NATS's own setting: every two minutes.
    Default,
    /// Before it acknowledges, as the configuration that we ship says.
    Always,
}

impl Sync {
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "sync_interval 2m",
            Self::Always => "sync_interval always",
        }
    }
}

/// Killed when dropped, and its store removed.
pub struct Nats {
    pub url: String,
    _folder: TempDir,
    child: Child,
}

impl Nats {
    pub fn start(parent: &Path, sync: Sync) -> Result<Self> {
        let folder = TempDir::new_in(parent)?;
        let (config, log) = (folder.path().join("nats.conf"), folder.path().join("nats.log"));
        let mut lines = "listen: 127.0.0.1:-1\nmax_payload: 1MB\njetstream {\n".to_owned();
        writeln!(lines, "  store_dir: {:?}", folder.path().join("store"))?;
        if sync == Sync::Always {
            lines.push_str("  sync_interval: always\n");
        }
        lines.push_str("}\n");
        fs::write(&config, lines)?;
        let child = Command::new(nats_binary::path())
            .arg("-c")
            .arg(&config)
            .arg("-l")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut nats = Self { url: String::new(), _folder: folder, child };
        let began = Instant::now();
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if said.contains("Server is ready") {
                let listening = said.lines().find_map(|line| line.split_once("Listening for client connections on "));
                let (_, address) = listening.ok_or("nats-server does not say where it listens")?;
                nats.url = format!("nats://{}", address.trim());
                return Ok(nats);
            }
            if nats.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                return Err(format!("nats-server does not start:\n{said}").into());
            }
            sleep(STEP);
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
