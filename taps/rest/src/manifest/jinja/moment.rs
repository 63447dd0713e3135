//! Moments and dates in expressions: what `now_utc()` and `str_to_datetime(...)` give.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::Zoned;
use minijinja::value::{DynObject, Object, ObjectRepr, Value as Jinja};
use minijinja::{Error, ErrorKind, State};

use crate::manifest::dates;

/// A moment, or its date alone.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Zoned,
    pub(super) date_only: bool,
}

impl Moment {
    pub(super) fn value(at: Zoned) -> Jinja {
        Jinja::from_object(Self { at, date_only: false })
    }

    pub(super) fn date(at: &Zoned) -> Jinja {
        let at = at.start_of_day().unwrap_or_else(|_| at.clone());
        Jinja::from_object(Self { at, date_only: true })
    }

    /// With a `T` between date and time.
    fn iso(&self, between: &str) -> String {
        if self.date_only {
            return self.at.strftime("%Y-%m-%d").to_string();
        }
        let fraction = if self.at.subsec_nanosecond() == 0 {
            ""
        } else {
            ".%6f"
        };
        self.at
            .strftime(&format!("%Y-%m-%d{between}%H:%M:%S{fraction}%:z"))
            .to_string()
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, name: &Jinja) -> Option<Jinja> {
        let at = &self.at;
        Some(match name.as_str()? {
            "year" => at.year().into(),
            "month" => at.month().into(),
            "day" => at.day().into(),
            "hour" => at.hour().into(),
            "minute" => at.minute().into(),
            "second" => at.second().into(),
            "microsecond" => (at.subsec_nanosecond() / 1000).into(),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Jinja],
    ) -> Result<Jinja, Error> {
        let text = |at: usize| {
            let text = args.get(at).and_then(Jinja::as_str);
            text.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "a text is expected"))
        };
        Ok(match method {
            "strftime" => dates::strftime(&self.at, text(0)?).into(),
            "isoformat" => self.iso("T").into(),
            "timestamp" => dates::seconds(&self.at).into(),
            "date" => Self::date(&self.at),
            "weekday" => (i64::from(self.at.weekday().to_monday_zero_offset())).into(),
            "isoweekday" => (i64::from(self.at.weekday().to_monday_one_offset())).into(),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        })
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some(self.at.timestamp().cmp(&other.at.timestamp()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso(" "))
    }
}
