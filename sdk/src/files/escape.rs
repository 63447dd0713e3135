//! A stream's name as a part of a file name.

use std::fmt::Write as _;

/// A longer name is cut, and kept unique by a hash: file systems take 255 bytes, and suffixes need room.
const LONGEST: usize = 120;

/// Names that Windows keeps for devices, whatever the extension.
const RESERVED: [&str; 32] = [
    "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6",
    "COM7", "COM8", "COM9", "COM¹", "COM²", "COM³", "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6",
    "LPT7", "LPT8", "LPT9", "LPT¹", "LPT²", "LPT³",
];

/// The name with everything percent-escaped that some file system or shell pattern takes for something else, so
/// that it is one file name, inside its folder, and different for each stream.
pub(super) fn file_name(stream: &str) -> String {
    let stem = stream.split('.').next().unwrap_or_default();
    let reserved = RESERVED
        .iter()
        .any(|name| stem.trim_end().eq_ignore_ascii_case(name));
    let last = stream.chars().count().saturating_sub(1);
    let mut name = String::with_capacity(stream.len());
    for (at, c) in stream.chars().enumerate() {
        let unsafe_here = match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' => true,
            '.' => at == 0 || at == last,
            ' ' => at == last,
            _ => c.is_control() || (at == 0 && reserved),
        };
        if unsafe_here {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
        } else {
            name.push(c);
        }
    }
    if name.len() > LONGEST {
        shorten(&name, stream)
    } else {
        name
    }
}

fn shorten(name: &str, stream: &str) -> String {
    let mut end = LONGEST - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // Not in the middle of %XX.
    if let Some(percent) = name[..end].rfind('%').filter(|percent| end - percent < 3) {
        end = percent;
    }
    format!("{}~{:016x}", &name[..end], fnv(stream.as_bytes()))
}

/// FNV-1a, 64 bits: the same in every version and on every machine.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay() {
        for name in [
            "orders",
            "public-orders",
            "a.b",
            "TestCamelcase",
            "größe",
            "_x",
            "a b",
            "漢字",
        ] {
            assert_eq!(file_name(name), name);
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for (name, safe) in [
            ("../x", "%2E.%2Fx"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("/etc/passwd", "%2Fetc%2Fpasswd"),
            ("a/b", "a%2Fb"),
            ("a\\b", "a%5Cb"),
            ("a\0b\n", "a%00b%0A"),
            ("C:x", "C%3Ax"),
            ("100%", "100%25"),
            ("con", "%63on"),
            ("NUL.txt", "%4EUL.txt"),
            ("a.", "a%2E"),
            (
                "test:SpecialChars!in?attributes",
                "test%3ASpecialChars!in%3Fattributes",
            ),
        ] {
            assert_eq!(file_name(name), safe);
        }
    }

    #[test]
    fn different_names_stay_different() {
        assert_ne!(file_name("a/b"), file_name("a%2Fb"));
        let long = "x/".repeat(200);
        let other = format!("{long}y");
        assert!(file_name(&long).len() <= LONGEST);
        assert!(!file_name(&long).contains('/'));
        assert_ne!(file_name(&long), file_name(&other));
    }
}
