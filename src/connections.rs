//! How many connections are open, and which are more than may be.
//!
//! Those beyond the limit are let in all the same, as far as there is head-room, so that they can be told: each is answered
//! once, and closed. Whoever asks how the server is gets an answer on them.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpRequest;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;

use crate::metrics::IntGauge;

/// Counts the connections of all workers. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    admitted: Arc<AtomicUsize>,
    limit: usize,
    gauge: IntGauge,
}

impl Connections {
    /// At most `limit` of them; `gauge` tells how many there are.
    pub(crate) fn new(limit: usize, gauge: IntGauge) -> Self {
        Self { admitted: Arc::default(), limit, gauge }
    }

    /// Counts a new connection for as long as it has `data`.
    pub(crate) fn seat(&self, data: &mut Extensions) {
        let one_more = |admitted: usize| (admitted < self.limit).then_some(admitted + 1);
        if self.admitted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok() {
            self.gauge.inc();
            data.insert(Seat(self.clone()));
        } else {
            EXCESS.set(EXCESS.get() + 1);
            data.insert(Excess);
        }
    }
}

/// Whether a request came on a connection that is one too many. Where there are none, this looks nothing up.
pub(crate) fn is_excess(request: &HttpRequest) -> bool {
    EXCESS.get() > 0 && request.conn_data::<Excess>().is_some()
}

/// As [`is_excess`].
pub(crate) fn is_excess_service(request: &ServiceRequest) -> bool {
    EXCESS.get() > 0 && request.conn_data::<Excess>().is_some()
}

/// Has the connection closed behind an answer, if it is one too many. Whatever is asked on such a connection is answered once.
pub(crate) fn close_excess<B>(response: &mut ServiceResponse<B>) {
    if is_excess(response.request()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
}

/// A connection that is counted.
struct Seat(Connections);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.admitted.fetch_sub(1, Ordering::Relaxed);
        self.0.gauge.dec();
    }
}

/// A connection that is one too many. It stays on the thread that let it in.
struct Excess;

impl Drop for Excess {
    fn drop(&mut self) {
        EXCESS.set(EXCESS.get() - 1);
    }
}

thread_local! {
    /// Connections of this worker that are too many.
    static EXCESS: Cell<usize> = const { Cell::new(0) };
}
