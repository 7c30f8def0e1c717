//! The figures: medians of the runs, and the machine that they are true on.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rapport::import::Summary;
use serde::Serialize;

use crate::Result;
use crate::raw_limit::Appended;

/// One measurement, from an empty log to a read model that has it all.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    touchpoints: u64,
    on_log_s: f64,
    in_read_model_s: f64,
    raw_per_s: f64,
    peak_bytes: Option<u64>,
}

impl Run {
    /// A run in which something did not count is no measurement.
    pub fn new(summary: &Summary, raw: Appended, peak_bytes: Option<u64>) -> Result<Self> {
        if summary.accepted != summary.read || raw.events != summary.accepted {
            let Summary { read, accepted, .. } = summary;
            return Err(format!("of {read} rows {accepted} were accepted and {} replayed", raw.events).into());
        }
        let in_read_model = summary.until_in_read_model.ok_or("the import did not wait for the read model")?;
        Ok(Self {
            touchpoints: summary.accepted,
            on_log_s: summary.elapsed.as_secs_f64(),
            in_read_model_s: in_read_model.as_secs_f64(),
            raw_per_s: per_second(raw.events, raw.elapsed),
            peak_bytes,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    what: String,
    log: String,
    runs: usize,
    touchpoints: u64,
    /// Until the last verdict.
    on_log_s: f64,
    on_log_per_s: f64,
    /// Until the read model had them all.
    in_read_model_s: f64,
    in_read_model_per_s: f64,
    /// The bare SQLite file's.
    raw_limit_per_s: f64,
    on_log_to_raw_limit: f64,
    in_read_model_to_raw_limit: f64,
    server_peak_bytes: Option<u64>,
    machine: Machine,
}

impl Report {
    /// Of at least one run. Each figure is the median of its own; the ratios are those of each run's pair.
    pub fn new(what: String, log: String, machine: Machine, runs: &[Run]) -> Self {
        let median = |of: &dyn Fn(&Run) -> f64| median(runs.iter().map(of).collect());
        let per_second = |run: &Run, seconds: f64| run.touchpoints as f64 / seconds;
        let mut peaks: Vec<u64> = runs.iter().filter_map(|run| run.peak_bytes).collect();
        peaks.sort_unstable();
        Self {
            what,
            log,
            runs: runs.len(),
            touchpoints: runs.first().map_or(0, |run| run.touchpoints),
            on_log_s: median(&|run| run.on_log_s),
            on_log_per_s: median(&|run| per_second(run, run.on_log_s)),
            in_read_model_s: median(&|run| run.in_read_model_s),
            in_read_model_per_s: median(&|run| per_second(run, run.in_read_model_s)),
            raw_limit_per_s: median(&|run| run.raw_per_s),
            on_log_to_raw_limit: median(&|run| per_second(run, run.on_log_s) / run.raw_per_s),
            in_read_model_to_raw_limit: median(&|run| per_second(run, run.in_read_model_s) / run.raw_per_s),
            server_peak_bytes: peaks.get(peaks.len() / 2).copied(),
            machine,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, {} log; medians of {} runs", self.what, self.log, self.runs)?;
        writeln!(f)?;
        writeln!(f, "  touchpoints             {:>10}", self.touchpoints)?;
        writeln!(f, "  on the log after        {:>10.2} s  {:>9.0}/s", self.on_log_s, self.on_log_per_s)?;
        writeln!(f, "  in the read model after {:>10.2} s  {:>9.0}/s", self.in_read_model_s, self.in_read_model_per_s)?;
        writeln!(f, "  raw limit of the disk   {:>10}    {:>9.0}/s", "", self.raw_limit_per_s)?;
        writeln!(f, "  on the log / raw limit  {:>10.2}", self.on_log_to_raw_limit)?;
        writeln!(f, "  read model / raw limit  {:>10.2}", self.in_read_model_to_raw_limit)?;
        match self.server_peak_bytes {
            Some(bytes) => writeln!(f, "  server peak memory      {:>10.0} MiB", bytes as f64 / (1024.0 * 1024.0))?,
            None => writeln!(f, "  server peak memory         unknown")?,
        }
        write!(f, "\n{}", self.machine)
    }
}

#[derive(Debug, Serialize)]
pub struct Machine {
    cpu: String,
    cores: usize,
    rustc: String,
    rapport: String,
    profile: &'static str,
}

impl Machine {
    pub fn look(program: &Path) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
        Self {
            cpu: model.map_or_else(|| format!("unknown {} CPU", std::env::consts::ARCH), |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            rustc: version_of("rustc".as_ref()),
            rapport: version_of(program),
            profile: if cfg!(debug_assertions) { "debug, which says nothing of speed" } else { "release" },
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, rustc, rapport, profile } = self;
        write!(f, "{cpu}, {cores} cores; {rustc}; {rapport}, {profile}")
    }
}

fn version_of(program: &Path) -> String {
    let said = Command::new(program).arg("--version").output();
    let said = said.ok().filter(|said| said.status.success());
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    said.map_or_else(|| format!("{name} unknown"), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(1e-9)
}

/// The middle one; of an even number the upper of the two.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
