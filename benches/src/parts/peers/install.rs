//! The peers' programs and packages, from their registries into `target/peers`, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::driven::program;
use crate::frame::Progress;

/// Where a peer's program is kept in the repository.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

pub fn folder(name: &str) -> Result<PathBuf> {
    let own = program::own_folder()?;
    let folder = own.parent().unwrap_or(&own).join("peers").join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A Rust program, built with optimisations; where it lies.
pub fn cargo(name: &str) -> Result<PathBuf> {
    Progress::note("peers", &format!("building {name}"));
    let target = folder(name)?;
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let manifest = source(name).join("Cargo.toml");
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target);
    run(&mut build)?;
    Ok(target.join("release").join(format!("rapport-peers-{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// A program for Node with its packages beside it; where it lies.
pub fn npm(name: &str) -> Result<PathBuf> {
    let (from, to) = (source(name), folder(name)?);
    for file in ["package.json", "bench.mjs"] {
        fs::copy(from.join(file), to.join(file))?;
    }
    once(&to, &fs::read_to_string(from.join("package.json"))?, || {
        run(Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(&to))
    })?;
    Ok(to.join("bench.mjs"))
}

/// The Python of an environment that has a peer's requirements.
pub fn pip(name: &str) -> Result<PathBuf> {
    let (requirements, to) = (source(name).join("requirements.txt"), folder(name)?);
    let python = to.join("bin").join("python3");
    once(&to, &fs::read_to_string(&requirements)?, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&to))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))
    })?;
    Ok(python)
}

/// Which version of a crate a Rust program is built with.
pub fn locked(name: &str, package: &str) -> Result<String> {
    let lock = fs::read_to_string(source(name).join("Cargo.lock"))?;
    let (_, found) = lock.split_once(&format!("name = \"{package}\"\nversion = \"")).ok_or("it is not locked")?;
    Ok(format!("{package} {}", found.split('"').next().unwrap_or_default()))
}

/// Installs again only if what is wanted has changed.
fn once(folder: &Path, wanted: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mark = folder.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    Progress::note("peers", &format!("installing into {}", folder.display()));
    install()?;
    Ok(fs::write(mark, wanted)?)
}

pub fn run(command: &mut Command) -> Result<()> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{shown} does not run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = said.trim().lines().rev().take(5).collect();
    Err(format!("{shown} fails: {}", last.into_iter().rev().collect::<Vec<_>>().join("; ")).into())
}
