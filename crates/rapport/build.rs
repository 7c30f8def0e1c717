//! Compiles `proto/` in pure Rust; no protoc is needed.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", proto.display());
    let files = ["ingest", "customer", "journey", "feedback", "identity", "replay", "export", "admin"]
        .map(|name| proto.join(format!("rapport/v1/{name}.proto")));
    let descriptors = protox::compile(files, [&proto])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // They are read in the order of their names, and few.
        .btree_map(".rapport.v1.Customer")
        .btree_map(".rapport.v1.TotalsResponse")
        // The gateway reads the events of a request one by one, so that one that is no protobuf spoils only itself.
        .extern_path(".rapport.v1.PublishRequest", "crate::wire::PublishRequest")
        // What is known of a customer is encoded once, and sent until it changes.
        .extern_path(".rapport.v1.GetCustomerResponse", "crate::wire::GetCustomerResponse")
        .compile_fds(descriptors)?;
    Ok(())
}
