//! Who is calling.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use crate::bayeux::Token;
use crate::clock;
use crate::directory::{BadToken, Bearer, Verdict};
use crate::ids::{AgentId, LoginId, WallTime};

use super::basic::{self, Credentials};
use super::bearer;
use super::csrf;
use super::csrf::Csrf;
use super::errors::Failure;
use super::logins::{Age, Login};
use super::server::Shared;

/// Proof that someone is logged in.
#[derive(Debug)]
pub(crate) struct Caller {
    agent: AgentId,
    proof: Proof,
    /// When that ends however much it is used.
    until: Option<WallTime>,
    renewal: Option<HeaderValue>,
    /// The login; `None` for a token, which no browser adds by itself.
    login: Option<LoginId>,
}

/// By what a caller is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Proof {
    /// By a cookie, which a browser adds by itself.
    Cookie,
    /// By credentials in this very request.
    Credentials,
}

/// A `Set-Cookie` that the response to this request is to bear.
struct Renewal(HeaderValue);

impl Caller {
    /// Who calls, or `None` if the request bears no credentials. Basic and Bearer go before the cookie. Bearer makes no
    /// login: its client has a token for every request.
    ///
    /// # Errors
    /// [`Failure::Denied`] if Basic is wrong, [`Failure::Unverified`] if it cannot be verified now,
    /// [`Failure::Token`] if a Bearer token is not believed, [`Failure::Headers`].
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    pub(crate) async fn identify(shared: &Shared, request: &HttpRequest) -> Result<Option<Self>, Failure> {
        let headers = request.headers();
        check_size(headers)?;
        let now = clock::wall();
        if let Some(bearer) = shared.state.tokens.as_ref().and_then(|tokens| bearer::of_header(tokens, headers)) {
            let Bearer { agent, until } = bearer.map_err(Failure::Token)?;
            return Ok(Some(Self { agent, proof: Proof::Credentials, until: Some(until), renewal: None, login: None }));
        }
        let login = cookie_login(shared, headers, now);
        let Some(credentials) = headers.get(AUTHORIZATION).and_then(|value| basic::parse(value.as_bytes())) else {
            return Ok(login.map(|login| Self::with_login(shared, request, login, now)));
        };
        let agent = Box::pin(verify(shared, &credentials.map_err(|_| Failure::Denied)?)).await?;
        match login {
            Some(login) if login.agent == agent && login.until.is_none() => {
                let known = Self::with_login(shared, request, login, now);
                Ok(Some(Self { proof: Proof::Credentials, ..known }))
            }
            Some(_) | None => {
                let login = LoginId::draw();
                let renewal = set_cookie(shared, request, &agent, &login, None, now);
                Ok(Some(Self { agent, proof: Proof::Credentials, until: None, renewal, login: Some(login) }))
            }
        }
    }

    /// Who was logged in by the request's cookie, until that login was ended: it may still take leave of its sessions.
    pub(crate) fn leaving(shared: &Shared, request: &HttpRequest) -> Option<Self> {
        let (now, ended) = (clock::wall(), shared.state.exchange.ended_logins());
        if ended.is_empty() {
            return None;
        }
        let verify = |token: &str| shared.logins.verify(token, now).filter(|login| ended.contains(&login.id));
        let Login { agent, id, until, .. } = cookies(request.headers(), LOGIN).take(4).find_map(verify)?;
        Some(Self { agent, proof: Proof::Cookie, until, renewal: None, login: Some(id) })
    }

    /// Who calls, if the request also bears this token in its body. Credentials in the header go before it, and it
    /// before the cookie. It makes a login that ends with it, for the client will not send it again.
    ///
    /// # Errors
    /// [`BadToken`] if it is not believed.
    pub(crate) fn with_token(
        caller: Option<Self>,
        shared: &Shared,
        request: &HttpRequest,
        token: &Token,
    ) -> Result<Option<Self>, BadToken> {
        let Some(tokens) = &shared.state.tokens else { return Ok(caller) };
        if caller.as_ref().is_some_and(|caller| caller.proof == Proof::Credentials) {
            return Ok(caller);
        }
        let Bearer { agent, until } = bearer::verify(tokens, token.reveal())?;
        if let Some(caller) = caller
            && caller.agent == agent
            && caller.until.is_none_or(|ends| ends >= until)
        {
            return Ok(Some(caller));
        }
        let login = LoginId::draw();
        let renewal = set_cookie(shared, request, &agent, &login, Some(until), clock::wall());
        Ok(Some(Self { agent, proof: Proof::Credentials, until: Some(until), renewal, login: Some(login) }))
    }

    /// The agent.
    pub(crate) const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// When that ends however much it is used.
    pub(crate) const fn until(&self) -> Option<WallTime> {
        self.until
    }

    /// Whether this very request bears credentials: they go before a token in its body.
    pub(crate) fn has_credentials(&self) -> bool {
        self.proof == Proof::Credentials
    }

    /// The agent, when nothing more is to be proven, and the login by which it will be known again.
    pub(crate) fn into_agent_and_login(self) -> (AgentId, Option<LoginId>) {
        (self.agent, self.login)
    }

    /// The `Set-Cookie` that the response is to bear, once.
    pub(crate) const fn take_renewal(&mut self) -> Option<HeaderValue> {
        self.renewal.take()
    }

    /// What must go beside what a browser adds by itself: the cookie, and a password that it remembers.
    fn csrf(&self, shared: &Shared) -> Option<String> {
        match shared.config.csrf {
            Csrf::Off => None,
            Csrf::Required => self.login.as_ref().and_then(|login| shared.logins.csrf(&self.agent, login)),
        }
    }

    fn with_login(shared: &Shared, request: &HttpRequest, login: Login, now: WallTime) -> Self {
        let renewal = match login.age {
            Age::Fresh => None,
            Age::Stale => set_cookie(shared, request, &login.agent, &login.id, login.until, now),
        };
        Self { agent: login.agent, proof: Proof::Cookie, until: login.until, renewal, login: Some(login.id) }
    }
}

/// The `Set-Cookie` that an extracted [`Caller`] left for the response, once.
pub(crate) fn take_renewal(request: &HttpRequest) -> Option<HeaderValue> {
    request.extensions_mut().remove::<Renewal>().map(|renewal| renewal.0)
}

impl FromRequest for Caller {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let shared = request.app_data::<web::Data<Shared>>().ok_or(Failure::Denied)?;
            let mut caller = Self::identify(shared, &request).await?.ok_or(Failure::Denied)?;
            if let Some(renewal) = caller.take_renewal() {
                request.extensions_mut().insert(Renewal(renewal));
            }
            if let Some(token) = caller.csrf(shared) {
                csrf::check(&request, &token)?;
            }
            Ok(caller)
        })
    }
}

async fn verify(shared: &Shared, readings: &[Credentials]) -> Result<AgentId, Failure> {
    for reading in readings {
        match shared.state.passwords.verify(&reading.user, &reading.password).await {
            Verdict::Busy => return Err(Failure::Unverified),
            Verdict::Right(agent) => return Ok(agent),
            Verdict::Wrong => {}
        }
    }
    Err(Failure::Denied)
}

/// The login that the request's cookie proves. A browser may send several of that name, for several paths.
pub(crate) fn cookie_login(shared: &Shared, headers: &HeaderMap, now: WallTime) -> Option<Login> {
    let ended = shared.state.exchange.ended_logins();
    let verify = |token: &str| shared.logins.verify(token, now).filter(|login| !ended.contains(&login.id));
    let login = cookies(headers, LOGIN).take(4).find_map(verify)?;
    shared.state.directory.agent(&login.agent).is_some().then_some(login)
}

fn set_cookie(
    shared: &Shared,
    request: &HttpRequest,
    agent: &AgentId,
    login: &LoginId,
    until: Option<WallTime>,
    now: WallTime,
) -> Option<HeaderValue> {
    shared.cookies.set(LOGIN, &shared.logins.issue(agent, login, until, now)?, request)
}

/// The values of the cookies with this name, as they stand, if they are ASCII.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let pairs = headers.get_all(COOKIE).flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(move |pair| {
        pair.trim_ascii().strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    });
    values.filter(|value| value.is_ascii()).filter_map(|value| str::from_utf8(value).ok())
}

fn check_size(headers: &HeaderMap) -> Result<(), Failure> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > LARGEST_HEAD { Err(Failure::Headers) } else { Ok(()) }
}

const LOGIN: &str = "JSESSIONID";
const LARGEST_HEAD: usize = 16 * 1024;
