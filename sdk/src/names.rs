//! Names that people chose: how an error shows them, and which known one was meant.

use melisma_engine::error::show;

/// A name as it is, unless it is long or has control characters.
pub(crate) fn show_name(name: &str) -> String {
    if name.len() <= 120 && !name.contains(|c: char| c.is_control()) {
        name.to_owned()
    } else {
        show(name)
    }
}

/// The known name that an unknown one is most like, when it is like one.
pub(crate) fn near<'a>(known: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let like = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(score, _)| *score > 0.8);
    like.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
