//! `partyline healthcheck`: one request to a running server.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use actix_web::http::Uri;

use crate::http::Certificate;

use super::pinned;

/// How long each step may take: a health check must end before its own deadline.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a server said of itself.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It answered 200.
    Well,
    /// It answered something else.
    Ill(u16),
}

/// Where a server that listens here answers whether it is ready. One that listens everywhere is asked at loopback.
pub(super) fn default_url(scheme: &str, listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("{scheme}://{}/readyz", SocketAddr::new(ip, listen.port()))
}

/// Whether the URL is one that can be asked: plain HTTP with a host.
pub(super) fn parse_url(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    (url.scheme_str() == Some("http") && url.host().is_some()).then_some(url)
}

/// Asks; a URL without a path asks whether the server is ready. With a certificate it is asked over TLS, and must show that.
///
/// # Errors
/// What stood in the way, for people: nobody listens, or what answers is no HTTP server.
pub(super) fn ask(url: &Uri, certificate: Option<&Certificate>) -> Result<Verdict, String> {
    let (Some(host), Some(authority)) = (url.host(), url.authority()) else { return Err("no host".into()) };
    let path = match url.path_and_query().map_or("/", |path| path.as_str()) {
        "/" => "/readyz",
        path => path,
    };
    let host = host.trim_matches(['[', ']']);
    let address = (host, url.port_u16().unwrap_or(80));
    let told = |e: std::io::Error| e.to_string();
    let mut reason = "the name has no address".to_owned();
    for address in address.to_socket_addrs().map_err(told)? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
                stream.set_write_timeout(Some(PATIENCE)).map_err(told)?;
                return match certificate {
                    Some(certificate) => {
                        let stream = pinned::connect(stream, host, certificate).map_err(|e| e.to_string())?;
                        exchange(stream, authority.as_str(), path)
                    }
                    None => exchange(stream, authority.as_str(), path),
                };
            }
            Err(e) => reason = told(e),
        }
    }
    Err(reason)
}

fn exchange(mut stream: impl Read + Write, authority: &str, path: &str) -> Result<Verdict, String> {
    let told = |e: std::io::Error| e.to_string();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(told)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).map_err(told)?;
    match status(&head) {
        Some(200) => Ok(Verdict::Well),
        Some(status) => Ok(Verdict::Ill(status)),
        None => Err("the answer is not HTTP/1.1".into()),
    }
}

/// The status in `HTTP/1.1 200`.
fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head).ok()?.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}
