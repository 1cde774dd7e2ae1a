//! The admin API's part in the server's life.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use rustls::ServerConfig;
use tokio::sync::Notify;

use crate::admin;
use crate::admin::Api;
use crate::app::admin::AdminPlan;
use crate::broker::{Admin, Broker};
use crate::metrics::Metrics;

/// The admin API while the server runs.
pub(super) struct Office {
    admin: Admin,
    api: Api,
    /// An address of its own.
    listen: Option<SocketAddr>,
    server: Option<Server>,
    handle: Option<ServerHandle>,
}

impl Office {
    /// Starts following the log for it. It tells `drain` when it is asked to drain the server.
    pub(super) fn open(plan: AdminPlan, broker: &Broker, metrics: &Metrics, drain: &Arc<Notify>) -> Self {
        let admin = Admin::start(broker);
        let api = Api::new(plan.config, admin.clone(), metrics.clone(), Arc::clone(drain));
        Self { admin, api, listen: plan.listen, server: None, handle: None }
    }

    /// What is to be mounted on the server's own addresses.
    pub(super) fn mounted(&self) -> Option<Api> {
        if self.listen.is_none() { Some(self.api.clone()) } else { None }
    }

    /// Binds the address of its own, if it has one. It speaks TLS if the server does.
    pub(super) fn listen(&mut self, stop_deadline: Duration, tls: Option<ServerConfig>) -> io::Result<Vec<SocketAddr>> {
        let Some(address) = self.listen else { return Ok(Vec::new()) };
        let (server, addresses) = admin::server(address, self.api.clone(), stop_deadline, tls)?;
        self.handle = Some(server.handle());
        self.server = Some(server);
        Ok(addresses)
    }

    /// The server of its own, to be awaited.
    pub(super) fn take_server(&mut self) -> Option<Server> {
        self.server.take()
    }

    /// Ends the streams of events, and answers what was asked.
    pub(super) async fn close(&self) {
        self.admin.close().await;
        if let Some(handle) = &self.handle {
            handle.stop(true).await;
        }
    }
}
