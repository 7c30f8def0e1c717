//! Threads for what is folded beside the serving read model: they get the time that queries and publishes leave.

use std::sync::Arc;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// As `nice` counts it: where all want to run, about a tenth of what another thread gets. A machine that has nothing else to
/// do gives them everything.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// One for each core, and one that may wait for the others. Threads that they start are as modest.
pub(super) fn threads() -> Result<Arc<ThreadPool>, ThreadPoolBuildError> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = ThreadPoolBuilder::new()
        .num_threads(cores + 1)
        .thread_name(|_| "background".to_owned())
        .start_handler(|_| stand_back())
        // Whoever waits for the result is told that it broke off.
        .panic_handler(|_| ())
        .build()?;
    Ok(Arc::new(threads))
}

/// If it cannot be done, the thread is as important as any other.
fn stand_back() {
    // Linux means the thread that asks; elsewhere it would be the process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn they_and_what_they_start_stand_back_and_nobody_else_does() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let threads = threads().unwrap();
        let (of_thread, of_started) = threads.install(|| (nice(), std::thread::spawn(nice).join().unwrap()));
        assert_eq!((of_thread, of_started), (NICE.max(before), NICE.max(before)));
        assert_eq!(nice(), before);
    }
}
