//! Python with pinned packages from PyPI, made once for each set of them.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::repository;

/// The interpreter of an environment with these packages. The error says how to help if it cannot be made.
///
/// Two test processes may come here at once: one makes it, the other waits for the lock and finds it done.
pub fn environment(name: &str, wanted: &[String]) -> Result<PathBuf, String> {
    made(name, wanted).map_err(|why| {
        let packages = wanted.join(" ");
        format!("{why}\nInstall python3 with venv and pip, and make `python3 -m pip download {packages}` work.")
    })
}

fn made(name: &str, wanted: &[String]) -> Result<PathBuf, String> {
    let folder = repository().join(format!("target/test-python-{name}"));
    let (python, complete) = (folder.join("venv/bin/python"), folder.join("complete"));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if complete.is_file() {
        return Ok(python);
    }
    told(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    told(Command::new(&python).args(pip).args(wanted))?;
    fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(python)
}

/// What a command prints, if it goes well, and what it complains about otherwise.
pub fn told(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
