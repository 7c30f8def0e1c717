//! How a command reaches the server, and what it says when it cannot.

use std::error::Error;
use std::io;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};

use crate::wire::v1::admin_service_client::AdminServiceClient;
use crate::wire::v1::customer_service_client::CustomerServiceClient;
use crate::wire::v1::export_service_client::ExportServiceClient;
use crate::wire::v1::feedback_service_client::FeedbackServiceClient;
use crate::wire::v1::identity_service_client::IdentityServiceClient;
use crate::wire::v1::ingest_service_client::IngestServiceClient;
use crate::wire::v1::journey_service_client::JourneyServiceClient;
use crate::wire::v1::replay_service_client::ReplayServiceClient;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A page of 500 touchpoints of the largest size, with room to spare.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("--server {url:?}: {right}")]
    Address { url: String, right: &'static str },
    #[error("cannot reach {url} ({cause}); is `rapport serve` running? name another with --server")]
    Unreachable { url: String, cause: String },
    #[error("{}", answer(.0))]
    Refused(Box<Status>),
}

impl ClientError {
    /// Is it the question that was wrong?
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Address { .. } => true,
            Self::Unreachable { .. } => false,
            Self::Refused(status) => status.code() == Code::InvalidArgument,
        }
    }

    /// Is there something to be done before it can be answered?
    pub fn is_premature(&self) -> bool {
        matches!(self, Self::Refused(status) if status.code() == Code::FailedPrecondition)
    }
}

fn answer(status: &Status) -> String {
    match (status.code(), status.message()) {
        (code, "") => format!("the server refuses: {}", code.description()),
        (Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition, message) => message.to_owned(),
        (code, message) => format!("the server refuses: {message} ({})", code.description()),
    }
}

/// A connection to one server; it reconnects by itself.
#[derive(Debug, Clone)]
pub struct Connection {
    channel: Channel,
    url: String,
}

impl Connection {
    /// Fails if nobody answers at `url`, which is `http://HOST:PORT`.
    pub async fn open(url: &str) -> Result<Self, ClientError> {
        let right = "must be http://HOST:PORT, such as http://127.0.0.1:7700";
        let bad = || ClientError::Address { url: url.to_owned(), right };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(bad());
        }
        let channel = Endpoint::from(uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .initial_stream_window_size(4 * 1024 * 1024)
            .connect()
            .await
            .map_err(|error| ClientError::Unreachable { url: url.to_owned(), cause: root_cause(&error) })?;
        Ok(Self { channel, url: url.to_owned() })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What to tell about a call that failed.
    pub fn failed(&self, status: Status) -> ClientError {
        if status.code() == Code::Unavailable && status.source().is_some() {
            return ClientError::Unreachable { url: self.url.clone(), cause: root_cause(&status) };
        }
        ClientError::Refused(Box::new(status))
    }

    pub fn ingest(&self) -> IngestServiceClient<Channel> {
        IngestServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn customers(&self) -> CustomerServiceClient<Channel> {
        CustomerServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn journeys(&self) -> JourneyServiceClient<Channel> {
        JourneyServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn feedback(&self) -> FeedbackServiceClient<Channel> {
        FeedbackServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn replay(&self) -> ReplayServiceClient<Channel> {
        ReplayServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn exports(&self) -> ExportServiceClient<Channel> {
        ExportServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn identity(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }
}

/// May the same call go well a little later?
pub fn is_passing(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled => true,
        // With a source it is the connection's fault, not the server's answer.
        Code::Unknown | Code::Internal => status.source().is_some(),
        _ => false,
    }
}

/// The innermost error, in the plain words of its kind where it is the system's.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<io::Error>() {
        Some(error) => error.kind().to_string(),
        None => innermost.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_without_http_is_refused_with_the_right_form() {
        for url in ["127.0.0.1:7700", "https://127.0.0.1:7700", "http://", "nonsense url"] {
            let error = Connection::open(url).await.unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("http://HOST:PORT"), "{error}");
        }
    }

    #[tokio::test]
    async fn nobody_there_says_what_to_do() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Connection::open(&format!("http://{free}")).await.unwrap_err();
        let right = format!(
            "cannot reach http://{free} (connection refused); is `rapport serve` running? name another with --server"
        );
        assert_eq!(error.to_string(), right);
    }
}
