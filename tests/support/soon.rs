//! No test waits for ever, and none is about time.

use std::future::Future;
use std::panic::Location;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::time::timeout;

/// Whatever takes this long hangs.
pub const HANGS: Duration = Duration::from_secs(120);

/// Panics instead of hanging.
#[track_caller]
pub fn soon<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move { timeout(HANGS, future).await.unwrap_or_else(|_| panic!("nothing happens at {caller}")) }
}

/// Returns once it is so, and panics instead of hanging: for whatever no future tells of.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < HANGS, "this does not come: {what}");
        sleep(Duration::from_millis(5));
    }
}
