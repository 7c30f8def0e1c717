//! A real nats-server of one's own, or three as a cluster: free ports, stores in temporary folders, synced like the
//! shipped config.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::http;
use super::nats_binary;
use super::soon::soon;

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
            let port = free_port();
            fs::write(folder.path().join("nats.conf"), config(folder.path(), port, settings)).unwrap();
            if let Some(child) = launch(folder.path()) {
                return Self { folder, port, child: Some(child) };
            }
        }
        panic!("nats-server does not start:\n{}", log(folder.path()));
    }

    /// Three that are one cluster, once they have agreed on who leads.
    pub async fn cluster() -> Vec<Self> {
        let routes: Vec<String> = (0..3).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        let all: Vec<String> = routes.iter().map(|route| format!("\"nats://{route}\"")).collect();
        let node = |(number, route): (usize, &String)| {
            let cluster = format!("name: rapport, listen: \"{route}\", routes: [{}]", all.join(", "));
            Self::start_with(&format!("server_name: node-{number}\ncluster {{ {cluster} }}"))
        };
        let nodes: Vec<Self> = routes.iter().enumerate().map(node).collect();
        for node in &nodes {
            soon(async {
                while node.told("/jsz").await["meta_cluster"]["leader"].as_str().unwrap_or_default().is_empty() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            })
            .await;
        }
        nodes
    }

    /// What it tells of itself, as it runs: `/varz`, `/jsz`.
    pub async fn told(&self, path: &str) -> serde_json::Value {
        let log = log(self.folder.path());
        let monitor = log.lines().find_map(|line| line.split_once("Starting http monitor on "));
        let (_, address) = monitor.expect("it says where it is watched");
        serde_json::from_str(&http::body(address, path).await).unwrap()
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

    /// SIGSTOP: it is there and does nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT: it goes on as if no time had passed.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
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
    writeln!(config, "listen: 127.0.0.1:{port}\nhttp: \"127.0.0.1:-1\"").unwrap();
    writeln!(config, "jetstream {{\n  store_dir: {store:?}\n  sync_interval: {sync}\n}}").unwrap();
    writeln!(config, "{settings}").unwrap();
    config
}

/// Below the ports that the system gives to outgoing connections, so that none of these has it when the server is started
/// on it again.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side begin at different ones.
    let first = u64::from(process::id()) * 101;
    loop {
        let next = first + u64::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = 12_000 + u16::try_from(next % 20_000).expect("a port below 32,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
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
