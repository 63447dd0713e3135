//! Properties of a record that the schema does not declare: dropped, collected in a column, or refused.

use std::collections::HashMap;

use crate::cell::Text;
use crate::json::skip;

/// What becomes of properties that the schema does not declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undeclared {
    /// They are left out, and named once each: [`Decoder::take_unknown`](super::Decoder::take_unknown).
    #[default]
    Drop,
    /// They stay: a record may be passed on with them ([`Row::untouched`](crate::cell::Row::untouched)), and where it is
    /// not, they are in [`Row::undeclared`](crate::cell::Row::undeclared).
    Keep,
    /// They are put into [`Row::undeclared`](crate::cell::Row::undeclared).
    Collect,
    /// A record that has one is invalid.
    Refuse,
}

/// Leaves of members with one name only the last; returns whether there were such.
#[cold]
pub(super) fn keep_last(members: &mut Vec<&str>) -> bool {
    let name = |member: &&str| {
        let (end, escaped) = skip::string(member.as_bytes(), 1).unwrap_or((1, false));
        Text::new(member.get(1..end - 1).unwrap_or_default(), escaped)
            .to_text()
            .into_owned()
    };
    let last: HashMap<String, usize> = members.iter().map(name).zip(0..).collect();
    let twice = last.len() < members.len();
    if twice {
        let mut at = 0..;
        members.retain(|member| last.get(&name(member)) == at.next().as_ref());
    }
    twice
}
