//! How a desktop hears over HTTP: its session over long-polling or a websocket, and what it was told.

use std::net::{Shutdown, TcpStream};

use partyline::websocket::Message;
use serde_json::{Value, json};

use super::desktop::View;
use crate::harness::{Agent, Desk, Server, read_answer};
use crate::socket::Socket;

/// How a desktop hears.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// By long-polling, and acknowledges.
    Acknowledges,
    /// By long-polling, and does not.
    Plain,
    /// By a websocket, and acknowledges.
    Socket,
}

/// A desktop that hears.
pub(super) struct Ear {
    line: Line,
    /// A connect that waits for its answer.
    parked: Option<TcpStream>,
    /// What an answer said that counts as lost, and so must be told again.
    lost: Vec<Value>,
    /// What all that it was told adds up to; `None` until it is known where that begins.
    pub told: Option<View>,
    /// What it was told since it was last found to be right.
    pub heard: Vec<Value>,
}

enum Line {
    Poll(Desk),
    Socket { agent: Agent, socket: Socket, cookie: String, ack: u64, connects: u64 },
}

/// The end of a life of the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It was killed.
    Killed,
    /// It was stopped as it should be.
    Stopped,
}

impl Ear {
    pub(super) fn open(server: &Server, agent: Agent, kind: Kind) -> Self {
        let line = match kind {
            Kind::Acknowledges => Line::Poll(Desk::open(agent, true, &["/v2/me/*"])),
            Kind::Plain => Line::Poll(Desk::open(agent, false, &["/v2/me/*"])),
            Kind::Socket => {
                let mut socket = Socket::open_at(server, PATH, &[agent.authorization()]);
                socket.join(true, &["/v2/me/*"]);
                let cookie = socket.cookie.clone().unwrap();
                Line::Socket { agent, socket, cookie, ack: 0, connects: 0 }
            }
        };
        Self { line, parked: None, lost: Vec::new(), told: None, heard: Vec::new() }
    }

    pub(super) fn acknowledges(&self) -> bool {
        match &self.line {
            Line::Poll(desk) => desk.ack.is_some(),
            Line::Socket { .. } => true,
        }
    }

    /// Gets what there is. Says up to which position that is all, if it acknowledges.
    pub(super) fn hear(&mut self) -> Option<u64> {
        self.take_parked();
        let (messages, reply) = match &mut self.line {
            Line::Poll(desk) => desk.connect(Some(0)),
            Line::Socket { socket, ack, connects, .. } => {
                let (messages, reply) = connect(socket, *ack, connects);
                *ack = reply["ext"]["ack"].as_u64().unwrap();
                (messages, reply)
            }
        };
        assert_eq!(reply["successful"], true, "{reply}");
        self.take(messages);
        reply["ext"]["ack"].as_u64()
    }

    fn take_parked(&mut self) {
        if let (Some(mut parked), Line::Poll(desk)) = (self.parked.take(), &mut self.line) {
            let answer = read_answer(&mut parked).unwrap();
            let (messages, reply) = desk.take(&answer);
            assert_eq!(reply["successful"], true, "{reply}");
            self.take(messages);
        }
    }

    /// Lets a connect wait for something to be told, for some milliseconds at most.
    pub(super) fn park(&mut self, milliseconds: u64) {
        if let (Line::Poll(desk), None) = (&mut self.line, &self.parked) {
            self.parked = Some(desk.park(milliseconds));
        }
    }

    /// Has an answer get lost on its way: the server does not hear that it came.
    pub(super) fn lose(&mut self) -> usize {
        if self.parked.is_some() || !self.lost.is_empty() {
            return 0;
        }
        let Line::Poll(desk) = &mut self.line else { return 0 };
        let Some(ack) = desk.ack else { return 0 };
        let (messages, reply) = desk.connect(Some(0));
        assert_eq!(reply["successful"], true, "{reply}");
        desk.ack = Some(ack);
        self.lost = data(messages);
        self.lost.len()
    }

    /// Lets a websocket be closed by a server that ends. What still comes is not acknowledged, and so comes again.
    pub(super) fn see_out(&mut self) {
        if let Line::Socket { socket, .. } = &mut self.line {
            while !matches!(socket.next(), None | Some(Message::Close(_))) {}
            // The server may have closed it already.
            let _ = socket.stream.shutdown(Shutdown::Both);
        }
    }

    /// Goes on after the server was started again; who does not acknowledge begins anew after a kill.
    pub(super) fn come_back(&mut self, server: &Server, end: End) {
        match end {
            // A connect that waits has gone with the server.
            End::Killed => self.parked = None,
            End::Stopped => self.take_parked(),
        }
        match &mut self.line {
            Line::Poll(desk) if desk.ack.is_none() && end == End::Killed => {
                let (_, reply) = desk.connect(Some(0));
                assert_eq!(reply["error"], "402::Unknown client", "{reply}");
                *self = Self::open(server, desk.agent.clone(), Kind::Plain);
            }
            Line::Poll(_) => {}
            Line::Socket { agent, socket, cookie, .. } => {
                let cookie = format!("BAYEUX_BROWSER={cookie}");
                let client = std::mem::take(&mut socket.client);
                *socket = Socket::open_at(server, PATH, &[agent.authorization(), ("Cookie", &cookie)]);
                socket.client = client;
            }
        }
    }

    fn take(&mut self, messages: Vec<Value>) {
        let messages = data(messages);
        let lost = std::mem::take(&mut self.lost);
        assert!(messages.starts_with(&lost), "what was lost comes again: {lost:#?}, and not {messages:#?}");
        if let Some(told) = &mut self.told {
            messages.iter().for_each(|data| told.add(data));
        }
        self.heard.extend(messages);
    }
}

/// Connects, and waits for the reply; what is told comes before it.
fn connect(socket: &mut Socket, ack: u64, connects: &mut u64) -> (Vec<Value>, Value) {
    *connects += 1;
    let id = connects.to_string();
    socket.send(&json!({"channel": "/meta/connect", "id": id, "connectionType": "websocket",
        "advice": {"timeout": 0}, "ext": {"ack": ack}}));
    let mut told = Vec::new();
    loop {
        for message in socket.frame() {
            if message["channel"] == "/meta/connect" {
                assert_eq!(message["id"], id.as_str());
                return (told, message);
            }
            told.push(message);
        }
    }
}

/// What the messages say. Which channel each came on follows from its kind.
fn data(messages: Vec<Value>) -> Vec<Value> {
    let data = |mut message: Value| {
        let data = message["data"].take();
        let channel = match data["messageType"].as_str().unwrap() {
            "CallStateChangeMessage" => "/v2/me/calls",
            "ChannelStateChangeMessageV2" => "/v2/me/channels",
            "DeviceStateChangeMessage" | "ErrorMessage" => "/v2/me/devices",
            other => panic!("told of {other}"),
        };
        assert_eq!(message["channel"], channel, "{data}");
        data
    };
    messages.into_iter().map(data).collect()
}

const PATH: &str = "/api/v2/notifications";
