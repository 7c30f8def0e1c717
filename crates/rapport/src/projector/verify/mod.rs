//! Is the read model what the log says? The log is folded anew under the same definitions, up to where the serving read model
//! stood when it was asked, and the two are compared at that one position and clock.

mod comparison;
mod conflicts;

use std::path::Path;

use super::Projection;
use super::scratch::{Scratch, ScratchError, ScratchUpdates, Watched, Work};

pub use comparison::{ModelDigests, Verified};
pub use conflicts::ConflictingBodies;

impl Projection {
    /// Starts to verify; the last update is the result or an error. Ends early when nobody listens any more.
    pub fn verify(&self) -> Result<ScratchUpdates<Verified>, ScratchError> {
        let definitions = self.live().reader.definitions().clone();
        self.verifying.begin(Verify, self.scratch(definitions))
    }
}

struct Verify;

impl Work for Verify {
    type Done = Verified;

    async fn done(
        &self,
        scratch: &Scratch,
        folder: &Path,
        watched: &Watched<Verified>,
    ) -> Result<Verified, ScratchError> {
        comparison::compare(scratch, &folder.join("anew.db"), watched).await
    }

    fn log(&self, tenant: &str, ended: &Result<Verified, ScratchError>) {
        match ended {
            Ok(verified) if verified.is_equal() => {
                tracing::info!(%tenant, position = verified.position, "the read model is what the log says");
            }
            Ok(verified) => {
                let (customers, totals) = (verified.differences.customers, verified.differences.totals);
                tracing::error!(%tenant, position = verified.position, customers, totals, "the read model differs from its log");
            }
            Err(error) => tracing::warn!(%tenant, %error, "a verify ended without an answer"),
        }
    }
}
