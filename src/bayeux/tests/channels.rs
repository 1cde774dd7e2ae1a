//! The grammar, in tables.

use crate::bayeux::{Channel, Family, Pattern};

#[test]
fn a_channel_is_normalised_or_refused() {
    let table = [
        ("/a", Some("/a")),
        ("/a/b-c_d!e~f(g)h$i@j/0", Some("/a/b-c_d!e~f(g)h$i@j/0")),
        (" \t/a/b \r\n", Some("/a/b")),
        ("/a/", Some("/a")),
        (" /a/b/ ", Some("/a/b")),
        ("", None),
        (" ", None),
        ("/", None),
        ("//", None),
        ("/ /", None),
        ("/a//", None),
        ("/a//b", None),
        ("//a", None),
        ("a", None),
        ("a/b", None),
        ("/a /b", None),
        ("/a /", None),
        ("/a.b", None),
        ("/a+b", None),
        ("/a%b", None),
        ("/a{b}", None),
        ("/a\0", None),
        ("/ä", None),
        ("\u{a0}/a", None),
        ("/*", None),
        ("/a/*", None),
        ("/a/**", None),
        ("/a*", None),
    ];
    for (text, expected) in table {
        assert_eq!(Channel::parse(text).ok().as_ref().map(Channel::as_str), expected, "{text:?}");
    }
}

#[test]
fn a_wildcard_is_the_whole_last_segment() {
    let table = [
        ("/*", Some("/*")),
        ("/**", Some("/**")),
        ("/**/", Some("/**")),
        (" /a/* ", Some("/a/*")),
        ("/a/b/**", Some("/a/b/**")),
        ("/a/b", Some("/a/b")),
        ("/a/*/b", None),
        ("/a/**/b", None),
        ("/a/***", None),
        ("/a/b*", None),
        ("/a/*b", None),
        ("/a//*", None),
        ("*", None),
        ("**", None),
        ("/**//", None),
    ];
    for (text, expected) in table {
        assert_eq!(Pattern::parse(text).ok().as_ref().map(Pattern::as_str), expected, "{text:?}");
    }
}

#[test]
fn a_name_is_at_most_512_bytes_long_after_normalisation() {
    let longest = format!("/{}", "a".repeat(511));
    assert_eq!(channel(&format!(" {longest}/ ")).as_str(), longest);
    assert!(Channel::parse(&format!("{longest}a")).is_err());
    assert!(Pattern::parse(&format!("{longest}a")).is_err());
}

#[test]
fn the_first_of_several_segments_makes_the_family() {
    let table = [
        ("/meta", Family::Broadcast),
        ("/service", Family::Broadcast),
        ("/metal/x", Family::Broadcast),
        ("/a/meta/b", Family::Broadcast),
        ("/META/x", Family::Broadcast),
        ("/*", Family::Broadcast),
        ("/**", Family::Broadcast),
        ("/meta/x", Family::Meta),
        ("/meta/connect/", Family::Meta),
        ("/meta/*", Family::Meta),
        ("/meta/**", Family::Meta),
        ("/service/echo", Family::Service),
        ("/service/**", Family::Service),
    ];
    for (text, family) in table {
        assert_eq!(pattern(text).family(), family, "{text}");
        assert_eq!(Channel::parse(text).map_or(family, |channel| channel.family()), family, "{text}");
    }
}

#[test]
fn a_pattern_matches_what_the_specification_says() {
    let table = [
        ("/a/b", "/a/b", true),
        ("/a/b", "/a/c", false),
        ("/a/*", "/a/b", true),
        ("/a/*", "/a/b/c", false),
        ("/a/*", "/a", false),
        ("/a/*", "/ab/c", false),
        ("/a/**", "/a/b", true),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/a", false),
        ("/a/**", "/ab/c", false),
        ("/*", "/a", true),
        ("/*", "/a/b", false),
        ("/**", "/a", true),
        ("/**", "/a/b/c", true),
        ("/*", "/meta", true),
        ("/**", "/meta/connect", false),
        ("/**", "/service/echo", false),
        ("/service/*", "/service/echo", true),
        ("/service/**", "/service/echo", true),
    ];
    for (wide, name, expected) in table {
        assert_eq!(pattern(wide).matches(&channel(name)), expected, "{wide} {name}");
    }
}

#[test]
fn a_channel_lists_depth_plus_two_patterns_and_all_of_them_match_it() {
    let listed = |name: &str| channel(name).patterns().map(|p| p.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(listed("/a/b/c"), "/a/b/c /a/b/* /a/b/** /a/** /**");
    assert_eq!(listed("/a"), "/a /* /**");
    assert_eq!(listed("/service/echo"), "/service/echo /service/* /service/**");
    for name in ["/a", "/a/b", "/a/b/c/d", "/service/x/y", "/meta/connect"] {
        assert!(channel(name).patterns().all(|pattern| pattern.matches(&channel(name))), "{name}");
    }
}

#[test]
fn a_pattern_without_wildcard_is_a_channel() {
    assert_eq!(Pattern::from(&channel("/a/b")), pattern("/a/b"));
    assert_eq!(pattern("/a/b").channel(), Some(channel("/a/b")));
    assert_eq!(pattern("/a/*").channel(), None);
    assert_eq!(pattern("/**").channel(), None);
}

fn channel(text: &str) -> Channel {
    Channel::parse(text).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}
