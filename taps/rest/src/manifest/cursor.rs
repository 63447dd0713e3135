//! `DatetimeBasedCursor`: which moments a run asks for, in which windows, and where the next run starts.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::dates;
use super::jinja::{Scope, Templates, Text};
use super::part::Part;
use super::said::{Place, Said};

/// The cursor of a stream.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent yes or no of the manifest"
)]
pub(super) struct Cursor {
    pub(super) field: String,
    /// How records have it.
    formats: Vec<String>,
    /// How requests have it.
    format: String,
    start: Moment,
    end: Option<Moment>,
    step: Option<Span>,
    granularity: Option<Span>,
    lookback: Option<Span>,
    strict: bool,
    fields: (String, String),
    options: (Option<Place>, Option<Place>),
    pub(super) data_feed: bool,
    pub(super) client_side: bool,
    pub(super) global: bool,
}

/// A `MinMaxDatetime`.
struct Moment {
    at: Text,
    format: String,
    least: Option<Text>,
    most: Option<Text>,
}

/// What a run asks for.
pub(super) struct Range {
    /// The windows: `start_time` and `end_time`.
    pub(super) windows: Vec<Map<String, Value>>,
    /// Records before and after these are old and too new, where the stream filters them itself.
    least: Zoned,
    most: Zoned,
}

impl Cursor {
    pub(super) fn of(part: &Part<'_>, templates: &Templates, scope: &Scope) -> Result<Self> {
        let text = |name: &str| {
            part.text(templates, name, &[])?
                .map(|text| text.text(scope))
                .transpose()
        };
        let span = |name: &str| {
            let text = text(name)?.filter(|text| !text.is_empty());
            let span = text.map(|text| {
                dates::duration(&text).ok_or_else(|| part.refuse(name, "is no ISO 8601 duration"))
            });
            span.transpose()
        };
        let format = part
            .str("datetime_format")
            .ok_or_else(|| part.missing("datetime_format"))?
            .to_owned();
        let formats = part
            .get("cursor_datetime_formats")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let formats = formats.filter_map(|format| format.as_str().map(str::to_owned));
        let option = |name: &str| {
            part.child(name)?
                .map(|option| Place::of(&option, templates))
                .transpose()
        };
        let (step, granularity) = (span("step")?, span("cursor_granularity")?);
        if step.is_some() != granularity.is_some() {
            return Err(part.refuse("step", "and cursor_granularity need each other"));
        }
        Ok(Self {
            field: text("cursor_field")?.ok_or_else(|| part.missing("cursor_field"))?,
            formats: formats.chain([format.clone()]).collect(),
            start: Moment::of(part, "start_datetime", templates, &format)?
                .ok_or_else(|| part.missing("start_datetime"))?,
            end: Moment::of(part, "end_datetime", templates, &format)?,
            format,
            step,
            granularity,
            lookback: span("lookback_window")?,
            strict: part.flag("is_compare_strictly"),
            fields: (
                text("partition_field_start")?.unwrap_or_else(|| "start_time".to_owned()),
                text("partition_field_end")?.unwrap_or_else(|| "end_time".to_owned()),
            ),
            options: (option("start_time_option")?, option("end_time_option")?),
            data_feed: part.flag("is_data_feed"),
            client_side: part.flag("is_client_side_incremental"),
            global: part.flag("global_substream_cursor"),
        })
    }

    /// The moment of a record or of a bookmark.
    pub(super) fn moment(&self, value: &Value) -> Option<Zoned> {
        dates::parse_value(value, &self.formats)
    }

    /// Moves the bookmark to the moment of a record, never back.
    pub(super) fn observe(&self, record: &Map<String, Value>, latest: &mut Option<Value>) {
        let value = record.get(&self.field);
        let Some((value, moment)) = value.and_then(|value| Some((value, self.moment(value)?))) else {
            return;
        };
        let known = latest.as_ref().and_then(|latest| self.moment(latest));
        if known.is_none_or(|known| known < moment) {
            *latest = Some(value.clone());
        }
    }

    /// What a run asks for that starts from this bookmark.
    pub(super) fn range(&self, bookmark: Option<&Value>, scope: &Scope) -> Result<Range> {
        let start = self.start.value(scope)?;
        let end = match &self.end {
            Some(end) => end.value(scope)?,
            None => Timestamp::now().to_zoned(TimeZone::UTC),
        };
        let reached = bookmark.map(|bookmark| {
            let wrong = || {
                Error::config(format!(
                    "the bookmark {} is no moment in {}",
                    melisma_sdk::show(&bookmark.to_string()),
                    self.formats.join(", ")
                ))
            };
            self.moment(bookmark).ok_or_else(wrong)
        });
        let reached = reached
            .transpose()?
            .filter(|reached| *reached >= start)
            .unwrap_or_else(|| start.clone());
        let out_of_reach = |_| Error::config("lookback_window: the moment is out of reach");
        let lower = match self.lookback {
            Some(lookback) => reached
                .checked_sub(lookback)
                .map_err(out_of_reach)?
                .max(start.clone()),
            None => reached,
        };
        Ok(Range {
            windows: self.windows(&lower, &end),
            least: lower,
            most: end,
        })
    }

    fn windows(&self, lower: &Zoned, upper: &Zoned) -> Vec<Map<String, Value>> {
        if lower > upper || (lower == upper && (self.granularity.is_none() || self.strict)) {
            return Vec::new();
        }
        let mut windows = Vec::new();
        let mut from = lower.clone();
        loop {
            let next = self
                .step
                .and_then(|step| from.checked_add(step).ok())
                .filter(|next| next < upper && *next > from);
            let Some(next) = next else {
                windows.push(self.window(&from, upper));
                return windows;
            };
            // Each ends one unit before the next begins.
            let end = self.granularity.and_then(|unit| next.checked_sub(unit).ok());
            windows.push(self.window(&from, end.as_ref().unwrap_or(&next)));
            from = next;
        }
    }

    fn window(&self, from: &Zoned, to: &Zoned) -> Map<String, Value> {
        let mut window = Map::new();
        window.insert(self.fields.0.clone(), dates::format(from, &self.format).into());
        window.insert(self.fields.1.clone(), dates::format(to, &self.format).into());
        window
    }

    /// Puts a window into a request.
    pub(super) fn put(&self, said: &mut Said, window: &Map<String, Value>, scope: &Scope) -> Result<()> {
        for (place, field) in [
            (&self.options.0, &self.fields.0),
            (&self.options.1, &self.fields.1),
        ] {
            if let (Some(place), Some(value)) = (place, window.get(field)) {
                place.put(said, value.clone(), scope)?;
            }
        }
        Ok(())
    }
}

impl Range {
    /// Whether a record is among what is asked for; one without a moment is.
    pub(super) fn has(&self, cursor: &Cursor, record: &Map<String, Value>) -> bool {
        let moment = record.get(&cursor.field).and_then(|value| cursor.moment(value));
        moment.is_none_or(|moment| self.least <= moment && moment <= self.most)
    }
}

impl Moment {
    fn of(part: &Part<'_>, name: &str, templates: &Templates, format: &str) -> Result<Option<Self>> {
        match part.get(name) {
            None => Ok(None),
            Some(Value::Object(_)) => {
                let inner = part.needed(name)?;
                let own = inner.str("datetime_format").filter(|format| !format.is_empty());
                let bound = |name: &str| {
                    Ok::<_, Error>(
                        inner
                            .text(templates, name, &[])?
                            .filter(|text| !text.source().is_empty()),
                    )
                };
                Ok(Some(Self {
                    at: inner
                        .text(templates, "datetime", &[])?
                        .ok_or_else(|| inner.missing("datetime"))?,
                    format: own.unwrap_or(format).to_owned(),
                    least: bound("min_datetime")?,
                    most: bound("max_datetime")?,
                }))
            }
            Some(_) => Ok(part.text(templates, name, &[])?.map(|at| Self {
                at,
                format: format.to_owned(),
                least: None,
                most: None,
            })),
        }
    }

    fn value(&self, scope: &Scope) -> Result<Zoned> {
        let moment = |text: &Text| -> Result<Option<Zoned>> {
            let value = text.text(scope)?;
            if value.is_empty() {
                return Ok(None);
            }
            let wrong = || {
                let (source, shown) = (melisma_sdk::show(text.source()), melisma_sdk::show(&value));
                Error::config(format!(
                    "{source}: expected a moment as {}, found {shown}",
                    self.format
                ))
            };
            dates::parse(&value, &self.format).ok_or_else(wrong).map(Some)
        };
        let missing = || {
            Error::config(format!(
                "{}: there is no moment to start from",
                melisma_sdk::show(self.at.source())
            ))
        };
        let mut at = moment(&self.at)?.ok_or_else(missing)?;
        if let Some(least) = self.least.as_ref().map(&moment).transpose()?.flatten() {
            at = at.max(least);
        }
        if let Some(most) = self.most.as_ref().map(&moment).transpose()?.flatten() {
            at = at.min(most);
        }
        Ok(at)
    }
}
