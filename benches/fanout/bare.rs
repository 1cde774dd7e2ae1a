//! The bare server: as much of Bayeux as the load needs, and nothing that it need not do.

use std::io;
use std::sync::{Arc, Mutex};

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::{Message as Frame, Session};
use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

/// Serves until it is killed.
pub(crate) async fn serve(port: u16) -> io::Result<()> {
    let hall = web::Data::from(Arc::new(Hall::default()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(hall.clone())
            .route("/cometd", web::get().to(socket))
            .route("/cometd/connect", web::post().to(connect))
            .route("/cometd/handshake", web::post().to(handshake))
            .route("/cometd/disconnect", web::post().to(disconnect))
            .route("/cometd/", web::post().to(other))
    });
    server.workers(2).h1_allow_half_closed(false).bind(("127.0.0.1", port))?.run().await
}

/// A websocket: a connect that asks to be held is not answered.
async fn socket(hall: web::Data<Hall>, request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(async move {
        while let Some(Ok(message)) = messages.recv().await {
            let Frame::Text(text) = message else { continue };
            let reply = match text.as_bytes() {
                text if contains(text, b"/meta/handshake") => hall.welcome(),
                text if contains(text, b"/meta/connect") && !contains(text, b"\"timeout\":0") => continue,
                text if contains(text, b"/meta/connect") => Bytes::from_static(CONNECTED),
                text if contains(text, b"/meta/subscribe") => {
                    hall.plug(session.clone());
                    Bytes::from_static(SUBSCRIBED)
                }
                _ => hall.goodbye(),
            };
            let Ok(reply) = ByteString::try_from(reply) else { continue };
            if session.text(reply).await.is_err() {
                break;
            }
        }
    });
    Ok(response)
}

/// Who is here. One lock: it is taken once a request, and held for a push or a swap.
#[derive(Default)]
struct Hall {
    parked: Mutex<Parked>,
    sockets: Mutex<Vec<Session>>,
}

#[derive(Default)]
struct Parked {
    sessions: usize,
    listeners: usize,
    waiting: Vec<oneshot::Sender<Bytes>>,
    /// A publication that came before everybody was parked: it waits for the last, so that nobody misses it.
    due: Option<Bytes>,
}

#[derive(Deserialize)]
struct Message<'a> {
    channel: &'a str,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

async fn handshake(hall: web::Data<Hall>) -> HttpResponse {
    answer(hall.welcome())
}

/// The first connect of a session asks for an answer at once; every other is parked.
async fn connect(hall: web::Data<Hall>, body: Bytes) -> HttpResponse {
    if contains(&body, b"\"timeout\":0") {
        return answer(Bytes::from_static(CONNECTED));
    }
    let (sender, parked) = oneshot::channel();
    hall.park(sender);
    answer(parked.await.unwrap_or_else(|_| Bytes::from_static(CONNECTED)))
}

async fn other(hall: web::Data<Hall>, body: Bytes) -> HttpResponse {
    let Ok(messages) = serde_json::from_slice::<Vec<Message<'_>>>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let Some(message) = messages.first() else { return HttpResponse::BadRequest().finish() };
    match message.data {
        None => {
            hall.listen();
            answer(Bytes::from_static(SUBSCRIBED))
        }
        Some(data) => {
            let channel = message.channel;
            hall.push(ByteString::from(format!("[{{\"channel\":\"{channel}\",\"data\":{data}}}]"))).await;
            hall.release(Bytes::from(format!(
                "[{{\"channel\":\"{channel}\",\"data\":{data}}},{{\"channel\":\"/meta/connect\",\"id\":\"3\",\"successful\":true}}]"
            )));
            answer(Bytes::from(format!("[{{\"channel\":\"{channel}\",\"id\":\"3\",\"successful\":true}}]")))
        }
    }
}

async fn disconnect(hall: web::Data<Hall>) -> HttpResponse {
    answer(hall.goodbye())
}

impl Hall {
    fn welcome(&self) -> Bytes {
        self.enter();
        let client = partyline::ids::hex(&partyline::ids::random::<20>());
        Bytes::from(format!(
            "[{{\"channel\":\"/meta/handshake\",\"id\":\"1\",\"successful\":true,\"clientId\":\"{client}\",\"version\":\"1.0\",\
             \"supportedConnectionTypes\":[\"long-polling\"],\"advice\":{{\"reconnect\":\"retry\",\"interval\":0,\"timeout\":60000}}}}]"
        ))
    }

    fn goodbye(&self) -> Bytes {
        self.leave();
        Bytes::from_static(b"[{\"channel\":\"/meta/disconnect\",\"id\":\"9\",\"successful\":true}]")
    }

    fn plug(&self, session: Session) {
        if let Ok(mut sockets) = self.sockets.lock() {
            sockets.push(session);
        }
    }

    /// One prebuilt text for each socket. Those that are gone are forgotten.
    async fn push(&self, text: ByteString) {
        let sockets = self.sockets.lock().map(|mut sockets| std::mem::take(&mut *sockets)).unwrap_or_default();
        let mut left = Vec::with_capacity(sockets.len());
        for mut socket in sockets {
            if socket.text(text.clone()).await.is_ok() {
                left.push(socket);
            }
        }
        if let Ok(mut sockets) = self.sockets.lock() {
            sockets.extend(left);
        }
    }

    fn enter(&self) {
        if let Ok(mut parked) = self.parked.lock() {
            parked.sessions += 1;
        }
    }

    /// After the last goodbye the hall is as new.
    fn leave(&self) {
        if let Ok(mut parked) = self.parked.lock() {
            parked.sessions = parked.sessions.saturating_sub(1);
            if parked.sessions == 0 {
                *parked = Parked::default();
            }
        }
    }

    fn listen(&self) {
        if let Ok(mut parked) = self.parked.lock() {
            parked.listeners += 1;
        }
    }

    fn park(&self, sender: oneshot::Sender<Bytes>) {
        if let Ok(mut parked) = self.parked.lock() {
            parked.waiting.push(sender);
            if parked.is_full()
                && let Some(body) = parked.due.take()
            {
                parked.answer(&body);
            }
        }
    }

    fn release(&self, body: Bytes) {
        if let Ok(mut parked) = self.parked.lock() {
            if parked.is_full() { parked.answer(&body) } else { parked.due = Some(body) }
        }
    }
}

impl Parked {
    /// Whether every listener is parked, and the publisher, which comes back like anybody else.
    fn is_full(&self) -> bool {
        self.waiting.len() > self.listeners
    }

    fn answer(&mut self, body: &Bytes) {
        for sender in self.waiting.drain(..) {
            // Whoever went away needs no answer.
            let _ = sender.send(body.clone());
        }
    }
}

fn answer(body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    response
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

const CONNECTED: &[u8] = b"[{\"channel\":\"/meta/connect\",\"id\":\"2\",\"successful\":true}]";
const SUBSCRIBED: &[u8] =
    b"[{\"channel\":\"/meta/subscribe\",\"id\":\"2\",\"subscription\":\"/demo/fanout\",\"successful\":true}]";
