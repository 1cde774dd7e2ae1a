//! What a run found: the object that `--json` prints, and the table.

use comfy_table::Table;
use hdrhistogram::Histogram;
use serde::Serialize;

/// A whole run. The names are those of the JSON object, and fixed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this program.
    pub version: &'static str,
    /// The name of the plan.
    pub plan: &'static str,
    /// The endpoint.
    pub target: String,
    /// How the clients listened.
    pub transport: &'static str,
    /// When it began, as in RFC 3339.
    pub started: String,
    /// Seconds from the first publication to the last arrival.
    pub duration_s: f64,
    /// The clients.
    pub clients: Clients,
    /// The messages.
    pub messages: Messages,
    /// From publication to arrival.
    pub latency_ms: Latency,
    /// Arrivals a second.
    pub deliveries_per_s: f64,
    /// What it cost the server.
    pub server: Server,
    /// What it cost the generator.
    pub generator: Generator,
    /// What happened on the wire.
    pub http: Http,
    /// Whether there are no failures.
    pub passed: bool,
    /// What was not as it should be, in words.
    pub failures: Vec<String>,
}

/// The clients that listen; the publisher is not counted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Clients {
    /// How many there were to be.
    pub asked: u64,
    /// How many were subscribed when publishing began.
    pub connected: u64,
    /// How many were not, or stopped before the end.
    pub failed: u64,
    /// How often one had to begin again.
    pub rehandshakes: u64,
}

/// The messages, counted over all clients.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Messages {
    /// Publications that the server took.
    pub published: u64,
    /// Publications that it refused, each tried again.
    pub refused: u64,
    /// Publications times connected clients.
    pub expected: u64,
    /// First arrivals.
    pub received: u64,
    /// Expected and never received.
    pub lost: u64,
    /// Arrivals beyond the first.
    pub duplicated: u64,
    /// Arrivals after a newer message.
    pub reordered: u64,
}

/// Percentiles of the latency, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: f64,
    /// Nine of ten were faster.
    pub p90: f64,
    /// All but one in a hundred were faster.
    pub p99: f64,
    /// All but one in a thousand were faster.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
    /// Whether each counts from when its message was due, not from when the publisher got round to it.
    pub corrected: bool,
}

/// The server's process; null where not known.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Server {
    /// Microseconds of processor time for one arrival.
    pub cpu_us_per_delivery: Option<f64>,
    /// Resident bytes at the end.
    pub rss_bytes: Option<u64>,
    /// Resident bytes that each client added, all connects parked and nothing published yet.
    pub rss_bytes_per_session: Option<u64>,
}

/// The generator's own process.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Generator {
    /// Microseconds of processor time for one arrival.
    pub cpu_us_per_delivery: Option<f64>,
    /// Whether the generator was as good as always busy: then the latencies are its own.
    pub limited: bool,
}

/// What happened on the wire.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Http {
    /// Requests sent.
    pub requests: u64,
    /// Requests that got no answer, or a useless one.
    pub errors: u64,
}

impl Report {
    /// As one line of JSON.
    ///
    /// # Errors
    /// None that a report can cause.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// As a table for people.
    pub fn to_table(&self) -> Table {
        let (messages, latency) = (&self.messages, &self.latency_ms);
        let mut table = Table::new();
        table.set_header(["", &format!("{} of {}", self.plan, self.target)]);
        let clients = &self.clients;
        let rows = [
            ("clients", format!("{} of {}, {} began again", clients.connected, clients.asked, clients.rehandshakes)),
            (
                "published",
                format!("{} in {:.2} s, {} refused first", messages.published, self.duration_s, messages.refused),
            ),
            ("received", format!("{} of {}", messages.received, messages.expected)),
            ("lost, doubled, out of order", {
                format!("{}, {}, {}", messages.lost, messages.duplicated, messages.reordered)
            }),
            ("deliveries a second", format!("{:.0}", self.deliveries_per_s)),
            ("latency p50, p90, p99, p99.9, max (ms)", {
                let Latency { p50, p90, p99, p999, max, corrected: _ } = latency;
                format!("{p50:.2}, {p90:.2}, {p99:.2}, {p999:.2}, {max:.2}")
            }),
            ("server: CPU a delivery (µs)", known(self.server.cpu_us_per_delivery.map(|us| format!("{us:.1}")))),
            ("server: resident bytes", known(self.server.rss_bytes.map(|bytes| bytes.to_string()))),
            ("server: resident bytes a session", {
                known(self.server.rss_bytes_per_session.map(|bytes| bytes.to_string()))
            }),
            ("generator: CPU a delivery (µs)", {
                let busy = if self.generator.limited { ", always busy" } else { "" };
                known(self.generator.cpu_us_per_delivery.map(|us| format!("{us:.1}{busy}")))
            }),
            ("HTTP requests, errors", format!("{}, {}", self.http.requests, self.http.errors)),
            ("passed", if self.passed { "yes".to_owned() } else { self.failures.join("\n") }),
        ];
        table.add_rows(rows.map(|(name, value)| [name.to_owned(), value]));
        table
    }
}

impl Latency {
    /// Out of microseconds.
    pub(super) fn of(latencies: &Histogram<u64>, corrected: bool) -> Self {
        let at = |quantile: f64| millis(latencies.value_at_quantile(quantile));
        let max = millis(latencies.max());
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max, corrected }
    }
}

/// A moment as in RFC 3339, in UTC, from milliseconds since 1970.
pub(super) fn rfc3339(millis: u64) -> String {
    let (days, second) = (millis / 86_400_000, millis / 1000 % 86_400);
    // Days from 1 March of the year 0, so that a leap day ends its year: eras of 400 years are 146,097 days.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{of_month:02}T{hour:02}:{minute:02}:{:02}.{:03}Z", second % 60, millis % 1000)
}

fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| "not known".to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^52 microseconds")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
