//! The headers of an answer, as expressions see them.

use std::sync::Arc;

use melisma_sdk::http::Response;
use minijinja::value::{Enumerator, Object, Value as Jinja};

/// The headers of an answer, whatever their case, and its links.
pub(super) fn headers(answer: &Response) -> Jinja {
    let mut all: Vec<(String, Jinja)> = answer
        .headers()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    all.retain(|(name, _)| name != "link");
    let links = answer.links().into_iter().map(|(relation, url)| {
        let link = Jinja::from_pairs([("url", Jinja::from(url)), ("rel", Jinja::from(relation.clone()))]);
        (relation, link)
    });
    all.push(("link".to_owned(), Jinja::from_pairs(links)));
    Jinja::from_object(Headers(all))
}

#[derive(Debug)]
struct Headers(Vec<(String, Jinja)>);

impl Object for Headers {
    fn get_value(self: &Arc<Self>, name: &Jinja) -> Option<Jinja> {
        let name = name.as_str()?;
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(name, _)| name.as_str().into()).collect())
    }
}
