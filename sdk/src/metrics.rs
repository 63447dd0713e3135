//! METRIC lines: counters and timers in the log, as singer-python and the Meltano SDK write them.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// How often a counter is written while it counts.
const INTERVAL: Duration = Duration::from_mins(1);

/// Counts things and logs the count every minute and at its end, each time what came since the last time.
#[derive(Debug)]
pub struct Counter {
    metric: &'static str,
    tags: Tags,
    pending: u64,
    last: Instant,
}

/// Measures one thing from its start to its end, in seconds.
#[derive(Debug)]
pub struct Timer {
    metric: &'static str,
    tags: Tags,
    start: Instant,
}

#[derive(Debug)]
struct Tags {
    stream: Option<Box<str>>,
    /// The path of a request, and the status of its answer.
    endpoint: Option<(Box<str>, Option<u16>)>,
}

impl Counter {
    /// A counter such as `record_count` or `batch_count`, of a stream or of the whole run.
    pub fn new(metric: &'static str, stream: Option<&str>) -> Self {
        Self {
            metric,
            tags: Tags::new(stream),
            pending: 0,
            last: Instant::now(),
        }
    }

    /// Counts `n` more.
    #[inline]
    pub fn add(&mut self, n: u64) {
        self.pending += n;
    }

    /// Logs the count when a minute has passed. Call it now and then, where the clock is known anyway.
    pub fn tick(&mut self, now: Instant) {
        if now.duration_since(self.last) >= INTERVAL {
            self.write();
            self.last = now;
        }
    }

    fn write(&mut self) {
        let value = std::mem::take(&mut self.pending);
        self.tags.write("counter", self.metric, &value.into(), None);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.write();
    }
}

impl Timer {
    /// Starts a timer such as `sync_duration` or `batch_processing_time`, of a stream or of the whole run.
    pub fn start(metric: &'static str, stream: Option<&str>) -> Self {
        Self {
            metric,
            tags: Tags::new(stream),
            start: Instant::now(),
        }
    }

    /// Ends it; `succeeded` is the tag `status`.
    pub fn finish(self, succeeded: bool) {
        write_timer(self.metric, &self.tags, self.start.elapsed(), succeeded);
    }

    /// Writes a time that was measured elsewhere.
    pub fn took(metric: &'static str, stream: Option<&str>, took: Duration, succeeded: bool) {
        write_timer(metric, &Tags::new(stream), took, succeeded);
    }
}

/// Logs that a request took this long: `status` is that of the answer, unless there is none.
#[cfg(feature = "http")]
pub(crate) fn request(stream: Option<&str>, endpoint: &str, status: Option<u16>, took: Duration) {
    let mut tags = Tags::new(stream);
    tags.endpoint = Some((endpoint.into(), status));
    let succeeded = status.is_some_and(|status| status < 400);
    write_timer("http_request_duration", &tags, took, succeeded);
}

fn write_timer(metric: &str, tags: &Tags, took: Duration, succeeded: bool) {
    let status = if succeeded { "succeeded" } else { "failed" };
    tags.write("timer", metric, &took.as_secs_f64().into(), Some(status));
}

impl Tags {
    fn new(stream: Option<&str>) -> Self {
        Self {
            stream: stream.map(Into::into),
            endpoint: None,
        }
    }

    fn write(&self, kind: &str, metric: &str, value: &Value, status: Option<&str>) {
        let mut tags = Map::new();
        if let Some(stream) = &self.stream {
            tags.insert("stream".into(), (**stream).into());
        }
        if let Some((endpoint, status)) = &self.endpoint {
            tags.insert("endpoint".into(), (**endpoint).into());
            tags.insert("http_status_code".into(), (*status).into());
        }
        if let Some(status) = status {
            tags.insert("status".into(), status.into());
        }
        tags.insert("pid".into(), std::process::id().into());
        let metric = json!({"type": kind, "metric": metric, "value": value, "tags": tags}).to_string();
        let stream = self.stream.as_deref().unwrap_or_default();
        log::info!(metric = metric.as_str(), stream_name = stream; "METRIC: {metric}");
    }
}
