//! Connections, shared out among threads: each serves its own, from the first byte to the last.
//!
//! A thread takes what is ready in turn: it reads what came in, answers it, and then writes. So what a client asks together is
//! answered together and leaves in one write, and nothing is handed from thread to thread on the way. Where calls of one
//! connection are shared among workers, each answer wakes one that writes it alone, and to write is what costs most.

use std::future::Future;
use std::io;
use std::net;
use std::pin::Pin;
use std::thread::{Builder, available_parallelism};

use futures::stream::{FuturesUnordered, Stream, StreamExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Connections that a thread is still to take over.
const MOST_WAITING: usize = 64;

/// What a thread serves.
pub(super) type Connections = Pin<Box<dyn Stream<Item = io::Result<TcpStream>> + Send>>;

/// Threads that serve connections. They end when this is dropped, with whatever calls have left behind.
pub(super) struct Threads<E> {
    shares: Vec<mpsc::Sender<net::TcpStream>>,
    served: FuturesUnordered<oneshot::Receiver<Result<(), E>>>,
    _until: DropGuard,
}

impl<E: Send + 'static> Threads<E> {
    /// One for each core. `serve` serves connections until there are no more to come.
    pub fn start<Served: Future<Output = Result<(), E>>>(
        serve: impl Fn(Connections) -> Served + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let until = CancellationToken::new();
        let (mut shares, served) = (Vec::new(), FuturesUnordered::new());
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (share, connections) = mpsc::channel(MOST_WAITING);
            let (ended, end) = oneshot::channel();
            let (serve, until) = (serve.clone(), until.clone());
            Builder::new().name("serve".to_owned()).spawn(move || {
                let connections: Connections = Box::pin(ReceiverStream::new(connections).map(TcpStream::from_std));
                let serving = async {
                    // Nobody waits for it if it does not end in time.
                    let _ = ended.send(serve(connections).await);
                    std::future::pending::<()>().await;
                };
                runtime.block_on(until.run_until_cancelled(serving));
                runtime.shutdown_background();
            })?;
            shares.push(share);
            served.push(end);
        }
        Ok(Self { shares, served, _until: until.drop_guard() })
    }

    /// Shares connections out until there are no more.
    pub async fn take(&self, connections: impl Stream<Item = io::Result<TcpStream>>) {
        let mut connections = std::pin::pin!(connections);
        let mut shares = self.shares.iter().cycle();
        while let Some(connection) = connections.next().await {
            match connection.and_then(TcpStream::into_std) {
                Ok(connection) => {
                    if let Some(share) = shares.next() {
                        // A thread that is gone has told why.
                        let _ = share.send(connection).await;
                    }
                }
                Err(error) => tracing::debug!(%error, "a connection was lost before it was served"),
            }
        }
    }

    /// Takes no more, and returns when all are served to their end.
    pub async fn ended(&mut self) -> Result<(), E> {
        self.shares.clear();
        let served = (&mut self.served).filter_map(|served| std::future::ready(served.ok()));
        served.try_collect().await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;

    use super::*;

    /// Tells each which thread serves it.
    async fn tell(mut connections: Connections) -> io::Result<()> {
        while let Some(connection) = connections.next().await {
            connection?.write_all(format!("{:?}", std::thread::current().id()).as_bytes()).await?;
        }
        Ok(())
    }

    async fn told(address: std::net::SocketAddr) -> String {
        let mut told = String::new();
        TcpStream::connect(address).await.unwrap().read_to_string(&mut told).await.unwrap();
        told
    }

    #[tokio::test]
    async fn connections_go_to_one_thread_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut threads = Threads::start(tell).unwrap();
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
            () = threads.take(TcpListenerStream::new(listener)) => unreachable!("it listens for ever"),
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
                Ok::<_, io::Error>(())
            }
        };
        let mut threads = Threads::start(serve).unwrap();
        threads.ended().await.unwrap();
        assert!(futures::poll!(Box::pin(lives.recv())).is_pending());
        drop(threads);
        assert_eq!(lives.recv().await, None);
    }

    #[tokio::test]
    async fn one_that_fails_is_told_of() {
        let mut threads = Threads::start(|_| async { Err(io::Error::other("on purpose")) }).unwrap();
        assert_eq!(threads.ended().await.unwrap_err().to_string(), "on purpose");
    }
}
