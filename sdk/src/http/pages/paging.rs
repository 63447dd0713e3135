//! Pages with their paths compiled, and what of them would never end refused.

use melisma_engine::{Error, Result};

use super::{OnEmpty, Pages, Place, Style};
use crate::http::path::JsonPath;

/// Pages with their paths compiled.
#[derive(Debug)]
pub(in crate::http) struct Paging {
    pub(super) style: Compiled,
    pub(in crate::http) place: Option<Place>,
    pub(in crate::http) size: Option<(String, u64)>,
    pub(super) short_page_ends: bool,
    pub(super) start: u64,
    pub(super) total: Option<JsonPath>,
    pub(super) more: Option<JsonPath>,
    pub(super) empty: OnEmpty,
    pub(super) max: Option<u64>,
    pub(super) own_origin: bool,
    pub(super) counted: Option<JsonPath>,
}

#[derive(Debug)]
pub(super) enum Compiled {
    None,
    Link(String),
    NextUrl(JsonPath),
    Cursor(JsonPath),
    CursorHeader(String),
    Number,
    Offset,
}

impl Paging {
    pub(in crate::http) fn compile(pages: &Pages) -> Result<Self> {
        let optional = |path: &Option<String>| path.as_deref().map(JsonPath::compile).transpose();
        let counts = matches!(pages.style, Style::Number | Style::Offset);
        if pages.total.is_some() && !counts {
            return Err(Error::config(
                "pages: total belongs to pages with numbers or offsets",
            ));
        }
        let size = pages.size.clone();
        let (total, more) = (optional(&pages.total)?, optional(&pages.more)?);
        if pages.style == Style::Offset && size.is_none() && pages.empty == Some(OnEmpty::Continue) {
            return Err(Error::config(
                "pages: offsets that go on after empty pages need a size",
            ));
        }
        if counts && pages.empty == Some(OnEmpty::Continue) && total.is_none() && more.is_none() {
            return Err(Error::config(
                "pages: numbers and offsets that go on after empty pages need a total or a more, or they never end",
            ));
        }
        Ok(Self {
            style: match &pages.style {
                Style::None => Compiled::None,
                Style::Link(relation) => Compiled::Link(relation.clone()),
                Style::NextUrl(path) => Compiled::NextUrl(JsonPath::compile(path)?),
                Style::Cursor(path) => Compiled::Cursor(JsonPath::compile(path)?),
                Style::CursorHeader(name) => Compiled::CursorHeader(name.clone()),
                Style::Number => Compiled::Number,
                Style::Offset => Compiled::Offset,
            },
            place: pages.place.clone(),
            short_page_ends: size.is_some() && !pages.until_empty && total.is_none() && more.is_none(),
            size,
            start: pages.start.unwrap_or(u64::from(pages.style == Style::Number)),
            total,
            more,
            empty: pages
                .empty
                .unwrap_or(if counts { OnEmpty::Stop } else { OnEmpty::Continue }),
            max: pages.max,
            own_origin: pages.own_origin,
            counted: optional(&pages.counted)?,
        })
    }

    /// The name of the placeholder that stands for the page.
    pub(in crate::http) fn placeholder(&self) -> Option<&str> {
        match &self.place {
            Some(Place::Placeholder(name)) => Some(name),
            _ => None,
        }
    }
}
