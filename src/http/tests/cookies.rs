//! How clients are told to keep cookies, and which proxies are believed.

use std::net::IpAddr;

use actix_web::test::TestRequest;

use crate::http::cookies::{CookieConfig, CookieSecure, Cookies, SameSite};
use crate::http::proxies::Proxies;

const HTTP: &str = "http://gws.example.org";
const HTTPS: &str = "https://gws.example.org";

fn proxies() -> Proxies {
    Proxies::new(&["10.0.0.0/8", "192.168.7.7", "fd00::/8", "::1"]).unwrap()
}

fn config(secure: CookieSecure, same_site: SameSite) -> CookieConfig {
    CookieConfig { secure, same_site, partitioned: false }
}

/// What stands behind the value, for a request that came from `peer` and says that it was `forwarded`.
fn attributes(config: CookieConfig, external_url: &str, peer: &str, forwarded: Option<&str>) -> String {
    let request = TestRequest::default().peer_addr(format!("{peer}:4711").parse().unwrap());
    let request =
        forwarded.into_iter().fold(request, |request, scheme| request.insert_header(("x-forwarded-proto", scheme)));
    let cookies = Cookies::new(config, external_url, proxies());
    let set = cookies.set("A", "b", &request.to_http_request()).unwrap();
    set.to_str().unwrap().strip_prefix("A=b; Path=/; HttpOnly; ").unwrap().to_owned()
}

#[test]
fn a_cookie_is_secure_if_the_client_is_known_to_have_come_over_tls() {
    let auto = config(CookieSecure::Auto, SameSite::Lax);
    let (secure, plain) = ("SameSite=Lax; Secure", "SameSite=Lax");
    assert_eq!(attributes(auto, HTTP, "10.1.2.3", None), plain);
    assert_eq!(attributes(auto, HTTPS, "10.1.2.3", None), secure);
    assert_eq!(attributes(auto, HTTP, "10.1.2.3", Some("https")), secure);
    assert_eq!(attributes(auto, HTTP, "10.1.2.3", Some("HTTPS, http")), secure);
    assert_eq!(attributes(auto, HTTP, "10.1.2.3", Some("http, https")), plain);
    assert_eq!(attributes(auto, HTTP, "11.1.2.3", Some("https")), plain, "anybody can say that");
    assert_eq!(attributes(config(CookieSecure::Never, SameSite::Lax), HTTPS, "10.1.2.3", Some("https")), plain);
    assert_eq!(attributes(config(CookieSecure::Always, SameSite::Lax), HTTP, "11.1.2.3", None), secure);
}

#[test]
fn a_cookie_has_the_attributes_that_were_set() {
    assert_eq!(attributes(config(CookieSecure::Never, SameSite::Strict), HTTP, "10.0.0.1", None), "SameSite=Strict");
    let embedded = CookieConfig { partitioned: true, ..config(CookieSecure::Always, SameSite::None) };
    assert_eq!(attributes(embedded, HTTP, "10.0.0.1", None), "SameSite=None; Secure; Partitioned");
}

#[test]
fn browsers_take_no_cookie_for_other_sites_in_the_clear() {
    let none = |secure| config(secure, SameSite::None);
    assert!(none(CookieSecure::Always).is_taken(HTTP));
    assert!(none(CookieSecure::Auto).is_taken(HTTPS));
    assert!(!none(CookieSecure::Auto).is_taken(HTTP));
    assert!(!none(CookieSecure::Never).is_taken(HTTPS));
    assert!(!CookieConfig { partitioned: true, ..config(CookieSecure::Auto, SameSite::Lax) }.is_taken(HTTP));
    assert!(config(CookieSecure::Never, SameSite::Strict).is_taken(HTTP));
}

#[test]
fn a_proxy_is_known_by_its_address() {
    let trusts = |peer: &str| proxies().trusts(peer.parse::<IpAddr>().unwrap());
    for peer in ["10.0.0.0", "10.255.255.255", "192.168.7.7", "fd12::1", "::1", "::ffff:10.1.2.3"] {
        assert!(trusts(peer), "{peer}");
    }
    for peer in ["9.255.255.255", "11.0.0.0", "192.168.7.8", "fe80::1", "::2", "::a01:203", "::ffff:11.0.0.0"] {
        assert!(!trusts(peer), "{peer}");
    }
    assert!(Proxies::new(&["0.0.0.0/0"]).unwrap().trusts("8.8.8.8".parse().unwrap()));
    for entry in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "proxy.example.org"] {
        assert!(Proxies::new(&[entry]).is_err(), "{entry}");
    }
}

/// Where a request from `peer` came from that says it was forwarded for these.
fn client(peer: &str, forwarded: &[&str]) -> String {
    let request = TestRequest::default().peer_addr(format!("{peer}:4711").parse().unwrap());
    let request = forwarded.iter().fold(request, |request, list| request.append_header(("x-forwarded-for", *list)));
    proxies().client(&request.to_http_request()).unwrap().to_string()
}

#[test]
fn a_client_is_where_the_first_proxy_that_is_not_ours_says() {
    assert_eq!(client("192.0.2.1", &["198.51.100.9"]), "192.0.2.1", "anybody can say that");
    assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
    assert_eq!(client("10.1.2.3", &["198.51.100.9"]), "198.51.100.9");
    assert_eq!(client("10.1.2.3", &["203.0.113.5, 198.51.100.9", "10.9.9.9"]), "198.51.100.9", "the rest is hearsay");
    assert_eq!(client("10.1.2.3", &["10.0.0.1, 10.0.0.2"]), "10.0.0.1");
    assert_eq!(client("10.1.2.3", &["198.51.100.9, unknown"]), "10.1.2.3");
    assert_eq!(client("[fd00::1]", &["::ffff:198.51.100.9"]), "198.51.100.9");
}

#[test]
fn an_address_may_have_a_port_and_brackets() {
    for (entry, expected) in [
        ("198.51.100.9:1234", "198.51.100.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        (" [2001:db8::1]:1234 ", "2001:db8::1"),
        ("[::ffff:198.51.100.9]:1234", "198.51.100.9"),
        ("10.0.0.9:1, 198.51.100.9, 10.0.0.2:80", "198.51.100.9"),
        // Neither of these is an address: the proxy that said so is as far as it goes.
        ("198.51.100.9:", "10.1.2.3"),
        ("198.51.100.9:99999", "10.1.2.3"),
        ("[198.51.100.9]", "10.1.2.3"),
        ("[2001:db8::1", "10.1.2.3"),
        ("2001:db8::1]:1", "10.1.2.3"),
        ("[]", "10.1.2.3"),
        ("", "10.1.2.3"),
    ] {
        assert_eq!(client("10.1.2.3", &[entry]), expected, "{entry}");
    }
}
