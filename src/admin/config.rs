//! What the admin API is told at the start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use crate::broker::Admin;
use crate::metrics::Metrics;

use super::token::Token;

/// The settings of the admin API.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// What opens it.
    pub token: Token,
    /// Bytes of a request's body.
    pub max_body: usize,
    /// How long a body may take to come.
    pub body_timeout: Duration,
    /// Bytes of the data of one message.
    pub max_data: usize,
    /// Levels of nesting in it.
    pub json_depth: usize,
}

/// What every request needs: one for all workers.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) config: AdminConfig,
    pub(crate) admin: Admin,
    pub(crate) metrics: Metrics,
    /// Told when the server is to drain.
    pub(crate) drain: Arc<Notify>,
    /// One for each stream of events that may be open.
    pub(crate) streams: Arc<Semaphore>,
}

impl Api {
    /// The API over `admin`. It tells `drain` when it is asked to drain the server.
    pub fn new(config: AdminConfig, admin: Admin, metrics: Metrics, drain: Arc<Notify>) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS));
        Self(Arc::new(Shared { config, admin, metrics, drain, streams }))
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// How many streams of events may be open at once. One more is refused.
const STREAMS: usize = 64;
