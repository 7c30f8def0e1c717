//! What the system tells of a process: its peak memory, and the time that it had on the cores.

use std::fs;

use crate::Result;

/// Linux counts the time of a process in hundredths of a second, whatever the clock of the kernel.
const TICKS_PER_S: f64 = 100.0;

/// The most memory that it had resident.
pub fn peak_mib(id: u32) -> Result<f64> {
    let status = told(id, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kib: f64 = kib.ok_or_else(|| format!("/proc/{id}/status says no VmHWM"))?.parse()?;
    Ok(kib / 1024.0)
}

/// Of all its threads, in user mode and in the kernel. What another process takes from the cores does not count.
pub fn cpu_s(id: u32) -> Result<f64> {
    let stat = told(id, "stat")?;
    // The name of the program, in brackets, may hold anything; after it come numbers.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(|| format!("/proc/{id}/stat names no program"))?;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_S)
}

fn told(id: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{id}/{file}");
    Ok(fs::read_to_string(&path).map_err(|error| format!("{path} tells nothing of a process here: {error}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_time() {
        let id = std::process::id();
        let before = cpu_s(id).unwrap();
        let began = std::time::Instant::now();
        let mut spun = 0_u64;
        while cpu_s(id).unwrap() <= before && began.elapsed().as_secs() < 60 {
            spun = std::hint::black_box(spun + 1);
        }
        assert!(cpu_s(id).unwrap() > before && peak_mib(id).unwrap() > 1.0);
    }
}
