//! A cursor over the members of a JSON object that is not decoded: the envelope of a message.

use crate::json::{Syntax, skip, skip_value};

/// Where a value stands in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The known members of an envelope. Others are checked and skipped.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) kind: Option<Span>,
    pub(super) stream: Option<Span>,
    pub(super) record: Option<Span>,
    pub(super) schema: Option<Span>,
    pub(super) value: Option<Span>,
    pub(super) version: Option<Span>,
    pub(super) time_extracted: Option<Span>,
    pub(super) key_properties: Option<Span>,
    pub(super) bookmark_properties: Option<Span>,
    /// `record` came right after `type` and `stream`: what stands before it is the same in every RECORD.
    pub(super) record_is_third: bool,
    seen: usize,
}

impl Members {
    /// All members of a line.
    pub(super) fn read(text: &str) -> Result<Self, Syntax> {
        let bytes = text.as_bytes();
        let mut members = Self::default();
        let at = skip::space(bytes, 0);
        if bytes.get(at) != Some(&b'{') {
            return Err(Syntax::new(at, "a Singer message, a JSON object"));
        }
        let at = skip::space(bytes, at + 1);
        let end = match bytes.get(at) {
            Some(b'}') => at + 1,
            _ => members.read_from(text, at)?,
        };
        end_of_line(bytes, end)?;
        Ok(members)
    }

    /// The members after a record's object, which ends at `end`.
    pub(super) fn read_tail(text: &str, end: usize) -> Result<Self, Syntax> {
        let bytes = text.as_bytes();
        // What stood before the body: a second one is an error here as well.
        let before = Some(Span { start: 0, end: 0 });
        let mut members = Self {
            kind: before,
            stream: before,
            record: before,
            seen: 3,
            ..Self::default()
        };
        let at = skip::space(bytes, end);
        let end = match bytes.get(at) {
            Some(b'}') => at + 1,
            Some(b',') => members.read_from(text, skip::space(bytes, at + 1))?,
            _ => return Err(Syntax::new(at, "',' or '}' after the record")),
        };
        end_of_line(bytes, end)?;
        Ok(members)
    }

    /// Reads members from a key to the closing brace; returns where that ends.
    fn read_from(&mut self, text: &str, mut at: usize) -> Result<usize, Syntax> {
        let bytes = text.as_bytes();
        loop {
            if bytes.get(at) != Some(&b'"') {
                return Err(Syntax::new(at, "a key in quotes"));
            }
            let (end, escaped) = skip::string(bytes, at + 1)?;
            let key = &text[at + 1..end - 1];
            let colon = skip::space(bytes, end);
            if bytes.get(colon) != Some(&b':') {
                return Err(Syntax::new(colon, "':'"));
            }
            let start = skip::space(bytes, colon + 1);
            let stop = skip_value(bytes, start)?;
            self.put(key, escaped, Span { start, end: stop })
                .map_err(|expected| Syntax::new(at, expected))?;
            at = skip::space(bytes, stop);
            match bytes.get(at) {
                Some(b',') => at = skip::space(bytes, at + 1),
                Some(b'}') => return Ok(at + 1),
                _ => return Err(Syntax::new(at, "',' or '}'")),
            }
        }
    }

    fn put(&mut self, key: &str, escaped: bool, span: Span) -> Result<(), &'static str> {
        let mut unescaped = String::new();
        let key = if escaped {
            crate::json::unescape(key, &mut unescaped);
            &*unescaped
        } else {
            key
        };
        self.seen += 1;
        let member = match key {
            "type" => &mut self.kind,
            "stream" => &mut self.stream,
            "record" => {
                self.record_is_third = self.seen == 3 && self.kind.is_some() && self.stream.is_some();
                &mut self.record
            }
            "schema" => &mut self.schema,
            "value" => &mut self.value,
            "version" => &mut self.version,
            "time_extracted" => &mut self.time_extracted,
            "key_properties" => &mut self.key_properties,
            "bookmark_properties" => &mut self.bookmark_properties,
            _ => return Ok(()),
        };
        match member.replace(span) {
            None => Ok(()),
            Some(_) => Err("each field of a message once"),
        }
    }
}

fn end_of_line(bytes: &[u8], end: usize) -> Result<(), Syntax> {
    match skip::space(bytes, end) {
        at if at == bytes.len() => Ok(()),
        at => Err(Syntax::new(at, "the end of the line after the message")),
    }
}
