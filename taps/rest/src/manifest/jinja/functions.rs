//! The functions of expressions, and how values become text.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use minijinja::value::{Kwargs, Rest, Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State};

use super::failure::wrong;
use super::moment::Moment;
use crate::manifest::dates;
use crate::python;

const FUNCTIONS: &[&str] = &[
    "camel_case_to_snake_case",
    "day_delta",
    "dict",
    "duration",
    "format_datetime",
    "generate_uuid",
    "max",
    "min",
    "namespace",
    "now_utc",
    "range",
    "sanitize_url",
    "str_to_datetime",
    "timestamp",
    "today_utc",
    "today_with_timezone",
];

const METHODS: &[&str] = &[
    "capitalize",
    "count",
    "date",
    "endswith",
    "find",
    "format",
    "get",
    "isalnum",
    "isalpha",
    "isdigit",
    "islower",
    "isnumeric",
    "isoformat",
    "isoweekday",
    "isspace",
    "isupper",
    "items",
    "join",
    "keys",
    "lower",
    "lstrip",
    "replace",
    "rfind",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strftime",
    "strip",
    "timestamp",
    "title",
    "upper",
    "values",
    "weekday",
];

const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
];

pub(super) fn is_one(name: &str) -> bool {
    FUNCTIONS.contains(&name) && name != "range"
}

pub(super) fn is_method(name: &str) -> bool {
    METHODS.contains(&name)
}

pub(super) fn is_test(name: &str) -> bool {
    TESTS.contains(&name)
}

/// A value within a text, as Python shows it.
pub(super) fn format(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Jinja) -> Result<(), Error> {
    let text = python_text(value);
    out.write_str(&text).map_err(Error::from)
}

/// The same as text.
pub(super) fn python_text(value: &Jinja) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Plain => value.to_string(),
        _ => serde_json::to_value(value).map_or_else(|_| value.to_string(), |json| python::str(&json)),
    }
}

/// Methods that Python's texts, lists and objects have.
pub(super) fn method(
    state: &mut State<'_, '_>,
    value: &Jinja,
    method: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    if value.is_none() || value.is_undefined() {
        // As for a part of what is not there.
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

pub(super) fn add(environment: &mut Environment<'static>) {
    let now = || Timestamp::now().to_zoned(TimeZone::UTC);
    environment.add_function("now_utc", move || Moment::value(now()));
    environment.add_function("today_utc", move || Moment::date(&now()));
    environment.add_function("today_with_timezone", move |zone: &str| {
        let zone = TimeZone::get(zone).map_err(|_| wrong("no such time zone"))?;
        Ok::<_, Error>(Moment::date(&now().with_time_zone(zone)))
    });
    environment.add_function("str_to_datetime", |text: &str| {
        Ok::<_, Error>(Moment::value(iso(text)?))
    });
    environment.add_function("timestamp", |value: &Jinja| match value.as_str() {
        Some(text) => Ok(Jinja::from(dates::seconds(&iso(text)?))),
        None => f64::try_from(value.clone()).map(whole),
    });
    environment.add_function(
        "day_delta",
        move |days: i64, format: Option<String>, named: Kwargs| {
            let format = option(format, &named, "format")?;
            let format = format.unwrap_or_else(|| "%Y-%m-%dT%H:%M:%S.%f%z".to_owned());
            named.assert_all_used()?;
            let at = now()
                .checked_add(Span::new().days(days))
                .map_err(|_| wrong("too many days"))?;
            Ok::<_, Error>(dates::strftime(&at, &format))
        },
    );
    environment.add_function("format_datetime", format_datetime);
    environment.add_function("max", |values: Rest<Jinja>| extreme(&values, Iterator::max));
    environment.add_function("min", |values: Rest<Jinja>| extreme(&values, Iterator::min));
    environment.add_function("sanitize_url", sanitize);
    environment.add_function("camel_case_to_snake_case", snake);
    environment.add_function("generate_uuid", uuid);
    // Only what is added to and taken from a moment.
    environment.add_function("duration", |_: &str| {
        Err::<Jinja, _>(wrong(
            "a duration can be added to a moment or taken from it, and nothing else",
        ))
    });
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "Python cuts the fraction off, too"
)]
fn whole(number: f64) -> Jinja {
    (number as i64).into()
}

fn iso(text: &str) -> Result<Zoned, Error> {
    dates::iso(text).ok_or_else(|| wrong("no moment in ISO 8601"))
}

/// A moment, or a text that is one.
pub(super) fn moment_of(value: &Jinja) -> Result<Moment, Error> {
    if let Some(moment) = value.downcast_object_ref::<Moment>() {
        return Ok(moment.clone());
    }
    Err(wrong("a duration is added to a moment or taken from it"))
}

/// A moment so much later or earlier.
pub(super) fn shift(moment: &Moment, by: &str, sign: i64) -> Result<Jinja, Error> {
    let span = dates::duration(by).ok_or_else(|| wrong("no ISO 8601 duration"))?;
    let span = if sign < 0 { span.negate() } else { span };
    let at = moment
        .at
        .checked_add(span)
        .map_err(|_| wrong("the moment is out of reach"))?;
    Ok(if moment.date_only {
        Moment::date(&at)
    } else {
        Moment::value(at)
    })
}

/// An argument by its position or its name.
fn option(given: Option<String>, named: &Kwargs, name: &str) -> Result<Option<String>, Error> {
    match given {
        Some(given) => Ok(Some(given)),
        None => named.get(name),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "as the template engine hands it over"
)]
fn format_datetime(
    value: &Jinja,
    format: Option<String>,
    input: Option<String>,
    named: Kwargs,
) -> Result<String, Error> {
    let format = option(format, &named, "format")?.ok_or_else(|| wrong("a format is needed"))?;
    let input = option(input, &named, "input_format")?;
    named.assert_all_used()?;
    if let Some(moment) = value.downcast_object_ref::<Moment>() {
        return Ok(dates::format(&moment.at, &format));
    }
    let unfit = || wrong("the moment is not in the format that is said");
    let at = match (value.as_str(), &input) {
        (Some(text), None) => iso(text)?,
        (Some(text), Some(input)) => dates::parse(text, input).ok_or_else(unfit)?,
        (None, input) => {
            dates::parse(&python_text(value), input.as_deref().unwrap_or("%s")).ok_or_else(unfit)?
        }
    };
    Ok(dates::format(&at, &format))
}

fn extreme(
    values: &Rest<Jinja>,
    most: fn(std::vec::IntoIter<Jinja>) -> Option<Jinja>,
) -> Result<Jinja, Error> {
    let all: Vec<Jinja> = match values.as_slice() {
        [one] => one.try_iter()?.collect(),
        many => many.to_vec(),
    };
    most(all.into_iter()).ok_or_else(|| wrong("of nothing there is no largest"))
}

/// As a form has it: a space is a plus.
fn sanitize(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut made, byte| {
        match byte {
            b' ' => made.push('+'),
            b'_' | b'.' | b'-' | b'~' => made.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => made.push(char::from(byte)),
            byte => {
                let _ = write!(made, "%{byte:02X}");
            }
        }
        made
    })
}

fn snake(text: &str) -> String {
    let mut made = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            made.push('_');
        }
        made.extend(letter.to_lowercase());
    }
    made
}

/// Version 4: random.
fn uuid() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{bits:032x}");
    [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ]
    .join("-")
}
