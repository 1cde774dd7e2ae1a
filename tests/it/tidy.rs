//! The rules of the house that a compiler does not know.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may name, besides itself. Whatever does not stand here is forbidden.
const MAY_NAME: [(&str, &[&str]); 23] = [
    ("ids", &[]),
    ("clock", &["ids"]),
    ("agents", &["ids"]),
    ("bayeux", &["ids"]),
    ("calls", &["ids"]),
    ("directory", &["calls", "clock", "ids"]),
    ("gws", &["agents", "bayeux", "calls", "clock", "directory", "ids"]),
    ("log", &["clock", "ids"]),
    ("metrics", &["clock", "ids"]),
    ("records", &["agents", "bayeux", "calls", "clock", "ids", "log"]),
    ("switch", &["calls", "clock", "ids"]),
    ("upstream", &["bayeux", "ids"]),
    (
        "broker",
        &[
            "agents",
            "bayeux",
            "calls",
            "clock",
            "directory",
            "gws",
            "ids",
            "log",
            "metrics",
            "records",
            "switch",
            "upstream",
            "websocket",
        ],
    ),
    (
        "exchange",
        &["agents", "bayeux", "calls", "clock", "directory", "gws", "ids", "log", "metrics", "records", "switch"],
    ),
    ("connections", &["metrics"]),
    ("admin", &["bayeux", "broker", "clock", "connections", "ids", "metrics"]),
    ("client", &["bayeux", "clock", "ids", "websocket"]),
    (
        "http",
        &[
            "agents",
            "bayeux",
            "broker",
            "calls",
            "clock",
            "connections",
            "directory",
            "exchange",
            "gws",
            "ids",
            "metrics",
            "records",
            "websocket",
        ],
    ),
    (
        "app",
        &[
            "admin",
            "agents",
            "bayeux",
            "broker",
            "calls",
            "client",
            "clock",
            "directory",
            "exchange",
            "gws",
            "http",
            "ids",
            "loadtest",
            "log",
            "metrics",
            "records",
            "switch",
            "upstream",
            "websocket",
        ],
    ),
    ("loadtest", &["bayeux", "client", "clock", "ids", "metrics"]),
    ("websocket", &[]),
    ("lib", &[]),
    ("main", &["app", "loadtest"]),
];

/// What a pure room may not say, for it would be no longer pure.
const PURE: [(&str, &[&str]); 4] = [
    (
        "agents",
        &["actix", "async fn", "clock::", "getrandom", "rand::", "serde", "std::fs", "std::net", "tokio", "tracing"],
    ),
    ("bayeux", &["actix", "async fn", "clock::", "getrandom", "rand::", "std::fs", "std::net", "tokio", "tracing"]),
    (
        "calls",
        &["actix", "async fn", "clock::", "getrandom", "rand::", "serde", "std::fs", "std::net", "tokio", "tracing"],
    ),
    ("websocket", &["actix", "async fn", "clock::", "getrandom", "rand::", "serde", "std::net", "tokio", "tracing"]),
];

#[test]
fn a_room_names_only_rooms_below_it() {
    let table: BTreeMap<&str, &[&str]> = MAY_NAME.into();
    each_source("src", |path, text| {
        let room = room(path);
        let may = table.get(room.as_str()).ok_or_else(|| format!("room {room} is not in the table"))?;
        let root = if room == "main" { "partyline::" } else { "crate::" };
        for named in text.split(root).skip(1).map(first_word) {
            if named != room && !may.contains(&named) {
                return Err(format!("{room} may not name {named:?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn every_room_is_in_the_table() {
    let rooms: Vec<String> = read("src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    let mut listed: Vec<&str> =
        MAY_NAME.iter().map(|(room, _)| *room).filter(|r| !["lib", "main"].contains(r)).collect();
    listed.sort_unstable();
    assert_eq!(rooms, listed);
}

#[test]
fn a_pure_room_has_no_clock_no_randomness_and_no_input_or_output() {
    for (room, words) in PURE {
        each_source(&format!("src/{room}"), |path, text| {
            // Its tests may draw what they feed it.
            if path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs") {
                return Ok(());
            }
            let said = code(text).find_map(|line| words.iter().find(|word| line.contains(*word)));
            said.map_or(Ok(()), |word| Err(format!("says {word:?}")))
        });
    }
}

#[test]
fn a_file_opens_with_a_sentence_and_is_at_most_500_lines() {
    for folder in ["src", "tests/it", "benches"] {
        each_source(folder, |_, text| {
            if !text.starts_with("//! ") {
                return Err("does not open with //! and a sentence".into());
            }
            let lines = text.lines().count();
            if lines <= 500 { Ok(()) } else { Err(format!("has {lines} lines")) }
        });
    }
}

#[test]
fn paths_and_attributes_are_plain() {
    for folder in ["src", "benches"] {
        each_source(folder, |path, text| {
            let root = path.ends_with("mod.rs");
            for line in code(text) {
                for banned in ["super::super", "use crate::{", "#[allow", "#![allow"] {
                    if line.contains(banned) {
                        return Err(format!("says {banned}"));
                    }
                }
                if root && line.contains("super::") {
                    return Err("a contents page says super::".into());
                }
            }
            Ok(())
        });
    }
}

#[test]
fn a_partys_state_is_set_by_the_table_of_transitions_alone() {
    // Who begins is given a state by the table's own names, which are all in capitals.
    let is_variant = |rest: &str| first_word(rest).chars().any(char::is_lowercase);
    each_source("src/calls", |path, text| {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        if is_test || path.ends_with("transitions.rs") {
            return Ok(());
        }
        for line in code(text) {
            let opens = line.contains("new(") || line.contains("state: ") || line.contains("part(");
            let names = line.split("PartyState::").skip(1).any(is_variant);
            if line.contains(".state = ") || opens && names {
                return Err(format!("sets a state: {}", line.trim()));
            }
        }
        Ok(())
    });
}

#[test]
fn folders_are_one_level_deep() {
    each_source("src", |path, _| {
        let folders: Vec<&str> = path.to_str().unwrap().split('/').skip(1).collect();
        match folders.as_slice() {
            [_] | [_, _] | [_, "tests", _] => Ok(()),
            _ => Err("lies too deep".into()),
        }
    });
}

#[test]
fn no_line_ends_in_a_space() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["src", "tests/it", "benches", "config", "deploy", "docs", ".ci"]
        .iter()
        .flat_map(|folder| files(&root.join(folder)))
        .collect();
    files.extend(fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let line = text.lines().position(|line| line.ends_with([' ', '\t']));
        assert_eq!(line.map(|n| n + 1), None, "{} has a line that ends in a space", path.display());
        assert!(text.is_empty() || text.ends_with('\n'), "{} does not end in a line", path.display());
    }
}

#[test]
fn every_key_is_in_the_operators_document() {
    let document = read("docs/operations.md");
    let defaults: toml::Table = read("config/partyline.toml").parse().unwrap();
    let mut keys = Vec::new();
    collect_keys("", &defaults, &mut keys);
    assert!(keys.len() > 50, "{keys:?}");
    let missing: Vec<_> = keys.iter().filter(|key| !document.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/operations.md lacks {missing:?}");
}

#[test]
fn the_operators_document_and_the_page_of_metrics_name_the_same() {
    let document = read("docs/operations.md");
    let page = read("tests/data/metrics.txt");
    let names = |text: &str| -> Vec<String> {
        let mut names: Vec<String> =
            text.split("`partyline_").skip(1).map(|rest| format!("partyline_{}", first_word(rest))).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let shown: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| name.starts_with("partyline_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(names(&document), shown);
}

fn collect_keys(prefix: &str, table: &toml::Table, keys: &mut Vec<String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if let Some(below) = value.as_table() {
            collect_keys(&key, below, keys);
            continue;
        }
        let items: Vec<&toml::Table> =
            value.as_array().into_iter().flatten().filter_map(toml::Value::as_table).collect();
        items.iter().for_each(|item| collect_keys(&key, item, keys));
        if items.is_empty() {
            keys.push(key);
        }
    }
}

/// Checks each Rust file below a folder, and fails with the name of the first that is wrong.
fn each_source(folder: &str, check: impl Fn(&Path, &str) -> Result<(), String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: Vec<PathBuf> =
        files(&root.join(folder)).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect();
    assert!(!sources.is_empty(), "there is nothing in {folder}");
    for path in sources {
        let short = path.strip_prefix(root).unwrap();
        if let Err(what) = check(short, &fs::read_to_string(&path).unwrap()) {
            panic!("{}: {what}", short.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort_unstable();
    for path in entries {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// `src/log/face.rs` and `src/log.rs` are both of the room `log`.
fn room(path: &Path) -> String {
    path.components().nth(1).unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The lines that are no comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}
