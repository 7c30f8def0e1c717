//! Which generation serves when a projector starts.

use std::sync::Arc;

use rapport_readmodel::{Imprint, ReadModelError, Reader};

use super::ProjectorError;
use super::folding::Folding;
use super::generations::Generations;
use super::projection::Setup;
use super::source::Source;

/// A generation, open, with the setup that it is folded with.
pub(super) struct Serving {
    pub generation: u32,
    pub folding: Folding,
    pub reader: Reader,
    /// Its definitions are those that the file was folded under.
    pub setup: Setup,
    /// It is empty because what there was cannot be read.
    pub begins_anew: bool,
}

impl Serving {
    /// The current one, if it was folded under the definitions in force, or the one before, if that was. Else the current one
    /// under its own definitions, for as long as another is built. Where they cannot be told, or this code folds otherwise,
    /// an empty one.
    pub async fn open(setup: &Setup, files: &Generations) -> Result<Self, ProjectorError> {
        let current = files.current()?;
        let tenant = &setup.origin.tenant;
        if let Some(opened) = Self::unless_foreign(setup, files, current).await? {
            return Ok(opened);
        }
        if let Some(previous) = files.previous(current)
            && let Some(opened) = Self::unless_foreign(setup, files, previous).await?
        {
            tracing::info!(%tenant, generation = previous, "the definitions are those of the generation before: it serves");
            return Ok(opened);
        }
        if let Some((source, definitions)) = of_file(setup, files, current).await? {
            let its_own = Setup { source: Arc::new(source), definitions: Arc::new(definitions), ..setup.clone() };
            if let Some(opened) = Self::unless_foreign(&its_own, files, current).await? {
                tracing::info!(
                    %tenant, generation = current,
                    "the definitions changed: what was folded under the old ones serves until a new generation is built"
                );
                return Ok(opened);
            }
        }
        let next = files.next(current);
        tracing::info!(
            %tenant, generation = next,
            "what there is was folded by another version of Rapport or under definitions that are not known: a new \
             generation is folded from the log, and answers lag until it has caught up"
        );
        Ok(Self { begins_anew: true, ..Self::open_one(setup, files, next).await? })
    }

    async fn unless_foreign(setup: &Setup, files: &Generations, number: u32) -> Result<Option<Self>, ProjectorError> {
        match Self::open_one(setup, files, number).await {
            Err(error) if is_of_others(&error) => Ok(None),
            opened => opened.map(Some),
        }
    }

    async fn open_one(setup: &Setup, files: &Generations, generation: u32) -> Result<Self, ProjectorError> {
        let folding = Folding::open(setup, &files.path(generation), generation).await?;
        let reader = folding.reader(&setup.origin)?;
        Ok(Self { generation, folding, reader, setup: setup.clone(), begins_anew: false })
    }
}

/// Was the file folded under other definitions, or by other code?
pub(super) fn is_of_others(error: &ProjectorError) -> bool {
    matches!(error, ProjectorError::ReadModel(ReadModelError::Foreign { what: "fingerprint" | "format", .. }))
}

async fn of_file(
    setup: &Setup,
    files: &Generations,
    generation: u32,
) -> Result<Option<(Source, rapport_readmodel::Definitions)>, ProjectorError> {
    let (path, models) = (files.path(generation), setup.definitions.models.clone());
    // Conditions are tried on the examples of the schemas.
    let read = tokio::task::spawn_blocking(move || {
        let imprint = Imprint::of(&path)?;
        Ok::<_, ReadModelError>(imprint.and_then(|imprint| Source::of(&imprint, &models)))
    });
    Ok(read.await.map_err(|_| ProjectorError::BrokenOff)??)
}
