//! The programs beside this one.

use std::path::{Path, PathBuf};

use crate::Result;

/// The server stands next to this program, built in the same profile.
pub fn rapport() -> Result<PathBuf> {
    let program = own_folder()?.join(format!("rapport{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return Ok(program);
    }
    let release = if cfg!(debug_assertions) { "" } else { " --release" };
    Err(format!("there is no {}; build it with: cargo build{release} -p rapport", program.display()).into())
}

/// Where this program lies: `target/<profile>`.
pub fn own_folder() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().unwrap_or(Path::new(".")).to_owned())
}
