//! How pages follow each other.

use melisma_sdk::JsonSchema;
use serde::Deserialize;

/// The pages that a word says.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PagesWord {
    /// There is one page.
    None,
    /// The header `Link` has the URL of the next page.
    LinkHeader,
}

/// How pages follow each other: one of `next_url`, `cursor`, `cursor_header`, `number` and `offset`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Pages {
    /// The JSON path of the next page's URL.
    pub next_url: Option<String>,
    /// The JSON path of a token for the next page, which is sent where `query`, `header`, `json`, `variable` or `placeholder`
    /// says.
    pub cursor: Option<String>,
    /// A header with the token.
    pub cursor_header: Option<String>,
    /// Pages have numbers, sent as this parameter of the query.
    pub number: Option<String>,
    /// A page starts at the number of a record, sent as this parameter of the query.
    pub offset: Option<String>,
    /// The page is asked for in this parameter of the query.
    pub query: Option<String>,
    /// The page is asked for in this header.
    pub header: Option<String>,
    /// The page is asked for in this member of the JSON body: `page.cursor`.
    pub json: Option<String>,
    /// The page is asked for in this variable of the GraphQL query.
    pub variable: Option<String>,
    /// The page is asked for where this placeholder stands: `/items/{page}`.
    pub placeholder: Option<String>,
    /// How many records a page has.
    pub size: Option<u64>,
    /// The parameter of the query that says so; without it, the size is not sent.
    pub size_query: Option<String>,
    /// The number of the first page (1) or record (0).
    pub start: Option<u64>,
    /// The JSON path of the number of all pages, or of all records.
    pub total: Option<String>,
    /// The JSON path of a value that says whether there are more pages.
    pub more: Option<String>,
    /// Whether only an empty page is the last, and a short one is not.
    #[serde(default)]
    pub until_empty: bool,
    /// Whether the pages go on after an empty one.
    pub continue_if_empty: Option<bool>,
    /// Reads at most this many pages, and warns when there are more.
    pub max: Option<u64>,
    /// The JSON path of the list whose length says whether a page is short or empty, where that is not the records.
    pub count: Option<String>,
    /// Takes only the path and the query from a `next_url`, and asks at the address of the API.
    #[serde(default)]
    pub own_origin: bool,
    /// The word `link_header`, with more about it.
    #[serde(skip)]
    pub(crate) link_header: bool,
}
