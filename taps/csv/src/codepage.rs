//! The DOS code pages, which the WHATWG standard lacks and old exports still use.

use oem_cp::code_table as tables;

/// One byte for each character; the lower half is ASCII.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodePage {
    name: &'static str,
    upper: Upper,
}

#[derive(Clone, Copy, Debug)]
enum Upper {
    Full(&'static [char; 128]),
    /// Some bytes stand for nothing.
    Partial(&'static [Option<char>; 128]),
}

impl PartialEq for CodePage {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CodePage {}

impl CodePage {
    /// The code page of that number.
    pub(crate) fn of(number: &str) -> Option<Self> {
        let full = |name, table| {
            Some(Self {
                name,
                upper: Upper::Full(table),
            })
        };
        let partial = |name, table| {
            Some(Self {
                name,
                upper: Upper::Partial(table),
            })
        };
        match number {
            "437" => full("cp437", &tables::DECODING_TABLE_CP437),
            "720" => full("cp720", &tables::DECODING_TABLE_CP720),
            "737" => full("cp737", &tables::DECODING_TABLE_CP737),
            "775" => full("cp775", &tables::DECODING_TABLE_CP775),
            "850" => full("cp850", &tables::DECODING_TABLE_CP850),
            "852" => full("cp852", &tables::DECODING_TABLE_CP852),
            "855" => full("cp855", &tables::DECODING_TABLE_CP855),
            "857" => partial("cp857", &tables::DECODING_TABLE_CP857),
            "858" => full("cp858", &tables::DECODING_TABLE_CP858),
            "860" => full("cp860", &tables::DECODING_TABLE_CP860),
            "861" => full("cp861", &tables::DECODING_TABLE_CP861),
            "862" => full("cp862", &tables::DECODING_TABLE_CP862),
            "863" => full("cp863", &tables::DECODING_TABLE_CP863),
            "864" => partial("cp864", &tables::DECODING_TABLE_CP864),
            "865" => full("cp865", &tables::DECODING_TABLE_CP865),
            "869" => full("cp869", &tables::DECODING_TABLE_CP869),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// The character that a byte stands for.
    #[inline]
    pub(crate) fn decode(self, byte: u8) -> Option<char> {
        let Some(at) = byte.checked_sub(128) else {
            return Some(char::from(byte));
        };
        match self.upper {
            Upper::Full(table) => Some(table[usize::from(at)]),
            Upper::Partial(table) => table[usize::from(at)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_dos_showed() {
        let text = |number: &str, bytes: &[u8]| -> Option<String> {
            let page = CodePage::of(number).unwrap();
            bytes.iter().map(|&byte| page.decode(byte)).collect()
        };
        assert_eq!(text("437", b"caf\x82 \xE1").as_deref(), Some("café ß"));
        assert_eq!(text("850", b"\x9B\xB5").as_deref(), Some("øÁ"));
        assert_eq!(text("852", b"\xA9\xE7").as_deref(), Some("ęš"));
        assert_eq!(text("858", b"\xD5").as_deref(), Some("€"));
        assert_eq!(text("857", b"\xD5"), None);
        assert!(CodePage::of("1252").is_none());
    }
}
