//! What is read, what is refused, and that one end reads what the other writes.

use bytes::{Bytes, BytesMut};

use crate::websocket::{Decoder, Masked, Message, Role, Violation, accept_key, close, masked, pong, text};

/// All messages in these bytes, which come one by one.
fn read(role: Role, bytes: &[u8]) -> Result<Vec<Message>, Violation> {
    let (mut decoder, mut buffer, mut messages) = (Decoder::new(role, 100_000), BytesMut::new(), Vec::new());
    for byte in bytes {
        buffer.extend_from_slice(&[*byte]);
        messages.extend(decoder.next(&mut buffer)?);
    }
    assert!(buffer.is_empty(), "half a frame is left");
    Ok(messages)
}

fn hello(kind: u8) -> Vec<u8> {
    let mut frame = masked(Masked::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
    frame[0] = kind;
    frame
}

#[test]
fn the_examples_of_the_standard_are_read() {
    let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(masked(Masked::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]), bytes);
    assert_eq!(read(Role::Server, &bytes), Ok(vec![Message::Text("Hello".into())]));
    let bytes = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(text(b"Hello"), Bytes::copy_from_slice(&bytes));
    assert_eq!(read(Role::Client, &bytes), Ok(vec![Message::Text("Hello".into())]));
    let bytes = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(read(Role::Client, &bytes), Ok(vec![Message::Text("Hello".into())]));
    assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn every_length_is_read_as_it_was_written() {
    for length in [0, 1, 3, 4, 125, 126, 127, 65_535, 65_536, 100_000] {
        let payload: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let told = Ok(Some(Message::Text(payload.clone().into())));
        let mut bytes = BytesMut::from(&masked(Masked::Text, &payload, [1, 2, 3, 4])[..]);
        assert_eq!(Decoder::new(Role::Server, 100_000).next(&mut bytes), told);
        assert!(bytes.is_empty());
        let mut bytes = BytesMut::from(&text(&payload)[..]);
        assert_eq!(Decoder::new(Role::Client, 100_000).next(&mut bytes), told);
    }
}

#[test]
fn control_frames_may_come_between_the_frames_of_a_message() {
    let mut bytes = hello(0x01);
    bytes.extend(hello(0x89));
    bytes.extend(hello(0x00));
    bytes.extend(hello(0x8a));
    bytes.extend(hello(0x80));
    bytes.extend(masked(Masked::Close, &1001_u16.to_be_bytes(), [9; 4]));
    let told = [
        Message::Ping("Hello".into()),
        Message::Pong,
        Message::Text("HelloHelloHello".into()),
        Message::Close(Some(1001)),
    ];
    assert_eq!(read(Role::Server, &bytes), Ok(told.to_vec()));
    assert_eq!(read(Role::Server, &hello(0x82)), Ok(vec![Message::Binary]));
    assert_eq!(read(Role::Client, &close(1009, "too large")), Ok(vec![Message::Close(Some(1009))]));
    assert_eq!(read(Role::Client, &pong(b"x")), Ok(vec![Message::Pong]));
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let twice: Vec<u8> = [hello(0x01), hello(0x81)].concat();
    let broken: [(&str, Vec<u8>); 9] = [
        ("not masked", text(b"Hello").to_vec()),
        ("a reserved bit", hello(0xc1)),
        ("an unknown kind", hello(0x83)),
        ("a ping in parts", hello(0x09)),
        ("a long ping", masked(Masked::Pong, &[0; 126], [0; 4])),
        ("half a code", masked(Masked::Close, &[3], [0; 4])),
        ("nothing to go on with", hello(0x80)),
        ("a message within a message", twice),
        ("a binary within a text", [hello(0x01), hello(0x82)].concat()),
    ];
    for (what, bytes) in broken {
        assert!(matches!(read(Role::Server, &bytes), Err(Violation::Protocol(_))), "{what}");
    }
    assert!(matches!(read(Role::Client, &hello(0x81)), Err(Violation::Protocol(_))));
}

#[test]
fn what_is_too_large_is_refused_by_its_head() {
    for head in [&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa1][..], &[0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0][..]] {
        let mut bytes = BytesMut::from(head);
        assert_eq!(Decoder::new(Role::Server, 100_000).next(&mut bytes), Err(Violation::TooLarge));
    }
    let mut bytes = BytesMut::from(&[hello(0x01), hello(0x80)].concat()[..]);
    assert_eq!(Decoder::new(Role::Server, 9).next(&mut bytes), Err(Violation::TooLarge));
}

#[test]
fn a_reason_is_cut_between_characters() {
    let bytes = close(1000, &format!("{}é", "a".repeat(122)));
    assert_eq!(bytes.len(), 2 + 2 + 122);
}
