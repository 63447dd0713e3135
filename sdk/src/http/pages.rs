//! How the pages of a stream follow each other.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use melisma_engine::error::show;
use melisma_engine::{Error, Result};
use serde_json::Value;

use super::json::Json;
use super::link;
use super::path::JsonPath;
use super::request::Response;
use super::url;

/// This many empty pages in a row are a source that never says that it has ended.
const EMPTY_PAGES: u32 = 1000;

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

/// Pages with their paths compiled.
#[derive(Debug)]
pub(super) struct Paging {
    style: Compiled,
    pub(super) place: Option<Place>,
    pub(super) size: Option<(String, u64)>,
    short_page_ends: bool,
    start: u64,
    total: Option<JsonPath>,
    more: Option<JsonPath>,
    empty: OnEmpty,
    max: Option<u64>,
    own_origin: bool,
    counted: Option<JsonPath>,
}

#[derive(Debug)]
enum Compiled {
    None,
    Link(String),
    NextUrl(JsonPath),
    Cursor(JsonPath),
    CursorHeader(String),
    Number,
    Offset,
}

impl Paging {
    pub(super) fn compile(pages: &Pages) -> Result<Self> {
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
    pub(super) fn placeholder(&self) -> Option<&str> {
        match &self.place {
            Some(Place::Placeholder(name)) => Some(name),
            _ => None,
        }
    }
}

/// What a request says of the page that it wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Want {
    /// The first page of a style with tokens: nothing.
    First,
    /// A token or number.
    Token(Value),
    /// A whole URL.
    Url(String),
}

/// Walks through the pages of one stream, or of one partition of it.
pub(super) struct Paginator<'p> {
    paging: &'p Paging,
    seen: HashSet<u64>,
    hasher: RandomState,
    number: u64,
    pages: u64,
    empty_pages: u32,
}

impl<'p> Paginator<'p> {
    pub(super) fn new(paging: &'p Paging) -> Self {
        Self {
            paging,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            number: paging.start,
            pages: 0,
            empty_pages: 0,
        }
    }

    /// What the first request wants.
    pub(super) fn first(&self) -> Want {
        match self.paging.style {
            Compiled::Number | Compiled::Offset => Want::Token(self.number.into()),
            _ => Want::First,
        }
    }

    /// What the request after this page wants; `None` after the last page.
    pub(super) fn next(
        &mut self,
        answer: &Response,
        root: Json<'_>,
        records: usize,
        base: &str,
    ) -> Result<Option<Want>> {
        self.pages += 1;
        let records = match &self.paging.counted {
            Some(path) => path.first(root).map_or(0, Json::len),
            None => records,
        };
        if records == 0 {
            self.empty_pages += 1;
            if self.paging.empty == OnEmpty::Stop {
                return Ok(None);
            }
            if self.empty_pages >= EMPTY_PAGES {
                return Err(Error::input(format!(
                    "{EMPTY_PAGES} empty pages in a row, each with a link to another"
                )));
            }
        } else {
            self.empty_pages = 0;
        }
        if let Some(more) = &self.paging.more
            && !more.first(root).is_some_and(Json::is_truthy)
        {
            return Ok(None);
        }
        let mut want = self.following(answer, root, records)?;
        if let (true, Some(Want::Url(url))) = (self.paging.own_origin, &mut want) {
            *url = url::at_origin(base, url);
        }
        if let Some(want) = &want {
            self.guard(want)?;
            if self.paging.max.is_some_and(|max| self.pages >= max) {
                log::warn!(
                    "there are more pages than the {} that are read at most",
                    self.pages
                );
                return Ok(None);
            }
        }
        Ok(want)
    }

    fn following(&mut self, answer: &Response, root: Json<'_>, records: usize) -> Result<Option<Want>> {
        let token = |text: &str| (!text.is_empty()).then(|| Want::Token(text.into()));
        match &self.paging.style {
            Compiled::None => Ok(None),
            Compiled::Link(relation) => {
                let found = answer
                    .all("link")
                    .and_then(|header| link::find(&header, relation));
                found
                    .map(|link| url::resolve(&answer.url, &link).map(Want::Url))
                    .transpose()
            }
            Compiled::NextUrl(path) => {
                let found = path
                    .first(root)
                    .and_then(Json::as_str)
                    .filter(|link| !link.is_empty());
                // A query alone is none without its question mark.
                let link = |link: &str| match link.find(['?', '/', '=']) {
                    Some(at) if link[at..].starts_with('=') => url::resolve(&answer.url, &format!("?{link}")),
                    _ => url::resolve(&answer.url, link),
                };
                found.map(|found| link(found).map(Want::Url)).transpose()
            }
            Compiled::Cursor(path) => {
                let found = path.first(root).filter(|token| token.is_truthy());
                Ok(found.map(|token| Want::Token(token.to_value())))
            }
            Compiled::CursorHeader(name) => Ok(answer.header(name).and_then(token)),
            Compiled::Number => {
                self.number += 1;
                Ok(self.counted(root, records, self.number - self.paging.start))
            }
            Compiled::Offset => {
                let step = self
                    .paging
                    .size
                    .as_ref()
                    .map_or(records as u64, |(_, size)| *size);
                // A server that sends less than it was asked for would otherwise have records skipped.
                let short = (records as u64) < step && !self.paging.short_page_ends && records > 0;
                self.number += if short { records as u64 } else { step };
                Ok(self.counted(root, records, self.number - self.paging.start))
            }
        }
    }

    /// The next number, unless `read` pages or records are all.
    fn counted(&self, root: Json<'_>, records: usize, read: u64) -> Option<Want> {
        let size = self.paging.size.as_ref().map(|(_, size)| *size);
        if self.paging.short_page_ends && size.is_some_and(|size| (records as u64) < size) {
            return None;
        }
        let total = self
            .paging
            .total
            .as_ref()
            .and_then(|path| path.first(root)?.as_u64());
        if total.is_some_and(|total| read >= total) {
            return None;
        }
        Some(Want::Token(self.number.into()))
    }

    /// Fails when the same page is wanted a second time, be it the last one or one long before.
    fn guard(&mut self, want: &Want) -> Result<()> {
        let text = match want {
            Want::First => return Ok(()),
            Want::Token(token) => token.to_string(),
            Want::Url(url) => url.clone(),
        };
        if self.seen.insert(self.hasher.hash_one(&text)) {
            return Ok(());
        }
        let shown = show(url::shown(&text));
        Err(Error::input(format!(
            "the source names a next page for the second time ({shown}), and so would never end"
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use ureq::http::{HeaderMap, HeaderValue};

    use super::super::json::Parser;
    use super::*;

    /// Walks through pages, each with its header, its body and its number of records; returns what was wanted.
    fn walk(pages: &Pages, answers: &[(&str, Value, usize)]) -> Result<Vec<Want>> {
        let paging = Paging::compile(pages)?;
        let mut paginator = Paginator::new(&paging);
        let mut wanted = vec![paginator.first()];
        for (header, body, records) in answers {
            let mut headers = HeaderMap::new();
            for name in ["link", "x-next"] {
                headers.insert(name, HeaderValue::from_str(header).expect("a header"));
            }
            let answer = Response {
                status: 200,
                headers,
                body: Vec::new(),
                url: "https://a.example/v2/items?x=1".to_owned(),
            };
            let mut body = body.to_string().into_bytes();
            let nodes = Parser::default().parse(&mut body)?;
            match paginator.next(&answer, Json::root(&nodes), *records, "https://a.example/v2")? {
                Some(want) => wanted.push(want),
                None => break,
            }
        }
        Ok(wanted)
    }

    fn token(value: impl Into<Value>) -> Want {
        Want::Token(value.into())
    }

    #[test]
    fn links_come_from_the_header_or_the_page() {
        let next = Want::Url("https://a.example/v2/items?page=2".to_owned());
        let answers = [("<?page=2>; rel=next", json!([]), 2), ("", json!([]), 2)];
        assert_eq!(
            walk(&Pages::link_header(), &answers).unwrap(),
            [Want::First, next.clone()]
        );
        let answers = [
            ("", json!({"next": "/v2/items?page=2"}), 2),
            ("", json!({"next": null}), 2),
        ];
        assert_eq!(
            walk(&Pages::next_url("$.next"), &answers).unwrap(),
            [Want::First, next]
        );
    }

    #[test]
    fn links_may_be_taken_without_their_host_and_be_a_query_alone() {
        let pages = Pages::next_url("$.next").own_origin();
        let answers = [
            ("", json!({"next": "http://10.0.0.1:8080/v2/items?page=2"}), 2),
            ("", json!({"next": "page=3&x=/"}), 2),
            ("", json!({}), 2),
        ];
        let url = |text: &str| Want::Url(format!("https://a.example/v2/items?{text}"));
        assert_eq!(
            walk(&pages, &answers).unwrap(),
            [Want::First, url("page=2"), url("page=3&x=/")]
        );
    }

    #[test]
    fn a_list_other_than_the_records_may_count() {
        let pages = Pages::offset("offset").size("limit", 2).counted("$.rows");
        let page = |rows: Value, records| ("", json!({"rows": rows}), records);
        assert_eq!(
            walk(&pages, &[page(json!([1, 2]), 1), page(json!([3]), 9)]).unwrap(),
            [token(0), token(2)]
        );
    }

    #[test]
    fn tokens_come_from_the_page_or_a_header_until_there_is_none() {
        let pages = Pages::cursor("$.next", "after");
        let answers = [
            ("", json!({"next": "a"}), 2),
            ("", json!({"next": 7}), 0),
            ("", json!({"next": ""}), 2),
        ];
        assert_eq!(
            walk(&pages, &answers).unwrap(),
            [Want::First, token("a"), token(7)]
        );
        let stop = pages.clone().on_empty(OnEmpty::Stop);
        assert_eq!(walk(&stop, &answers).unwrap(), [Want::First, token("a")]);
        let more = pages.more("$.more");
        let answers = [
            ("", json!({"next": "a", "more": true}), 2),
            ("", json!({"next": "b", "more": false}), 2),
        ];
        assert_eq!(walk(&more, &answers).unwrap(), [Want::First, token("a")]);
        let answers = [("t1", json!([]), 2), ("", json!([]), 2)];
        assert_eq!(
            walk(&Pages::cursor_header("X-Next", "t"), &answers).unwrap(),
            [Want::First, token("t1")]
        );
    }

    #[test]
    fn numbers_end_with_a_short_an_empty_or_the_last_page() {
        let page = |records| ("", json!({"pages": 3, "all": 25}), records);
        let plain = Pages::number("page");
        assert_eq!(
            walk(&plain, &[page(9), page(3), page(0)]).unwrap(),
            [token(1), token(2), token(3)]
        );
        let sized = plain.clone().size("n", 10);
        assert_eq!(walk(&sized, &[page(10), page(9)]).unwrap(), [token(1), token(2)]);
        let patient = sized.clone().until_empty();
        assert_eq!(
            walk(&patient, &[page(10), page(9), page(0)]).unwrap(),
            [token(1), token(2), token(3)]
        );
        let total = plain.start(0).total("$.pages");
        assert_eq!(
            walk(&total, &[page(1), page(1), page(1)]).unwrap(),
            [token(0), token(1), token(2)]
        );
    }

    #[test]
    fn offsets_count_records_and_skip_none_after_a_short_page() {
        let page = |records| ("", json!({"all": 25}), records);
        let sized = Pages::offset("offset").size("limit", 10);
        assert_eq!(
            walk(&sized, &[page(10), page(10), page(5)]).unwrap(),
            [token(0), token(10), token(20)]
        );
        let total = sized.total("$.all");
        let answers = [page(10), page(7), page(8)];
        assert_eq!(walk(&total, &answers).unwrap(), [token(0), token(10), token(17)]);
        let unsized_ = Pages::offset("offset").start(1);
        assert_eq!(
            walk(&unsized_, &[page(4), page(0)]).unwrap(),
            [token(1), token(5)]
        );
    }

    #[test]
    fn a_page_that_is_named_twice_is_an_error_whenever_that_is() {
        let pages = Pages::cursor("$.next", "after");
        let next = |token: &str| ("", json!({"next": token}), 1);
        let error = walk(&pages, &[next("a"), next("b"), next("a")]).expect_err("a loop");
        assert!(error.to_string().contains("would never end"), "{error}");
        let link = [
            ("<?a=1>; rel=next", json!([]), 1),
            ("<?a=1>; rel=next", json!([]), 1),
        ];
        assert!(walk(&Pages::link_header(), &link).is_err());
        let empty: Vec<_> = (0..1001).map(|n| ("", json!({"next": n + 1}), 0)).collect();
        assert!(walk(&pages, &empty).is_err());
    }

    #[test]
    fn what_would_never_end_is_refused() {
        for pages in [
            Pages::number("page").on_empty(OnEmpty::Continue),
            Pages::offset("o").on_empty(OnEmpty::Continue).total("$.t"),
            Pages::cursor("$.a", "b").total("$.t"),
            Pages::cursor("$..a", "b"),
        ] {
            assert!(Paging::compile(&pages).is_err(), "{pages:?}");
        }
    }

    #[test]
    fn at_most_so_many_pages_are_read() {
        let next = |token: &str| ("", json!({"next": token}), 1);
        let pages = Pages::cursor("$.next", "after").max(2);
        let wanted = walk(&pages, &[next("a"), next("b"), next("c")]).unwrap();
        assert_eq!(wanted, [Want::First, token("a")]);
    }
}
