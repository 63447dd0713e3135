//! Shell patterns as Python's `fnmatchcase` has them: `*`, `?`, `[..]`, `[!..]`; `*` crosses dots.

/// Whether the whole of `text` matches `pattern`, letter case included.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not match: one character further.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some(length) = one(&pattern[p..], text[t]) {
            p += length;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// The length of the first piece of the pattern, when it matches `c`.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match class(pattern) {
            Some((inside, length)) => in_class(inside, c).then_some(length),
            None => (c == '[').then_some(1),
        },
        &literal => (literal == c).then_some(1),
    }
}

/// The inside of `[...]`, and its length with the brackets. A bracket right after the opening one is literal.
fn class(pattern: &[char]) -> Option<(&[char], usize)> {
    let first = if pattern.get(1) == Some(&'!') { 2 } else { 1 };
    let end = pattern.iter().skip(first + 1).position(|&c| c == ']')? + first + 1;
    Some((&pattern[1..end], end + 1))
}

fn in_class(inside: &[char], c: char) -> bool {
    let (negated, mut rest) = match inside {
        ['!', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    while let [first, tail @ ..] = rest {
        rest = match tail {
            ['-', last, tail @ ..] => {
                found |= (*first..=*last).contains(&c);
                tail
            }
            tail => {
                found |= *first == c;
                tail
            }
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_fnmatch_does() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "a.b.c", true),
            ("a*c", "a.b.cd", false),
            ("*a*b", "xaab", true),
            ("i?", "id", true),
            ("i?", "i", false),
            ("[ab]x", "bx", true),
            ("[!ab]x", "bx", false),
            ("[a-c]", "b", true),
            ("[]x]", "]", true),
            ("[x", "[x", true),
            ("Users", "users", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
