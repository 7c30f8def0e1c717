//! How it is measured: how often, with how much, where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Result;
use crate::driven::program;

#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Measure each thing this often, in turns; growth is measured once
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Touchpoints for each part, instead of what it takes by itself
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
    pub events: Option<u64>,
    /// The same seed makes the same touchpoints
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Everything once, and so little of it that the figures say nothing
    #[arg(long)]
    pub quick: bool,
    /// Write the figures as JSON to this file; `report` makes tables of it
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Keep all data below this folder while measuring; by default beside this program, since a temporary folder may lie
    /// in memory, where a sync costs nothing
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Options {
    /// For the document.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let events = self.events.map_or_else(|| "as each part takes".to_owned(), |events| events.to_string());
        let runs = if self.quick { 1 } else { self.runs };
        let said = [("runs", runs.to_string()), ("events", events), ("seed", self.seed.to_string())];
        let quick = self.quick.then(|| ("quick", "yes, so the figures say nothing".to_owned()));
        said.into_iter().chain(quick).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The options, checked, and what all parts need.
pub struct Setting {
    pub runs: u32,
    pub seed: u64,
    pub quick: bool,
    events: Option<u64>,
    folder: TempDir,
    pub runtime: Runtime,
}

impl Setting {
    pub fn new(options: &Options) -> Result<Self> {
        let parent = match &options.data {
            Some(folder) => folder.clone(),
            None => program::own_folder()?,
        };
        std::fs::create_dir_all(&parent)?;
        Ok(Self {
            runs: if options.quick { 1 } else { options.runs },
            seed: options.seed,
            quick: options.quick,
            events: options.events,
            folder: tempfile::Builder::new().prefix("rapport-bench-").tempdir_in(parent)?,
            runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
        })
    }

    /// What was asked for, else what the part takes by itself.
    pub fn events(&self, usual: u64) -> u64 {
        match self.events {
            Some(events) => events,
            None if self.quick => usual.div_ceil(200).min(2_000),
            None => usual,
        }
    }

    pub fn duration(&self, usual: Duration) -> Duration {
        if self.quick { usual / 10 } else { usual }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gone when it is dropped.
    pub fn new_folder(&self) -> Result<TempDir> {
        Ok(TempDir::new_in(self.folder.path())?)
    }
}
