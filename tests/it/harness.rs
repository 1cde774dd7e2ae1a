//! The real server in a process of its own, and clients that speak to it over sockets, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use partyline::clock;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server of the test's own, on a port and a data directory of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) data: TempDir,
    environment: Vec<(String, String)>,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with settings from the environment, such as `("BAYEUX__TIMEOUT", "1s")`.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let server = Self::starting(settings);
        server.wait_until_ready();
        server
    }

    /// Starts one, and does not wait until it serves.
    pub(crate) fn starting(settings: &[(&str, &str)]) -> Self {
        let address = free_address();
        let data = tempfile::tempdir().unwrap();
        let environment = environment(settings);
        let log = Arc::default();
        let child = spawn(address, &data, &environment, &log);
        Self { address, data, environment, child, log }
    }

    fn wait_until_ready(&self) {
        let deadline = clock::now() + PATIENCE;
        while clock::now() < deadline {
            if let Ok(answer) = try_request(self.address, "GET /readyz HTTP/1.1\r\n", &[], b"")
                && answer.status == 200
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server did not become ready:\n{}", self.log());
    }

    /// What it wrote to its standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power switch would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same data and port.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.address, &self.data, &self.environment, &self.log);
        self.wait_until_ready();
    }

    /// The same with other settings in place of those that it had.
    pub(crate) fn restart_with(&mut self, settings: &[(&str, &str)]) {
        self.environment = environment(settings);
        self.restart();
    }

    /// Another setting for the next start.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.environment.push((format!("PARTYLINE__{key}"), value.to_owned()));
    }

    /// Asks it to end, and returns its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.signal();
        self.wait()
    }

    /// Asks it to end.
    pub(crate) fn signal(&self) {
        let status = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it has ended, and returns its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that ever was resident, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The value of a line of the page of metrics, which begins with `name`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = request(self.address, "GET /metrics HTTP/1.1\r\n", &[], b"").body;
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}\n{page}"));
        line.trim().parse().unwrap()
    }

    pub(crate) fn agent(&self, name: &str) -> Agent {
        Agent::new(self.address, name, name)
    }

    /// An agent whose password is not its name.
    pub(crate) fn agent_with(&self, name: &str, password: &str) -> Agent {
        Agent::new(self.address, name, password)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn environment(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(key, value)| (format!("PARTYLINE__{key}"), (*value).to_owned())).collect()
}

fn spawn(address: SocketAddr, data: &TempDir, environment: &[(String, String)], log: &Arc<Mutex<String>>) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_partyline"))
        .args(["serve", "--listen", &address.to_string(), "--data-dir"])
        .arg(data.path())
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
    child
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let start = format!("{name}=");
        let cookies = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case("set-cookie"));
        cookies
            .map(|(_, value)| value)
            .find_map(|value| Some(value.strip_prefix(&start)?.split(';').next().unwrap_or_default().to_owned()))
    }
}

/// Sends a request on a connection of its own. `head` is the request line, its line end included.
pub(crate) fn request(address: SocketAddr, head: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_request(address, head, headers, body).unwrap()
}

pub(crate) fn try_request(
    address: SocketAddr,
    head: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = open_request(address, head, headers, body)?;
    read_answer(&mut stream)
}

/// Sends a request and leaves the answer to be [read](read_answer).
pub(crate) fn open_request(
    address: SocketAddr,
    head: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    send_request(&mut stream, head, headers, body)?;
    Ok(stream)
}

/// The same on a connection that is there.
pub(crate) fn send_request(
    stream: &mut TcpStream,
    head: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let address = stream.peer_addr()?;
    let named = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut text = format!("{head}Host: {address}\r\n");
    if !named("connection") {
        text.push_str("Connection: close\r\n");
    }
    if !named("content-length") && !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (key, value) in headers {
        text.push_str(&format!("{key}: {value}\r\n"));
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes())?;
    // A server that refuses a large body may answer before it has read all of it.
    let _ = stream.write_all(body);
    Ok(())
}

pub(crate) fn read_answer(stream: &mut TcpStream) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes)
        && bytes.is_empty()
    {
        return Err(error);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(Answer { status: status.ok_or(std::io::ErrorKind::InvalidData)?, headers, body: body.to_owned() })
}

/// An agent: REST by hand.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) address: SocketAddr,
    pub(crate) name: String,
    authorization: String,
}

impl Agent {
    fn new(address: SocketAddr, name: &str, password: &str) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        Self { address, name: name.to_owned(), authorization }
    }

    pub(crate) fn authorization(&self) -> (&str, &str) {
        ("Authorization", &self.authorization)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        request(self.address, &format!("GET /api/v2/{path} HTTP/1.1\r\n"), &[self.authorization()], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[])
    }

    pub(crate) fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![self.authorization(), ("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        let head = format!("POST /api/v2/{path} HTTP/1.1\r\n");
        request(self.address, &head, &all, body.to_string().as_bytes())
    }

    /// The id of the agent's device.
    pub(crate) fn device(&self) -> String {
        let me = self.get("me?subresources=devices").json();
        me["user"]["devices"][0]["id"].as_str().unwrap_or_else(|| panic!("no device in {me}")).to_owned()
    }

    /// Dials, and says how that was answered.
    pub(crate) fn dial(&self, number: &str) -> Value {
        let path = format!("me/devices/{}/calls", self.device());
        self.post(&path, &json!({"operationName": "Dial", "destination": {"phoneNumber": number}})).json()
    }

    /// Does something to a call, and expects it to be accepted.
    pub(crate) fn operate(&self, call: &str, operation: &str) {
        let answer = self.post(&format!("me/calls/{call}"), &json!({"operationName": operation}));
        assert_eq!(answer.json(), json!({"statusCode": 0}), "{} {operation}", self.name);
    }

    /// The agent's calls, whole.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.get("me/calls?fields=*").json()["calls"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the agent has this many calls.
    pub(crate) fn until_calls(&self, wanted: usize) {
        let deadline = clock::now() + PATIENCE;
        while self.calls().len() != wanted {
            assert!(clock::now() < deadline, "{} has other than {wanted} calls", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until one of the agent's calls is as wanted.
    pub(crate) fn until_call(&self, state: &str, participants: usize) -> Value {
        let deadline = clock::now() + PATIENCE;
        loop {
            let calls = self.calls();
            let found = calls.iter().find(|call| {
                call["state"] == state && call["participants"].as_array().is_some_and(|all| all.len() == participants)
            });
            if let Some(call) = found {
                return call.clone();
            }
            assert!(clock::now() < deadline, "{} has no call that is {state}: {calls:?}", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A Bayeux session over long-polling, by hand: one request at a time.
pub(crate) struct Desk {
    pub(crate) agent: Agent,
    pub(crate) path: String,
    pub(crate) client: String,
    pub(crate) cookie: String,
    /// The number to acknowledge with the next connect; `None` for a session that does not.
    pub(crate) ack: Option<u64>,
    id: u64,
}

impl Desk {
    /// Handshakes, subscribes, and makes the first connect.
    pub(crate) fn open(agent: Agent, ack: bool, subscriptions: &[&str]) -> Self {
        let mut desk = Self {
            agent,
            path: "/api/v2/notifications".to_owned(),
            client: String::new(),
            cookie: String::new(),
            ack: ack.then_some(0),
            id: 0,
        };
        let mut handshake = json!({"channel": "/meta/handshake", "version": "1.0",
            "supportedConnectionTypes": ["long-polling"]});
        if ack {
            handshake["ext"] = json!({"ack": true});
        }
        let answer = desk.send(&handshake);
        desk.cookie = answer.cookie("BAYEUX_BROWSER").unwrap();
        let reply = answer.json()[0].clone();
        assert_eq!(reply["successful"], true, "{reply}");
        desk.client = reply["clientId"].as_str().unwrap().to_owned();
        if !subscriptions.is_empty() {
            let reply = desk.send(&json!({"channel": "/meta/subscribe", "subscription": subscriptions})).json();
            assert_eq!(reply[0]["successful"], true, "{reply}");
        }
        desk
    }

    fn message(&mut self, message: &Value) -> String {
        self.id += 1;
        let mut message = message.clone();
        message["id"] = json!(self.id.to_string());
        if !self.client.is_empty() && message.get("clientId").is_none() {
            message["clientId"] = json!(self.client);
        }
        json!([message]).to_string()
    }

    fn headers(&self) -> Vec<(&str, String)> {
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("Authorization", self.agent.authorization.clone()),
            ("User-Agent", "desk/1".to_owned()),
        ];
        if !self.cookie.is_empty() {
            headers.push(("Cookie", format!("BAYEUX_BROWSER={}", self.cookie)));
        }
        headers
    }

    /// Sends one message, and returns its answer.
    pub(crate) fn send(&mut self, message: &Value) -> Answer {
        read_answer(&mut self.open_send(message)).unwrap()
    }

    /// Sends a body as it is, and returns its answer.
    pub(crate) fn send_all(&self, body: &Value) -> Answer {
        read_answer(&mut self.open_body(&body.to_string())).unwrap()
    }

    /// Sends one message, and leaves its answer to be read.
    pub(crate) fn open_send(&mut self, message: &Value) -> TcpStream {
        let body = self.message(message);
        self.open_body(&body)
    }

    fn open_body(&self, body: &str) -> TcpStream {
        let headers = self.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let head = format!("POST {} HTTP/1.1\r\n", self.path);
        open_request(self.agent.address, &head, &headers, body.as_bytes()).unwrap()
    }

    fn connect_message(&self, timeout: Option<u64>) -> Value {
        let mut connect = json!({"channel": "/meta/connect", "connectionType": "long-polling"});
        if let Some(ack) = self.ack {
            connect["ext"] = json!({"ack": ack});
        }
        if let Some(timeout) = timeout {
            connect["advice"] = json!({"timeout": timeout});
        }
        connect
    }

    /// Sends a connect, and leaves its answer to be read.
    pub(crate) fn open_connect(&mut self) -> TcpStream {
        let connect = self.connect_message(None);
        self.open_send(&connect)
    }

    /// The same, and it is held for so many milliseconds at most.
    pub(crate) fn park(&mut self, timeout: u64) -> TcpStream {
        let connect = self.connect_message(Some(timeout));
        self.open_send(&connect)
    }

    /// Connects, and returns what was delivered and the reply. `timeout` in milliseconds is how long it may be held.
    pub(crate) fn connect(&mut self, timeout: Option<u64>) -> (Vec<Value>, Value) {
        let connect = self.connect_message(timeout);
        let answer = self.send(&connect);
        self.take(&answer)
    }

    /// Takes a connect's answer apart, and acknowledges it with the next one.
    pub(crate) fn take(&mut self, answer: &Answer) -> (Vec<Value>, Value) {
        let mut messages = answer.json().as_array().unwrap().clone();
        let reply = messages.pop().unwrap();
        assert_eq!(reply["channel"], "/meta/connect", "the reply comes last: {messages:?} {reply}");
        if let (Some(_), Some(ack)) = (self.ack, reply["ext"]["ack"].as_u64()) {
            self.ack = Some(ack);
        }
        (messages, reply)
    }

    /// Connects until something `wanted` was delivered; returns all that was delivered on the way.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = clock::now() + PATIENCE;
        let mut all = Vec::new();
        while clock::now() < deadline {
            let (messages, reply) = self.connect(Some(1000));
            assert_eq!(reply["successful"], true, "{reply}");
            let found = messages.iter().any(&wanted);
            all.extend(messages);
            if found {
                return all;
            }
        }
        panic!("{} waited in vain; it was delivered {all:#?}", self.agent.name);
    }
}
