//! What time it is, read once a block, and the wall clock as the `_sdc_` columns want it.

use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::decode::MetadataValues;
use crate::time::civil;

/// The clocks at the last block of input.
#[derive(Clone)]
pub(super) struct Clock {
    pub(super) now: Instant,
    /// The wall clock as text; empty where no `_sdc_` columns are asked for.
    pub(super) received_at: Rc<str>,
    /// The same in epoch milliseconds.
    sequence: i64,
    sync_started_at: i64,
    add_metadata: bool,
}

impl Clock {
    pub(super) fn start(add_metadata: bool) -> Self {
        Self {
            now: Instant::now(),
            received_at: "".into(),
            sequence: 0,
            sync_started_at: epoch_millis(SystemTime::now()),
            add_metadata,
        }
    }

    /// A block of input came.
    pub(super) fn read(&mut self) {
        self.now = Instant::now();
        if self.add_metadata {
            let now = SystemTime::now();
            self.received_at = rfc3339(now).into();
            // A clock that is set back does not turn the order of rows around.
            self.sequence = self.sequence.max(epoch_millis(now));
        }
    }

    /// What the `_sdc_` columns of a record need, where they are asked for.
    #[inline]
    pub(super) fn metadata(&self) -> Option<MetadataValues<'_>> {
        self.add_metadata.then_some(MetadataValues {
            received_at: &self.received_at,
            batched_at: "",
            sequence: self.sequence,
            sync_started_at: self.sync_started_at,
        })
    }
}

/// Milliseconds since 1970.
fn epoch_millis(now: SystemTime) -> i64 {
    i64::try_from(since_epoch(now).as_millis()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC with microseconds, as Meltano's SDK has it: `2026-01-31T09:08:07.000123+00:00`.
fn rfc3339(now: SystemTime) -> String {
    let since = since_epoch(now);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(i64::try_from(days).unwrap_or(i64::MAX));
    let (hour, minute, second, micros) = (
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros(),
    );
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

fn since_epoch(now: SystemTime) -> Duration {
    // A clock before 1970 is a clock that was never set.
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use Duration;

    use super::*;

    #[test]
    fn agrees_with_the_parser_on_every_day_until_2200() {
        for day in 0..84_000 {
            let now = UNIX_EPOCH + Duration::from_secs(day * 86_400) + Duration::from_micros(86_399_000_123);
            let text = rfc3339(now);
            let micros = i64::try_from(day).unwrap() * 86_400_000_000 + 86_399_000_123;
            assert_eq!(crate::time::parse_date_time(&text), Some(micros), "{text}");
        }
    }

    #[test]
    fn looks_like_the_sdk() {
        let now = UNIX_EPOCH + Duration::from_micros(1_769_850_487_000_123);
        assert_eq!(rfc3339(now), "2026-01-31T09:08:07.000123+00:00");
        assert_eq!(epoch_millis(now), 1_769_850_487_000);
    }
}
