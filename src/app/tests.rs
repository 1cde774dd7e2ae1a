//! Configurations, good and bad, and the command line.

use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory;
use expect_test::{expect, expect_file};
use tracing_subscriber::EnvFilter;

use crate::calls::Term;
use crate::http::{CookieKey, Readiness};
use crate::ids::AgentId;
use crate::log::{EmbeddedConfig, EmbeddedLog, Log};
use crate::metrics::Metrics;
use crate::switch::Simulated;

use super::cli::Cli;
use super::readiness::Ready;
use super::{Config, DemoAgents, Durability, Plan, Sources, Who, health, telemetry};

const DEFAULTS: &str = include_str!("../../config/partyline.toml");

/// A file, an environment variable or a flag.
fn from(source: &str) -> Sources {
    let mut sources = Sources::default();
    if let Some(variable) = source.strip_prefix("env ") {
        let (name, value) = variable.split_once('=').unwrap();
        sources.environment.push((name.into(), value.into()));
    } else if let Some(address) = source.strip_prefix("--listen ") {
        sources.flags.push(("--listen", "server.listen", address.into()));
    } else {
        sources.file = Some(("p.toml".into(), source.into()));
    }
    sources
}

fn load(source: &str) -> Config {
    Config::load(from(source)).unwrap()
}

#[test]
fn an_empty_configuration_is_the_default() {
    let config = load("");
    assert_eq!(config.server.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.server.external_url, "http://127.0.0.1:8080");
    assert_eq!(config.server.max_body, 64 * 1024);
    assert!(config.server.workers > 0);
    assert_eq!(config.auth.cookie_key_file, None);
    assert_eq!(config.bayeux.timeout, Duration::from_secs(30));
    assert_eq!(config.bayeux.duplicate_connect_status, 500);
    assert_eq!(config.channels.len(), 1);
    assert_eq!(config.log.durability, Durability::Commit);
    assert_eq!(config.log.retain_age, Duration::from_secs(24 * 3600));
    assert_eq!(config.simulated.answer_after, Duration::from_millis(200));
    assert_eq!(config.directory.demo_agents, DemoAgents::Loopback);
    assert!(config.directory.generated.is_none());
}

#[test]
fn a_later_source_goes_over_an_earlier_one() {
    let mut sources = from("[server]\nlisten = '127.0.0.1:1'\nworkers = 3\n[log]\ndirectory = '/a'");
    sources.environment = from("env PARTYLINE__SERVER__LISTEN=127.0.0.1:2").environment;
    sources.environment.push(("PARTYLINE__GWS__VERSION".into(), "8.5".into()));
    sources.environment.push(("PARTYLINE_BIN".into(), "not a setting".into()));
    let under_flag = Config::load(sources.clone()).unwrap();
    sources.flags = from("--listen 127.0.0.1:3").flags;
    let config = Config::load(sources).unwrap();
    assert_eq!(under_flag.server.listen.port(), 2);
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.workers, 3);
    assert_eq!(config.log.directory, std::path::Path::new("/a"));
    assert_eq!(config.gws.version, "8.5");
}

#[test]
fn lists_of_tables_are_read() {
    let config = load(
        "[[channel]]
         pattern = '/news/*'
         subscribe = 'anyone'
         publish = ['15000', '15001']
         durable = true
         [[directory.agent]]
         user = 'anna'
         password_hash = '$argon2id$v=19$x'
         number = '4711'
         roles = ['ROLE_AGENT']
         [directory.generated]
         count = 3
         password = 'p'",
    );
    let rule = &config.channels[0];
    assert_eq!((rule.subscribe.clone(), rule.create.clone(), rule.durable), (Who::Anyone, Who::Anyone, true));
    assert_eq!(rule.publish, Who::Users(["15000", "15001"].map(|user| AgentId::parse(user).unwrap()).into()));
    assert_eq!(config.directory.agents[0].user.as_str(), "anna");
    assert_eq!(config.directory.generated.unwrap().first_number, 200_000);
}

#[test]
fn an_agent_has_the_usual_roles_and_features_unless_the_configuration_says_others_or_none() {
    let lists = |text: &str| {
        let anna = "[[directory.agent]]\nuser = 'anna'\npassword_hash = '$argon2id$v=19$x'\nnumber = '4711'\n";
        let plan = Plan::new(&load(&format!("{anna}{text}")), CookieKey::new([0; 32])).unwrap();
        let anna = plan.directory.agents.into_iter().find(|agent| agent.id.as_str() == "anna").unwrap();
        (anna.roles.join(" "), anna.features.join(" "))
    };
    let own = |roles: &str, features: &str| (roles.to_owned(), features.to_owned());
    assert_eq!(lists(""), own("ROLE_AGENT", "api-voice"));
    assert_eq!(lists("features = ['api-voice', 'other']"), own("ROLE_AGENT", "api-voice other"));
    assert_eq!(lists("features = []"), own("ROLE_AGENT", ""));
    assert_eq!(lists("roles = []\nfeatures = []"), own("", ""));
}

#[test]
fn a_rule_that_does_not_say_lets_its_hearers_and_publishers_create() {
    let create = |rule: &str| {
        let config = load(&format!("[[channel]]\npattern = '/demo/**'\n{rule}"));
        config.channels[0].create.clone()
    };
    let users = |names: &[&str]| Who::Users(names.iter().map(|user| AgentId::parse(user).unwrap()).collect());
    assert_eq!(create(""), Who::Nobody, "what a rule does not say is for nobody");
    assert_eq!(create("subscribe = 'agents'"), Who::Agents);
    assert_eq!(create("subscribe = ['15000']\npublish = ['15001']"), users(&["15000", "15001"]));
    assert_eq!(create("subscribe = ['15000']\npublish = 'anyone'"), Who::Anyone);
    assert_eq!(create("subscribe = 'agents'\ncreate = 'nobody'"), Who::Nobody);
}

#[test]
fn states_of_agents_are_read_and_none_may_stand_twice() {
    let states = "[[agents.state]]\noperation = 'OutToLunch'\nwork_mode = 'AuxWork'\nreason = 'Lunch'\n";
    let config = load(states);
    let state = &config.agents.states[0];
    assert_eq!((&*state.display_name, state.reason.as_deref()), ("OutToLunch", Some("Lunch")));
    assert_eq!(&*state.id, "1F10E5C9-8D15-5C5C-91C6-88EE65F05C99", "the same at every start");
    let twice = Plan::new(&load(&states.repeat(2)), CookieKey::new([7; 32])).unwrap_err();
    assert_eq!(twice.to_string(), "agents.state: OutToLunch stands twice");
}

#[test]
fn a_session_may_be_owed_the_largest_publication_and_another() {
    let told = "expected at least twice server.max_body";
    for (source, wanted) in [
        ("[server]\nmax_body = '512KiB'", format!("p.toml: bayeux.queue_bytes = \"1MiB\": {told} = \"512KiB\"")),
        ("[bayeux]\nqueue_bytes = '129KiB'", format!("p.toml: bayeux.queue_bytes = \"129KiB\": {told} = \"64KiB\"")),
        (
            "env PARTYLINE__BAYEUX__QUEUE_BYTES=64KiB",
            format!("PARTYLINE__BAYEUX__QUEUE_BYTES: bayeux.queue_bytes = \"64KiB\": {told} = \"64KiB\""),
        ),
    ] {
        let error = Config::load(from(source)).expect_err(source).to_string();
        assert!(error.contains(&wanted), "{error}");
    }
    assert_eq!(load("[server]\nmax_body = '511KiB'").bayeux.queue_bytes, 1 << 20);
    assert_eq!(load("[bayeux]\nqueue_bytes = '130KiB'").bayeux.queue_bytes, 130 << 10);
    assert_eq!(load("[server]\nmax_body = '2MiB'\n[bayeux]\nqueue_bytes = '5MiB'").bayeux.queue_bytes, 5 << 20);
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let printed = load("[drain]\nwindow = '7s'").to_toml();
    assert!(printed.contains("window = \"7s\""), "{printed}");
    assert_eq!(load(&printed).to_toml(), printed);
}

#[test]
fn every_default_is_printed() {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    assert_eq!(load("").to_toml(), defaults.to_string());
}

#[test]
fn secrets_are_not_shown() {
    let config = load(
        "[[directory.agent]]
         user = 'anna'
         password_hash = '$argon2id$swordfish'
         number = '1'
         [directory.generated]
         count = 1
         password = 'swordfish'",
    );
    assert!(config.to_toml().contains("(redacted)"));
    assert!(!config.to_toml().contains("swordfish"));
    let wrong = "[[directory.agent]]\nuser = 'anna'\nnumber = '1'\npassword_hash = 'swordfish'";
    assert!(!Config::load(from(wrong)).unwrap_err().to_string().contains("swordfish"));
}

#[test]
fn demo_agents_are_not_shown_to_others() {
    assert!(Config::load(from("env PARTYLINE__SERVER__LISTEN=[::1]:80")).is_ok());
    for allowed in ["allow", "off"] {
        load(&format!("[server]\nlisten = '0.0.0.0:80'\n[directory]\ndemo_agents = '{allowed}'"));
    }
    let error = Config::load(from("--listen 0.0.0.0:80")).unwrap_err();
    expect![[r#"flag --listen: server.listen = "0.0.0.0:80": expected a loopback address while the demo agents exist, for everybody knows their passwords; set directory.demo_agents = "off", or "allow" for a test"#]]
        .assert_eq(&error.to_string());
}

#[test]
fn each_wrong_configuration_says_what_is_wrong() {
    let wrong = [
        "listen = 'x'",
        "server = 3",
        "[server",
        "[sever]\nlisten = '127.0.0.1:1'",
        "[server]\nlistne = '127.0.0.1:1'",
        "[server]\nlisten = 'localhost'",
        "[server]\nlisten = 8080",
        "[server]\nworkers = -1",
        "[server]\nexternal_url = 'gws.example.org'",
        "[server]\nmax_body = '64KB'",
        "[server]\nmax_body = 0",
        "[server]\nbody_timeout = 10",
        "[server]\ntrusted_proxies = ['10.0.0.0/33']",
        "[auth]\ncookie_same_site = 'none'",
        "[auth]\ncookie_partitioned = true\ncookie_secure = 'never'\n[server]\nexternal_url = 'https://a.example'",
        "[auth]\ntoken_subject = ''",
        "[server]\nallowed_origins = ['*']",
        "[server.listen]\nport = 1",
        "[admin]\ntoken = 'too short'",
        "[admin]\nlisten = 'localhost'",
        "[auth]\ncookie_key_file = false",
        "[bayeux]\ntimeout = '30'",
        "[bayeux]\nresume = '876001h'",
        "[bayeux]\nqueue_messages = '1000'",
        "[bayeux]\nqueue_bytes = '64KiB'",
        "[bayeux]\nsessions = 0",
        "[bayeux]\nduplicate_connect_status = 200",
        "[bayeux]\nanonymous = 'yes'",
        "[desktops]\nunknown_session_error = 'unknown'",
        "channel = 3",
        "[[channel]]\nsubscribe = 'anyone'",
        "[[channel]]\npattern = 'demo'",
        "[[channel]]\npattern = '/demo'\npublish = 'everyone'",
        "[[channel]]\npattern = '/demo'\npublsh = 'agents'",
        "[[channel]]\npattern = '/demo/a'\nupstream = 'http://crm/'",
        "[[channel]]\npattern = '/service/a'\nupstream = 'https://crm/'",
        "[upstream]\nconcurrency = 0",
        "[gws]\nregion = 'us'",
        "[gws]\nregion = 'ZZ'",
        "[log]\nengine = 'jetstream'",
        "[log]\ndurability = 'none'",
        "[log]\ninterval = '0ms'",
        "[switch]\nkind = 'asterisk'",
        "[simulated]\nseed = 1.5",
        "[simulated]\nunregistered = ['a/b']",
        "[[simulated.route_point]]\nnumber = '5000'",
        "[[simulated.route_point]]\nnumber = '5000'\nqueue = '6000'\nskill = 'all'",
        "[agents]\nafter_call_work = 'sometimes'",
        "[agents]\nafter_call_time = '5'",
        "[agents]\nnot_answered = 'logout'",
        "agents.state = 3",
        "[[agents.state]]\ndisplay_name = 'Lunch'",
        "[[agents.state]]\noperation = 'Ready'",
        "[[agents.state]]\noperation = 'Out to lunch'",
        "[[agents.state]]\noperation = 'OutToLunch'\nwork_mode = 'Lunch'",
        "[[agents.state]]\noperation = 'OutToLunch'\nworkmode = 'AuxWork'",
        "[directory]\ndemo_agents = true",
        "[[directory.agent]]\nuser = 'anna'",
        "[[directory.agent]]\nuser = 'anna'\npassword_hash = '$argon2'\nnumber = 1",
        "[directory.generated]\ncount = 5",
        "[telemetry]\nlog_format = 'xml'",
        "[telemetry]\nlog_level = 'a=b=c'",
        "env PARTYLINE__BAYEUX__TIMEOT=1s",
        "env PARTYLINE__BAYEUX__TIMEOUT=1",
        "env PARTYLINE__BAYEUX__SESSIONS=many",
        "--listen 8080",
    ];
    let mut transcript = String::new();
    for source in wrong {
        let error = Config::load(from(source)).expect_err(source);
        transcript.push_str(&format!("{}\n    {error}\n", source.replace('\n', " / ")));
    }
    let transcript: String = transcript.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expect_file!["../../tests/data/config-errors.txt"].assert_eq(&transcript);
}

#[test]
fn the_help_is_this() {
    let mut help = String::new();
    for name in ["", "serve", "check-config", "print-config", "hash-password", "healthcheck"] {
        let mut command = Cli::command().term_width(100);
        command.build();
        let text = match name {
            "" => command.render_help(),
            name => command.find_subcommand_mut(name).unwrap().render_help(),
        };
        help.push_str(&format!("{text}\n"));
    }
    let help: String = help.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expect_file!["../../tests/data/help.txt"].assert_eq(&help);
}

#[test]
fn a_server_that_listens_everywhere_is_asked_at_loopback() {
    assert_eq!(health::default_url("http", "0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80/readyz");
    assert_eq!(health::default_url("http", "[::]:80".parse().unwrap()), "http://[::1]:80/readyz");
    assert_eq!(health::default_url("http", "10.1.2.3:80".parse().unwrap()), "http://10.1.2.3:80/readyz");
}

#[test]
fn a_health_check_reads_the_status_and_asks_for_readiness_unless_told_a_path() {
    use std::io::{Read, Write};
    let cases = [
        ("", "200 OK", health::Verdict::Well, "GET /readyz HTTP/"),
        ("/", "503 No", health::Verdict::Ill(503), "GET /readyz HTTP/"),
        ("/readyz", "200 OK", health::Verdict::Well, "GET /readyz HTTP/"),
        ("/livez", "200 OK", health::Verdict::Well, "GET /livez HTTP/1"),
    ];
    for (path, answer, verdict, asked) in cases {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 17];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
            request
        });
        assert_eq!(health::ask(&health::parse_url(&url).unwrap(), None), Ok(verdict));
        assert_eq!(str::from_utf8(&server.join().unwrap()), Ok(asked));
    }
    assert_eq!(health::default_url("https", "0.0.0.0:443".parse().unwrap()), "https://127.0.0.1:443/readyz");
    assert!(health::parse_url("https://127.0.0.1/").is_none());
}

#[test]
fn what_is_no_http_writes_no_log_line_unless_the_operator_asks_for_it() {
    for (asked, effective) in [
        ("info", "info,actix_http::h1::dispatcher=off"),
        ("warn,actix_http::ws=debug", "warn,actix_http::ws=debug,actix_http::h1::dispatcher=off"),
        ("info,actix_http::h1::dispatcher=error", "info,actix_http::h1::dispatcher=error"),
        ("actix_http=trace", "actix_http=trace"),
    ] {
        assert_eq!(telemetry::directives(asked), effective);
        assert!(EnvFilter::builder().parse(effective).is_ok());
    }
}

#[test]
fn queues_and_route_points_have_numbers_of_their_own_and_callers_dial_them_in_turn() {
    let plan = |text: &str| Plan::new(&load(text), CookieKey::new([0; 32])).map(|plan| plan.simulated);
    let point =
        |number: &str, queue: &str| format!("[[simulated.route_point]]\nnumber = '{number}'\nqueue = '{queue}'\n");
    let two = "[simulated]\nqueues = ['6000', '6001']\narrivals = '1s'\n";
    let simulated = plan(&format!("{two}{}{}", point("5000", "6001"), point("5001", "6001"))).unwrap();
    let numbers = simulated.arrivals.unwrap().numbers;
    assert_eq!(numbers.iter().map(|number| number.as_str()).collect::<Vec<_>>(), ["6000", "5000", "5001"]);
    for (wrong, reason) in [
        (
            "[simulated]\narrivals = '1s'".to_owned(),
            "simulated.arrivals lets calls come in, and simulated.queues names no queue for them",
        ),
        ("[simulated]\nqueues = ['15000']".to_owned(), "simulated.queues: 15000 is the number of an agent"),
        (
            format!("{two}{}", point("6000", "6001")),
            "simulated.route_point: 6000 stands twice among queues and route points",
        ),
        (format!("{two}{}", point("15001", "6001")), "simulated.route_point: 15001 is the number of an agent"),
        (format!("{two}{}", point("5000", "6002")), "simulated.route_point: 6002 is no queue of simulated.queues"),
    ] {
        assert_eq!(plan(&wrong).unwrap_err().to_string(), reason);
    }
}

#[actix_web::test]
async fn whoever_asks_for_readiness_is_not_told_why_the_log_takes_no_writes() {
    let memory = EmbeddedConfig { durability: crate::log::Durability::Memory, ..EmbeddedConfig::default() };
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(memory, Arc::new(())).unwrap());
    let simulated = Plan::new(&load(""), CookieKey::new([0; 32])).unwrap().simulated;
    let (switch, _reports) = Simulated::start(simulated, Term(1));
    let ready = Ready::new(Arc::clone(&log), Arc::new(switch), Metrics::new());
    ready.started();
    assert_eq!(ready.checks(), [("server", Ok(())), ("log", Ok(())), ("switch", Ok(()))]);
    log.close().await;
    assert_eq!(ready.checks()[1], ("log", Err("takes no writes".to_owned())));
}
