//! Which way the dependencies point, held against the manifests and the sources.

mod manifests;
mod sources;
