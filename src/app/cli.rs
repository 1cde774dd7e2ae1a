//! The command line: what can be asked of the binary, and how it ends.

use std::ffi::OsString;
use std::io::{IsTerminal, Read, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use actix_web::http::Uri;
use clap::{Args, Parser, Subcommand};

use crate::directory::{Directory, hash_password};
use crate::http::{Certificate, CookieKey};
use crate::loadtest::{self, Outcome};

use super::config::Config;
use super::error::ConfigError;
use super::health::{self, Verdict};
use super::plan::Plan;
use super::serve::serve;
use super::settings::Sources;
use super::telemetry;
use super::tls::TlsPlan;

/// How the process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// 0: all is well.
    Fine,
    /// 1: what was asked about is not as it should be.
    Failed,
    /// 64: bad usage or configuration.
    Usage,
    /// 69: a needed service is unavailable.
    Unavailable,
    /// 70: an error of our own.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 64,
            Exit::Unavailable => 69,
            Exit::Internal => 70,
        })
    }
}

/// The server behind contact-centre agent desktops.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "partyline", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Choice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT, then drain and exit
    Serve(Choice),
    /// Check the configuration, and say what is wrong with it
    CheckConfig(Choice),
    /// Drive simulated desktops against a Bayeux server on this machine, and check what arrives
    Loadtest(loadtest::Args),
    /// Print the effective configuration as TOML, without secrets
    PrintConfig(Choice),
    /// Read a password and print its argon2 hash for the configuration
    HashPassword,
    /// Ask a running server whether it is ready; exit 0 if so, 1 if not, 69 if nobody answers
    Healthcheck {
        /// What to ask instead of /readyz at the configured address
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        choice: Choice,
    },
}

/// What chooses a configuration.
#[derive(Args, Clone, Debug)]
struct Choice {
    /// Lay this file over the built-in configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here, instead of at server.listen
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Keep the data here, instead of in log.directory
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Does what the command line asks.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(e) => {
            let asked = !e.use_stderr();
            let told = e.print();
            return if asked && told.is_ok() { Exit::Fine } else { Exit::Usage };
        }
    };
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::CheckConfig(choice) => with_config(choice, |config| check(&config)),
        Command::HashPassword => hash(),
        Command::Healthcheck { url: Some(url), .. } => match health::parse_url(&url) {
            Some(parsed) => check_health(&parsed, None),
            None => complain(
                &format!("flag --url: expected a URL such as http://127.0.0.1:8080/readyz: {url}"),
                Exit::Usage,
            ),
        },
        Command::Healthcheck { url: None, choice } => with_config(choice, |config| check_own_health(&config)),
        Command::Loadtest(arguments) => run_loadtest(arguments),
        Command::PrintConfig(choice) => with_config(choice, |config| say(&config.to_toml())),
        Command::Serve(choice) => with_config(choice, run),
    }
}

/// Goes as far as a start can without binding, opening or making anything.
fn check(config: &Config) -> Exit {
    match Plan::new(config, CookieKey::new([0; 32])) {
        Ok(plan) => match Directory::new(plan.directory) {
            Ok(_) => say("the configuration is good\n"),
            Err(reason) => complain(&format!("directory: {reason}"), Exit::Usage),
        },
        Err(e) => complain(&e.to_string(), Exit::Usage),
    }
}

fn run_loadtest(arguments: loadtest::Args) -> Exit {
    match actix_web::rt::System::new().block_on(loadtest::run(arguments)) {
        Outcome::BadUsage => Exit::Usage,
        Outcome::Failed => Exit::Failed,
        Outcome::Passed => Exit::Fine,
        Outcome::Unreachable => Exit::Unavailable,
    }
}

fn run(config: Config) -> Exit {
    telemetry::start(&config.telemetry);
    actix_web::rt::System::new().block_on(serve(config))
}

fn with_config(choice: Choice, then: impl FnOnce(Config) -> Exit) -> Exit {
    match choice.load() {
        Ok(config) => then(config),
        Err(e) => complain(&e.to_string(), Exit::Usage),
    }
}

impl Choice {
    fn load(self) -> Result<Config, ConfigError> {
        let file = match self.config {
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) => Some((path, text)),
                Err(source) => return Err(ConfigError::Unreadable { path, source }),
            },
            None => None,
        };
        // A variable that is not UTF-8 becomes a value that no key takes, and is refused by its name.
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let listen = self.listen.map(|listen| ("--listen", "server.listen", listen));
        let data = self.data_dir.map(|data| ("--data-dir", "log.directory", data.to_string_lossy().into_owned()));
        Config::load(Sources { file, environment, flags: listen.into_iter().chain(data).collect() })
    }
}

fn hash() -> Exit {
    if stdin().is_terminal() && ask("Password (it will be seen): ").is_err() {
        return Exit::Internal;
    }
    let mut password = String::new();
    let read = if stdin().is_terminal() {
        stdin().read_line(&mut password)
    } else {
        stdin().take(1 << 16).read_to_string(&mut password)
    };
    if let Err(e) = read {
        return complain(&format!("expected a password on standard input: {e}"), Exit::Usage);
    }
    let password = password.strip_suffix('\n').unwrap_or(&password);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return complain("expected a password on standard input", Exit::Usage);
    }
    match hash_password(password) {
        Ok(hash) => say(&format!("{hash}\n")),
        Err(e) => complain(&e.to_string(), Exit::Usage),
    }
}

/// Asks the server of this configuration, over TLS if it speaks that.
fn check_own_health(config: &Config) -> Exit {
    let certificate = match TlsPlan::new(&config.server) {
        Ok(plan) => plan.map(|plan| plan.tls.current()),
        Err(error) => return complain(&error.to_string(), Exit::Unavailable),
    };
    let scheme = if certificate.is_some() { "https" } else { "http" };
    match health::default_url(scheme, config.server.listen).parse() {
        Ok(url) => check_health(&url, certificate.as_ref()),
        Err(error) => complain(&format!("{error}"), Exit::Internal),
    }
}

fn check_health(url: &Uri, certificate: Option<&Certificate>) -> Exit {
    match health::ask(url, certificate) {
        Ok(Verdict::Well) => say("well\n"),
        Ok(Verdict::Ill(status)) => complain(&format!("{url}: answered {status}"), Exit::Failed),
        Err(reason) => complain(&format!("{url}: {reason}"), Exit::Unavailable),
    }
}

/// Prints what was asked for. A reader that went away has had enough.
fn say(text: &str) -> Exit {
    match stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()) {
        Ok(()) => Exit::Fine,
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Exit::Fine,
        Err(_) => Exit::Internal,
    }
}

fn ask(prompt: &str) -> std::io::Result<()> {
    std::io::stderr().write_all(prompt.as_bytes())
}

#[expect(clippy::print_stderr, reason = "there is no log yet, and this is for the one who typed the command")]
fn complain(text: &str, exit: Exit) -> Exit {
    eprintln!("partyline: {text}");
    exit
}
