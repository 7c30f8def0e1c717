//! What the services say of themselves: their methods, for reflection, for the metrics, and for calls that go astray.

use prost_reflect::DescriptorPool;
use tonic_reflection::server::Builder;

use crate::hosting::{Hosting, Service};
use crate::wire::DESCRIPTORS;

/// Ours, and those that come with gRPC.
const ALL: [&[u8]; 4] = [
    DESCRIPTORS,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// Every method that a server can have.
pub(super) fn methods() -> DescriptorPool {
    let mut pool = DescriptorPool::new();
    for described in ALL {
        pool.decode_file_descriptor_set(described).expect("the descriptions are compiled in");
    }
    pool
}

/// Lists what is hosted; messages of the rest of the contract are described all the same.
pub(super) fn reflection<'a>(hosting: &Hosting) -> Builder<'a> {
    let all = Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    hosting.services().map(Service::name).fold(all, Builder::with_service_name)
}
