//! A real nats-server of one's own: an ephemeral port, a store in a temporary folder, synced like the shipped config.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::nats_binary;

/// Shipped to the users; the tests' servers sync as it says.
pub const SHIPPED_CONFIG: &str = include_str!("../../deploy/nats/nats-server.conf");

/// Tries of 20 ms, far more than a server needs on a busy machine.
const TRIES: usize = 1500;

/// Killed, by its own process id, when dropped.
pub struct NatsServer {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl NatsServer {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// With more lines of configuration.
    pub fn start_with(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("rapport-nats-").tempdir().unwrap();
        // Another process may take the free port before the server does: then the next is tried.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fs::write(folder.path().join("nats.conf"), config(folder.path(), port, settings)).unwrap();
            if let Some(child) = launch(folder.path()) {
                return Self { folder, port, child: Some(child) };
            }
        }
        panic!("nats-server does not start:\n{}", log(folder.path()));
    }

    /// Panics unless a server finds this configuration right.
    pub fn check(config: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nats.conf");
        fs::write(&path, config).unwrap();
        let output = Command::new(nats_binary::path()).arg("-t").arg("-c").arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What it was started with.
    pub fn config(&self) -> String {
        fs::read_to_string(self.folder.path().join("nats.conf")).unwrap()
    }

    /// What it keeps now; it is killed and restarted for that.
    pub fn back_up(&mut self) -> TempDir {
        let backup = tempfile::tempdir().unwrap();
        self.kill();
        copy(&self.folder.path().join("store"), backup.path());
        self.restart();
        backup
    }

    /// Kills it, and starts it on what it kept then.
    pub fn restore(&mut self, backup: &Path) {
        let store = self.folder.path().join("store");
        self.kill();
        fs::remove_dir_all(&store).unwrap();
        copy(backup, &store);
        self.restart();
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills the server (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Kills the server if it runs, and starts it on the same port and store.
    pub fn restart(&mut self) {
        self.kill();
        let child = launch(self.folder.path());
        self.child = Some(child.unwrap_or_else(|| panic!("no restart:\n{}", log(self.folder.path()))));
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A folder and all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The value of `sync_interval` in a server's configuration.
pub fn sync_interval(config: &str) -> &str {
    config
        .lines()
        .find_map(|line| line.trim().strip_prefix("sync_interval:"))
        .expect("the configuration says sync_interval")
        .trim()
}

fn config(folder: &Path, port: u16, settings: &str) -> String {
    let mut config = String::new();
    let store = folder.join("store");
    let sync = sync_interval(SHIPPED_CONFIG);
    writeln!(config, "listen: 127.0.0.1:{port}").unwrap();
    writeln!(config, "jetstream {{\n  store_dir: {store:?}\n  sync_interval: {sync}\n}}").unwrap();
    writeln!(config, "{settings}").unwrap();
    config
}

/// `None` if the server ends instead of being ready.
fn launch(folder: &Path) -> Option<Child> {
    let log_path = folder.join("server.log");
    let _ = fs::remove_file(&log_path);
    let mut child = Command::new(nats_binary::path())
        .arg("-c")
        .arg(folder.join("nats.conf"))
        .arg("-l")
        .arg(&log_path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", nats_binary::path().display()));
    for _ in 0..TRIES {
        if log(folder).contains("Server is ready") {
            return Some(child);
        }
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("server.log")).unwrap_or_default()
}
