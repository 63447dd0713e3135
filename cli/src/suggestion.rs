//! What was probably meant by a name that does not exist.

/// `; did you mean "x"?` when one of `known` is similar to `name`, otherwise a list of what there is.
pub(crate) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(name, other), *other))
        .filter(|(edits, other)| *edits <= 1 + other.len() / 4)
        .min_by_key(|(edits, _)| *edits);
    match near {
        Some((_, other)) => format!("; did you mean {other:?}?"),
        None if known.is_empty() => String::new(),
        None => format!("; there is {}", known.join(", ")),
    }
}
