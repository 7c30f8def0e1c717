//! The real server in a process of its own, so that its memory can be told from the measuring program's.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Result;

/// A server that does not answer by then does not start.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);

/// Killed when dropped; what it kept lies in the folder that it was given.
pub struct Server {
    pub url: String,
    pub tenant: String,
    child: Child,
}

impl Server {
    /// Its tenant is new, so that a log on a NATS server starts empty too.
    pub fn start(program: &Path, folder: &Path, log: &str, number: u32) -> Result<Self> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let tenant = format!("bench_{}_{number}", since_1970.as_millis());
        let config = folder.join("rapport.toml");
        fs::write(&config, format!("[tenants.{tenant}]\n"))?;
        let said = folder.join("server.log");
        // The port is free now; who takes it before the server does, makes the measurement fail and not lie.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(folder.join("data"))
            .args(["--log", log, "--listen", &address.to_string()])
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?)
            .spawn()?;
        let mut server = Self { url: format!("http://{address}"), tenant, child };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() || !fs::read_to_string(&said)?.contains("listening on") {
            if server.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                return Err(format!("rapport serve does not start:\n{}", fs::read_to_string(&said)?).into());
            }
            sleep(STEP);
        }
        Ok(server)
    }

    /// The most memory that the server had resident; `None` where the system does not tell.
    pub fn peak_bytes(&self) -> Result<Option<u64>> {
        let Ok(status) = fs::read_to_string(format!("/proc/{}/status", self.child.id())) else { return Ok(None) };
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        let kib: u64 = kib.ok_or("the server's /proc/PID/status says no VmHWM")?.parse()?;
        Ok(Some(kib * 1024))
    }
}

/// The server stands next to this program, built in the same profile.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name(format!("rapport{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return Ok(program);
    }
    let release = if cfg!(debug_assertions) { "" } else { " --release" };
    Err(format!("there is no {}; build it with: cargo build{release} -p rapport", program.display()).into())
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
