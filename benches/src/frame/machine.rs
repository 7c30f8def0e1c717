//! The machine and the versions that the figures are true on.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub system: String,
    pub rustc: String,
    pub rapport: String,
    pub profile: String,
}

impl Machine {
    pub fn look(program: &Path) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
        let kib: f64 = total.and_then(|kib| kib.parse().ok()).unwrap_or_default();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: model.map_or_else(|| format!("unknown {} CPU", std::env::consts::ARCH), |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: (kib / 1_048_576.0 * 10.0).round() / 10.0,
            system: format!("{} {}", std::env::consts::OS, release.trim()),
            rustc: version_of(Path::new("rustc")),
            rapport: version_of(program),
            profile: if cfg!(debug_assertions) { "debug, which says nothing of speed" } else { "release" }.to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gib, system, rustc, rapport, profile } = self;
        write!(f, "{cpu}, {cores} cores, {memory_gib} GiB; {system}; {rustc}; {rapport}, {profile}")
    }
}

/// What a program says to `--version`.
pub fn version_of(program: &Path) -> String {
    let said = Command::new(program).arg("--version").output();
    let said = said.ok().filter(|said| said.status.success());
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    said.map_or_else(|| format!("{name} unknown"), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
