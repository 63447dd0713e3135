//! The pages of tap-rest-api-msdk, which are said in two halves: how the next page is found in an answer
//! (`pagination_request_style`), and how it is asked for (`pagination_response_style`).

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

use super::settings::Msdk;
use crate::definition::Pages;

/// How a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Page,
    Offset,
    HeaderLink,
    Hateoas,
}

/// Pages, and parameters that each request has for their sake.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) pages: Option<Pages>,
    pub(super) params: Map<String, Value>,
    /// Whether a stream with a replication key asks for its order with `sort` and `order_by`.
    pub(super) orders: bool,
    /// Whether it asks as for GitHub.
    pub(super) header_link: bool,
    /// Whether a search without a template is `gt` and the bookmark.
    pub(super) greater: bool,
}

/// What the settings say, for a stream whose own list counts when it is given.
pub(super) fn of(settings: &Msdk, params: &Map<String, Value>, counted: Option<&str>) -> Result<Paging> {
    let ask = asked(settings)?;
    let style = settings.pagination_request_style.as_deref().unwrap_or("default");
    if settings.pagination_results_limit.is_some() && style != "restapi_header_link_paginator" {
        return Err(Error::config(
            "pagination_results_limit: it ends the run with an error when there are more records, except with \
             restapi_header_link_paginator; leave it out, and see the first records with melisma head",
        ));
    }
    let body = settings.use_request_body_not_params == Some(true);
    let next = settings.pagination_next_page_param.as_deref();
    let name = next.unwrap_or(if ask == Ask::Offset { "offset" } else { "page" });
    let mut pages = Pages {
        continue_if_empty: Some(false),
        ..Pages::default()
    };
    let token = settings.next_page_token_path.as_deref();
    match (style, ask) {
        ("default" | "jsonpath_paginator", Ask::Hateoas) => {
            pages.next_url = Some(token.unwrap_or("$.next_page").to_owned());
            pages.own_origin = true;
        }
        ("default" | "jsonpath_paginator", Ask::Page | Ask::Offset) => {
            pages.cursor = Some(token.unwrap_or("$.next_page").to_owned());
        }
        ("simple_header_paginator", Ask::Page | Ask::Offset) => match token {
            Some(path) => pages.cursor = Some(path.to_owned()),
            None => pages.cursor_header = Some("X-Next-Page".to_owned()),
        },
        ("restapi_header_link_paginator", Ask::HeaderLink) => return header_link(settings, params),
        ("style1" | "offset_paginator", Ask::Offset) => {
            pages.offset = Some(name.to_owned());
            let place = token.unwrap_or("$.pagination");
            pages.more = Some(place.to_owned());
            let total = settings
                .pagination_total_limit_param
                .as_deref()
                .unwrap_or("total");
            pages.total = Some(format!("{place}.{total}"));
            pages.size = Some(
                settings
                    .pagination_page_size
                    .unwrap_or_else(|| size_of(settings, params, "limit")),
            );
        }
        ("simple_offset_paginator", Ask::Page | Ask::Offset) => match settings.pagination_page_size {
            Some(size) => {
                pages.offset = Some(name.to_owned());
                pages.size = Some(size);
                pages.count = counted.map(str::to_owned);
            }
            None => {
                log::warn!("config: simple_offset_paginator reads one page without a pagination_page_size");
                return Ok(single(settings, ask));
            }
        },
        ("page_number_paginator", Ask::Page) => {
            pages.number = Some(name.to_owned());
            pages.more = Some(token.unwrap_or("$.hasMore").to_owned());
        }
        ("single_page_paginator", Ask::Page | Ask::Offset | Ask::Hateoas) => {
            return Ok(single(settings, ask));
        }
        ("header_link_paginator", _) => {
            return Err(refused(
                style,
                "use restapi_header_link_paginator, with header_link as pagination_response_style",
            ));
        }
        ("hateoas_paginator", _) => {
            return Err(refused(
                style,
                "use default, with hateoas_body as pagination_response_style",
            ));
        }
        _ => return Err(mismatch(style, settings)),
    }
    if pages.offset.is_some() || pages.number.is_some() {
        pages.start = Some(settings.pagination_initial_offset.unwrap_or(1));
    }
    if pages.next_url.is_none() {
        let place = if body { &mut pages.json } else { &mut pages.query };
        *place = Some(name.to_owned());
    }
    let mut paging = single(settings, ask);
    if paging.params.is_empty()
        && ask == Ask::Offset
        && let Some(size) = pages.size
    {
        paging
            .params
            .insert(limit(settings, "limit").to_owned(), size.into());
    }
    paging.pages = Some(pages);
    Ok(paging)
}

/// How the settings ask.
fn asked(settings: &Msdk) -> Result<Ask> {
    Ok(match settings.pagination_response_style.as_deref() {
        None | Some("default" | "page") => Ask::Page,
        Some("offset" | "style1") => Ask::Offset,
        Some("header_link") => Ask::HeaderLink,
        Some("hateoas_body") => Ask::Hateoas,
        Some(other) => {
            return Err(Error::config(format!(
                "pagination_response_style: expected page, offset, header_link or hateoas_body, found {other}"
            )));
        }
    })
}

/// One page.
fn single(settings: &Msdk, ask: Ask) -> Paging {
    let mut params = Map::new();
    if let Some(size) = settings.pagination_page_size {
        match ask {
            Ask::Offset => {
                params.insert(limit(settings, "limit").to_owned(), size.into());
            }
            Ask::Hateoas if settings.pagination_limit_per_page_param.is_some() => {
                params.insert(limit(settings, "limit").to_owned(), size.into());
            }
            _ => log::warn!(
                "config: pagination_page_size is not sent with this pagination_response_style, as in tap-rest-api-msdk; add it \
                 to params"
            ),
        }
    }
    Paging {
        pages: None,
        params,
        orders: matches!(ask, Ask::Page | Ask::Offset),
        header_link: ask == Ask::HeaderLink,
        greater: ask == Ask::Hateoas,
    }
}

/// Links in the header `Link`, as GitHub has them.
fn header_link(settings: &Msdk, params: &Map<String, Value>) -> Result<Paging> {
    if settings.use_request_body_not_params == Some(true) {
        return Err(mismatch("restapi_header_link_paginator", settings));
    }
    let size = settings
        .pagination_page_size
        .unwrap_or_else(|| size_of(settings, params, "per_page"));
    let pages = Pages {
        link_header: true,
        continue_if_empty: Some(false),
        max: settings
            .pagination_results_limit
            .map(|limit| limit.div_ceil(size.max(1)).max(1)),
        ..Pages::default()
    };
    let mut sizes = Map::new();
    sizes.insert(limit(settings, "per_page").to_owned(), size.into());
    Ok(Paging {
        pages: Some(pages),
        params: sizes,
        orders: false,
        header_link: true,
        greater: false,
    })
}

fn limit<'s>(settings: &'s Msdk, default: &'s str) -> &'s str {
    settings
        .pagination_limit_per_page_param
        .as_deref()
        .unwrap_or(default)
}

/// The size that the parameters ask for, or 25.
fn size_of(settings: &Msdk, params: &Map<String, Value>, default: &str) -> u64 {
    let given = params.get(limit(settings, default));
    let given = given.and_then(|given| given.as_u64().or_else(|| given.as_str()?.parse().ok()));
    given.filter(|size| *size > 0).unwrap_or(25)
}

fn refused(style: &str, instead: &str) -> Error {
    Error::config(format!(
        "pagination_request_style: {style} does not work in tap-rest-api-msdk, either; {instead}"
    ))
}

fn mismatch(style: &str, settings: &Msdk) -> Error {
    let ask = settings.pagination_response_style.as_deref().unwrap_or("default");
    let styles = "default, jsonpath_paginator, simple_header_paginator, restapi_header_link_paginator, offset_paginator, \
                  simple_offset_paginator, page_number_paginator or single_page_paginator";
    if styles
        .split(", ")
        .flat_map(|part| part.split(" or "))
        .any(|known| known == style)
        || style == "style1"
    {
        let instead = match style {
            "restapi_header_link_paginator" => "header_link",
            "offset_paginator" | "style1" => "offset",
            _ => "page",
        };
        return Error::config(format!(
            "pagination_response_style: {ask} does not go with the pagination_request_style {style}; use {instead}"
        ));
    }
    Error::config(format!(
        "pagination_request_style: expected {styles}, found {style}"
    ))
}
