//! The arguments of `rapport serve`, checked one by one.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use rapport_log::LogConfig;

use super::{ConfigError, LogFormat};

/// The port of a NATS server, where the URL names none.
const NATS_PORT: u16 = 4222;

pub(super) fn data(folder: PathBuf) -> Result<PathBuf, ConfigError> {
    if folder.as_os_str().is_empty() || (folder.exists() && !folder.is_dir()) {
        let right = "it must be a folder; it is created if it does not exist".to_owned();
        return Err(ConfigError::Argument { argument: "--data", value: folder.display().to_string(), right });
    }
    Ok(folder)
}

pub(super) fn listen(text: &str, insecure: bool) -> Result<SocketAddr, ConfigError> {
    let named = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let parsed = match named {
        Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().ok(),
    };
    let Some(address) = parsed else {
        let right = "it must be an IP address and a port, such as 127.0.0.1:7700 or [::1]:7700".to_owned();
        return Err(ConfigError::Argument { argument: "--listen", value: text.to_owned(), right });
    };
    if !address.ip().to_canonical().is_loopback() && !insecure {
        return Err(ConfigError::Exposed { listen: text.to_owned() });
    }
    Ok(address)
}

/// One NATS server, or those of a cluster with commas between them.
pub(super) fn log(text: &str, data: &Path, replicas: usize) -> Result<LogConfig, ConfigError> {
    match text {
        "embedded" => Ok(LogConfig::Embedded { folder: data.to_owned() }),
        text => jetstream("--log", text, "embedded", replicas),
    }
}

/// A log that no data folder belongs to: `embedded:FOLDER`, or NATS servers.
pub fn log_by_itself(argument: &'static str, text: &str, replicas: usize) -> Result<LogConfig, ConfigError> {
    match text.strip_prefix("embedded:") {
        Some(folder) if !folder.is_empty() => Ok(LogConfig::Embedded { folder: folder.into() }),
        Some(_) | None => jetstream(argument, text, "embedded:FOLDER", replicas),
    }
}

fn jetstream(argument: &'static str, text: &str, embedded: &str, replicas: usize) -> Result<LogConfig, ConfigError> {
    let wrong = |why: &str| ConfigError::Argument {
        argument,
        // A comma may stand in a password, too.
        value: text.split(",nats://").map(without_password).collect::<Vec<_>>().join(",nats://"),
        right: format!(
            "{why}it must be {embedded}, or a NATS server such as nats://127.0.0.1:4222, or those of a cluster with commas \
             between them"
        ),
    };
    let servers: Vec<String> =
        text.split(',').map(|server| nats_server(server.trim()).map_err(wrong)).collect::<Result<_, _>>()?;
    Ok(LogConfig::JetStream { url: servers.join(","), replicas })
}

/// With its port, or why it is none.
fn nats_server(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("nats://").ok_or("")?;
    let (user, host_and_port) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (host, port) = split_port(host_and_port).ok_or("its port is no number from 1 to 65535; ")?;
    let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(is_host_byte) {
        return Err("its host is no name or address; ");
    }
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    Ok(format!("nats://{user}{host}:{port}"))
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, ConfigError> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => {
            let right = "it must be text, for people, or json, an object in each line".to_owned();
            Err(ConfigError::Argument { argument: "--log-format", value: other.to_owned(), right })
        }
    }
}

/// An empty one is none, as everywhere where it comes from the environment.
pub(super) fn otlp_endpoint(text: Option<String>) -> Result<Option<String>, ConfigError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_right = |text: &str| {
        let host_and_port = text.strip_prefix("http://")?.trim_end_matches('/');
        let (host, port) = host_and_port.rsplit_once(':')?;
        let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
        let port = port.parse::<u16>().ok().filter(|port| *port > 0);
        port.filter(|_| !host.is_empty() && host.bytes().all(is_host_byte))
    };
    if is_right(&text).is_none() {
        let right =
            "it must be a collector of OpenTelemetry traces over gRPC, such as http://127.0.0.1:4317".to_owned();
        return Err(ConfigError::Argument { argument: "--otlp-endpoint", value: without_password(&text), right });
    }
    Ok(Some(text))
}

/// `None` if there is a port and it is none. An IPv6 address stands in brackets.
fn split_port(text: &str) -> Option<(&str, u16)> {
    let end_of_address = text.find(']').unwrap_or(0);
    match text[end_of_address..].find(':') {
        None => Some((text, NATS_PORT)),
        Some(colon) => {
            let (host, port) = text.split_at(end_of_address + colon);
            port[1..].parse().ok().filter(|port| *port > 0).map(|port| (host, port))
        }
    }
}

fn without_password(url: &str) -> String {
    let Some(at) = url.rfind('@') else { return url.to_owned() };
    let scheme = url[..at].find("://").map_or("", |colon| &url[..colon + 3]);
    format!("{scheme}…{}", &url[at..])
}
