//! What is under way, on standard error, and how long it may still take.

use std::time::{Duration, Instant};

use super::Sample;

pub struct Progress {
    part: &'static str,
    began: Instant,
    steps: usize,
    done: usize,
}

impl Progress {
    pub fn new(part: &'static str, steps: usize) -> Self {
        Self { part, began: Instant::now(), steps, done: 0 }
    }

    pub fn begin(&self, run: usize, runs: u32, what: &str) {
        let left = match self.done {
            0 => String::new(),
            done => format!(", about {} left", shown(self.began.elapsed() * (self.steps - done) as u32 / done as u32)),
        };
        eprintln!("{}: run {run} of {runs}{left}: {what}", self.part);
    }

    pub fn done(&mut self, samples: &[Sample]) {
        self.done += 1;
        let said: Vec<String> = samples
            .iter()
            .map(|Sample { of, unit, value }| format!("{of} {}", unit.shown(*value)).trim().to_owned())
            .collect();
        eprintln!("{}:     {}", self.part, said.join(", "));
    }

    /// Something that goes before all runs, or takes long inside one.
    pub fn note(part: &str, what: &str) {
        eprintln!("{part}: {what}");
    }
}

fn shown(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
