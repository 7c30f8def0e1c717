//! The gRPC contract as Rust types, generated from `proto/`.

use bytes::Bytes;

pub mod cloudevents {
    #![allow(clippy::all, clippy::pedantic, unused_qualifications)]
    tonic::include_proto!("io.cloudevents.v1");
}

pub mod v1 {
    #![allow(clippy::all, clippy::pedantic, unused_qualifications)]
    pub use crate::wire::PublishRequest;
    tonic::include_proto!("rapport.v1");
}

/// All of `proto/` with its dependencies, for reflection and for proto3 JSON.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// `rapport.v1.PublishRequest` with its events still encoded: the same bytes on the wire, but a broken event can be
/// answered by itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PublishRequest {
    #[prost(string, tag = "1")]
    pub tenant: String,
    /// Each an encoded `io.cloudevents.v1.CloudEvent`.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub events: Vec<Bytes>,
}
