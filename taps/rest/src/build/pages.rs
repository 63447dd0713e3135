//! How the pages of a definition follow each other.

use melisma_sdk::http::{self, OnEmpty, Place};
use melisma_sdk::{Error, Result};

use crate::definition::{OneOf, Pages, PagesWord};

/// The pages that a definition says; `place` names it in errors.
pub(super) fn of(pages: &OneOf<PagesWord, Pages>, place: &str) -> Result<http::Pages> {
    match pages {
        OneOf::Short(PagesWord::None) => Ok(http::Pages::none()),
        OneOf::Short(PagesWord::LinkHeader) => Ok(http::Pages::link_header()),
        OneOf::Long(pages) if pages.link_header => Ok(more_about(pages, http::Pages::link_header())),
        OneOf::Long(pages) => long(pages, place),
    }
}

fn long(pages: &Pages, place: &str) -> Result<http::Pages> {
    let styles = [
        ("next_url", &pages.next_url),
        ("cursor", &pages.cursor),
        ("cursor_header", &pages.cursor_header),
        ("number", &pages.number),
        ("offset", &pages.offset),
    ];
    let given: Vec<(&str, &str)> = styles
        .iter()
        .filter_map(|(name, text)| Some((*name, text.as_deref()?)))
        .collect();
    let [(style, text)] = given.as_slice() else {
        let found: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
        let found = if found.is_empty() {
            "none".to_owned()
        } else {
            found.join(" and ")
        };
        return Err(Error::config(format!(
            "{place}: expected one of next_url, cursor, cursor_header, number and offset, found {found}"
        )));
    };
    let at = where_asked(pages, place)?;
    let mut made = match *style {
        "next_url" => http::Pages::next_url(*text),
        "cursor" => http::Pages::cursor(*text, ""),
        "cursor_header" => http::Pages::cursor_header(*text, ""),
        "number" => http::Pages::number(*text),
        _ => http::Pages::offset(*text),
    };
    match (at, *style) {
        (Some(_), "next_url") => {
            return Err(Error::config(format!(
                "{place}: a next_url is a whole URL, and goes nowhere else"
            )));
        }
        (Some(at), _) => made = made.at(at),
        (None, "cursor" | "cursor_header") => {
            return Err(Error::config(format!(
                "{place}: where does the token go? Say query, header, json, variable or placeholder"
            )));
        }
        (None, _) => {}
    }
    if let Some(size) = pages.size {
        made = made.size(pages.size_query.clone().unwrap_or_default(), size);
    } else if pages.size_query.is_some() {
        return Err(Error::config(format!(
            "{place}.size_query: there is no size to send"
        )));
    }
    if pages.own_origin && *style != "next_url" {
        return Err(Error::config(format!(
            "{place}.own_origin: only a next_url has an origin"
        )));
    }
    Ok(more_about(pages, made))
}

/// What is said in the same way of all styles.
fn more_about(pages: &Pages, mut made: http::Pages) -> http::Pages {
    if let Some(start) = pages.start {
        made = made.start(start);
    }
    if let Some(total) = &pages.total {
        made = made.total(total);
    }
    if let Some(more) = &pages.more {
        made = made.more(more);
    }
    if pages.until_empty {
        made = made.until_empty();
    }
    if let Some(goes_on) = pages.continue_if_empty {
        made = made.on_empty(if goes_on { OnEmpty::Continue } else { OnEmpty::Stop });
    }
    if let Some(max) = pages.max {
        made = made.max(max);
    }
    if let Some(count) = &pages.count {
        made = made.counted(count);
    }
    if pages.own_origin {
        made = made.own_origin();
    }
    made
}

/// Where a request says which page it wants, when that is not said by the style itself.
fn where_asked(pages: &Pages, place: &str) -> Result<Option<Place>> {
    let places = [
        ("query", pages.query.clone().map(Place::Query)),
        ("header", pages.header.clone().map(Place::Header)),
        ("json", pages.json.clone().map(Place::Body)),
        (
            "variable",
            pages
                .variable
                .as_ref()
                .map(|name| Place::Body(format!("variables.{name}"))),
        ),
        ("placeholder", pages.placeholder.clone().map(Place::Placeholder)),
    ];
    let mut given = places
        .into_iter()
        .filter_map(|(name, place)| Some((name, place?)));
    let first = given.next();
    if let (Some((a, _)), Some((b, _))) = (&first, given.next()) {
        return Err(Error::config(format!(
            "{place}: the page is asked for in one place, and {a} and {b} are two"
        )));
    }
    Ok(first.map(|(_, place)| place))
}
