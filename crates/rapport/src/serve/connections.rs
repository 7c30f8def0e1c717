//! Connections, shared out among threads: each serves its own, from the first byte to the last.
//!
//! A thread takes what is ready in turn: it reads what came in, answers it, and then writes. So what a client asks together is
//! answered together, and nothing is handed from thread to thread on the way. Where calls of one connection are shared among
//! workers, each answer wakes one for its few bytes.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net;
use std::pin::{Pin, pin};
use std::thread::{Builder, available_parallelism};
use std::time::Duration;

use futures::stream::{FuturesUnordered, Stream, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ServeError;

/// Connections that a thread is still to take over.
const MOST_WAITING: usize = 64;
/// Threads for what blocks, of all of them together.
const MOST_BLOCKING: usize = 512;
/// When no more connections can be taken, for want of file descriptors perhaps.
const PAUSE: Duration = Duration::from_millis(50);

/// What a thread serves.
pub(super) type Connections = Pin<Box<dyn Stream<Item = io::Result<TcpStream>> + Send>>;

/// They end when this is dropped, with whatever calls have left behind.
pub(super) struct ServingThreads {
    shares: Vec<mpsc::Sender<net::TcpStream>>,
    /// Whose turn it is.
    next: usize,
    served: FuturesUnordered<oneshot::Receiver<Result<(), ServeError>>>,
    _until: DropGuard,
}

impl ServingThreads {
    /// One for each core. `serve` serves connections until there are no more to come.
    pub fn start<Served: Future<Output = Result<(), ServeError>>>(
        serve: impl Fn(Connections) -> Served + Clone + Send + 'static,
    ) -> Result<Self, ServeError> {
        let until = CancellationToken::new();
        let mut all =
            Self { shares: Vec::new(), next: 0, served: FuturesUnordered::new(), _until: until.clone().drop_guard() };
        let threads = available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(MOST_BLOCKING.div_ceil(threads))
                .build()
                .map_err(ServeError::Threads)?;
            let (share, connections) = mpsc::channel(MOST_WAITING);
            let (ended, end) = oneshot::channel();
            let (serve, until) = (serve.clone(), until.clone());
            let run = move || {
                let connections: Connections = Box::pin(ReceiverStream::new(connections).map(TcpStream::from_std));
                let serving = async {
                    // Nobody waits for it if it does not end in time.
                    let _ = ended.send(serve(connections).await);
                    std::future::pending::<()>().await;
                };
                runtime.block_on(until.run_until_cancelled(serving));
                runtime.shutdown_background();
            };
            Builder::new().name("serve".to_owned()).spawn(run).map_err(ServeError::Threads)?;
            all.shares.push(share);
            all.served.push(end);
        }
        Ok(all)
    }

    /// Shares connections out until there are no more, or one of the threads ends.
    pub async fn take(&mut self, connections: impl Stream<Item = io::Result<TcpStream>>) -> Result<(), ServeError> {
        let mut connections = pin!(connections);
        loop {
            let connection = tokio::select! {
                connection = connections.next() => connection,
                Some(ended) = self.served.next() => return ended.unwrap_or(Err(ServeError::BrokenOff)),
            };
            match connection.map(|connection| connection.and_then(TcpStream::into_std)) {
                None => return Ok(()),
                Some(Ok(connection)) => self.hand_over(connection).await,
                Some(Err(error)) if is_of_one(&error) => {
                    tracing::debug!(%error, "a connection was lost before it was served");
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "no connection can be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// To the next one that has room.
    async fn hand_over(&mut self, mut connection: net::TcpStream) {
        for _ in 0..self.shares.len() {
            self.next = (self.next + 1) % self.shares.len();
            match self.shares[self.next].try_send(connection) {
                Ok(()) => return,
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => connection = back,
            }
        }
        // That one is gone is told where its end is waited for.
        let _ = self.shares[self.next].send(connection).await;
    }

    /// Takes no more, and returns when all are served to their end.
    pub async fn ended(&mut self) -> Result<(), ServeError> {
        self.shares.clear();
        let mut outcome = Ok(());
        while let Some(ended) = self.served.next().await {
            outcome = outcome.and(ended.unwrap_or(Err(ServeError::BrokenOff)));
        }
        outcome
    }
}

/// Is the next one none the worse for it?
fn is_of_one(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;

    use super::*;

    /// Tells each which thread serves it.
    async fn tell(mut connections: Connections) -> Result<(), ServeError> {
        while let Some(connection) = connections.next().await {
            connection.unwrap().write_all(format!("{:?}", std::thread::current().id()).as_bytes()).await.unwrap();
        }
        Ok(())
    }

    async fn told(address: net::SocketAddr) -> String {
        let mut told = String::new();
        TcpStream::connect(address).await.unwrap().read_to_string(&mut told).await.unwrap();
        told
    }

    #[tokio::test]
    async fn connections_go_to_one_thread_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut threads = ServingThreads::start(tell).unwrap();
        let all = threads.shares.len();
        let asking = async {
            let mut by = Vec::new();
            for _ in 0..3 * all {
                by.push(told(address).await);
            }
            by
        };
        let by = tokio::select! {
            by = asking => by,
            taken = threads.take(TcpListenerStream::new(listener)) => unreachable!("it listens for ever: {taken:?}"),
        };
        for turn in by.chunks(all) {
            assert_eq!(turn.iter().collect::<BTreeSet<_>>().len(), all, "{by:?}");
        }
        threads.ended().await.unwrap();
    }

    #[tokio::test]
    async fn what_calls_leave_behind_goes_on_until_the_threads_end() {
        let (left, mut lives) = mpsc::channel::<()>(1);
        let serve = move |_| {
            let left = left.clone();
            async move {
                tokio::spawn(async move {
                    std::future::pending::<()>().await;
                    drop(left);
                });
                Ok(())
            }
        };
        let mut threads = ServingThreads::start(serve).unwrap();
        threads.ended().await.unwrap();
        assert!(futures::poll!(Box::pin(lives.recv())).is_pending());
        drop(threads);
        assert_eq!(lives.recv().await, None);
    }

    #[tokio::test]
    async fn one_that_fails_is_told_of_and_the_others_are_waited_for() {
        let fail = |_| async { Err(ServeError::Threads(io::Error::other("on purpose"))) };
        let mut threads = ServingThreads::start(fail).unwrap();
        assert!(threads.ended().await.unwrap_err().to_string().ends_with("on purpose"));
        assert!(threads.served.is_empty());
    }

    #[tokio::test]
    async fn one_that_breaks_off_ends_the_taking() {
        let panic = |_| async { panic!("on purpose") };
        let mut threads = ServingThreads::start(panic).unwrap();
        let taken = threads.take(futures::stream::pending()).await;
        assert!(matches!(taken, Err(ServeError::BrokenOff)), "{taken:?}");
    }

    #[tokio::test]
    async fn one_that_is_held_up_holds_up_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut threads = ServingThreads::start(tell).unwrap();
        // Nobody takes from this share.
        let (full, _held) = mpsc::channel(1);
        full.try_send(TcpStream::connect(address).await.unwrap().into_std().unwrap()).unwrap();
        threads.shares.push(full);
        let asking = async {
            for _ in 0..3 * 8 {
                told(address).await;
            }
        };
        tokio::select! {
            () = asking => {}
            taken = threads.take(TcpListenerStream::new(listener)) => unreachable!("it listens for ever: {taken:?}"),
        }
    }
}
