//! Sessions whose clients have sockets.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use expect_test::expect;
use tokio::sync::mpsc;

use crate::bayeux::SlowConsumer;
use crate::broker::line::{Asked, LineId, Out, Parcel, Shown, Took};
use crate::broker::tests::kit::{Desk, agent, connect, connect_ack, peer, publish, settings, subscribe};
use crate::broker::{Anonymous, Peer, SessionRules, Settings};
use crate::ids::BrowserCookie;
use crate::websocket::{Decoder, Message, Role};

/// A socket that takes nothing over until it is told to.
struct Socket {
    out: Arc<Out>,
    parcels: mpsc::Receiver<Parcel>,
}

impl Socket {
    fn new(id: u64, shown: Shown) -> Self {
        let (out, parcels) = Out::pair(LineId(id), shown);
        Self { out, parcels }
    }

    /// Takes over the next frame.
    fn take(&mut self) -> Option<(Bytes, Took)> {
        match self.parcels.try_recv().ok()? {
            Parcel::Events { frame, flow } => {
                let took = flow.take();
                Some((frame, took))
            }
            Parcel::Answer { .. } | Parcel::Dropped | Parcel::Last(_) => panic!("no such thing is sent here"),
        }
    }

    /// Takes over all, and says what it is, a frame a line.
    fn all(&mut self) -> String {
        std::iter::from_fn(|| self.take()).map(|(frame, took)| format!("{took:?} {}\n", text(&frame))).collect()
    }
}

fn text(frame: &[u8]) -> String {
    let message = Decoder::new(Role::Client, 1 << 20).next(&mut BytesMut::from(frame)).unwrap().unwrap();
    let Message::Text(text) = message else { panic!("{message:?}") };
    String::from_utf8(text.to_vec()).unwrap()
}

/// A session that handshook, subscribed, and made its first connect, all over a socket.
fn open(desk: &mut Desk, me: &Peer, id: u64, ack: &str) -> Socket {
    let socket = Socket::new(id, Shown::Cookie);
    desk.plug(Some(&socket.out));
    desk.shake(me, "one", ack);
    desk.subscribe(me, "one", "/demo/*");
    desk.ask(me, &connect("one"));
    desk.plug(None);
    socket
}

fn desk() -> Desk {
    Desk::with(Settings { queue_messages: 100, ..settings() })
}

#[test]
fn events_are_pushed_at_once_and_the_connect_is_held_until_its_time_is_up() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = Socket::new(7, Shown::Cookie);
    desk.plug(Some(&socket.out));
    desk.shake(&me, "one", "");
    desk.subscribe(&me, "one", "/demo/*");
    desk.publish("/demo/a", "1");
    expect![[r#"
        Frame [{"data":1,"channel":"/demo/a"}]
    "#]]
    .assert_eq(&socket.all());
    desk.ask(&me, &connect("one"));
    let held = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "2");
    assert_eq!(desk.answer(held), None);
    expect![[r#"
        Frame [{"data":2,"channel":"/demo/a"}]
    "#]]
    .assert_eq(&socket.all());
    desk.pass(Duration::from_secs(30));
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true}]"#]].assert_eq(&desk.answer(held).unwrap());
    let page = desk.metrics.render();
    assert!(page.contains("partyline_deliveries_total{transport=\"websocket\"} 2\n"), "{page}");
    desk.assert_idle();
}

#[test]
fn what_waits_for_a_response_that_is_on_its_way_is_pushed_as_soon_as_that_is_written() {
    for slow_consumer in [SlowConsumer::DropOldest, SlowConsumer::Expire] {
        let session_rules = SessionRules { slow_consumer, ..SessionRules::default() };
        let (mut desk, me) = (Desk::with(Settings { session_rules, queue_messages: 8, ..settings() }), peer("15000"));
        desk.shake(&me, "one", "");
        desk.subscribe(&me, "one", "/demo/*");
        desk.ask(&me, &connect("one"));
        for n in 0..4 {
            desk.publish("/demo/a", &n.to_string());
        }
        let answer = desk.send(&me, &connect("one"));
        assert_eq!(desk.answer(answer).unwrap().matches("/demo/a").count(), 4);
        desk.publish("/demo/a", "4");
        let mut socket = Socket::new(7, Shown::Cookie);
        desk.plug(Some(&socket.out));
        desk.ask(&me, &publish("one", "/demo/deep/er", "0"));
        assert_eq!(socket.all(), "", "it would overtake what is on its way");
        desk.written_with_word(answer);
        let pushed = socket.take().map(|(frame, _)| text(&frame));
        assert_eq!(pushed.as_deref(), Some(r#"[{"data":4,"channel":"/demo/a"}]"#), "{slow_consumer:?}");
        desk.assert_idle();
    }
}

#[test]
fn a_publisher_is_pushed_its_own_event_before_the_reply() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "");
    desk.plug(Some(&socket.out));
    let reply = desk.ask(&me, &publish("one", "/demo/a", "1"));
    expect![[r#"[{"channel":"/demo/a","id":"p","successful":true}]"#]].assert_eq(&reply);
    assert_eq!(desk.order, ["push", "answer"]);
    assert_eq!(socket.all(), "Frame [{\"data\":1,\"channel\":\"/demo/a\"}]\n");
}

#[test]
fn the_events_of_one_moment_go_in_one_frame_and_those_who_hear_the_same_share_it() {
    let (mut desk, me, you) = (desk(), peer("15000"), peer("15001"));
    let mut mine = open(&mut desk, &me, 7, "");
    let mut yours = Socket::new(8, Shown::Cookie);
    desk.plug(Some(&yours.out));
    desk.shake(&you, "two", "");
    desk.subscribe(&you, "two", "/demo/*");
    desk.together(&[("/demo/a", "1"), ("/demo/b", "2")]);
    let ((one, _), (other, _)) = (mine.take().unwrap(), yours.take().unwrap());
    expect![[r#"[{"data":1,"channel":"/demo/a"},{"data":2,"channel":"/demo/b"}]"#]].assert_eq(&text(&one));
    assert_eq!(one.as_ptr(), other.as_ptr(), "one buffer");
    assert_eq!((mine.all(), yours.all()), (String::new(), String::new()));
}

#[test]
fn what_a_broken_socket_did_not_take_over_is_owed_again_and_its_session_is_away_at_once() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "");
    desk.plug(Some(&socket.out));
    let held = desk.send(&me, &connect("one"));
    for data in ["1", "2", "3"] {
        desk.publish("/demo/a", data);
    }
    assert_eq!(text(&socket.take().unwrap().0), r#"[{"data":1,"channel":"/demo/a"}]"#);
    desk.sessions.handle_parted(desk.now, LineId(7));
    assert_eq!(socket.all().lines().filter(|line| line.starts_with("Nothing")).count(), 2, "it comes too late");
    assert_eq!(desk.answer(held), None);
    let page = desk.metrics.render();
    assert!(page.contains("partyline_redeliveries_total{cause=\"lost\"} 2\n"), "{page}");
    desk.pass(Duration::from_millis(9_999));
    desk.plug(None);
    expect![[r#"[{"data":2,"channel":"/demo/a"},{"data":3,"channel":"/demo/a"},{"channel":"/meta/connect","id":"c","successful":true}]"#]]
        .assert_eq(&desk.ask(&me, &connect("one")));
    desk.pass(Duration::from_secs(10));
    assert_eq!(desk.known(), 0, "nobody came back");
    desk.assert_idle();
}

#[test]
fn a_socket_that_is_found_closed_counts_as_gone() {
    let (mut desk, me) = (desk(), peer("15000"));
    let socket = open(&mut desk, &me, 7, "");
    drop(socket);
    desk.publish("/demo/a", "1");
    assert!(desk.sessions.lines.is_empty());
    assert!(desk.ask(&me, &connect("one")).starts_with(r#"[{"data":1,"#));
}

#[test]
fn a_client_that_comes_back_on_another_socket_is_served_there() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut old = open(&mut desk, &me, 7, "");
    desk.plug(Some(&old.out));
    let held = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "1");
    let mut new = Socket::new(8, Shown::Cookie);
    desk.plug(Some(&new.out));
    let again = desk.send(&me, &connect("one"));
    assert_eq!(desk.answer(held).as_deref(), Some("superseded"));
    desk.publish("/demo/a", "2");
    assert_eq!(old.all(), "Nothing [{\"data\":1,\"channel\":\"/demo/a\"}]\n");
    assert_eq!(
        new.all(),
        "Frame [{\"data\":1,\"channel\":\"/demo/a\"}]\nFrame [{\"data\":2,\"channel\":\"/demo/a\"}]\n"
    );
    // That the old one breaks at last does no harm.
    desk.sessions.handle_parted(desk.now, LineId(7));
    desk.publish("/demo/a", "3");
    assert_eq!(new.all(), "Frame [{\"data\":3,\"channel\":\"/demo/a\"}]\n");
    assert_eq!(desk.answer(again), None);
    desk.assert_idle();
}

#[test]
fn a_handshake_takes_the_socket_from_the_session_before() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "");
    desk.plug(Some(&socket.out));
    let held = desk.send(&me, &connect("one"));
    let stranger = Peer { agent: None, ..me.clone() };
    assert!(desk.shake(&stranger, "nobody", "").contains("403::handshake_denied"));
    desk.publish("/demo/a", "1");
    assert_eq!(socket.all(), "Frame [{\"data\":1,\"channel\":\"/demo/a\"}]\n", "one that is refused takes nothing");
    desk.shake(&me, "two", "");
    assert_eq!(desk.answer(held).as_deref(), Some("superseded"));
    desk.subscribe(&me, "two", "/demo/*");
    desk.publish("/demo/a", "2");
    assert_eq!(socket.all(), "Frame [{\"data\":2,\"channel\":\"/demo/a\"}]\n", "once, to the new one");
    // Nobody comes back for the old one.
    desk.ask(&me, &connect("two"));
    desk.send(&me, &connect("two"));
    desk.pass(Duration::from_secs(10));
    assert_eq!(desk.known(), 1);
    desk.assert_idle();
}

#[test]
fn a_client_may_go_over_to_long_polling_and_back() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "");
    desk.publish("/demo/a", "1");
    let polled = desk.send(&me, &connect("one"));
    assert!(desk.answer(polled).unwrap().starts_with(r#"[{"data":1,"#));
    desk.written(polled);
    assert_eq!(socket.all(), "Nothing [{\"data\":1,\"channel\":\"/demo/a\"}]\n");
    let polled = desk.send(&me, &connect("one"));
    desk.plug(Some(&socket.out));
    assert!(desk.ask(&me, &subscribe("one", "/demo/b")).contains("successful"));
    desk.publish("/demo/a", "2");
    assert!(desk.answer(polled).unwrap().starts_with(r#"[{"data":2,"#), "it is held over long-polling");
    desk.written(polled);
    let held = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "3");
    assert_eq!(socket.all(), "Frame [{\"data\":3,\"channel\":\"/demo/a\"}]\n");
    assert_eq!(desk.answer(held), None);
}

#[test]
fn a_socket_that_is_full_leaves_events_in_the_queue_and_gets_them_together_when_it_has_room() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "");
    for n in 0..20 {
        desk.publish("/demo/a", &n.to_string());
    }
    let (first, took) = socket.take().unwrap();
    assert_eq!((text(&first).as_str(), took), (r#"[{"data":0,"channel":"/demo/a"}]"#, Took::Last), "it says so");
    let session = *desk.sessions.seats.keys().next().unwrap();
    desk.sessions.handle_lost(desk.now, session);
    desk.work();
    let frames: Vec<(Bytes, Took)> = std::iter::from_fn(|| socket.take()).collect();
    assert!(frames.iter().all(|(_, took)| *took == Took::Frame));
    assert_eq!(frames.len(), 16);
    let rest = [16, 17, 18, 19].map(|n| format!("{{\"data\":{n},\"channel\":\"/demo/a\"}}")).join(",");
    assert_eq!(text(&frames[15].0), format!("[{rest}]"));
}

#[test]
fn a_line_that_is_asked_to_hold_more_than_it_has_room_for_is_of_no_more_use() {
    let mut socket = Socket::new(7, Shown::Cookie);
    let taken = (0..).take_while(|_| socket.out.send(Parcel::Dropped).is_ok()).count();
    assert!(taken >= 128, "several sessions may have their frames on their way: {taken}");
    assert!(socket.out.is_overrun());
    socket.parcels.try_recv().unwrap();
    assert!(socket.out.is_overrun(), "also when there is room again: something is lost that its sessions count on");
    let socket = Socket::new(8, Shown::Cookie);
    drop(socket.parcels);
    assert!(socket.out.send(Parcel::Dropped).is_err() && !socket.out.is_overrun(), "it is closed, not full");
}

#[test]
fn a_client_that_does_not_read_is_ended_at_the_limits_of_its_queue() {
    let (mut desk, me) = (desk(), peer("15000"));
    let _socket = open(&mut desk, &me, 7, "");
    for n in 0..100 {
        desk.publish("/demo/a", &n.to_string());
    }
    assert_eq!(desk.known(), 1);
    desk.publish("/demo/a", "100");
    assert_eq!(desk.known(), 0);
    assert!(desk.sessions.lines.is_empty());
    desk.assert_idle();
}

#[test]
fn a_client_that_does_not_read_is_told_what_was_dropped_if_that_is_wanted() {
    let session_rules = SessionRules { slow_consumer: SlowConsumer::DropOldest, ..SessionRules::default() };
    let mut desk = Desk::with(Settings { queue_messages: 8, session_rules, ..settings() });
    let mut socket = open(&mut desk, &peer("15000"), 7, "");
    for n in 1..=20 {
        desk.publish("/demo/a", &n.to_string());
    }
    assert_eq!(desk.known(), 1, "it need not go");
    let session = *desk.sessions.seats.keys().next().unwrap();
    let mut told = String::new();
    while let Some((frame, took)) = socket.take() {
        told += &format!("{took:?} {}\n", text(&frame));
        if took == Took::Last {
            desk.sessions.handle_lost(desk.now, session);
            desk.work();
        }
    }
    expect![[r#"
        Last [{"data":1,"channel":"/demo/a"}]
        Last [{"data":2,"channel":"/demo/a"}]
        Last [{"data":3,"channel":"/demo/a"}]
        Last [{"data":4,"channel":"/demo/a"}]
        Frame [{"data":{"dropped":13},"channel":"/service/partyline/gap"}]
        Frame [{"data":18,"channel":"/demo/a"}]
        Frame [{"data":19,"channel":"/demo/a"}]
        Frame [{"data":20,"channel":"/demo/a"}]
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_session_that_acknowledges_is_delivered_to_with_its_connects_only() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "ack");
    desk.plug(Some(&socket.out));
    let held = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "1");
    let answer = desk.raw_answer(held).unwrap();
    assert!(answer.starts_with(r#"[{"data":1,"#), "{answer}");
    assert_eq!(socket.all(), "");
    let ack = answer.rsplit("\"ack\":").next().unwrap().trim_end_matches("}}]").parse::<u64>().unwrap();
    desk.sessions.handle_parted(desk.now, LineId(7));
    let socket = Socket::new(8, Shown::Cookie);
    desk.plug(Some(&socket.out));
    let again = desk.send(&me, &connect_ack("one", ack - 1));
    assert!(desk.answer(again).unwrap().starts_with(r#"[{"data":1,"#), "it was not acknowledged");
    let page = desk.metrics.render();
    assert!(page.contains("partyline_deliveries_total{transport=\"websocket\"} 2\n"), "{page}");
}

#[test]
fn a_session_of_a_client_that_shows_no_cookie_is_bound_to_its_login_alone() {
    let (mut desk, me) = (desk(), peer("15000"));
    let socket = Socket::new(7, Shown::Nothing);
    desk.plug(Some(&socket.out));
    desk.shake(&me, "one", "");
    desk.plug(None);
    let elsewhere = Peer { cookie: BrowserCookie::presented("other"), ..me.clone() };
    assert!(desk.ask(&elsewhere, &connect("one")).contains("\"successful\":true"));
    let thief = Peer { agent: Some(agent("15001")), ..me };
    assert!(desk.ask(&thief, &connect("one")).contains("402::session_unknown"));
    let nobody = Peer { agent: None, ..thief };
    assert!(desk.ask(&nobody, &connect("one")).contains("402::session_unknown"));
}

#[test]
fn a_socket_that_showed_no_cookie_may_use_a_session_of_the_same_login() {
    let me = peer("15000");
    let mut desk = Desk::with(Settings { anonymous: Anonymous::Allow, ..settings() });
    desk.shake(&me, "one", "");
    let socket = Socket::new(7, Shown::Nothing);
    desk.plug(Some(&socket.out));
    let fresh = Peer { cookie: BrowserCookie::presented("drawn"), ..me };
    assert!(desk.ask(&fresh, &connect("one")).contains("\"successful\":true"));
    let thief = Peer { agent: Some(agent("15001")), ..fresh };
    assert!(desk.ask(&thief, &connect("one")).contains("402::session_unknown"));
    let nobody = Peer { agent: None, ..thief };
    assert!(desk.shake(&nobody, "two", "").contains("\"successful\":true"));
    let elsewhere = Peer { cookie: BrowserCookie::presented("other"), ..nobody };
    assert!(desk.ask(&elsewhere, &connect("two")).contains("402::session_unknown"));
}

#[test]
fn a_session_of_a_client_that_shows_its_cookie_is_bound_to_it_over_a_socket_too() {
    let (mut desk, me) = (desk(), peer("15000"));
    let socket = open(&mut desk, &me, 7, "");
    desk.plug(Some(&socket.out));
    let elsewhere = Peer { cookie: BrowserCookie::presented("other"), ..me };
    assert!(desk.ask(&elsewhere, &connect("one")).contains("402::session_unknown"));
}

#[test]
fn a_handshake_tells_what_its_path_allows() {
    let (mut desk, me) = (desk(), peer("15000"));
    assert!(desk.shake(&me, "one", "").contains(r#""supportedConnectionTypes":["websocket","long-polling"]"#));
    let desktop = Peer { desktop: true, ..me };
    assert!(desk.shake(&desktop, "two", "").contains(r#""supportedConnectionTypes":["long-polling"]"#));
    let only = "[{'channel':'/meta/handshake','id':'1','version':'1.0','supportedConnectionTypes':['websocket']}]";
    assert!(desk.ask(&desktop, only).contains("301:websocket:Connection types not supported"));
}

#[test]
fn a_goodbye_over_a_socket_brings_what_is_owed_first() {
    let (mut desk, me) = (desk(), peer("15000"));
    let mut socket = open(&mut desk, &me, 7, "");
    desk.plug(Some(&socket.out));
    let held = desk.send(&me, &connect("one"));
    desk.publish("/demo/a", "1");
    let bye = desk.ask(&me, "[{'channel':'/meta/disconnect','id':'d','clientId':'one'}]");
    expect![[r#"[{"channel":"/meta/disconnect","id":"d","successful":true}]"#]].assert_eq(&bye);
    expect![[r#"[{"channel":"/meta/connect","id":"c","successful":true,"advice":{"reconnect":"none"}}]"#]]
        .assert_eq(&desk.answer(held).unwrap());
    assert_eq!(socket.all(), "Frame [{\"data\":1,\"channel\":\"/demo/a\"}]\n");
    assert!(desk.sessions.lines.is_empty());
    desk.assert_idle();
}

#[test]
fn a_request_that_is_given_up_says_so() {
    let mut socket = Socket::new(7, Shown::Cookie);
    drop(Asked::new(Arc::clone(&socket.out)));
    assert!(matches!(socket.parcels.try_recv(), Ok(Parcel::Dropped)));
}
