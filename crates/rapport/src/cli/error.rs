//! Why a command failed, and its exit code.

use std::io;
use std::path::PathBuf;

use super::replay::Reached;
use crate::client::ClientError;
use crate::import::{ImportError, MappingError};
use crate::moving::MoveError;
use crate::serve::ServeError;

/// Wrong usage or configuration: `EX_USAGE` of sysexits.
pub const USAGE: u8 = 64;
const FAILURE: u8 = 1;
/// As a shell reports an interrupted command.
const INTERRUPTED: u8 = 130;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("{bad} of {read} rows were bad")]
    BadRows { bad: u64, read: u64 },
    #[error("cannot write {}: {source}", .file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
    #[error("the server ended the answer before it was complete")]
    Incomplete,
    #[error("the read model differs from its log; `rapport rebuild` makes it anew")]
    Different,
    #[error("interrupted")]
    Interrupted,
    #[error("{cause}; what lies up to {reached} was {done}. Go on with {}", .reached.argument())]
    BrokenOff { cause: Box<CliError>, done: &'static str, reached: Reached },
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Move(#[from] MoveError),
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Mapping(_) | Self::Serve(ServeError::Config(_)) => USAGE,
            Self::Client(error) if error.is_usage() => USAGE,
            Self::Import(error) if error.is_usage() => USAGE,
            Self::Move(MoveError::NotEmpty { .. } | MoveError::NoBackup { .. }) => USAGE,
            Self::Output(_) if self.is_silent() => 0,
            Self::Interrupted => INTERRUPTED,
            Self::BrokenOff { cause, .. } => cause.exit_code(),
            Self::Client(_)
            | Self::Import(_)
            | Self::BadRows { .. }
            | Self::File { .. }
            | Self::Output(_)
            | Self::Incomplete
            | Self::Different
            | Self::Runtime(_)
            | Self::Serve(_)
            | Self::Move(_)
            | Self::Failed(_) => FAILURE,
        }
    }

    /// Who reads the answer may stop when it is enough: `rapport replay | head`.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
