//! From a request to a websocket: who may have one, and what the answer says.

use actix_web::http::header::{
    HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    SET_COOKIE, UPGRADE,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::broker::{Footing, Peer, Remote, Shown};
use crate::websocket;

use super::body;
use super::caller::Caller;
use super::errors::Failure;
use super::longpoll::{BROWSER, Drawn, Mount, browser_cookie, user_agent};
use super::server::Shared;
use super::socket::{Socket, Standing};

/// Whether websockets are spoken at a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Websockets {
    /// They are.
    Offered,
    /// They are not: a client that asks falls back to long-polling.
    Refused,
}

/// Whether a websocket is asked for. A request that would have another protocol, or none at all, is answered as if it had
/// not asked, as whoever does not speak that protocol must: proxies ask for nothing on every request, and HTTP clients ask
/// for HTTP/2.
pub(crate) fn is_asked(request: &HttpRequest) -> bool {
    request.head().upgrade() && request.method() == Method::GET && names_websocket(request.headers())
}

/// Has the connection end with an answer that left its protocol as it was, for nothing more is read of it: a client that
/// asked for another one must not send its next request there.
pub(crate) fn decline(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    let asked = request.head().upgrade() || names_websocket(request.headers());
    if !asked || response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    response.head_mut().set_connection_type(ConnectionType::Close);
    response.map_body(|_, body| body::hold_unread(request, body))
}

/// Opens a websocket. Whoever was logged in by the request stays so, for as long as the socket is open.
pub(crate) async fn upgrade(
    mount: Mount,
    shared: web::Data<Shared>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Failure> {
    if mount == Mount::Desktops && shared.config.desktop_websockets == Websockets::Refused {
        return Err(Failure::Transport);
    }
    let headers = request.headers();
    let key = key(headers).ok_or(Failure::Transport)?;
    let accept = websocket::accept_key(key.as_bytes());
    let mut caller = Caller::identify(&shared, request).await?;
    if caller.is_none() && mount == Mount::Desktops && shared.state.tokens.is_none() {
        return Err(Failure::Denied);
    }
    if shared.state.broker.is_closing() {
        return Err(Failure::Busy);
    }
    let (cookie, drawn) = browser_cookie(headers);
    let (shown, browser) = match drawn {
        Drawn::Before => (Shown::Cookie, None),
        Drawn::Now => (Shown::Nothing, shared.cookies.set(BROWSER, cookie.reveal(), request)),
    };
    let renewal = caller.as_mut().and_then(Caller::take_renewal);
    let login = Standing::of(caller.as_ref());
    let remote = Remote { address: shared.config.proxies.client(request), user_agent: user_agent(headers) };
    let (agent, begun_by) = caller.map(Caller::into_agent_and_login).unzip();
    let (begun_by, desktop) = (begun_by.flatten(), mount == Mount::Desktops);
    let peer = Peer { agent, login: begun_by, cookie, desktop, footing: Footing::Good, remote };
    let line = shared.state.broker.line(peer, shown);
    let mut response = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    response.upgrade("websocket").insert_header((SEC_WEBSOCKET_ACCEPT, accept));
    if let Some(protocol) = protocol(headers) {
        response.insert_header((SEC_WEBSOCKET_PROTOCOL, protocol));
    }
    for cookie in renewal.into_iter().chain(browser) {
        response.append_header((SET_COOKIE, cookie));
    }
    Ok(response.body(Socket::new(shared, payload, line, login)))
}

/// The key of a request that asks for a websocket as the standard has it.
fn key(headers: &HeaderMap) -> Option<&HeaderValue> {
    let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version.as_bytes() == b"13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY_LENGTH)?;
    version.then_some(key)
}

/// Whether that is what would be spoken instead of HTTP.
pub(crate) fn names_websocket(headers: &HeaderMap) -> bool {
    let named = headers.get_all(UPGRADE).flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    named.map(<[u8]>::trim_ascii).any(|name| name.eq_ignore_ascii_case(b"websocket"))
}

/// The subprotocol to answer with: `bayeux` if the client offers it, else the first that it offers, for a client that
/// offered one and is given none hangs up.
pub(crate) fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = || {
        headers
            .get_all(SEC_WEBSOCKET_PROTOCOL)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty())
    };
    let chosen = offered().find(|name| *name == "bayeux").or_else(|| offered().next())?;
    HeaderValue::from_str(chosen).ok()
}

/// 16 bytes in base64.
const KEY_LENGTH: usize = 24;
