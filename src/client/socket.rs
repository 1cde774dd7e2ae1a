//! One websocket to the endpoint: requests go out as they are due, and whatever comes is a frame.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::ids::random;
use crate::websocket::{Decoder, Masked, Message, Role, masked};

use super::lane::LaneError;
use super::target::Target;

/// A websocket that is opened when it is first needed, and again after it broke.
#[derive(Default)]
pub(super) struct Socket {
    wire: Option<Wire>,
}

struct Wire {
    stream: TcpStream,
    came: BytesMut,
    decoder: Decoder,
}

/// What the answer to an upgrade said.
pub(super) struct Upgrade {
    /// Its status; 101 if there is a websocket now.
    pub(super) status: u16,
    /// Every `Set-Cookie`.
    pub(super) cookies: Vec<String>,
}

impl Socket {
    /// Whether it is open, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.wire.is_some()
    }

    /// Gives it up.
    pub(super) fn close(&mut self) {
        self.wire = None;
    }

    /// Opens it.
    pub(super) async fn open(
        &mut self,
        target: &Target,
        cookies: Option<&HeaderValue>,
        login: Option<&HeaderValue>,
        patience: Duration,
    ) -> Result<Upgrade, LaneError> {
        let opening = async {
            let stream = TcpStream::connect(target.addr()).await?;
            stream.set_nodelay(true)?;
            let mut wire = Wire { stream, came: BytesMut::new(), decoder: Decoder::new(Role::Client, LARGEST) };
            let head = head(target, cookies, login);
            wire.stream.write_all(&head).await?;
            let upgrade = wire.upgrade().await?;
            Ok::<_, LaneError>((wire, upgrade))
        };
        let (wire, upgrade) = tokio::time::timeout(patience, opening).await.map_err(|_| LaneError::Late)??;
        if upgrade.status == 101 {
            self.wire = Some(wire);
        }
        Ok(upgrade)
    }

    /// Sends a text.
    ///
    /// # Cancel safety
    /// When it is dropped the websocket is closed.
    pub(super) async fn send(&mut self, text: &[u8]) -> Result<(), LaneError> {
        let mut wire = self.wire.take().ok_or(LaneError::Body)?;
        wire.write(Masked::Text, text).await?;
        self.wire = Some(wire);
        Ok(())
    }

    /// The next text. When nothing comes any more the websocket is closed.
    ///
    /// # Cancel safety
    /// Nothing that came is lost, unless a ping was being answered: then the websocket is closed.
    pub(super) async fn receive(&mut self) -> Result<Bytes, LaneError> {
        loop {
            let Some(wire) = &mut self.wire else { return Err(LaneError::Body) };
            match wire.next().await {
                Ok(Message::Text(text)) => return Ok(text),
                Ok(Message::Ping(payload)) => {
                    let Some(mut wire) = self.wire.take() else { return Err(LaneError::Body) };
                    wire.write(Masked::Pong, &payload).await?;
                    self.wire = Some(wire);
                }
                Ok(Message::Pong) => {}
                Ok(Message::Binary | Message::Close(_)) => {
                    self.wire = None;
                    return Err(LaneError::Body);
                }
                Err(error) => {
                    self.wire = None;
                    return Err(error);
                }
            }
        }
    }
}

impl Wire {
    async fn upgrade(&mut self) -> Result<Upgrade, LaneError> {
        loop {
            if let Some(at) = self.came.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.came.split_to(at + 4);
                let head = String::from_utf8_lossy(&head);
                let mut lines = head.lines();
                let status =
                    lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
                let cookies = lines
                    .filter_map(|line| line.split_once(':'))
                    .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
                    .map(|(_, value)| value.trim().to_owned())
                    .collect();
                return Ok(Upgrade { status: status.ok_or(LaneError::Body)?, cookies });
            }
            if self.came.len() > LARGEST_HEAD {
                return Err(LaneError::Body);
            }
            self.read().await?;
        }
    }

    async fn next(&mut self) -> Result<Message, LaneError> {
        loop {
            if let Some(message) = self.decoder.next(&mut self.came).map_err(|_| LaneError::Body)? {
                return Ok(message);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), LaneError> {
        if self.stream.read_buf(&mut self.came).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    async fn write(&mut self, kind: Masked, payload: &[u8]) -> Result<(), LaneError> {
        self.stream.write_all(&masked(kind, payload, random::<4>())).await?;
        Ok(())
    }
}

fn head(target: &Target, cookies: Option<&HeaderValue>, login: Option<&HeaderValue>) -> Vec<u8> {
    let key = STANDARD.encode(random::<16>());
    let mut head = format!(
        "GET {} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n",
        target.plain_path(),
    )
    .into_bytes();
    for (name, value) in [("Host", Some(target.host())), ("Cookie", cookies), ("Authorization", login)] {
        if let Some(value) = value {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// No frame may be larger.
const LARGEST: usize = 16 * 1024 * 1024;
const LARGEST_HEAD: usize = 64 * 1024;
