//! Back ends that are reached by HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::ids::hex;

use super::endpoint::Endpoint;
use super::face::{Answer, Asking, Failure, Question, Upstream};
use super::wire;

/// How back ends are asked.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// How long an answer may take, the making of a connection included.
    pub timeout: Duration,
    /// How many questions each back end may have open.
    pub concurrency: usize,
    /// Bytes of an answer.
    pub max_answer: usize,
    /// Levels of nesting in what an answer says.
    pub json_depth: usize,
    /// What requests are signed with.
    pub secret: Option<Secret>,
}

/// What requests are signed with: whoever has it can pass for this server.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// The secret with these bytes; `None` if there are none.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { None } else { Hmac::new_from_slice(bytes).ok().map(Self) }
    }

    pub(super) fn sign(&self, body: &[u8]) -> Option<HeaderValue> {
        let tag = self.0.clone().chain_update(body).finalize().into_bytes();
        HeaderValue::from_str(&format!("sha256={}", hex(&tag))).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(secret)")
    }
}

/// Back ends that are reached by HTTP. Connections are kept for the next question.
///
/// A question is sent once. Only when a kept connection turns out to be closed before any of it was sent is it sent on
/// another one.
#[derive(Debug)]
pub struct HttpUpstream {
    asker: Asker,
    /// What each back end may still be asked.
    permits: Vec<(Endpoint, Arc<Semaphore>)>,
}

#[derive(Clone, Debug)]
struct Asker {
    config: UpstreamConfig,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpUpstream {
    /// The way to these back ends. Connects to none of them.
    pub fn new(config: UpstreamConfig, endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let mut permits: Vec<(Endpoint, Arc<Semaphore>)> = Vec::new();
        for endpoint in endpoints {
            if !permits.iter().any(|(known, _)| *known == endpoint) {
                permits.push((endpoint, Arc::new(Semaphore::new(config.concurrency))));
            }
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(config.concurrency.min(MOST_IDLE))
            .build(connector);
        Self { asker: Asker { config, client }, permits }
    }
}

impl Upstream for HttpUpstream {
    fn ask(&self, endpoint: &Endpoint, question: Question) -> Asking {
        let permits = self.permits.iter().find(|(known, _)| known == endpoint).map(|(_, permits)| permits);
        let permit = permits.and_then(|permits| Arc::clone(permits).try_acquire_owned().ok());
        let (asker, endpoint) = (self.asker.clone(), endpoint.clone());
        Box::pin(async move {
            let Some(_permit) = permit else { return Answer::Failed(Failure::Busy) };
            let exchange = asker.exchange(&endpoint, &question);
            let outcome = tokio::time::timeout(asker.config.timeout, exchange).await;
            outcome.unwrap_or(Err(Failure::Late)).unwrap_or_else(Answer::Failed)
        })
    }
}

impl Asker {
    async fn exchange(&self, endpoint: &Endpoint, question: &Question) -> Result<Answer, Failure> {
        let body = wire::body(question).ok_or(Failure::Invalid)?;
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint.uri().clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("partyline"));
        if let Some(signature) = self.config.secret.as_ref().and_then(|secret| secret.sign(&body)) {
            headers.insert(SIGNATURE, signature);
        }
        let answered = self.client.request(request).await;
        let response =
            answered.map_err(|error| if error.is_connect() { Failure::Unreachable } else { Failure::Broken })?;
        match response.status() {
            StatusCode::NO_CONTENT => return Ok(Answer::Nothing),
            StatusCode::OK => {}
            _ => return Err(Failure::Invalid),
        }
        let whole = Limited::new(response.into_body(), self.config.max_answer).collect().await;
        let whole = whole.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(_) => Failure::Broken,
            Err(_) => Failure::Invalid,
        })?;
        Ok(wire::answer(&whole.to_bytes(), self.config.json_depth))
    }
}

const SIGNATURE: HeaderName = HeaderName::from_static("x-partyline-signature");
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How many connections to one back end are kept.
const MOST_IDLE: usize = 32;
