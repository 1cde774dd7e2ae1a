//! TLS: a client that believes the certificate, over HTTP and a websocket; what is wrong with files; new files.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use partyline::clock;
use partyline::websocket::{Decoder, Masked, Message, Role, masked};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{PATIENCE, Server};
use crate::socket::KEY;

type Connection = StreamOwned<ClientConnection, TcpStream>;

/// The files of a certificate and its key.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    /// Writes another certificate and its key.
    fn renew(&self) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.certificate(), cert.pem()).unwrap();
        fs::write(self.key(), signing_key.serialize_pem()).unwrap();
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    fn settings(&self) -> [(&'static str, String); 2] {
        [
            ("SERVER__TLS_CERTIFICATE", self.certificate().display().to_string()),
            ("SERVER__TLS_KEY", self.key().display().to_string()),
        ]
    }

    /// A connection to whoever shows this certificate; `None` if somebody else does.
    fn connect(&self, server: &Server) -> Option<Connection> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.certificate()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(partyline::http::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = TcpStream::connect(server.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).ok()?;
        }
        Some(StreamOwned::new(connection, stream))
    }
}

fn start(files: &Files, more: &[(&str, &str)]) -> Server {
    let settings = files.settings();
    let mut all: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    all.extend_from_slice(more);
    let server = Server::starting(&all);
    let deadline = clock::now() + PATIENCE;
    while !files.connect(&server).is_some_and(|mut stream| get(&mut stream, "/readyz", "").starts_with("HTTP/1.1 200"))
    {
        assert!(clock::now() < deadline, "the server did not become ready:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// Sends a request; the whole answer, whose length its head tells.
fn ask(stream: &mut Connection, head: &str, body: &str) -> String {
    let request = format!("{head}Host: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).unwrap();
        assert!(count > 0, "it was cut off");
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let length = text.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok());
        if let (Some(end), Some(length)) = (text.find("\r\n\r\n"), length)
            && bytes.len() == end + 4 + usize::clone(&length)
        {
            return String::from_utf8(bytes).unwrap();
        }
    }
}

fn get(stream: &mut Connection, path: &str, headers: &str) -> String {
    ask(stream, &format!("GET {path} HTTP/1.1\r\n{headers}"), "")
}

fn bayeux(stream: &mut Connection, headers: &str, message: &Value) -> (String, Value) {
    let answer = ask(stream, &format!("POST /cometd HTTP/1.1\r\n{headers}"), &json!([message]).to_string());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

/// `15000:15000`.
const LOGIN: &str = "Authorization: Basic MTUwMDA6MTUwMDA=\r\n";

fn handshake() -> Value {
    json!({"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling", "websocket"]})
}

#[test]
fn whoever_believes_the_certificate_is_served_as_without() {
    let files = Files::new();
    let server = start(&files, &[]);
    let mut stream = files.connect(&server).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let me = get(&mut stream, "/api/v2/me", LOGIN);
    assert!(me.contains("; Secure"), "{me}");
    assert!(me.contains(&format!("\"https://{}/api/v2/", server.address)), "{me}");
    let (head, welcome) = bayeux(&mut stream, LOGIN, &handshake());
    let cookie =
        head.lines().find_map(|line| Some(line.split_once("BAYEUX_BROWSER=")?.1.split(';').next()?.to_owned()));
    let headers = format!("{LOGIN}Cookie: BAYEUX_BROWSER={}\r\n", cookie.unwrap());
    let client = welcome[0]["clientId"].clone();
    let say = |stream: &mut Connection, channel: &str, more: Value| {
        let mut message = json!({"channel": channel, "clientId": client, "connectionType": "long-polling"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bayeux(stream, &headers, &message).1
    };
    say(&mut stream, "/meta/subscribe", json!({"subscription": "/demo/a"}));
    say(&mut stream, "/meta/connect", json!({}));
    // The event comes while the connect is held, on another connection.
    let mut other = files.connect(&server).unwrap();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| say(&mut stream, "/meta/connect", json!({})));
        let (_, welcome) = bayeux(&mut other, LOGIN, &handshake());
        let cookie = "Cookie: BAYEUX_BROWSER=none\r\n";
        let publish = json!({"channel": "/demo/a", "data": "over TLS", "clientId": welcome[0]["clientId"]});
        let refused = bayeux(&mut other, &format!("{LOGIN}{cookie}"), &publish).1;
        assert_eq!(refused[0]["error"], "402::session_unknown", "another browser");
        let mut socket = Websocket::open(&files, &server);
        socket.send(&json!({"channel": "/demo/a", "data": "over TLS"}));
        assert_eq!(held.join().unwrap()[0]["data"], "over TLS");
    });
    // In the clear nothing is served there.
    let mut plain = TcpStream::connect(server.address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

/// A websocket with a session, over TLS.
struct Websocket {
    stream: Connection,
    came: BytesMut,
    decoder: Decoder,
    client: Value,
}

impl Websocket {
    fn open(files: &Files, server: &Server) -> Self {
        let mut stream = files.connect(server).unwrap();
        let head = format!(
            "GET /cometd HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{LOGIN}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        let decoder = Decoder::new(Role::Client, 1 << 20);
        let mut socket = Self { stream, came: BytesMut::new(), decoder, client: Value::Null };
        socket.send(&handshake());
        socket.client = socket.frame()[0]["clientId"].clone();
        socket
    }

    fn send(&mut self, message: &Value) {
        let mut message = message.clone();
        message["clientId"] = self.client.clone();
        let text = json!([message]).to_string();
        self.stream.write_all(&masked(Masked::Text, text.as_bytes(), [1, 2, 3, 4])).unwrap();
    }

    fn frame(&mut self) -> Value {
        loop {
            match self.decoder.next(&mut self.came).unwrap() {
                Some(Message::Text(text)) => return serde_json::from_slice(&text).unwrap(),
                Some(other) => panic!("{other:?}"),
                None => {}
            }
            let mut some = [0; 4096];
            let count = self.stream.read(&mut some).unwrap();
            assert!(count > 0, "it was cut off");
            self.came.extend_from_slice(&some[..count]);
        }
    }
}

#[test]
fn a_websocket_is_pushed_to_over_tls() {
    let files = Files::new();
    let server = start(&files, &[]);
    let mut sockets = [Websocket::open(&files, &server), Websocket::open(&files, &server)];
    for socket in &mut sockets {
        socket.send(&json!({"channel": "/meta/subscribe", "subscription": "/demo/**"}));
        assert_eq!(socket.frame()[0]["successful"], true);
    }
    let long = "x".repeat(40_000);
    sockets[0].send(&json!({"channel": "/demo/a", "data": long}));
    assert_eq!(sockets[1].frame()[0]["data"], long);
}

#[test]
fn a_new_certificate_is_shown_to_who_connects_and_a_bad_one_changes_nothing() {
    let files = Files::new();
    let server = start(&files, &[]);
    let check = |files: &Files| {
        let mut check = Command::new(env!("CARGO_BIN_EXE_partyline"));
        check.args(["healthcheck", "--listen", &server.address.to_string()]);
        check.envs(files.settings().map(|(key, value)| (format!("PARTYLINE__{key}"), value)));
        check.output().unwrap()
    };
    assert_eq!(check(&files).status.code(), Some(0), "{:?}", check(&files));
    assert_eq!(check(&Files::new()).status.code(), Some(69), "the server shows another one than these files hold");
    let mut old = files.connect(&server).unwrap();
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        let deadline = clock::now() + PATIENCE;
        while !done() {
            assert!(clock::now() < deadline, "{what}\n{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    fs::write(files.key(), "no key").unwrap();
    wait("a bad key was not noticed", &|| server.log().contains("stays as it was"));
    assert!(files.connect(&server).is_some(), "the certificate stays");
    assert!(!server.log().contains("was replaced"));
    files.renew();
    wait("the new certificate was not shown", &|| files.connect(&server).is_some());
    assert_eq!(check(&files).status.code(), Some(0));
    assert!(get(&mut old, "/livez", "").starts_with("HTTP/1.1 200"), "an older connection goes on");
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_with_its_file() {
    let (files, other) = (Files::new(), Files::new());
    let absent = files.directory.path().join("absent.pem");
    let run = |certificate: &Path, key: &Path| {
        let data = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_partyline"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path())
            .env("PARTYLINE__SERVER__TLS_CERTIFICATE", certificate)
            .env("PARTYLINE__SERVER__TLS_KEY", key)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (certificate, key, code, named, reason) in [
        (absent.clone(), files.key(), 69, absent.clone(), "No such file"),
        (files.certificate(), absent.clone(), 69, absent, "No such file"),
        (files.key(), files.key(), 69, files.key(), "server.tls_certificate"),
        (files.certificate(), files.certificate(), 69, files.certificate(), "server.tls_key"),
        (files.certificate(), other.key(), 69, other.key(), "must be the key of the certificate"),
        (files.certificate(), PathBuf::new(), 64, PathBuf::new(), "server.tls_key"),
        (PathBuf::new(), files.key(), 64, files.key(), "server.tls_key"),
    ] {
        let (status, told) = run(&certificate, &key);
        assert_eq!(status, Some(code), "{told}");
        assert!(told.contains(&named.display().to_string()) && told.contains(reason), "{told}");
        assert!(!told.contains("PRIVATE KEY"), "{told}");
    }
}
