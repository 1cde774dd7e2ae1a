//! The routes of the admin API, on a server of somebody else's or on one of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Resource, web};
use rustls::ServerConfig;

use super::config::Api;
use super::doors::Door;
use super::errors::Failure;
use super::frame::{X_REQUEST_ID, frame, request_id};

/// Puts the API below `/admin/v1`.
pub fn routes(config: &mut web::ServiceConfig, api: &Api) {
    let mut scope = web::scope(ROOT).app_data(web::Data::new(api.clone()));
    for first in Door::ALL.into_iter().filter(|door| door.neighbours().next() == Some(*door)) {
        let resource = first.neighbours().map(Door::route).fold(web::resource(first.path()), Resource::route);
        let otherwise = move || async move { Err::<HttpResponse, Failure>(only(first)) };
        scope = scope.service(resource.default_service(web::to(otherwise)));
    }
    let framed = api.clone();
    let frame = from_fn(move |request, next| frame(framed.clone(), request, next));
    let scope = scope.default_service(web::to(not_found)).wrap(frame);
    config.service(scope);
}

/// Binds an address of the API's own, with TLS if it is told how, and makes its server, which serves once it is awaited.
/// Returns the address too, with the port that the system chose.
///
/// # Errors
/// If the address cannot be bound.
pub fn server(
    listen: SocketAddr,
    api: Api,
    stop_deadline: Duration,
    tls: Option<ServerConfig>,
) -> io::Result<(Server, Vec<SocketAddr>)> {
    let app = move || App::new().configure(|config| routes(config, &api)).default_service(web::to(elsewhere));
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(CONNECTIONS)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(stop_deadline.as_secs())
        .tcp_nodelay(true)
        .disable_signals();
    let server = match tls {
        Some(tls) => server.bind_rustls_0_23(listen, tls)?,
        None => server.bind(listen)?,
    };
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

/// What is said at a path to another method than its doors'.
fn only(door: Door) -> Failure {
    let methods: Vec<String> = door.neighbours().map(|door| door.method().to_string()).collect();
    Failure::Method(methods.join(", "))
}

async fn not_found() -> Result<HttpResponse, Failure> {
    Err(Failure::NotFound)
}

/// Nothing else is at an address of its own.
async fn elsewhere(request: HttpRequest) -> HttpResponse {
    let (id, told) = request_id(request.headers());
    let mut response = Failure::NotFound.answer(&id);
    response.headers_mut().insert(X_REQUEST_ID, told);
    response
}

const ROOT: &str = "/admin/v1";
const CONNECTIONS: usize = 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
