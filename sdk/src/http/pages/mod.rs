//! How the pages of a stream follow each other.

mod paginator;
mod paging;
#[cfg(test)]
mod tests;

pub(super) use paginator::{Paginator, Want};
pub(super) use paging::Paging;

/// How the pages of a stream follow each other, and where the request says which one it wants.
///
/// Whatever the style, a token or link that comes a second time is an error, since the same pages would come forever.
///
/// ```
/// use melisma_sdk::http::{Pages, Place};
///
/// let by_number = Pages::number("page").size("per_page", 100);
/// let by_token = Pages::cursor("$.meta.next", "after").more("$.meta.has_more");
/// let in_the_body = Pages::cursor("$.next", "cursor").at(Place::Body("page.cursor".into()));
/// let by_link = Pages::next_url("$.links.next");
/// ```
#[derive(Clone, Debug)]
pub struct Pages {
    style: Style,
    place: Option<Place>,
    size: Option<(String, u64)>,
    until_empty: bool,
    start: Option<u64>,
    total: Option<String>,
    more: Option<String>,
    empty: Option<OnEmpty>,
    max: Option<u64>,
    own_origin: bool,
    counted: Option<String>,
}

/// Where a request says which page it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A parameter of the query.
    Query(String),
    /// A header.
    Header(String),
    /// A member of the JSON body, by its names with dots between: `page.cursor`.
    Body(String),
    /// A placeholder in the path, the query, the headers or the body: `/items/{page}`.
    Placeholder(String),
}

/// What an empty page means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnEmpty {
    /// It is the last one.
    Stop,
    /// It is one like others.
    Continue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Style {
    None,
    Link(String),
    NextUrl(String),
    Cursor(String),
    CursorHeader(String),
    Number,
    Offset,
}

impl Pages {
    fn new(style: Style, place: Option<Place>) -> Self {
        Self {
            style,
            place,
            size: None,
            until_empty: false,
            start: None,
            total: None,
            more: None,
            empty: None,
            max: None,
            own_origin: false,
            counted: None,
        }
    }

    /// There is one page.
    pub fn none() -> Self {
        Self::new(Style::None, None)
    }

    /// The header `Link` has the URL of the next page, with `rel="next"`.
    pub fn link_header() -> Self {
        Self::new(Style::Link("next".to_owned()), None)
    }

    /// The page has the URL of the next one, at this JSON path.
    pub fn next_url(path: impl Into<String>) -> Self {
        Self::new(Style::NextUrl(path.into()), None)
    }

    /// The page has a token for the next one, at this JSON path; it is sent as a parameter of the query. A path such as
    /// `$.items[-1].id` takes it from the last record.
    pub fn cursor(path: impl Into<String>, query: impl Into<String>) -> Self {
        Self::new(Style::Cursor(path.into()), Some(Place::Query(query.into())))
    }

    /// A header has a token for the next page; it is sent as a parameter of the query.
    pub fn cursor_header(header: impl Into<String>, query: impl Into<String>) -> Self {
        Self::new(
            Style::CursorHeader(header.into()),
            Some(Place::Query(query.into())),
        )
    }

    /// Pages have numbers, from 1. The last one has fewer records than [`size`](Self::size) says, or is empty.
    pub fn number(query: impl Into<String>) -> Self {
        Self::new(Style::Number, Some(Place::Query(query.into())))
    }

    /// A page starts at the number of a record, from 0.
    pub fn offset(query: impl Into<String>) -> Self {
        Self::new(Style::Offset, Some(Place::Query(query.into())))
    }

    /// Says elsewhere than in the query which page is wanted.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// How many records a page has, sent as this parameter of the query; an empty name is not sent.
    #[must_use]
    pub fn size(mut self, query: impl Into<String>, size: u64) -> Self {
        self.size = Some((query.into(), size));
        self
    }

    /// The number of the first page, or of the first record.
    #[must_use]
    pub fn start(mut self, number: u64) -> Self {
        self.start = Some(number);
        self
    }

    /// The JSON path of the number of all pages ([`number`](Self::number)), or of all records ([`offset`](Self::offset)).
    #[must_use]
    pub fn total(mut self, path: impl Into<String>) -> Self {
        self.total = Some(path.into());
        self
    }

    /// The JSON path of a value that says whether there are more pages: anything but null, `false`, 0 and an empty text does.
    #[must_use]
    pub fn more(mut self, path: impl Into<String>) -> Self {
        self.more = Some(path.into());
        self
    }

    /// What an empty page means. As a rule it ends pages with numbers and offsets, and no others: sources with tokens and links
    /// have empty pages between full ones when they filter.
    #[must_use]
    pub fn on_empty(mut self, what: OnEmpty) -> Self {
        self.empty = Some(what);
        self
    }

    /// Goes on after a page with fewer records than its size: only an empty one is the last.
    #[must_use]
    pub fn until_empty(mut self) -> Self {
        self.until_empty = true;
        self
    }

    /// Takes only the path and the query from a link to the next page, and asks at the address of the API: for servers whose
    /// links have the host that they are known by inside of a network.
    #[must_use]
    pub fn own_origin(mut self) -> Self {
        self.own_origin = true;
        self
    }

    /// The JSON path of the list whose length says whether a page is short or empty, where that is not the records.
    #[must_use]
    pub fn counted(mut self, path: impl Into<String>) -> Self {
        self.counted = Some(path.into());
        self
    }

    /// Reads at most this many pages, and warns when there are more.
    #[must_use]
    pub fn max(mut self, pages: u64) -> Self {
        self.max = Some(pages);
        self
    }
}
