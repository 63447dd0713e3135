//! Which streams the setting `start_date` applies to: a setting that does nothing is refused.

use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::method::Method;
use super::opening::Opening;
use crate::names::show_name;
use crate::tap::bookmark::comparison::{KeyType, time};
use crate::tap::bookmark::progress::Order;

/// Reads the setting `start_date`, a date or a date-time, as JSON.
pub(in crate::tap) fn read(value: &Value) -> Result<String> {
    let text = value.as_str().unwrap_or_default();
    if time(text).is_none() {
        return Err(Error::config(format!(
            "config: start_date: expected a date or date-time, found {}",
            show(&value.to_string())
        )));
    }
    Ok(value.to_string())
}

/// Checks that the setting `start_date` applies to one of the streams at least, and warns of those to which it does not.
pub(in crate::tap) fn check<'o>(openings: impl Iterator<Item = &'o Opening>) -> Result<()> {
    let incremental = openings.filter(|opening| opening.method == Method::Incremental);
    let (apply, others): (Vec<_>, Vec<_>) = incremental.partition(|opening| applies(opening));
    let key = |opening: &Opening| show_name(opening.replication_key.as_deref().unwrap_or_default());
    if let ([], [first, ..]) = (apply.as_slice(), others.as_slice()) {
        return Err(Error::config(format!(
            "start_date does not apply: the replication key {} is not a date; take start_date out of the config",
            key(first)
        ))
        .in_stream(&first.name));
    }
    for opening in others {
        let stream = &*opening.name;
        log::warn!(
            stream_name = stream;
            "stream {stream}: start_date does not apply, because the replication key {} is not a date",
            key(opening)
        );
    }
    Ok(())
}

/// A tap that sets the bookmark itself, or says so, applies `start_date` itself.
fn applies(opening: &Opening) -> bool {
    opening.own_start_date || opening.order == Order::Manual || opening.key_type() != KeyType::Number
}
