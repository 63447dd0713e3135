//! The header `Link` (RFC 8288): `<https://a.example/x?page=2>; rel="next", <...>; rel="last"`.

/// The address that has this relation.
pub(super) fn find(header: &str, relation: &str) -> Option<String> {
    let mut links = all(header).into_iter();
    links
        .find(|(known, _)| known.eq_ignore_ascii_case(relation))
        .map(|(_, address)| address)
}

/// All relations with their addresses.
pub(super) fn all(header: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((address, after)) = after.split_once('>') else {
            break;
        };
        let (parameters, after) = parameters(after);
        let relations = parameters
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("rel"));
        let relations = relations.flat_map(|(_, value)| value.split_ascii_whitespace());
        links.extend(relations.map(|relation| (relation.to_owned(), address.trim().to_owned())));
        rest = after;
    }
    links
}

/// The parameters of one link, and what follows it.
fn parameters(text: &str) -> (Vec<(&str, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find([';', ',']).unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((name.trim(), value));
        rest = after.trim_start();
    }
    (found, rest)
}

fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => {
                value.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &text[at + 1..]),
            letter => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_relation_among_others() {
        let header = r#"<https://a.example/?page=1&x=a,b;c>; title="a, \"b\"; rel=next"; rel="prev first", <b>;rel=next , <c>; rel="last""#;
        assert_eq!(find(header, "next").as_deref(), Some("b"));
        assert_eq!(
            find(header, "first").as_deref(),
            Some("https://a.example/?page=1&x=a,b;c")
        );
        assert_eq!(find(header, "LAST").as_deref(), Some("c"));
        assert_eq!(find(header, "up"), None);
        assert_eq!(find("", "next"), None);
        assert_eq!(find("<a", "next"), None);
        assert_eq!(find("<a>; flag; rel=\"next\"", "next").as_deref(), Some("a"));
    }
}
