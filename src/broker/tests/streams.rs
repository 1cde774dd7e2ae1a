//! Sessions whose clients read a stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use expect_test::expect;
use tokio::sync::mpsc;

use crate::broker::line::{LineId, Out, Parcel, Shown, Took};
use crate::broker::tests::kit::{Desk, End, agent, connect, nobody, peer, settings};
use crate::broker::wire::Wire;
use crate::broker::{NoStream, Peer, SessionRules, Settings};
use crate::ids::{BrowserCookie, ClientId};
use crate::metrics::EndReason;

/// A stream that takes nothing over until it is told to.
struct Stream {
    id: LineId,
    parcels: mpsc::Receiver<Parcel>,
}

impl Stream {
    fn open(desk: &mut Desk, me: &Peer, client: &str, id: u64) -> Result<Self, NoStream> {
        let (out, parcels) = Out::stream(LineId(id));
        desk.sessions.handle_stream(desk.now, me, ClientId::presented(client).session(), out)?;
        desk.pump();
        Ok(Self { id: LineId(id), parcels })
    }

    /// Takes over the next piece.
    fn take(&mut self) -> Option<String> {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        match self.parcels.try_recv().ok()? {
            Parcel::Events { frame, flow } => match flow.take() {
                Took::Frame | Took::Last => Some(text(frame)),
                Took::Nothing => Some("too late\n".to_owned()),
            },
            Parcel::Last(last) => Some(format!("last: {}", last.map_or_else(|| "nothing\n".to_owned(), text))),
            Parcel::Answer { .. } | Parcel::Dropped => panic!("no such thing is sent here"),
        }
    }

    /// Takes over all.
    fn all(&mut self) -> String {
        std::iter::from_fn(|| self.take()).collect()
    }
}

fn desk() -> Desk {
    Desk::with(Settings { queue_messages: 100, ..settings() })
}

/// A session that handshook, subscribed, made its first connect and opened a stream.
fn open(desk: &mut Desk, me: &Peer, client: &str, id: u64) -> Stream {
    desk.shake(me, client, "");
    desk.subscribe(me, client, "/demo/*");
    desk.ask(me, &connect(client));
    Stream::open(desk, me, client, id).unwrap()
}

#[test]
fn events_are_pushed_and_connects_are_answered_at_once_for_as_long_as_the_stream_lasts() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut stream = open(&mut desk, &me, "one", 7);
    desk.publish("/demo/a", "1");
    desk.publish("/demo/a", "{\"n\":\r\n2}");
    expect![[r#"
        data: [{"data":1,"channel":"/demo/a"}]

        data: [{"data":{"n":  2},"channel":"/demo/a"}]

    "#]]
    .assert_eq(&stream.all());
    let heartbeat = r#"[{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":30000,"timeout":0}}]"#;
    for _ in 0..3 {
        assert_eq!(desk.ask(&me, &connect("one")), heartbeat);
        desk.pass(Duration::from_secs(39));
    }
    assert_eq!(desk.known(), 1, "it pauses as it was told");
    desk.ask(&me, &connect("one"));
    let page = desk.metrics.render();
    assert!(page.contains("partyline_deliveries_total{transport=\"eventsource\"} 2\n"), "{page}");
    desk.publish("/demo/a", "3");
    desk.publish("/demo/a", "4");
    assert_eq!(stream.take().unwrap(), "data: [{\"data\":3,\"channel\":\"/demo/a\"}]\n\n");
    desk.sessions.handle_parted(desk.now, stream.id);
    assert_eq!(stream.all(), "too late\n");
    expect![[r#"[{"data":4,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"retry","interval":0,"timeout":30000}}]"#]]
        .assert_eq(&desk.ask(&me, &connect("one")));
    let held = desk.send(&me, &connect("one"));
    assert_eq!(desk.answer(held), None, "as over long-polling");
    desk.assert_idle();
}

#[test]
fn a_stream_is_for_who_may_send_messages_of_its_session() {
    let (mut desk, me) = (desk(), peer("15000"));
    let _stream = open(&mut desk, &me, "one", 7);
    let elsewhere = Peer { cookie: BrowserCookie::presented("other"), ..me.clone() };
    let thief = Peer { agent: Some(agent("15001")), ..me.clone() };
    for other in [elsewhere, thief, nobody()] {
        assert_eq!(Stream::open(&mut desk, &other, "one", 8).err(), Some(NoStream::Unknown));
    }
    assert_eq!(Stream::open(&mut desk, &me, "two", 8).err(), Some(NoStream::Unknown));
    desk.shake(&me, "two", "ack");
    assert_eq!(Stream::open(&mut desk, &me, "two", 8).err(), Some(NoStream::Unsuited), "it has its connects");
    let (out, _parcels) = Out::pair(LineId(9), Shown::Cookie);
    desk.plug(Some(&out));
    desk.shake(&me, "three", "");
    desk.ask(&me, &connect("three"));
    desk.plug(None);
    assert_eq!(Stream::open(&mut desk, &me, "three", 8).err(), Some(NoStream::Unsuited), "it has its websocket");
}

#[test]
fn a_newer_stream_takes_over_what_an_older_one_did_not() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut old = open(&mut desk, &me, "one", 7);
    desk.publish("/demo/a", "1");
    desk.publish("/demo/a", "2");
    old.take();
    let mut new = Stream::open(&mut desk, &me, "one", 8).unwrap();
    assert_eq!(old.all(), "too late\nlast: nothing\n");
    assert_eq!(new.all(), "data: [{\"data\":2,\"channel\":\"/demo/a\"}]\n\n");
    desk.sessions.handle_parted(desk.now, old.id);
    desk.publish("/demo/a", "3");
    assert_eq!(new.all(), "data: [{\"data\":3,\"channel\":\"/demo/a\"}]\n\n");
    let (out, _parcels) = Out::pair(LineId(9), Shown::Cookie);
    desk.plug(Some(&out));
    desk.send(&me, &connect("one"));
    assert_eq!(new.all(), "last: nothing\n", "its client went over to a websocket");
}

#[test]
fn a_connect_that_is_held_when_the_stream_opens_is_answered_in_its_time_and_empty() {
    let (mut desk, me) = (desk(), peer("15000"));
    desk.shake(&me, "one", "");
    desk.subscribe(&me, "one", "/demo/*");
    desk.ask(&me, &connect("one"));
    let held = desk.send(&me, &connect("one"));
    let mut stream = Stream::open(&mut desk, &me, "one", 7).unwrap();
    desk.publish("/demo/a", "1");
    assert_eq!(stream.all(), "data: [{\"data\":1,\"channel\":\"/demo/a\"}]\n\n");
    desk.pass(Duration::from_secs(30));
    assert_eq!(desk.answer(held).unwrap(), r#"[{"channel":"/meta/connect","id":"c","successful":true}]"#);
}

#[test]
fn a_client_is_told_at_once_that_its_session_is_over() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut stream = open(&mut desk, &me, "one", 7);
    desk.pass(Duration::from_secs(41));
    expect![[r#"
        last: data: [{"channel":"/meta/connect","successful":false,"error":"402::session_unknown","advice":{"reconnect":"handshake","interval":0}}]

    "#]].assert_eq(&stream.all());
    let mut stream = open(&mut desk, &me, "two", 8);
    desk.sessions.handle_end(desk.now, ClientId::presented("two").session(), EndReason::Ended);
    desk.pump();
    expect![[r#"
        last: data: [{"channel":"/meta/disconnect","successful":true},{"channel":"/meta/connect","successful":true,"advice":{"reconnect":"none"}}]

    "#]].assert_eq(&stream.all());
    let mut stream = open(&mut desk, &me, "three", 9);
    desk.publish("/demo/a", "1");
    desk.ask(&me, "[{'channel':'/meta/disconnect','id':'d','clientId':'three'}]");
    assert_eq!(stream.all(), "data: [{\"data\":1,\"channel\":\"/demo/a\"}]\n\nlast: nothing\n");
    assert!(desk.sessions.lines.is_empty());
    desk.assert_idle();
}

#[test]
fn a_stream_is_one_of_the_connections_of_its_browser() {
    let rules = SessionRules { sessions_per_browser: Some(1), ..SessionRules::default() };
    let (mut desk, me) = (Desk::with(Settings { session_rules: rules, ..settings() }), peer("15000"));
    let stream = open(&mut desk, &me, "one", 7);
    desk.shake(&me, "two", "");
    assert_eq!(Stream::open(&mut desk, &me, "two", 8).err(), Some(NoStream::Busy));
    assert!(desk.ask(&me, &connect("two")).contains("\"multiple-clients\":true"));
    desk.sessions.handle_parted(desk.now, stream.id);
    assert!(Stream::open(&mut desk, &me, "two", 8).is_ok(), "there is room again");
}

#[test]
fn a_stream_goes_on_after_a_planned_restart_before_its_client_connects_again() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut stream = open(&mut desk, &me, "one", 7);
    desk.publish("/demo/a", "1");
    stream.all();
    desk.publish("/demo/a", "2");
    desk.restart(End::Stopped);
    desk.publish("/demo/a", "3");
    let mut stream = Stream::open(&mut desk, &me, "one", 8).unwrap();
    assert_eq!(stream.all(), "data: [{\"data\":2,\"channel\":\"/demo/a\"},{\"data\":3,\"channel\":\"/demo/a\"}]\n\n");
    desk.pass(Duration::from_secs(39));
    assert!(desk.ask(&me, &connect("one")).contains("\"successful\":true"), "it was told to pause");
}

#[test]
fn those_who_hear_the_same_share_a_frame_if_they_read_it_the_same_way() {
    let (mut desk, me, you) = (desk(), peer("15000"), peer("15001"));
    let mut streams = [open(&mut desk, &me, "one", 7), open(&mut desk, &you, "two", 8)];
    let (out, mut parcels) = Out::pair(LineId(9), Shown::Cookie);
    let other = peer("15002");
    desk.plug(Some(&out));
    desk.shake(&other, "three", "");
    desk.subscribe(&other, "three", "/demo/*");
    desk.publish("/demo/a", "1");
    let [one, two] = streams.each_mut().map(|stream| match stream.parcels.try_recv() {
        Ok(Parcel::Events { frame, .. }) => frame,
        other => panic!("{other:?}"),
    });
    assert_eq!(one.as_ptr(), two.as_ptr(), "one buffer");
    let Ok(Parcel::Events { frame, .. }) = parcels.try_recv() else { panic!("no frame") };
    assert_eq!(frame, Wire::Websocket.frame(br#"[{"data":1,"channel":"/demo/a"}]"#));
    assert!(Arc::strong_count(&out) > 1, "it is still at its socket");
}
