//! What tonic does at best: a service in a process of its own that answers each call with the same bytes, and looks at nothing.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::net::TcpListener;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::Result;
use crate::driven::caller::Plain;
use crate::driven::process;

/// What it answers to.
pub const PATH: &str = "/bench.Echo/Call";

#[derive(Clone)]
struct Answering {
    answer: Bytes,
}

impl UnaryService<Bytes> for Answering {
    type Response = Bytes;
    type Future = Ready<std::result::Result<Response<Bytes>, Status>>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(self.answer.clone())))
    }
}

impl NamedService for Answering {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<tonic::body::Body>> for Answering {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move { Ok(tonic::server::Grpc::new(Plain).unary(method, request).await) })
    }
}

/// `rapport-benches echo`: says where it listens, and serves until it is killed.
pub fn serve(bytes: usize) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let answer = Bytes::from(vec![b'x'; bytes]);
        let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(Server::builder()
            .tcp_nodelay(true)
            .add_service(Answering { answer })
            .serve_with_incoming(connections)
            .await?)
    })
}

/// The service in its process; killed when dropped.
pub struct Echo {
    url: String,
    child: Child,
}

impl Echo {
    pub fn start(bytes: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["echo", "--bytes", &bytes.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let told = child.stdout.take().ok_or("the echo has no standard output")?;
        BufReader::new(told).read_line(&mut url)?;
        Ok(Self { url: url.trim().to_owned(), child })
    }

    /// What its start took counts too.
    pub fn cpu_s(&self) -> Result<f64> {
        process::cpu_s(self.child.id())
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
