//! A PostgreSQL server of one's own: found on this machine or unpacked from its Debian package, on the disk that is measured.

use std::cell::Cell;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::install;
use crate::Result;
use crate::frame::Setting;

const VERSION: &str = "15";
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(50);
/// Who runs it where the bench itself is run by root, which PostgreSQL refuses.
const UNPRIVILEGED: &str = "nobody";
/// A quarter of a small server's memory, as its documentation says, and no checkpoint in the middle of a run.
const SETTINGS: [&str; 5] =
    ["fsync=on", "synchronous_commit=on", "shared_buffers=1GB", "max_wal_size=4GB", "listen_addresses=127.0.0.1"];

/// Stopped when dropped.
pub struct Postgres {
    pub programs: PathBuf,
    port: u16,
    databases: Cell<u32>,
    child: Child,
    _folder: TempDir,
}

/// An empty database, dropped with this.
pub struct Database<'a> {
    server: &'a Postgres,
    name: String,
    pub url: String,
}

impl Postgres {
    pub fn start(setting: &Setting) -> Result<Self> {
        let programs = programs()?;
        let folder = setting.new_folder()?;
        let (data, sockets) = (folder.path().join("data"), folder.path().join("sockets"));
        fs::create_dir_all(&data)?;
        fs::create_dir_all(&sockets)?;
        if is_root()? {
            let (user, group) = (id("-u", UNPRIVILEGED)?, id("-g", UNPRIVILEGED)?);
            for path in [setting.folder(), folder.path(), &data, &sockets] {
                chown(path, Some(user), Some(group))?;
            }
        }
        let made = ["--auth", "trust", "--username", "bench", "--encoding", "UTF8", "--locale", "C", "--pgdata"];
        install::run(unprivileged(&programs.join("initdb"))?.args(made).arg(&data).current_dir(folder.path()))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = unprivileged(&programs.join("postgres"))?;
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]).arg("-k").arg(&sockets);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let command =
            command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self { programs, port, databases: 0.into(), child: command.spawn()?, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.child.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                return Err("the server does not start".into());
            }
            sleep(STEP);
        }
        Ok(server)
    }

    pub fn new_database(&self) -> Result<Database<'_>> {
        self.databases.set(self.databases.get() + 1);
        let name = format!("run_{}", self.databases.get());
        let began = Instant::now();
        while let Err(error) = self.tool("createdb", &name) {
            // It listens before it takes connections.
            if began.elapsed() > PATIENCE {
                return Err(error);
            }
            sleep(STEP);
        }
        let url = format!("postgresql://bench@127.0.0.1:{}/{name}", self.port);
        Ok(Database { server: self, name, url })
    }

    fn tool(&self, tool: &str, database: &str) -> Result<()> {
        let port = self.port.to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "bench", database];
        install::run(Command::new(self.programs.join(tool)).args(arguments))
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let _ = self.server.tool("dropdb", &self.name);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT: it ends its processes and itself.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// The folder with `initdb` and `postgres`: where Debian puts it, where `pg_config` says, or unpacked from the package.
fn programs() -> Result<PathBuf> {
    let unpacked = install::folder("postgresql")?;
    let debian = Path::new("usr/lib/postgresql").join(VERSION).join("bin");
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    let places = [Some(Path::new("/").join(&debian)), told, Some(unpacked.join(&debian))];
    let has_server = |folder: &PathBuf| folder.join("initdb").is_file();
    if let Some(found) = places.iter().flatten().find(|folder| has_server(folder)) {
        return Ok(found.clone());
    }
    install::run(Command::new("apt-get").arg("download").arg(format!("postgresql-{VERSION}")).current_dir(&unpacked))?;
    let packages = fs::read_dir(&unpacked)?.flatten().map(|entry| entry.path());
    let package = packages.into_iter().find(|path| path.extension() == Some("deb".as_ref()));
    install::run(Command::new("dpkg").arg("-x").arg(package.ok_or("apt-get brought no package")?).arg(&unpacked))?;
    Ok(unpacked.join(debian))
}

fn unprivileged(program: &Path) -> Result<Command> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    let group = id("-g", UNPRIVILEGED)?.to_string();
    command.args(["--reuid", UNPRIVILEGED, "--regid", &group, "--clear-groups", "--"]).arg(program);
    Ok(command)
}

fn is_root() -> Result<bool> {
    let said = Command::new("id").arg("-u").output()?;
    Ok(String::from_utf8_lossy(&said.stdout).trim() == "0")
}

fn id(which: &str, user: &str) -> Result<u32> {
    let said = Command::new("id").args([which, user]).output()?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().parse()?)
}
