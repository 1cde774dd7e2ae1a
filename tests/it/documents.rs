//! What the documents say of the code is so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_table_of_errors_has_every_bayeux_error_and_no_other() {
    let documented: BTreeSet<String> = read("docs/bayeux.md").lines().filter_map(row).collect();
    let source = read("src/bayeux/error.rs");
    let mut made: BTreeSet<String> = source.lines().filter_map(constructed).collect();
    made.insert("301:…:Connection types not supported".to_owned());
    // One is parsed, one stands for itself, and two help to make all others.
    assert_eq!(source.matches("Self { code").count(), 4, "an error is made in another way");
    assert!(made.len() > 20, "{made:?}");
    assert_eq!(documented, made);
}

/// The error of a row such as "| `403:REASON:publish_denied` | …", with an argument for any argument.
fn row(line: &str) -> Option<String> {
    let (error, _) = line.strip_prefix("| `")?.split_once('`')?;
    let (code, rest) = error.split_once(':')?;
    let (argument, text) = rest.split_once(':')?;
    let error = |argument: &str| format!("{code}:{argument}:{}", text.replace("NAME", "…"));
    (code.len() == 3).then(|| error(if argument.is_empty() { "" } else { "…" }))
}

/// The error of a line such as `Self::about(403, reason, "publish_denied")`.
fn constructed(line: &str) -> Option<String> {
    let (way, rest) = line.trim().strip_prefix("Self::")?.split_once('(')?;
    let (code, rest) = rest.split_once(", ")?;
    let text = rest.split('"').nth(1)?.replace("{name}", "…");
    match way {
        "about" => Some(format!("{code}:…:{text}")),
        "plain" => Some(format!("{code}::{text}")),
        _ => None,
    }
}

#[test]
fn every_configuration_that_is_shipped_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let check =
            Command::new(env!("CARGO_BIN_EXE_partyline")).arg("check-config").arg("--config").arg(&file).output();
        let check = check.unwrap();
        assert!(check.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&check.stderr));
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
