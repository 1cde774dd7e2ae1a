//! One simulated desktop: it has a session, listens to the channel, and checks what arrives.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::watch;

use crate::client::{Client, ClientError, Event};

use super::board::Board;
use super::sequence::{Arrival, Sequence};

/// A desktop that is subscribed.
pub(super) struct Desk {
    client: Client,
    channel: Arc<str>,
    board: Arc<Board>,
    sequence: Sequence,
}

/// A desktop that has stopped.
pub(super) struct Done {
    /// Its client, to say goodbye with.
    pub(super) client: Client,
    /// What it has seen.
    pub(super) sequence: Sequence,
    /// Why it stopped before it was told to.
    pub(super) error: Option<ClientError>,
}

/// What each message carries.
#[derive(Debug, Deserialize)]
struct Data {
    seq: u64,
    sent: u64,
}

impl Desk {
    /// Makes a session and subscribes.
    pub(super) async fn open(mut client: Client, channel: Arc<str>, board: Arc<Board>) -> Result<Self, ClientError> {
        client.handshake().await?;
        client.subscribe(&[&channel]).await?;
        board.enter();
        Ok(Self { client, channel, board, sequence: Sequence::default() })
    }

    /// Listens until told to stop.
    pub(super) async fn listen(mut self, mut stop: watch::Receiver<bool>) -> Done {
        let error = loop {
            tokio::select! {
                biased;
                events = self.client.next_events() => match events {
                    Ok(events) => self.handle(&events),
                    Err(error) => break Some(error),
                },
                _ = stop.changed() => break None,
            }
        };
        self.board.leave(self.sequence.newest());
        Done { client: self.client, sequence: self.sequence, error }
    }

    fn handle(&mut self, events: &[Event]) {
        for event in events.iter().filter(|event| *event.channel == *self.channel) {
            let Ok(data) = serde_json::from_slice::<Data>(&event.data) else { continue };
            match self.sequence.handle(data.seq) {
                Arrival::Duplicated => {}
                Arrival::InOrder | Arrival::Late => self.board.arrived(data.seq, data.sent),
            }
        }
    }
}

/// A message of exactly `size` bytes, or as few as its numbers need.
pub(super) fn message(seq: u64, sent: u64, size: usize) -> String {
    let head = format!("{{\"seq\":{seq},\"sent\":{sent},\"pad\":\"");
    let pad = size.saturating_sub(head.len() + 2);
    format!("{head}{}\"}}", "x".repeat(pad))
}
