//! The two servers under load, each as a child process on a free port.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Which server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Bare,
    Partyline,
}

/// A running server; it is killed at the end of its scope.
pub(crate) struct Child {
    process: std::process::Child,
    addr: SocketAddr,
    /// What it keeps goes with it.
    _data: tempfile::TempDir,
}

impl Child {
    /// Starts one, and waits until it takes connections.
    pub(crate) async fn start(kind: Kind) -> io::Result<Self> {
        let data = tempfile::tempdir()?;
        // Nobody else takes a free port in so short a time, as a rule.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = match kind {
            Kind::Bare => bare(addr)?,
            Kind::Partyline => partyline(addr, data.path()),
        };
        let process = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut child = Self { process, addr, _data: data };
        child.come_up(kind).await?;
        Ok(child)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/cometd", self.addr)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn come_up(&mut self, kind: Kind) -> io::Result<()> {
        for _ in 0..LOOKS {
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("{kind:?} ended at its start: {status}")));
            }
            if TcpStream::connect(self.addr).is_ok() {
                // What it does after it has begun to listen is not part of the measurement.
                tokio::time::sleep(Duration::from_millis(200)).await;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(io::Error::other(format!("{kind:?} does not listen on {}", self.addr)))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has nothing to lose; an error means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port for the bare server, in the process that is to be it.
pub(crate) fn bare_port() -> Option<u16> {
    std::env::var(BARE_PORT).ok()?.parse().ok()
}

/// Ends this process when the one that started it is gone, whatever became of it.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
}

fn bare(addr: SocketAddr) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(BARE_PORT, addr.port().to_string());
    Ok(command)
}

/// The shipped configuration, with room for the load and as many workers as the bare server has.
fn partyline(addr: SocketAddr, data: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partyline"));
    command.arg("serve").arg("--listen").arg(addr.to_string()).arg("--data-dir").arg(data);
    command.env("PARTYLINE__SERVER__WORKERS", "2");
    command.env("PARTYLINE__BAYEUX__SESSIONS_PER_AGENT", "20000");
    command.env("PARTYLINE__TELEMETRY__LOG_LEVEL", "warn");
    command
}

const BARE_PORT: &str = "FANOUT_BARE_PORT";
const LOOKS: u32 = 200;
