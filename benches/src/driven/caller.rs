//! Calls whose requests and answers are bytes, encoded before and never decoded: what they cost whoever calls is the same,
//! whoever answers.

use bytes::{Buf, BufMut, Bytes};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::Result;

/// Bytes as they are.
#[derive(Clone, Copy, Default)]
pub struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> std::result::Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> std::result::Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A connection.
pub struct Caller {
    channel: Channel,
}

impl Caller {
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self { channel: Endpoint::from_shared(url.to_owned())?.tcp_nodelay(true).connect().await? })
    }

    /// `path` is `/SERVICE/METHOD`.
    pub async fn call(&self, path: &'static str, request: Bytes) -> Result<Bytes> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await?;
        let answered = client.unary(Request::new(request), PathAndQuery::from_static(path), Plain).await?;
        Ok(answered.into_inner())
    }
}
