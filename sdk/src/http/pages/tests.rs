use melisma_engine::Result;
use serde_json::{Value, json};
use ureq::http::{HeaderMap, HeaderValue};

use super::*;
use crate::http::json::{Json, Parser};
use crate::http::request::Response;

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
