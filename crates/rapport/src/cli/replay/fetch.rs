//! The touchpoints from the server, and on from the last one where the connection breaks.

use std::fmt;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tonic::Status;

use super::CliError;
use crate::client::{Connection, is_passing};
use crate::progress;
use crate::wire::v1::{ReplayOrder, ReplayRequest, ReplayResponse, ReplayedTouchpoint};

/// Responses that wait to be written.
pub(super) const STEPS_AHEAD: usize = 2;
/// Without an answer for this long, it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the one who writes is told.
pub(super) enum Step {
    Touchpoints {
        touchpoints: Vec<ReplayedTouchpoint>,
        /// `None` where nothing can go on from.
        reached: Option<Reached>,
    },
    /// These were all. Without that word there should have been more.
    Complete,
}

/// How far a replay is, and how it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// Everything up to this position was looked at.
    Position(u64),
    /// All customers up to this one were given whole.
    Customer(String),
}

impl Reached {
    pub fn argument(&self) -> String {
        match self {
            Self::Position(position) => format!("--after-position {position}"),
            Self::Customer(id) => format!("--after-customer {id}"),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "position {position}"),
            Self::Customer(id) => write!(f, "customer {id}"),
        }
    }
}

pub(super) struct Fetch<'a> {
    connection: &'a Connection,
    request: ReplayRequest,
    steps: Option<mpsc::Sender<Step>>,
    after: u64,
    given: u64,
    began: Instant,
    moved: Instant,
    pause: Duration,
    bar: ProgressBar,
}

/// How a call ended before all was there.
enum Broken {
    /// Another one may go on with it.
    Passing(Status),
    ForGood(CliError),
}

impl<'a> Fetch<'a> {
    pub(super) fn new(connection: &'a Connection, request: ReplayRequest, steps: mpsc::Sender<Step>) -> Self {
        let bar = progress::positions("replay");
        let (after, began) = (request.after_position, Instant::now());
        let (moved, pause) = (began, FIRST_PAUSE);
        Self { connection, request, steps: Some(steps), after, given: 0, began, moved, pause, bar }
    }

    /// Until all was handed on, or until nobody takes more: then that one says why.
    pub(super) async fn run(&mut self) -> Result<(), CliError> {
        loop {
            let status = match self.call().await {
                Ok(()) => return Ok(()),
                Err(Broken::ForGood(error)) => return Err(error),
                Err(Broken::Passing(status)) => status,
            };
            if !self.goes_on() || self.moved.elapsed() + self.pause > PATIENCE {
                return Err(self.connection.failed(status).into());
            }
            self.bar.set_message(format!("waiting for the server: {}", status.message()));
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Lets go of the writer and the screen.
    pub(super) fn end(&mut self) {
        self.steps = None;
        self.bar.finish_and_clear();
    }

    /// Only what has begun is worth waiting for, and only the log's order can go on to the touchpoint.
    fn goes_on(&self) -> bool {
        self.is_of_log() && self.request.after_position > self.after
    }

    fn is_of_log(&self) -> bool {
        self.request.customer.is_none() && self.request.order() == ReplayOrder::Unspecified
    }

    async fn call(&mut self) -> Result<(), Broken> {
        let call = self.connection.replay().replay(self.request.clone()).await;
        let mut answers = call.map_err(|status| self.broken(status))?.into_inner();
        let mut all = false;
        while let Some(answer) = answers.message().await.map_err(|status| self.broken(status))? {
            all = answer.position >= answer.until;
            if self.take(answer).await.is_none() {
                return Ok(());
            }
        }
        if !all {
            return Err(Broken::Passing(Status::unavailable("the server ended the answer before it was complete")));
        }
        self.tell(Step::Complete).await;
        Ok(())
    }

    async fn take(&mut self, answer: ReplayResponse) -> Option<()> {
        let ReplayResponse { touchpoints, position, until, customer } = answer;
        self.given += touchpoints.len() as u64;
        let reached = match self.is_of_log() {
            true => Some(Reached::Position(position)),
            false => Some(customer).filter(|id| !id.is_empty()).map(Reached::Customer),
        };
        self.tell(Step::Touchpoints { touchpoints, reached }).await?;
        if self.is_of_log() {
            // A call that goes on ends where the first one would have ended.
            self.request.after_position = position.max(self.request.after_position);
            self.request.until_position = until;
        }
        (self.moved, self.pause) = (Instant::now(), FIRST_PAUSE);
        self.bar.set_length(until.saturating_sub(self.after));
        self.bar.set_position(position.saturating_sub(self.after));
        let rate = self.given as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_message(format!("{} touchpoints, {rate:.0}/s", self.given));
        Some(())
    }

    /// `None` if the writer wants no more.
    async fn tell(&self, step: Step) -> Option<()> {
        self.steps.as_ref()?.send(step).await.ok()
    }

    fn broken(&self, status: Status) -> Broken {
        if is_passing(&status) {
            Broken::Passing(status)
        } else {
            Broken::ForGood(self.connection.failed(status).into())
        }
    }
}
