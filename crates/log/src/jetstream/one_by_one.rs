//! Messages each by itself, with many on their way, and in their order: requests that are polled side by side are not sent
//! in the order in which they were made.

use std::sync::Arc;

use async_nats::StatusCode;
use async_nats::client::PublishErrorKind;
use futures::StreamExt;
use tokio::time::timeout;

use super::PATIENCE;
use super::publish::{Message, Publisher, Stored, headers};
use crate::{AppendError, Away};

/// Messages that wait for the server's word.
const IN_FLIGHT: usize = 256;

impl Publisher {
    /// One outcome per message, in their order.
    pub(super) async fn one_by_one(&self, messages: &[Message]) -> Vec<Result<Stored, AppendError>> {
        match messages {
            [] => return Vec::new(),
            [message] => return vec![self.one(message).await],
            _ => {}
        }
        let inbox = self.client.new_inbox();
        let mut words = match self.client.subscribe(format!("{inbox}.*")).await {
            Ok(words) => words,
            Err(error) => {
                let refused = AppendError::Unavailable(Away::Refused(Arc::new(error)));
                return vec![Err(refused); messages.len()];
            }
        };
        let mut outcomes = vec![None; messages.len()];
        let mut unsent = messages.iter().enumerate();
        let mut waiting = 0;
        loop {
            while waiting < IN_FLIGHT
                && let Some((index, message)) = unsent.next()
            {
                match self.send(message, format!("{inbox}.{index}")).await {
                    Ok(()) => waiting += 1,
                    Err(error) => outcomes[index] = Some(Err(error)),
                }
            }
            if waiting == 0 {
                break;
            }
            let Ok(Some(word)) = timeout(PATIENCE, words.next()).await else { break };
            let index = word.subject.rsplit('.').next().and_then(|index| index.parse::<usize>().ok());
            if let Some(index) = index
                && let Some(unknown @ None) = outcomes.get_mut(index)
            {
                *unknown = Some(self.word(&word, &messages[index]));
                waiting -= 1;
            }
        }
        let late = || Err(AppendError::Unavailable(Away::Deadline(PATIENCE)));
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(late)).collect()
    }

    async fn send(&self, message: &Message, reply: String) -> Result<(), AppendError> {
        let (subject, payload) = (message.subject.clone(), message.payload.clone());
        let sent = self.client.publish_with_reply_and_headers(subject, reply, headers(message), payload).await;
        sent.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => self.too_large(message),
            PublishErrorKind::InvalidSubject | PublishErrorKind::Send => {
                AppendError::Unavailable(Away::Refused(Arc::new(error)))
            }
        })
    }

    fn word(&self, word: &async_nats::Message, message: &Message) -> Result<Stored, AppendError> {
        if word.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(AppendError::Unavailable(Away::NoStream));
        }
        self.stored(&word.payload, message)
    }
}
