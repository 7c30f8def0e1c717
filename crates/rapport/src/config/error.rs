//! What can be wrong with the arguments and the configuration file: where, what was found, what would be right.

use std::path::PathBuf;

use rapport_customer::DefinitionError;
use rapport_touchpoint::CatalogueError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{argument} is {value:?}; {right}")]
    Argument { argument: &'static str, value: String, right: String },
    #[error(
        "--listen is {listen}, which other machines can reach, and TLS and tokens are not available yet; \
         listen on 127.0.0.1, or add --insecure if the network around keeps strangers out"
    )]
    Exposed { listen: String },
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", file.display())]
    Toml { file: PathBuf, source: toml::de::Error },
    #[error("{}: {key} is {value}; {right}", file.display())]
    Value { file: PathBuf, key: String, value: String, right: String },
    #[error("{}: {key} is {:?}, which cannot be read: {source}; it must be a folder of <type>/<version>.json", file.display(), value.display())]
    Schemas { file: PathBuf, key: String, value: PathBuf, source: std::io::Error },
    #[error("{}: {key} is {:?}: {source}", file.display(), value.display())]
    Schema { file: PathBuf, key: String, value: PathBuf, source: Box<CatalogueError> },
    #[error("{}: {key} is {:?}, which cannot be read: {source}; it must be a file such as examples/definitions.toml", file.display(), value.display())]
    Unread { file: PathBuf, key: String, value: PathBuf, source: std::io::Error },
    #[error("{}: {key}: {source}", file.display())]
    Definitions { file: PathBuf, key: String, source: Box<DefinitionError> },
}
