//! Waits until the read model has what was published.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tonic::{Code, Request};

use super::ImportError;
use crate::client::Connection;
use crate::wire::v1::StatusRequest;

const STEP: Duration = Duration::from_millis(500);
/// Without any movement for this long, it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns once the read model is at `target`; `bar` counts the positions on the way.
pub async fn catch_up(
    connection: &Connection,
    tenant: &str,
    target: u64,
    bar: &ProgressBar,
) -> Result<(), ImportError> {
    let mut admin = connection.admin();
    let (mut at, mut moved) = (None, Instant::now());
    loop {
        let mut waiting = Request::new(StatusRequest { tenant: tenant.to_owned(), min_position: target });
        waiting.set_timeout(STEP);
        match admin.status(waiting).await {
            Ok(_) => return Ok(()),
            Err(status) if matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled) => {}
            Err(status) if status.code() == Code::Unavailable && moved.elapsed() < PATIENCE => {
                tokio::time::sleep(STEP).await;
                continue;
            }
            Err(status) if status.code() == Code::Unimplemented => {
                let (url, told) = (connection.url().to_owned(), status.message().to_owned());
                return Err(ImportError::NoReadModel { url, told });
            }
            Err(status) => return Err(connection.failed(status).into()),
        }
        let status = admin.status(StatusRequest { tenant: tenant.to_owned(), min_position: 0 }).await;
        let status = status.map_err(|status| connection.failed(status))?.into_inner();
        if !status.fault.is_empty() {
            return Err(ImportError::Fault(status.fault));
        }
        if at.is_none_or(|at| at < status.position) {
            if at.is_none() {
                bar.set_length(target.saturating_sub(status.position));
            }
            let first = *at.get_or_insert(status.position);
            bar.inc(status.position - first);
            (at, moved) = (Some(status.position), Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            return Err(ImportError::Stuck { position: status.position, target });
        }
    }
}
