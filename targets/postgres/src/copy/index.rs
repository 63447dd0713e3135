//! The index of a batch: finds the row that has a key, so that a later row with the same key replaces it.

/// The location of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    /// Its group; `None` when a deletion has removed it.
    pub(super) group: Option<u32>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A hash table with open addressing, cleared and reused for each batch, so that no row allocates.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The number of an entry plus one; 0 is free. A power of two of them, at least half of them free.
    slots: Vec<u32>,
    entries: Vec<Entry>,
}

impl Index {
    /// The entry with this hash for which `equal` says that its key is the same, or the slot where it would be.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, equal: impl Fn(&Entry) -> bool) -> Result<&mut Entry, usize> {
        if self.slots.len() < 2 * (self.entries.len() + 1) {
            self.grow();
        }
        let last = self.slots.len() - 1;
        let mut slot = hash as usize & last;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                number => {
                    let at = number as usize - 1;
                    if self.entries[at].hash == hash && equal(&self.entries[at]) {
                        return Ok(&mut self.entries[at]);
                    }
                }
            }
            slot = (slot + 1) & last;
        }
    }

    /// Adds an entry in the slot that [`find`](Index::find) gave.
    #[inline]
    pub(super) fn insert(&mut self, slot: usize, entry: Entry) {
        self.entries.push(entry);
        self.slots[slot] = self.entries.len() as u32;
    }

    /// The hashes of all keys.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.entries.iter().map(|entry| entry.hash)
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.entries.clear();
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.slots.as_slice()) + size_of_val(self.entries.as_slice())
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(size, 0);
        for (at, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = at as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let mut index = Index::default();
        for round in 0..3 {
            for key in 0..1000_usize {
                // Few hashes: most keys collide.
                let hash = (key % 7) as u64;
                let slot = index.find(hash, |entry| entry.start == key).expect_err("new");
                let entry = Entry {
                    hash,
                    group: Some(0),
                    start: key,
                    end: key + round,
                };
                index.insert(slot, entry);
            }
            for key in 0..1000_usize {
                let found = index
                    .find((key % 7) as u64, |entry| entry.start == key)
                    .expect("there");
                assert_eq!(found.end, key + round);
            }
            assert_eq!(index.hashes().count(), 1000);
            index.clear();
        }
    }
}
