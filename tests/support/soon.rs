//! No test waits for ever, and none is about time.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::timeout;

/// Whatever takes this long hangs.
pub const HANGS: Duration = Duration::from_secs(120);

/// Panics instead of hanging.
#[track_caller]
pub fn soon<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move { timeout(HANGS, future).await.unwrap_or_else(|_| panic!("nothing happens at {caller}")) }
}
