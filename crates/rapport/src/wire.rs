//! The gRPC contract as Rust types, generated from `proto/`.

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

pub mod cloudevents {
    #![allow(clippy::all, clippy::pedantic, unused_qualifications)]
    tonic::include_proto!("io.cloudevents.v1");
}

pub mod v1 {
    #![allow(clippy::all, clippy::pedantic, unused_qualifications)]
    pub use crate::wire::{GetCustomerResponse, PublishRequest};
    tonic::include_proto!("rapport.v1");
}

/// All of `proto/` with its dependencies, for reflection and for proto3 JSON.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// `rapport.v1.PublishRequest` with its events still encoded: the same bytes on the wire, but a broken event can be
/// answered by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PublishRequest {
    pub tenant: String,
    /// Each an encoded `io.cloudevents.v1.CloudEvent`.
    pub events: Vec<Bytes>,
}

/// Far more than are ever taken. An empty event has two bytes on the wire and 32 in memory, so that a request within
/// its limit of bytes could fill the memory with them; the rest is not even kept.
const MOST_EVENTS_KEPT: usize = 200_000;

impl Message for PublishRequest {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if !self.tenant.is_empty() {
            encoding::string::encode(1, &self.tenant, buf);
        }
        encoding::bytes::encode_repeated(2, &self.events, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        let named = |field| within("PublishRequest", field);
        match tag {
            1 => encoding::string::merge(wire_type, &mut self.tenant, buf, context).map_err(named("tenant")),
            2 if self.events.len() < MOST_EVENTS_KEPT => {
                encoding::bytes::merge_repeated(wire_type, &mut self.events, buf, context).map_err(named("events"))
            }
            _ => encoding::skip_field(wire_type, tag, buf, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let tenant = if self.tenant.is_empty() { 0 } else { encoding::string::encoded_len(1, &self.tenant) };
        tenant + encoding::bytes::encoded_len_repeated(2, &self.events)
    }

    fn clear(&mut self) {
        self.tenant.clear();
        self.events.clear();
    }
}

/// `rapport.v1.GetCustomerResponse` whose customer may be encoded already: the same bytes on the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GetCustomerResponse {
    /// As it was received.
    pub customer: Option<v1::Customer>,
    pub freshness: Option<v1::Freshness>,
    /// In its place where it is sent: an encoded `rapport.v1.Customer`.
    encoded_customer: Option<Bytes>,
}

impl GetCustomerResponse {
    pub fn of_encoded(customer: Bytes, freshness: v1::Freshness) -> Self {
        Self { customer: None, freshness: Some(freshness), encoded_customer: Some(customer) }
    }
}

impl Message for GetCustomerResponse {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        match (&self.encoded_customer, &self.customer) {
            (Some(encoded), _) => encoding::bytes::encode(1, encoded, buf),
            (None, Some(customer)) => encoding::message::encode(1, customer, buf),
            (None, None) => {}
        }
        if let Some(freshness) = &self.freshness {
            encoding::message::encode(2, freshness, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => encoding::message::merge(wire_type, self.customer.get_or_insert_default(), buf, context)
                .map_err(within("GetCustomerResponse", "customer")),
            2 => encoding::message::merge(wire_type, self.freshness.get_or_insert_default(), buf, context)
                .map_err(within("GetCustomerResponse", "freshness")),
            _ => encoding::skip_field(wire_type, tag, buf, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let customer = match (&self.encoded_customer, &self.customer) {
            (Some(encoded), _) => encoding::bytes::encoded_len(1, encoded),
            (None, Some(customer)) => encoding::message::encoded_len(1, customer),
            (None, None) => 0,
        };
        customer + self.freshness.as_ref().map_or(0, |freshness| encoding::message::encoded_len(2, freshness))
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Says where something stood that cannot be decoded.
fn within(message: &'static str, field: &'static str) -> impl FnOnce(DecodeError) -> DecodeError {
    move |mut error| {
        error.push(message, field);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_an_encoded_customer_is_any_other_on_the_wire() {
        for touchpoints in [0, 7] {
            let customer = v1::Customer { id: "cus_1".to_owned(), touchpoints, ..Default::default() };
            let freshness = v1::Freshness { position: 9, ..Default::default() };
            let answer = GetCustomerResponse {
                customer: Some(customer.clone()),
                freshness: Some(freshness),
                ..Default::default()
            };
            let sent = GetCustomerResponse::of_encoded(customer.encode_to_vec().into(), freshness);
            let bytes = sent.encode_to_vec();
            assert_eq!((bytes.len(), &bytes), (sent.encoded_len(), &answer.encode_to_vec()));
            assert_eq!(answer.encoded_len(), bytes.len());
            assert_eq!(GetCustomerResponse::decode(bytes.as_slice()), Ok(answer));
        }
        assert_eq!(GetCustomerResponse::decode(&[][..]), Ok(GetCustomerResponse::default()));
        assert!(GetCustomerResponse::decode(&[0x0a, 0x05][..]).is_err());
    }

    #[test]
    fn a_request_survives_the_wire() {
        for tenant in ["", "acme"] {
            let events = vec![Bytes::from_static(b"one"), Bytes::new(), Bytes::from_static(&[0xff])];
            let request = PublishRequest { tenant: tenant.to_owned(), events };
            let encoded = request.encode_to_vec();
            assert_eq!(encoded.len(), request.encoded_len());
            assert_eq!(PublishRequest::decode(encoded.as_slice()), Ok(request));
        }
    }

    #[test]
    fn a_flood_of_empty_events_is_not_kept() {
        let flood = [0x12, 0x00].repeat(1_000_000);
        assert_eq!(PublishRequest::decode(flood.as_slice()).map(|request| request.events.len()), Ok(MOST_EVENTS_KEPT));
    }
}
