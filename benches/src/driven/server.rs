//! The real server in a process of its own, so that its memory can be told from the measuring program's.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rapport::client::Connection;
use rapport::wire::v1::{RebuildRequest, StatusRequest, StatusResponse};

use super::{process, program};
use crate::Result;

/// A server that does not answer by then does not start.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(5);
/// How often it is asked whether it has caught up.
const LOOK: Duration = Duration::from_millis(20);

/// Killed when dropped; what it kept lies in the folder that it was given.
pub struct Server {
    pub url: String,
    pub tenant: String,
    child: Child,
}

impl Server {
    /// Ready for calls when this returns. Its log is at `log`, everything else in `folder`; more arguments say what it does.
    pub fn start(folder: &Path, tenant: &str, log: &str, arguments: &[&str]) -> Result<Self> {
        let config = folder.join("rapport.toml");
        fs::write(&config, format!("[tenants.{tenant}]\n"))?;
        let said = folder.join("server.log");
        // The port is free now; who takes it before the server does, makes the measurement fail and not lie.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(program::rapport()?)
            .arg("serve")
            .arg("--data")
            .arg(folder.join("data"))
            .args(["--log", log, "--listen", &address.to_string()])
            .arg("--config")
            .arg(&config)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?)
            .spawn()?;
        let mut server = Self { url: format!("http://{address}"), tenant: tenant.to_owned(), child };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() || !fs::read_to_string(&said)?.contains("listening on") {
            if server.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                return Err(format!("rapport serve does not start:\n{}", fs::read_to_string(&said)?).into());
            }
            sleep(STEP);
        }
        Ok(server)
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn connect(&self) -> Result<Connection> {
        Ok(Connection::open(&self.url).await?)
    }

    /// How far its read model is.
    pub async fn status(&self, connection: &Connection) -> Result<StatusResponse> {
        let request = StatusRequest { tenant: self.tenant.clone(), min_position: 0 };
        let status = connection.admin().status(request).await?.into_inner();
        match status.fault.as_str() {
            "" => Ok(status),
            fault => Err(format!("the projector stopped: {fault}").into()),
        }
    }

    /// Returns when all that is on the log is in the read model, however long it takes.
    pub async fn caught_up(&self, position: u64) -> Result<()> {
        let connection = self.connect().await?;
        while self.status(&connection).await?.position < position {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Returns when silence has fallen too, so that nothing is under way any more.
    pub async fn settled(&self) -> Result<()> {
        let connection = self.connect().await?;
        loop {
            let status = self.status(&connection).await?;
            if status.settled && status.lag == 0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks for a rebuild, and returns how long it took until the new read model serves.
    pub async fn rebuild(&self) -> Result<Duration> {
        let connection = self.connect().await?;
        let began = Instant::now();
        let request = RebuildRequest { tenant: self.tenant.clone(), back: false };
        let mut progress = connection.admin().rebuild(request).await?.into_inner();
        while let Some(told) = progress.message().await? {
            if told.done {
                return Ok(began.elapsed());
            }
        }
        Err("the rebuild ended without an end".into())
    }

    pub fn peak_mib(&self) -> Result<f64> {
        process::peak_mib(self.child.id())
    }

    /// What its start took counts too.
    pub fn cpu_s(&self) -> Result<f64> {
        process::cpu_s(self.child.id())
    }

    /// As an operator stops it; returns when it is gone.
    pub fn stop(mut self) -> Result<()> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if !told.success() {
            return Err("the server cannot be told to stop".into());
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
