//! What the page and its plots share: escaped text, and the colours of candidates.

use std::borrow::Cow;

use super::form::{Case, Measured, Role};

/// Text for HTML.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The candidates with the class of their colour: rivals and floors have one each.
pub(super) fn named(case: &Case) -> impl Iterator<Item = (&Measured, String)> {
    let (mut rivals, mut floors) = (0, 0);
    case.candidates.iter().map(move |one| {
        let class = match one.role {
            Role::Subject => "subject".to_owned(),
            Role::Floor => {
                floors += 1;
                format!("floor-{}", (floors - 1) % 2)
            }
            Role::Rival => {
                rivals += 1;
                format!("rival-{}", (rivals - 1) % 4)
            }
        };
        (one, class)
    })
}
