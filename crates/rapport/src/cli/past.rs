//! A past moment on the command line: what had happened by then, what was known by then.

use clap::Args;
use rapport_touchpoint::Timestamp;

use super::{CliError, moment};
use crate::client::Connection;
use crate::progress;
use crate::wire::v1::known_at::When;
use crate::wire::v1::prepare_past_response::What;
use crate::wire::v1::{Freshness, KnownAt, PreparePastRequest};

#[derive(Debug, Clone, Default, Args)]
pub struct PastArgs {
    /// As of a past moment, of what had happened by then: RFC 3339, or a date for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    as_of: Option<Timestamp>,
    /// Of what was on the log by then: up to a position, or recorded by a moment
    #[arg(long, value_name = "POSITION|TIME", value_parser = known_at)]
    known_at: Option<KnownAt>,
}

/// Digits are a position.
fn known_at(text: &str) -> Result<KnownAt, String> {
    let when = match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map(When::Position).map_err(|_| "is no position".to_owned())?,
        false => moment::parse(text)
            .map(|time| When::Time(moment::to_proto(time)))
            .map_err(|rule| format!("{rule}; or a position of the log, such as 6919"))?,
    };
    Ok(KnownAt { when: Some(when) })
}

impl PastArgs {
    pub fn as_of(&self) -> Option<prost_types::Timestamp> {
        self.as_of.map(moment::to_proto)
    }

    pub fn known_at(&self) -> Option<KnownAt> {
        self.known_at
    }

    fn is_meant(&self) -> bool {
        self.as_of.is_some() || self.known_at.is_some()
    }

    /// Sees to it that everybody's past can be asked for, if one is meant.
    pub async fn prepare(&self, connection: &Connection, tenant: &str, min_position: u64) -> Result<(), CliError> {
        if !self.is_meant() {
            return Ok(());
        }
        let (tenant, as_of, known_at) = (tenant.to_owned(), self.as_of(), self.known_at());
        let request = PreparePastRequest { tenant, as_of, known_at, min_position };
        let call = connection.admin().prepare_past(request).await;
        let mut answers = call.map_err(|status| connection.failed(status))?.into_inner();
        let bar = progress::positions("fold the log as of then");
        let mut is_done = false;
        while let Some(answer) = answers.message().await.map_err(|status| connection.failed(status))? {
            match answer.what {
                Some(What::Progress(progress)) => {
                    bar.set_length(progress.total);
                    bar.set_position(progress.done);
                }
                Some(What::Result(_)) => is_done = true,
                None => {}
            }
        }
        bar.finish_and_clear();
        if is_done { Ok(()) } else { Err(CliError::Incomplete) }
    }

    /// Asks about one customer. If the server says that it takes everybody's past, that is seen to and asked.
    pub async fn of_one<T>(
        &self,
        connection: &Connection,
        (tenant, min_position): (&str, u64),
        ask: impl AsyncFn() -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        match ask().await {
            Err(CliError::Client(error)) if error.is_premature() && self.is_meant() => {
                self.prepare(connection, tenant, min_position).await?;
                ask().await
            }
            answered => answered,
        }
    }

    /// For people: when the answer is true; nothing, if that is now.
    pub fn title(&self, freshness: Option<&Freshness>) -> String {
        if !self.is_meant() {
            return String::new();
        }
        let position = freshness.map_or(0, |freshness| freshness.position);
        let clock = moment::show(freshness.and_then(|freshness| freshness.clock.as_ref()));
        format!("As of {clock}, from the log up to position {position}\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_position_and_all_else_is_a_moment() {
        assert_eq!(known_at("6919").unwrap().when, Some(When::Position(6_919)));
        let midnight = prost_types::Timestamp { seconds: 852_076_800, nanos: 0 };
        for text in ["1997-01-01", "1997-01-01T01:00:00+01:00"] {
            assert_eq!(known_at(text).unwrap().when, Some(When::Time(midnight)));
        }
        for (text, right) in [("yesterday", "or a position of the log"), ("99999999999999999999", "no position")] {
            assert!(known_at(text).unwrap_err().contains(right), "{text}");
        }
    }

    #[test]
    fn an_answer_about_the_past_says_so() {
        let freshness = Freshness { position: 7, ..Freshness::default() };
        assert_eq!(PastArgs::default().title(Some(&freshness)), "");
        let past = PastArgs { as_of: moment::parse("1997-01-01").ok(), known_at: None };
        let clock = past.as_of();
        let title = past.title(Some(&Freshness { clock, ..freshness }));
        assert_eq!(title, "As of 1997-01-01T00:00:00Z, from the log up to position 7\n\n");
    }
}
