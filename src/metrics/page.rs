//! The page of metrics.

use std::ops::Deref;
use std::sync::Arc;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

use super::families::Families;

/// Every metric of the server, and the page that shows them. Cheap to clone: all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    families: Families,
    registry: Registry,
}

impl Metrics {
    /// All of them, at zero, on a page of their own.
    pub fn new() -> Self {
        let made = Registry::new_custom(Some("partyline".into()), None)
            .and_then(|registry| Ok(Inner { families: Families::register(&registry)?, registry }));
        #[expect(clippy::expect_used, reason = "names and labels are constants, and the tests make them all")]
        let inner = made.expect("every metric has a good name, once");
        Self(Arc::new(inner))
    }

    /// The page, in the Prometheus text format: ours first, then those of the process.
    pub fn render(&self) -> String {
        let mut page = TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_default();
        let process = ProcessCollector::for_self();
        // The process' metrics keep their customary names, so they are not in the registry with our prefix.
        let families = prometheus::core::Collector::collect(&process);
        page.push_str(&TextEncoder::new().encode_to_string(&families).unwrap_or_default());
        page
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Metrics {
    type Target = Families;

    fn deref(&self) -> &Families {
        &self.0.families
    }
}
