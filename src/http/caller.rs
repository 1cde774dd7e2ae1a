//! Who is calling.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use crate::clock;
use crate::directory::Verdict;
use crate::ids::{AgentId, LoginId, WallTime};

use super::basic::{self, Credentials};
use super::errors::Failure;
use super::logins::{Age, Login};
use super::server::Shared;

/// Proof that someone is logged in.
#[derive(Debug)]
pub(crate) struct Caller {
    agent: AgentId,
    renewal: Option<HeaderValue>,
}

/// A `Set-Cookie` that the response to this request is to bear.
struct Renewal(HeaderValue);

impl Caller {
    /// Who calls, or `None` if the request bears no credentials. Basic goes before the cookie.
    ///
    /// # Errors
    /// [`Failure::Denied`] if Basic is wrong, [`Failure::Unverified`] if it cannot be verified now, [`Failure::Headers`].
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    pub(crate) async fn identify(shared: &Shared, headers: &HeaderMap) -> Result<Option<Self>, Failure> {
        check_size(headers)?;
        let now = clock::wall();
        let login = login(shared, headers, now);
        let Some(credentials) = headers.get(AUTHORIZATION).and_then(|value| basic::parse(value.as_bytes())) else {
            return Ok(login.map(|login| Self::with_login(shared, login, now)));
        };
        let agent = verify(shared, &credentials.map_err(|_| Failure::Denied)?).await?;
        match login {
            Some(login) if login.agent == agent => Ok(Some(Self::with_login(shared, login, now))),
            Some(_) | None => {
                let renewal = set_cookie(shared, &agent, &LoginId::draw(), now);
                Ok(Some(Self { agent, renewal }))
            }
        }
    }

    /// The agent.
    pub(crate) const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// The agent, when nothing more is to be proven.
    pub(crate) fn into_agent(self) -> AgentId {
        self.agent
    }

    /// The `Set-Cookie` that the response is to bear, once.
    pub(crate) const fn take_renewal(&mut self) -> Option<HeaderValue> {
        self.renewal.take()
    }

    fn with_login(shared: &Shared, login: Login, now: WallTime) -> Self {
        let renewal = match login.age {
            Age::Fresh => None,
            Age::Stale => set_cookie(shared, &login.agent, &login.id, now),
        };
        Self { agent: login.agent, renewal }
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
            let mut caller = Self::identify(shared, request.headers()).await?.ok_or(Failure::Denied)?;
            if let Some(renewal) = caller.take_renewal() {
                request.extensions_mut().insert(Renewal(renewal));
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

/// A browser may send several cookies of that name, for several paths.
fn login(shared: &Shared, headers: &HeaderMap, now: WallTime) -> Option<Login> {
    let login = cookies(headers, LOGIN).take(4).find_map(|token| shared.logins.verify(token, now))?;
    shared.state.directory.agent(&login.agent).is_some().then_some(login)
}

fn set_cookie(shared: &Shared, agent: &AgentId, login: &LoginId, now: WallTime) -> Option<HeaderValue> {
    let token = shared.logins.issue(agent, login, now)?;
    HeaderValue::try_from(format!("{LOGIN}={token}; Path=/; HttpOnly; SameSite=Lax")).ok()
}

/// The values of the cookies with this name, as they stand.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn check_size(headers: &HeaderMap) -> Result<(), Failure> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > LARGEST_HEAD { Err(Failure::Headers) } else { Ok(()) }
}

const LOGIN: &str = "JSESSIONID";
const LARGEST_HEAD: usize = 16 * 1024;
