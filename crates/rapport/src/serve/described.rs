//! What the services say of themselves: their methods, for reflection and for the metrics.

use prost_reflect::DescriptorPool;
use tonic_reflection::server::Builder;

use crate::wire::DESCRIPTORS;

/// Ours, and those that come with gRPC.
const ALL: [&[u8]; 3] =
    [DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET, tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET];

/// Every method that a server can have.
pub(super) fn methods() -> DescriptorPool {
    let mut pool = DescriptorPool::new();
    for described in ALL {
        pool.decode_file_descriptor_set(described).expect("the descriptions are compiled in");
    }
    pool
}

pub(super) fn reflection<'a>() -> Builder<'a> {
    Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
