//! One HTTP/1.1 question at a time, as `curl` asks it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon::soon;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

/// `GET <path>` of a server at `http://host:port`.
pub async fn get(url: &str, path: &str) -> Answer {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = soon(TcpStream::connect(address)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    soon(stream.read_to_string(&mut text)).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    assert!(head.contains("content-length: "), "an answer of a known length: {head}");
    Answer { status, content_type: content_type.to_owned(), body: body.to_owned() }
}

/// The body of an answer of whatever length, as HTTP/1.0 has it: to the end of the connection.
pub async fn body(address: &str, path: &str) -> String {
    let mut stream = soon(TcpStream::connect(address)).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    soon(stream.read_to_string(&mut text)).await.unwrap();
    text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {text}")).1.to_owned()
}
