//! A look at the read model that serves, for the metrics.

use std::time::Duration;

use rapport_touchpoint::Timestamp;

use super::{Live, Projection};
use crate::metrics::Observed;

/// A log that does not answer by then ends where it was last known to end.
const PATIENCE: Duration = Duration::from_secs(1);

impl Projection {
    pub(crate) async fn measure(&self, now: Timestamp) {
        let Live { generation, reader, position, head, memory, fault, .. } = self.live();
        // A projector that stopped no longer looks up where the log ends.
        let ends = tokio::time::timeout(PATIENCE, self.log.head()).await;
        let head = ends.ok().and_then(Result::ok).map_or(head, |end| end.0.max(head));
        let status = tokio::task::spawn_blocking(move || reader.status()).await;
        let parked = status.ok().and_then(Result::ok).map(|status| status.content.parked);
        let lag = memory.waiting.longest(now);
        self.metrics.show(&Observed { position, head, lag, is_stopped: fault.is_some(), generation, parked });
    }
}
