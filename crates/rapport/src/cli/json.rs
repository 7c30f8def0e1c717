//! Answers as proto3 JSON: the names and forms of the contract, with default values, 64-bit integers as text.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

use super::CliError;
use crate::wire::DESCRIPTORS;

/// `name` is the message's, below `rapport.v1`.
pub fn proto_json(name: &str, message: &impl Message) -> Result<Value, CliError> {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).expect("the build wrote the descriptors"));
    let descriptor = POOL.get_message_by_name(&format!("rapport.v1.{name}")).expect("the contract has the message");
    let message =
        DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).expect("a message is its own protobuf");
    let options = SerializeOptions::new().skip_default_fields(false);
    // A moment beyond the year 9999 has no JSON form.
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| CliError::Failed(format!("the server's answer has no JSON form: {error}")))
}

pub fn print(value: &Value) -> Result<(), CliError> {
    super::columns::print(&format!("{value:#}"))
}

/// Where each line is an answer of its own.
pub fn print_line(value: &Value) -> Result<(), CliError> {
    super::columns::print(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::{Freshness, TotalsResponse};

    #[test]
    fn defaults_are_there_and_long_integers_are_text() {
        let freshness = Some(Freshness { position: 5_000_000_000, head: 0, lag: 0, clock: None });
        let json = proto_json("TotalsResponse", &TotalsResponse { freshness, ..TotalsResponse::default() }).unwrap();
        assert_eq!(json["freshness"]["position"], "5000000000");
        assert_eq!(json["customers"], "0");
        assert_eq!(json["byCurrency"], serde_json::json!([]));
    }
}
