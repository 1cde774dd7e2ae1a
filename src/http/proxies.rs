//! The proxies whose word is taken for what they were asked.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

/// The addresses of proxies in front of this server. What others say of themselves in headers is not believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<Network>);

/// A text that is neither an address nor a network.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an address such as \"10.0.0.1\" or a network such as \"10.0.0.0/8\"")]
pub struct BadNetwork;

#[derive(Clone, Copy, Debug)]
struct Network {
    address: IpAddr,
    /// Leading bits that count.
    bits: u32,
}

impl Proxies {
    /// The proxies at these addresses and in these networks.
    ///
    /// # Errors
    /// [`BadNetwork`] if an entry is neither.
    pub fn new(entries: &[impl AsRef<str>]) -> Result<Self, BadNetwork> {
        entries.iter().map(|entry| Network::parse(entry.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a proxy that may be believed took this request in over TLS.
    pub(crate) fn took_over_tls(&self, request: &HttpRequest) -> bool {
        let Some(peer) = request.peer_addr().filter(|_| !self.0.is_empty()) else { return false };
        let scheme = request.headers().get(X_FORWARDED_PROTO).map(|value| value.as_bytes());
        // Each proxy adds what it was asked by: the first was asked by the client.
        let first = scheme.and_then(|list| list.split(|byte| *byte == b',').next());
        self.trusts(peer.ip()) && first.is_some_and(|scheme| scheme.trim_ascii().eq_ignore_ascii_case(b"https"))
    }

    /// Where a request came from, as far as that can be believed: each proxy adds whom it was asked by, so what stands
    /// before the first that is not ours may be anything.
    pub(crate) fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let mut client = request.peer_addr()?.ip();
        if self.0.is_empty() {
            return Some(client.to_canonical());
        }
        let lists = request.headers().get_all(X_FORWARDED_FOR).filter_map(|list| list.to_str().ok());
        let mut asked_by: Vec<&str> = lists.flat_map(|list| list.split(',')).collect();
        while self.trusts(client)
            && let Some(earlier) = asked_by.pop().and_then(address)
        {
            client = earlier;
        }
        Some(client.to_canonical())
    }

    /// Whether a proxy that may be believed is at this address.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(peer.to_canonical()))
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| BadNetwork)?;
        let most = width(address);
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| BadNetwork)?;
        if bits <= most { Ok(Self { address: address.to_canonical(), bits }) } else { Err(BadNetwork) }
    }

    fn contains(&self, address: IpAddr) -> bool {
        let prefix =
            |address: IpAddr| number(address).checked_shr(width(address).saturating_sub(self.bits)).unwrap_or(0);
        address.is_ipv4() == self.address.is_ipv4() && prefix(address) == prefix(self.address)
    }
}

/// The address in an entry of a list. Some proxies put the port behind it, and brackets around one of IPv6.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).map(str::parse);
    match (entry.parse(), entry.parse::<SocketAddr>(), bare) {
        (Ok(address), _, _) => Some(address),
        (Err(_), Ok(address), _) => Some(address.ip()),
        (Err(_), Err(_), Some(Ok(address))) => Some(IpAddr::V6(address)),
        (Err(_), Err(_), Some(Err(_)) | None) => None,
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
