//! Python pickles of plain values: text, numbers, booleans, None, lists, tuples and dicts, in protocols 2 to 5.
//!
//! Meltano stores settings in its system database as pickles. One that would call Python code is refused: only values are
//! read, nothing is executed.

use serde_json::{Map, Number, Value};

use crate::project::big_integer;

/// The value of a pickle; the error says what it has that is no plain value.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader {
        rest: bytes,
        stack: Vec::new(),
        memo: Vec::new(),
    };
    loop {
        if let Some(value) = reader.step()? {
            return Ok(value);
        }
    }
}

/// A value as a pickle of protocol 2, which every version of Python reads.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut out = vec![0x80, 2];
    put(value, &mut out);
    out.push(b'.');
    out
}

fn put(value: &Value, out: &mut Vec<u8>) {
    if let Some(digits) = big_integer::digits(value) {
        put_long(digits.parse().unwrap_or(i128::MAX), out);
        return;
    }
    match value {
        Value::Null => out.push(b'N'),
        Value::Bool(true) => out.push(0x88),
        Value::Bool(false) => out.push(0x89),
        Value::Number(number) => match number.as_i128() {
            Some(integer) => put_long(integer, out),
            None => {
                out.push(b'G');
                out.extend(number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
            }
        },
        Value::String(text) => put_text(text, out),
        Value::Array(items) => {
            out.extend(*b"](");
            for item in items {
                put(item, out);
            }
            out.push(b'e');
        }
        Value::Object(map) => {
            out.extend(*b"}(");
            for (key, value) in map {
                put_text(key, out);
                put(value, out);
            }
            out.push(b'u');
        }
    }
}

fn put_long(integer: i128, out: &mut Vec<u8>) {
    out.extend([0x8a, 16]);
    out.extend(integer.to_le_bytes());
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'X');
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(text.as_bytes());
}

/// More values than this are no setting.
const MOST: usize = 1 << 20;

enum Item {
    Mark,
    Value(Value),
}

struct Reader<'a> {
    rest: &'a [u8],
    stack: Vec<Item>,
    memo: Vec<(u64, Value)>,
}

impl Reader<'_> {
    /// Executes one opcode; returns the value at the end.
    fn step(&mut self) -> Result<Option<Value>, String> {
        let [op] = self.take::<1>()?;
        match op {
            0x80 => drop(self.take::<1>()?), // PROTO
            0x95 => drop(self.take::<8>()?), // FRAME
            b'(' => self.stack.push(Item::Mark),
            b'N' => self.push(Value::Null)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'J' => {
                let number = i32::from_le_bytes(self.take()?);
                self.push(number.into())?;
            }
            b'K' => {
                let [number] = self.take()?;
                self.push(number.into())?;
            }
            b'M' => {
                let number = u16::from_le_bytes(self.take()?);
                self.push(number.into())?;
            }
            0x8a => self.long()?,
            b'G' => {
                let number = f64::from_be_bytes(self.take()?);
                self.push_float(number)?;
            }
            0x8c => {
                let [length] = self.take()?;
                self.push_text(length.into())?;
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.push_text(length.into())?;
            }
            0x8d => {
                let length = u64::from_le_bytes(self.take()?);
                self.push_text(length)?;
            }
            b']' => self.push(Value::Array(Vec::new()))?,
            b')' => self.push(Value::Array(Vec::new()))?,
            b'}' => self.push(Value::Object(Map::new()))?,
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Array(items))?;
            }
            0x85..=0x87 => {
                let at = self
                    .stack
                    .len()
                    .checked_sub(usize::from(op - 0x84))
                    .ok_or(BROKEN)?;
                let items = values(self.stack.split_off(at))?;
                self.push(Value::Array(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.list()?.push(item);
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.list()?.extend(items);
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(items)?;
            }
            0x94 => self.memoize(self.memo.len() as u64)?,
            b'q' => {
                let [at] = self.take()?;
                self.memoize(at.into())?;
            }
            b'r' => {
                let at = u32::from_le_bytes(self.take()?);
                self.memoize(at.into())?;
            }
            b'h' => {
                let [at] = self.take()?;
                self.recall(at.into())?;
            }
            b'j' => {
                let at = u32::from_le_bytes(self.take()?);
                self.recall(at.into())?;
            }
            b'.' => return self.pop().map(Some),
            other => {
                return Err(format!(
                    "it is a Python object, not a plain value (opcode {other:#04x})"
                ));
            }
        }
        Ok(None)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(BROKEN)?;
        self.rest = rest;
        Ok(*first)
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        if self.stack.len() >= MOST {
            return Err(BROKEN.to_owned());
        }
        self.stack.push(Item::Value(value));
        Ok(())
    }

    fn push_text(&mut self, length: u64) -> Result<(), String> {
        let length = usize::try_from(length).map_err(|_| BROKEN)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(BROKEN)?;
        let text = std::str::from_utf8(text)
            .map_err(|_| "text that is not UTF-8")?
            .to_owned();
        self.rest = rest;
        self.push(text.into())
    }

    fn push_float(&mut self, number: f64) -> Result<(), String> {
        let number = Number::from_f64(number).ok_or("a number that JSON cannot express")?;
        self.push(Value::Number(number))
    }

    /// An integer in two's complement of as many bytes as it needs.
    fn long(&mut self) -> Result<(), String> {
        let [length] = self.take()?;
        let (bytes, rest) = self.rest.split_at_checked(length.into()).ok_or(BROKEN)?;
        if bytes.len() > 16 {
            return Err("an integer of more than 16 bytes".to_owned());
        }
        let negative = bytes.last().is_some_and(|byte| *byte > 0x7f);
        let mut whole = [if negative { 0xff } else { 0 }; 16];
        whole[..bytes.len()].copy_from_slice(bytes);
        self.rest = rest;
        let digits = i128::from_le_bytes(whole).to_string();
        self.push(big_integer::parse(&digits))
    }

    fn pop(&mut self) -> Result<Value, String> {
        match self.stack.pop() {
            Some(Item::Value(value)) => Ok(value),
            _ => Err(BROKEN.to_owned()),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let at = self
            .stack
            .iter()
            .rposition(|item| matches!(item, Item::Mark))
            .ok_or(BROKEN)?;
        let items = self.stack.split_off(at + 1);
        self.stack.pop();
        values(items)
    }

    fn list(&mut self) -> Result<&mut Vec<Value>, String> {
        match self.stack.last_mut() {
            Some(Item::Value(Value::Array(items))) => Ok(items),
            _ => Err(BROKEN.to_owned()),
        }
    }

    fn set(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Item::Value(Value::Object(map))) = self.stack.last_mut() else {
            return Err(BROKEN.to_owned());
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            match key {
                Value::String(key) => drop(map.insert(key, value)),
                _ => return Err("a dict whose keys are not text".to_owned()),
            }
        }
        Ok(())
    }

    /// Only text is read again from the memo: lists and dicts are memorized while they are still empty.
    fn memoize(&mut self, at: u64) -> Result<(), String> {
        let value = match self.stack.last() {
            Some(Item::Value(value @ Value::String(_))) => value.clone(),
            Some(Item::Value(_)) => Value::Null,
            _ => return Err(BROKEN.to_owned()),
        };
        self.memo.push((at, value));
        Ok(())
    }

    fn recall(&mut self, at: u64) -> Result<(), String> {
        let found = self.memo.iter().rfind(|(index, _)| *index == at);
        match found {
            Some((_, value @ Value::String(_))) => self.push(value.clone()),
            Some(_) => Err("a list or dict that is in it twice".to_owned()),
            None => Err(BROKEN.to_owned()),
        }
    }
}

const BROKEN: &str = "it is not a whole pickle";

fn values(items: Vec<Item>) -> Result<Vec<Value>, String> {
    items
        .into_iter()
        .map(|item| match item {
            Item::Value(value) => Ok(value),
            Item::Mark => Err(BROKEN.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        digits
            .chunks(2)
            .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("a byte"))
            .collect()
    }

    /// `pickle.dumps` of `['acme', 5, -3, 300, 70000, 2**90, True, False, None, 1.5, ['a', 'a'], {'a': {'b': [1, 'é']}}, ('x', 2), []]`.
    const PROTOCOL_2: &str = "80025d710028580400000061636d6571014b054afdffffff4d2c014a701101008a0c
        00000000000000000000000488894e473ff80000000000005d71022858010000006171036803657d710468037d71055801
        0000006271065d7107284b015802000000c3a9710865737358010000007871094b0286710a5d710b652e";
    const PROTOCOL_5: &str = "80059560000000000000005d94288c0461636d65944b054afdffffff4d2c014a701101008a0c
        00000000000000000000000488894e473ff80000000000005d94288c0161946803657d9468037d948c0162945d94284b01
        8c02c3a9946573738c0178944b0286945d94652e";

    #[test]
    fn plain_values_of_every_protocol_are_read() {
        let expected = json!(["acme", 5, -3, 300, 70000, big_integer::parse("1237940039285380274899124224"), true, false, null,
            1.5, ["a", "a"], {"a": {"b": [1, "é"]}}, ["x", 2], []]);
        for pickle in [PROTOCOL_2, PROTOCOL_5] {
            assert_eq!(read(&bytes(pickle)), Ok(expected.clone()));
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!(["é\u{1F600}", "", 0, -1, i64::MIN, u64::MAX, true, false, null, 1.5, [], {}, {"a": {"b": [1]}}]);
        assert_eq!(read(&write(&value)), Ok(value));
    }

    #[test]
    fn objects_and_broken_pickles_are_refused() {
        // A date, whose class would be called.
        let date = "80049520000000000000008c086461746574696d65948c0464617465949394430407e8010194859452942e";
        assert!(read(&bytes(date)).is_err_and(|reason| reason.contains("Python object")));
        let whole = bytes(PROTOCOL_5);
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}
