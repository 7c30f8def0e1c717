//! What would other definitions change? The log is folded anew under them, with all models, and compared with what serves.
//! What was built so may be let serve.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_readmodel::{Definitions, FunnelOf, Moves, Picture, ReadModel, ScoreOf};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::Projection;
use super::preview::{Previewed, compare, why};
use super::rebuild::{Promotion, RebuildError, Request, Updates, Wish};
use super::scratch::{Anew, Phase, Scratch, ScratchError, ScratchUpdates, Watched, Work};
use super::source::Source;

/// What is tried.
pub struct Supposition {
    /// The models of it are those that are folded here.
    pub definitions: Definitions,
    /// The file that they come from.
    pub text: String,
    /// So many are shown at most, of each kind.
    pub examples: usize,
    /// Are they to be in force afterwards?
    pub promote: bool,
}

#[derive(Debug, Error)]
pub enum SupposeError {
    #[error(
        "promote: the tenant has no definitions file that could be replaced; name one in rapport.toml, as definitions of \
         the tenant, and restart the server"
    )]
    NoFile,
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error(transparent)]
    Scratch(#[from] ScratchError),
}

/// What came out: of today first, and then of what would be.
#[derive(Debug)]
pub struct Supposed {
    /// Who would be who.
    pub previewed: Previewed,
    /// The definitions come to the same as those that what serves was folded under.
    pub same_definitions: bool,
    pub moves: Moves,
    pub scores: [Vec<ScoreOf>; 2],
    pub funnels: [Vec<FunnelOf>; 2],
    /// How it goes on, if it is to serve.
    pub promoting: Option<Result<Updates, RebuildError>>,
}

impl Projection {
    /// Starts to fold under other definitions; the last update is the result or an error. Ends early when nobody listens any
    /// more.
    pub fn suppose(&self, supposition: Supposition) -> Result<ScratchUpdates<Supposed>, SupposeError> {
        let Supposition { definitions, text, examples, promote } = supposition;
        let definitions = Arc::new(Definitions { models: self.models().to_vec(), ..definitions });
        let promotion = if promote { Some(self.promotable(&text)?) } else { None };
        let scratch = Scratch { is_kept: promote, ..self.scratch(definitions) };
        Ok(self.supposing.begin(Suppose { examples, promotion }, scratch)?)
    }

    fn promotable(&self, text: &str) -> Result<Promotable, SupposeError> {
        let definitions_file = self.definitions_file.clone().ok_or(SupposeError::NoFile)?;
        if self.live().building.is_some() {
            return Err(RebuildError::UnderWay.into());
        }
        Ok(Promotable { source: self.source.with(text), definitions_file, requests: self.requests() })
    }
}

struct Suppose {
    examples: usize,
    promotion: Option<Promotable>,
}

struct Promotable {
    source: Source,
    definitions_file: PathBuf,
    requests: mpsc::Sender<Request>,
}

impl Promotable {
    /// Hands the file over, whole and on the disk.
    async fn promote(&self, file: PathBuf, definitions: Arc<Definitions>) -> Result<Updates, RebuildError> {
        let synced = file.clone();
        let synced = spawn_blocking(move || ReadModel::sync(&synced)).await;
        synced.map_err(|_| RebuildError::Stopping)?.map_err(super::ProjectorError::ReadModel)?;
        crash_point!("whatif/synced");
        let (answer, answered) = oneshot::channel();
        let (source, definitions_file) = (self.source.clone(), self.definitions_file.clone());
        let wish = Wish::Promote(Box::new(Promotion { file, definitions, source, definitions_file }));
        self.requests.send(Request { wish, answer }).await.map_err(|_| RebuildError::Stopping)?;
        answered.await.map_err(|_| RebuildError::Stopping)?
    }
}

impl Work for Suppose {
    type Done = Supposed;

    async fn done(
        &self,
        scratch: &Scratch,
        folder: &Path,
        watched: &Watched<Supposed>,
    ) -> Result<Supposed, ScratchError> {
        let began = Instant::now();
        let (today, goal) = scratch.hold().await?;
        let file = folder.join("anew.db");
        let Anew { picture: then, met } = scratch.fold_anew(&file, goal, watched).await?;
        crash_point!("whatif/folded");
        let (overlap, still_watched, examples) = (folder.join("overlap.db"), watched.clone(), self.examples);
        // Both pictures are closed when it returns.
        let compared = spawn_blocking(move || suppose((&today, &then), &overlap, examples, &still_watched));
        let mut supposed = compared.await.map_err(|_| ScratchError::BrokenOff)??;
        let serving = scratch.serving.definitions();
        supposed.same_definitions = serving.fingerprint() == scratch.definitions.fingerprint();
        supposed.previewed = Previewed { events: met.events, took: began.elapsed(), ..supposed.previewed };
        if let Some(promotable) = &self.promotion {
            supposed.promoting = Some(promotable.promote(file, scratch.definitions.clone()).await);
        }
        Ok(supposed)
    }

    fn log(&self, tenant: &str, ended: &Result<Supposed, ScratchError>) {
        match ended {
            Ok(Supposed { previewed: Previewed { position, fates, .. }, moves, .. }) => {
                let (customers, stages) = (fates.changed(), moves.changed);
                tracing::info!(%tenant, position, customers, stages, "what other definitions would change was looked at");
            }
            Err(error) => tracing::warn!(%tenant, %error, "a what-if ended without an answer"),
        }
    }
}

/// Blocks.
fn suppose(
    (today, then): (&Picture, &Picture),
    overlap: &Path,
    examples: usize,
    watched: &Watched<Supposed>,
) -> Result<Supposed, ScratchError> {
    let previewed = compare((today, then), overlap, examples, watched)?;
    let total = previewed.today.customers.max(previewed.then.customers);
    let mut comparing = |done| {
        watched.tell(Phase::Comparing, done, total);
        watched.check().is_ok()
    };
    let moves = Moves::between(today, then, examples, &mut comparing).map_err(ScratchError::Scratch)?;
    let (serving, scratch) = (ScratchError::Serving, ScratchError::Scratch);
    Ok(Supposed {
        previewed: Previewed { took: Duration::ZERO, ..previewed },
        same_definitions: false,
        moves: moves.ok_or_else(|| why(watched))?,
        scores: [today.scores().map_err(serving)?, then.scores().map_err(scratch)?],
        funnels: [today.funnels().map_err(ScratchError::Serving)?, then.funnels().map_err(ScratchError::Scratch)?],
        promoting: None,
    })
}
