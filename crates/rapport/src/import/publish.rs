//! Batches to the server over one stream, several in flight; what was not acknowledged is sent again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures::FutureExt;
use rapport_touchpoint::Violation;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{sleep, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::ImportError;
use super::reader::Batch;
use super::tally::{BadRow, Fate, Tally};
use crate::client::{Connection, is_passing};
use crate::wire::v1::{PublishRequest, PublishResponse, Reason, verdict};

/// Batches that wait for their verdicts.
const WINDOW: usize = 8;
/// Without an acknowledgement for this long, it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub struct Publisher<'a, 't> {
    connection: &'a Connection,
    tenant: &'a str,
    batches: Receiver<Batch>,
    strict: bool,
    tally: &'a mut Tally<'t>,
    in_flight: VecDeque<Batch>,
    all_read: bool,
    last_progress: Instant,
    pause: Duration,
}

/// How a stream ended before all was acknowledged.
enum Broken {
    /// The same ids may be sent again.
    Passing(Status),
    ForGood(ImportError),
}

impl<'a, 't> Publisher<'a, 't> {
    pub fn new(
        connection: &'a Connection,
        tenant: &'a str,
        batches: Receiver<Batch>,
        strict: bool,
        tally: &'a mut Tally<'t>,
    ) -> Self {
        let (in_flight, last_progress) = (VecDeque::with_capacity(WINDOW), Instant::now());
        Self {
            connection,
            tenant,
            batches,
            strict,
            tally,
            in_flight,
            all_read: false,
            last_progress,
            pause: FIRST_PAUSE,
        }
    }

    /// Publishes until everything that was read is acknowledged.
    pub async fn run(mut self) -> Result<(), ImportError> {
        loop {
            match self.stream().await {
                Ok(()) => return Ok(()),
                Err(Broken::ForGood(error)) => return Err(error),
                Err(Broken::Passing(status)) => self.rest(&status).await?,
            }
            self.tally.summary.sent_again += self.in_flight.iter().map(|batch| batch.events.len() as u64).sum::<u64>();
        }
    }

    /// One call of `PublishStream`, from what is unacknowledged to the end or the first fault.
    async fn stream(&mut self) -> Result<(), Broken> {
        // A server may answer only once it has seen a request, so the first goes along with the call.
        while self.in_flight.is_empty() && !self.all_read {
            let batch = self.batches.recv().await;
            self.take(batch);
        }
        if self.in_flight.is_empty() {
            return Ok(());
        }
        // All that is in flight fits, so sending never waits.
        let (requests, stream) = mpsc::channel(WINDOW);
        for batch in &self.in_flight {
            send(&requests, self.tenant, batch)?;
        }
        let mut client = self.connection.ingest();
        let call = client.publish_stream(ReceiverStream::new(stream));
        let call = timeout_at((self.last_progress + PATIENCE).into(), call).await;
        let mut responses = call.map_err(|_| silence())?.map_err(|status| self.broken(status))?.into_inner();
        while !(self.all_read && self.in_flight.is_empty()) {
            let deadline = self.last_progress + PATIENCE;
            tokio::select! {
                batch = self.batches.recv(), if !self.all_read && self.in_flight.len() < WINDOW => {
                    if self.take(batch) && let Some(batch) = self.in_flight.back() {
                        send(&requests, self.tenant, batch)?;
                    }
                }
                response = timeout_at(deadline.into(), responses.message()), if !self.in_flight.is_empty() => {
                    match response.map_err(|_| silence())?.map_err(|status| self.broken(status))? {
                        Some(response) => self.settle(response).map_err(Broken::ForGood)?,
                        None => return Err(Broken::Passing(Status::unavailable("the server ended the stream"))),
                    }
                }
            }
        }
        // The server sees the end of the requests, and so a call that ended well.
        drop(requests);
        timeout_at((Instant::now() + FIRST_PAUSE).into(), responses.message()).map(drop).await;
        Ok(())
    }

    /// Is there a new batch in flight?
    fn take(&mut self, batch: Option<Batch>) -> bool {
        let Some(mut batch) = batch else {
            self.all_read = true;
            return false;
        };
        self.tally.summary.read += (batch.events.len() + batch.bad.len()) as u64;
        for row in batch.bad.drain(..) {
            self.bad(&row);
        }
        self.tally.show();
        if batch.events.is_empty() {
            return false;
        }
        if self.in_flight.is_empty() {
            self.last_progress = Instant::now();
        }
        self.in_flight.push_back(batch);
        true
    }

    fn bad(&mut self, row: &BadRow) {
        self.tally.bad(row);
        if self.strict {
            // What is in flight is on its way; its verdicts still count.
            self.all_read = true;
            self.batches.close();
        }
    }

    /// Verdicts come batch by batch, in order.
    fn settle(&mut self, response: PublishResponse) -> Result<(), ImportError> {
        let Some(batch) = self.in_flight.pop_front() else { return Ok(()) };
        let (events, verdicts) = (batch.events.len(), response.verdicts.len());
        if events != verdicts {
            return Err(ImportError::Verdicts { url: self.connection.url().to_owned(), events, verdicts });
        }
        for (origin, verdict) in batch.origins.into_iter().zip(response.verdicts) {
            let (fate, reasons) = match verdict.verdict {
                Some(verdict::Verdict::Accepted(accepted)) => {
                    self.tally.summary.accepted += 1;
                    self.tally.summary.position = self.tally.summary.position.max(accepted.position);
                    continue;
                }
                Some(verdict::Verdict::Duplicate(duplicate)) => {
                    self.tally.summary.duplicates += 1;
                    self.tally.summary.position = self.tally.summary.position.max(duplicate.position);
                    continue;
                }
                Some(verdict::Verdict::Quarantined(quarantined)) => (Fate::Quarantined, quarantined.reasons),
                Some(verdict::Verdict::Rejected(rejected)) => (Fate::Rejected, rejected.reasons),
                None => (Fate::Rejected, Vec::new()),
            };
            self.bad(&BadRow { origin, fate, reasons: violations(reasons) });
        }
        self.last_progress = Instant::now();
        self.pause = FIRST_PAUSE;
        self.tally.show();
        Ok(())
    }

    fn broken(&self, status: Status) -> Broken {
        if is_passing(&status) {
            Broken::Passing(status)
        } else {
            Broken::ForGood(self.connection.failed(status).into())
        }
    }

    /// Pauses before the next try, or gives up.
    async fn rest(&mut self, status: &Status) -> Result<(), ImportError> {
        let since = self.last_progress.elapsed();
        if since + self.pause > PATIENCE {
            let acknowledged = self.tally.summary.acknowledged();
            let cause = if status.message().is_empty() { status.code().description() } else { status.message() };
            return Err(ImportError::GaveUp { seconds: since.as_secs(), cause: cause.to_owned(), acknowledged });
        }
        self.tally.bar.set_message(format!("waiting for the server: {}", status.message()));
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

fn send(requests: &mpsc::Sender<PublishRequest>, tenant: &str, batch: &Batch) -> Result<(), Broken> {
    let request = PublishRequest { tenant: tenant.to_owned(), events: batch.events.clone() };
    requests.try_send(request).map_err(|_| Broken::Passing(Status::unavailable("the server ended the stream")))
}

fn silence() -> Broken {
    Broken::Passing(Status::deadline_exceeded("the server does not answer"))
}

fn violations(reasons: Vec<Reason>) -> Vec<Violation> {
    if reasons.is_empty() {
        return vec![Violation::new("event", "is refused; the server gave no reason")];
    }
    reasons.into_iter().map(|reason| Violation::new(reason.field, reason.rule)).collect()
}
