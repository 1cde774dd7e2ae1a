//! The OpenAPI document and the routes: each has what the other has.

use std::collections::BTreeSet;

use partyline::admin::Door;
use serde_json::Value;

use crate::admin::{BackEnd, TOKEN};
use crate::harness::{Server, request};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn document(server: &Server) -> Value {
    request(server.address, "GET /openapi.json HTTP/1.1\r\n", &[], b"").json()
}

/// Every path of the document with its methods.
fn described(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |(path, item): (&String, &Value)| -> Vec<(String, String)> {
        item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())).collect()
    };
    paths.iter().flat_map(methods).collect()
}

/// The patterns of `http`'s places, as their file has them, but for those that catch what nobody else answers.
fn places() -> BTreeSet<String> {
    let source = include_str!("../../src/http/place.rs");
    let patterns = source.lines().filter_map(|line| line.split(" => \"").nth(1)?.strip_suffix("\","));
    patterns.filter(|pattern| pattern.starts_with('/') && !pattern.contains(":.*")).map(str::to_owned).collect()
}

#[test]
fn every_door_and_every_place_is_described_and_nothing_else_is() {
    let server = Server::start();
    let described = described(&document(&server));
    let below = |path: &str| format!("/admin/v1{path}");
    let doors = Door::ALL.iter().map(|door| (below(door.path()), door.method().to_string()));
    let of_admin = described.iter().filter(|(path, _)| path.starts_with("/admin/")).cloned();
    assert_eq!(of_admin.collect::<BTreeSet<_>>(), doors.collect());
    let rest = described.iter().map(|(path, _)| path.clone()).filter(|path| !path.starts_with("/admin/"));
    assert_eq!(rest.collect::<BTreeSet<_>>(), places());
}

#[test]
fn a_path_takes_the_methods_that_are_described_and_no_other() {
    let server = Server::with(&[("ADMIN__TOKEN", TOKEN)]);
    let described = described(&document(&server));
    let agent = server.agent("15000");
    let paths: BTreeSet<&String> = described.iter().map(|(path, _)| path).collect();
    // On Bayeux's paths each method is a transport of its own, and they answer 400.
    for path in paths.into_iter().filter(|path| !["/cometd", "/api/v2/notifications"].contains(&path.as_str())) {
        for method in METHODS {
            if path.ends_with("/drain") && method == "POST" || path.ends_with("/events") && method == "GET" {
                continue;
            }
            let real = path.replace("{id}", "0").replace("{group}", "0");
            let answer = match real.strip_prefix("/admin/v1/") {
                Some(rest) => BackEnd(server.address).ask(method, rest, ""),
                None => {
                    let head = format!("{method} {real} HTTP/1.1\r\n");
                    request(server.address, &head, &[agent.authorization()], b"")
                }
            };
            let taken = described.contains(&(path.clone(), method.to_owned()));
            assert_eq!(answer.status != 405, taken, "{method} {path}: {} {}", answer.status, answer.body);
        }
    }
}

#[test]
fn what_the_document_points_to_is_in_it_and_each_operation_has_a_name_of_its_own() {
    let document = document(&Server::start());
    let mut names = BTreeSet::new();
    let mut pointers = 0;
    walk(&document, &mut |key, value| {
        if key == "$ref" {
            let pointer = value.as_str().unwrap().trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            pointers += 1;
        }
        if key == "operationId" {
            assert!(names.insert(value.to_string()), "{value} twice");
        }
    });
    assert!(pointers > 50 && names.len() > 20, "{pointers} {}", names.len());
    assert_eq!(document["openapi"], "3.1.0");
}

fn walk(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    for (key, below) in value.as_object().into_iter().flatten() {
        see(key, below);
        walk(below, see);
    }
    value.as_array().into_iter().flatten().for_each(|item| walk(item, see));
}
