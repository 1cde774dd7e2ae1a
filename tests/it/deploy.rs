//! What stands in `deploy` fits the binary, as far as that can be seen without a container: deploy/try has the rest.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::harness::{Server, request};

#[test]
fn the_build_sees_every_target_and_what_is_compiled_in_or_copied() {
    // Everything is left out, but for what is named.
    let ignore = read(".dockerignore");
    let (first, rest) = ignore.split_once('\n').unwrap();
    assert_eq!(first, "*");
    let kept: Vec<PathBuf> = rest.lines().map(|line| root().join(line.strip_prefix('!').unwrap())).collect();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--locked", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = manifest["packages"].as_array().unwrap();
    let targets = packages.iter().flat_map(|package| package["targets"].as_array().unwrap());
    let mut needed: Vec<PathBuf> = targets.map(|target| target["src_path"].as_str().unwrap().into()).collect();
    assert!(needed.len() >= 5, "{needed:?}");
    needed.extend(["Cargo.toml", "Cargo.lock", "LICENSE", "config/partyline.toml"].map(|path| root().join(path)));
    // Cargo refuses a manifest with a target that is not there, even if it is not asked to build it.
    let missing: Vec<_> = needed.iter().filter(|path| !kept.iter().any(|kept| path.starts_with(kept))).collect();
    assert!(missing.is_empty(), ".dockerignore leaves out {missing:?}");
}

#[test]
fn the_image_is_built_with_the_rust_of_the_house() {
    let toolchain: toml::Table = read("rust-toolchain.toml").parse().unwrap();
    let wanted = toolchain["toolchain"]["channel"].as_str().unwrap().rsplit_once('.').unwrap().0;
    assert!(read("deploy/Dockerfile").contains(&format!("\nARG BUILDER_IMAGE=rust:{wanted}-")));
}

#[test]
fn the_image_alone_refuses_to_show_demo_agents_and_says_which_key_allows_them() {
    let output = partyline(&["check-config"], &image_environment());
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("directory.demo_agents"), "{}", told(&output));
}

#[test]
fn the_composition_and_the_readme_set_keys_that_the_server_takes() {
    let readme = read("README.md");
    let container = readme.split("\n## ").find(|section| section.starts_with("Beside a desktop")).unwrap();
    for settings in [settings(&read("deploy/compose.yaml"), ": "), settings(container, "=")] {
        assert_eq!(settings.len(), 2, "{settings:?}");
        let output = partyline(&["check-config"], &[image_environment(), settings.clone()].concat());
        assert_eq!(output.status.code(), Some(0), "{settings:?}: {}", told(&output));
    }
}

#[test]
fn the_health_check_of_the_image_tells_a_server_that_is_well_from_one_that_is_gone() {
    let dockerfile = read("deploy/Dockerfile");
    let line = dockerfile.lines().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
    let words: Vec<String> = serde_json::from_str(line.split_once(" CMD ").unwrap().1).unwrap();
    let [program, arguments @ ..] = words.as_slice() else { panic!("{line}") };
    assert_eq!(program, "partyline");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    let mut server = Server::start();
    let mut environment = image_environment();
    let port = server.address.port();
    let listen = environment.iter_mut().find(|(name, _)| name == "PARTYLINE__SERVER__LISTEN").unwrap();
    listen.1 = listen.1.replace(":8080", &format!(":{port}"));
    environment.push(("PARTYLINE__DIRECTORY__DEMO_AGENTS".to_owned(), "allow".to_owned()));
    let output = partyline(&arguments, &environment);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    server.kill();
    let output = partyline(&arguments, &environment);
    assert_eq!(output.status.code(), Some(69), "{}", told(&output));
}

#[test]
fn the_composition_waits_for_the_drain() {
    let defaults: toml::Table = read("config/partyline.toml").parse().unwrap();
    let seconds = |text: &str| text.trim().trim_end_matches('s').parse::<u64>().unwrap();
    let compose = read("deploy/compose.yaml");
    let grace = compose.lines().find_map(|line| line.trim().strip_prefix("stop_grace_period:")).unwrap();
    assert_eq!(seconds(grace), seconds(defaults["drain"]["deadline"].as_str().unwrap()) + 5);
}

#[test]
fn prometheus_asks_for_the_page_of_metrics_where_the_composition_serves_it() {
    let scrape = read("deploy/prometheus/prometheus.yml");
    let value = |key: &str| scrape.lines().find_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(key));
    assert_eq!(value("targets: "), Some("[partyline:8080]"));
    assert!(read("deploy/compose.yaml").contains("\n  partyline:\n"));
    assert!(read("deploy/Dockerfile").contains("\nEXPOSE 8080\n"));

    let server = Server::start();
    let page = request(
        server.address,
        &format!("GET {} HTTP/1.1\r\n", value("metrics_path: ").unwrap_or("/metrics")),
        &[],
        b"",
    );
    assert_eq!(page.status, 200);
    // A newer Prometheus takes no page whose type it does not know.
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(page.body.contains("\npartyline_sessions{"), "{}", page.body);
}

/// What the image sets for the server.
fn image_environment() -> Vec<(String, String)> {
    let settings = settings(&read("deploy/Dockerfile"), "=");
    let names: Vec<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["PARTYLINE__LOG__DIRECTORY", "PARTYLINE__SERVER__LISTEN"]);
    settings
}

/// Every `PARTYLINE__KEY`, with what follows the separator as its value.
fn settings(text: &str, separator: &str) -> Vec<(String, String)> {
    text.match_indices("PARTYLINE__")
        .filter_map(|(at, _)| text[at..].lines().next().unwrap().split_once(separator))
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(|(name, rest)| (name.to_owned(), rest.split_whitespace().next().unwrap_or_default().to_owned()))
        .collect()
}

fn partyline(arguments: &[&str], environment: &[(String, String)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_partyline")).args(arguments).envs(environment.iter().cloned()).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
