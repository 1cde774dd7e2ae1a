//! Which pages may call.

use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};

use crate::http::origin::{BadOrigin, Origins, Source};

fn origins() -> Origins {
    let listed =
        ["https://desk.example.org", "https://*.example.net", "http://dev.example:3000", "https://b.example:443/"];
    Origins::new("https://gws.example.org/x", &listed).unwrap()
}

#[test]
fn a_page_of_the_server_may_call_under_whatever_name_it_is_reached() {
    let allowed = [
        ("https://gws.example.org", "10.0.0.7:8080"),
        ("HTTPS://GWS.example.org", "gws.example.org"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://other.example", "other.example:443"),
        ("http://other.example", "Other.Example:80"),
    ];
    for (origin, host) in allowed {
        assert!(origins().allows(origin, host), "{origin} at {host}");
    }
}

#[test]
fn a_listed_page_may_call() {
    let listed = [
        "https://desk.example.org",
        "https://a.example.net",
        "https://a.b-c.example.net",
        "http://dev.example:3000",
        "https://b.example",
    ];
    for origin in listed {
        assert!(origins().allows(origin, "gws.example.org"), "{origin}");
    }
}

#[test]
fn no_other_page_may_call() {
    let foreign = [
        "",
        "null",
        "://",
        "https://",
        "desk.example.org",
        "http://desk.example.org",
        "https://desk.example.org:8443",
        "https://desk.example.org.evil.example",
        "https://evil.example/desk.example.org",
        "https://example.net",
        "https://.example.net",
        "https://evil.example#.example.net",
        "https://evil.example/.example.net",
        "https://evil.example?.example.net",
        "https://evil@a.example.net",
        "https://a.example.net:444",
        "http://a.example.net",
        "http://dev.example",
        "http://gws.example.org",
        "http://gws.example.org:80",
        "https://xgws.example.org",
    ];
    for origin in foreign {
        assert!(!origins().allows(origin, "gws.example.org"), "{origin}");
    }
    assert!(!origins().allows("https://evil.example", ""), "no host is nobody's");
    assert!(!origins().allows("https://", ""), "no host is nobody's");
}

#[test]
fn what_is_no_origin_cannot_be_listed() {
    for entry in
        ["", "*", "null", "desk.example.org", "https://", "https://*", "https://*.", "https://a/b", "https://a b"]
    {
        assert_eq!(Origins::new("", &[entry]).err(), Some(BadOrigin), "{entry:?}");
    }
    for entry in ["app://localhost", "http://[::1]:3000", "https://A.example/"] {
        assert!(Origins::new("", &[entry]).is_ok(), "{entry:?}");
    }
}

#[test]
fn a_request_that_names_no_origin_is_no_page_s() {
    let check = |headers: &[(HeaderName, &'static str)]| {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        origins().source(&headers)
    };
    let site = || HeaderName::from_static("sec-fetch-site");
    let desk = "https://desk.example.org";
    assert_eq!(check(&[(HOST, "x")]), Source::Own);
    assert_eq!(check(&[(HOST, "x"), (ORIGIN, "http://x")]), Source::Own);
    assert_eq!(check(&[(HOST, "x"), (ORIGIN, desk)]), Source::Listed(HeaderValue::from_static(desk)));
    assert_eq!(check(&[(HOST, "x"), (ORIGIN, "https://evil.example")]), Source::Foreign);
    assert_eq!(check(&[(ORIGIN, "null")]), Source::Foreign);
    assert_eq!(check(&[(HOST, "x"), (ORIGIN, "https://y"), (site(), "same-origin")]), Source::Own);
    assert_eq!(check(&[(HOST, "x"), (ORIGIN, "https://y"), (site(), "same-site")]), Source::Foreign);
}

#[test]
fn a_script_is_for_the_pages_that_may_call() {
    let check = |headers: &[(&'static str, &'static str)]| {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        origins().source_of_script(&headers.iter().map(pair).collect())
    };
    let (site, from) = ("sec-fetch-site", "referer");
    assert_eq!(check(&[]), Source::Own, "no browser, or one that does not say");
    assert_eq!(check(&[("host", "x"), (from, "http://x/page?a=b")]), Source::Own);
    assert_eq!(check(&[("host", "x"), (site, "same-origin")]), Source::Own);
    assert_eq!(check(&[("host", "x"), (site, "none")]), Source::Own, "the user typed it");
    assert_eq!(check(&[(site, "cross-site"), (from, "https://desk.example.org/")]), Source::Own);
    for headers in [
        &[(site, "cross-site")][..],
        &[(site, "same-site")],
        &[(site, "cross-site"), (from, "https://evil.example/")],
        &[(from, "https://evil.example/https://desk.example.org")],
        &[(from, "desk.example.org")],
    ] {
        assert_eq!(check(headers), Source::Foreign, "{headers:?}");
    }
}
