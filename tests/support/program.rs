//! The `rapport` program itself, as a process: built once, started, asked, killed.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::spawn;

use serde_json::Value;

use super::soon::{HANGS, wait_until};

/// Built beside this test, so that it is the same code; cargo itself builds no programs for another package's tests.
pub fn path() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--bin", "rapport"]))
}

/// The same with points at which it crashes when `FAILPOINTS` says so.
fn crashing() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--bin", "rapport-crashing", "--features", "failpoints"]))
}

fn build(what: &[&str]) -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile_folder = test.parent().and_then(Path::parent).expect("a test lies in target/<profile>/deps");
    let profile = match profile_folder.file_name().and_then(OsStr::to_str) {
        Some("debug") => "dev",
        Some(named) => named,
        None => panic!("{} lies in no profile's folder", test.display()),
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    // What cargo says to this test of its own package; build scripts that look at it would run anew each time.
    for (name, _) in env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let built = cargo
        .args(["build", "--package", "rapport", "--profile", profile])
        .args(what)
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(profile_folder.parent().expect("a profile's folder lies in target"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cargo does not run: {error}"));
    assert!(built.status.success(), "the rapport program cannot be built; `cargo build -p rapport` says why");
    String::from_utf8(built.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the program that it built")
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ended {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// What it printed, if it went well.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.well()).unwrap()
    }
}

/// Runs `rapport` with these arguments to its end, in a bounded time.
pub fn rapport<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    Running::start(arguments).end()
}

/// The same, but it crashes when it comes to a point for the time after so many.
pub fn crash<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, point: &str, passes: usize) -> Ended {
    let crash = format!("{point}={passes}*off->return");
    Running::spawn(Command::new(crashing()).args(arguments).env("FAILPOINTS", crash)).end()
}

/// A command under way, with its standard input open. Killed when dropped.
pub struct Running {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    /// The lines of standard error, as they come.
    lines: Receiver<String>,
}

impl Running {
    pub fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::spawn(Command::new(path()).args(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let (told, lines) = mpsc::channel();
        collect(child.stdout.take().unwrap(), out.clone(), |_| ());
        collect(child.stderr.take().unwrap(), err.clone(), move |line| drop(told.send(line.to_owned())));
        Self { child, out, err, lines }
    }

    pub fn write(&mut self, text: &str) {
        self.child.stdin.as_mut().expect("standard input is open").write_all(text.as_bytes()).unwrap();
    }

    /// Waits for its end; there is no more input.
    pub fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        let status = self.wait();
        // The pipes are read to their end a moment after the process is gone.
        let all_read = || Arc::strong_count(&self.out) == 1 && Arc::strong_count(&self.err) == 1;
        wait_until("the command's output ends", all_read);
        let text = |of: &Mutex<String>| of.lock().unwrap().clone();
        Ended { code: status.code(), out: text(&self.out), err: text(&self.err) }
    }

    /// Waits for a line on standard error that has this in it.
    pub fn until_told(&self, what: &str) {
        loop {
            match self.lines.recv_timeout(HANGS) {
                Ok(line) if line.contains(what) => return,
                Ok(_) => {}
                Err(_) => panic!("{what:?} does not come: {}", self.err.lock().unwrap()),
            }
        }
    }

    /// Waits until standard output has this in it.
    pub fn until_printed(&self, what: &str) {
        wait_until(what, || self.out.lock().unwrap().contains(what));
    }

    /// As Ctrl-C does; how it ended.
    pub fn interrupt(self) -> Ended {
        self.signal("-INT");
        self.end()
    }

    /// On standard error, until now.
    fn said(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        wait_until("the command ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.expect("it has ended")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(pipe: impl Read + Send + 'static, text: Arc<Mutex<String>>, each: impl Fn(&str) + Send + 'static) {
    spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            each(&line);
            let mut text = text.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    });
}

/// `rapport serve` on the embedded log.
pub struct Served {
    running: Running,
    /// Of the server: `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Served {
    pub fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0")
    }

    /// At an address; ready for calls when this returns.
    pub fn start_at(data: &Path, listen: &str) -> Self {
        Self::start_with(data, &["--listen", listen])
    }

    /// With more arguments, the address among them.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Self {
        Self::try_start_with(data, arguments).unwrap_or_else(|said| panic!("rapport serve does not listen: {said}"))
    }

    /// What it said, if it ends instead of being ready.
    pub fn try_start_with(data: &Path, arguments: &[&str]) -> Result<Self, String> {
        let arguments = ["serve", "--data", data.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
        Self::listening(Running::start(arguments)).map_err(|running| running.said())
    }

    /// One that crashes when it comes to a point for the time after so many; how it ended, if it did before it listened.
    pub fn crashing(data: &Path, log: &str, point: &str, passes: usize) -> Result<Self, Ended> {
        Self::crashing_with(data, &["--listen", "127.0.0.1:0", "--log", log], point, passes)
    }

    /// The same with other arguments.
    pub fn crashing_with(data: &Path, arguments: &[&str], point: &str, passes: usize) -> Result<Self, Ended> {
        let arguments = ["serve", "--data", data.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
        let crash = format!("{point}={passes}*off->return");
        let running = Running::spawn(Command::new(crashing()).args(arguments).env("FAILPOINTS", crash));
        Self::listening(running).map_err(Running::end)
    }

    /// Once it listens; what there is of it, if it ends or hangs before.
    fn listening(running: Running) -> Result<Self, Running> {
        loop {
            let Ok(line) = running.lines.recv_timeout(HANGS) else { return Err(running) };
            if let Some((_, rest)) = line.split_once("listening on ") {
                let url = format!("http://{}", rest.split('"').next().unwrap_or_default());
                return Ok(Self { running, url });
            }
        }
    }

    /// Waits for its end.
    pub fn end(self) -> Ended {
        self.running.end()
    }

    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// `rapport <arguments> --server <this one>`
    pub fn ask(&self, arguments: &[&str]) -> Ended {
        rapport(arguments.iter().copied().chain(["--server", &self.url]))
    }

    /// SIGKILL; returns when it is gone.
    pub fn kill(mut self) {
        self.running.child.kill().unwrap();
        self.running.wait();
    }

    /// SIGSTOP: it is there and does nothing.
    pub fn freeze(&self) {
        self.running.signal("-STOP");
    }

    /// SIGCONT: it goes on as if no time had passed.
    pub fn thaw(&self) {
        self.running.signal("-CONT");
    }

    pub fn is_running(&mut self) -> bool {
        self.running.child.try_wait().unwrap().is_none()
    }

    /// On standard error, until now.
    pub fn said(&self) -> String {
        self.running.said()
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(self) -> Ended {
        self.running.signal("-TERM");
        self.running.end()
    }
}
