//! Input of cases that is written in a text file: `\xHH` is a byte, `\\` a backslash, `<<text*n>>` the text n times.

/// The bytes of a case.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((repeated, after)) = repetition(rest) {
            out.extend(repeated);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(r"\\") {
            out.push(b'\\');
            rest = after;
        } else if let Some(after) = rest.strip_prefix(r"\x") {
            out.push(u8::from_str_radix(&after[..2], 16).expect("two hex digits"));
            rest = &after[2..];
        } else {
            let c = rest.chars().next().expect("not empty");
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn repetition(text: &str) -> Option<(Vec<u8>, &str)> {
    let (inner, after) = text.strip_prefix("<<")?.split_once(">>")?;
    let (piece, count) = inner.rsplit_once('*')?;
    let count: usize = count.parse().ok()?;
    if piece == "columns" {
        let columns: Vec<String> = (0..count).map(|n| format!("\"c{n}\":{{}}")).collect();
        return Some((columns.join(",").into_bytes(), after));
    }
    Some((bytes(piece).repeat(count), after))
}

#[cfg(test)]
#[test]
fn texts_of_cases_are_bytes() {
    assert_eq!(bytes(r"a\\u00e9\xff<<[*3>>"), b"a\\u00e9\xff[[[");
    assert_eq!(bytes(r"<<\x00*2>>b"), b"\0\0b");
    assert_eq!(bytes("<<columns*2>>"), br#""c0":{},"c1":{}"#);
    assert_eq!(bytes("<html>"), b"<html>");
}
