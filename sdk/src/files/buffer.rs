//! Buffers of finished lines, on their way from the encoder to the file and back.

use std::sync::{Arc, Mutex, PoisonError};

/// A buffer that has grown beyond this is given back to the allocator: one huge line must not cost its size for the
/// rest of the run.
const LARGEST_KEPT: usize = 4 << 20;
/// More than this are never under way at once in a steady run.
const MOST_KEPT: usize = 8;

/// Spent buffers, for all streams of a target.
#[derive(Debug, Default)]
pub struct Pool {
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// An empty buffer, used before if there is one.
    pub fn take(&self) -> Vec<u8> {
        self.spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default()
    }

    fn give(&self, mut bytes: Vec<u8>) {
        if bytes.capacity() > LARGEST_KEPT {
            return;
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_KEPT {
            bytes.clear();
            spare.push(bytes);
        }
    }
}

/// Whole lines, as they will stand in the file. Dropped, they give their buffer back.
#[derive(Debug)]
pub struct Lines {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Lines {
    /// Takes the lines out of `bytes`, which gets an empty buffer instead.
    pub fn take(bytes: &mut Vec<u8>, pool: &Arc<Pool>) -> Self {
        Self {
            bytes: std::mem::replace(bytes, pool.take()),
            pool: Arc::clone(pool),
        }
    }

    /// The lines.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}

/// Appends the digits of an integer.
#[inline]
pub fn write_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_their_digits() {
        for value in [0, 7, -7, 10, 1_234_567_890, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_int(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
    }

    #[test]
    fn buffers_come_back() {
        let pool = Arc::new(Pool::default());
        let mut bytes = b"a\n".to_vec();
        let place = bytes.as_ptr();
        drop(Lines::take(&mut bytes, &pool));
        let again = pool.take();
        assert_eq!(again.as_ptr(), place);
        let mut huge = Vec::with_capacity(LARGEST_KEPT + 1);
        drop(Lines::take(&mut huge, &pool));
        assert_eq!(pool.take().capacity(), 0);
    }
}
