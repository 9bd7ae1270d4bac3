//! What happened lately: a table that holds so much and no more; the oldest entry is forgotten first.
//!
//! Entries stand in the order they came, so that expiry looks at the front only; an index finds them by key.
use crate::base::{Index, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// The table. Keys are spread already: hashes, or numbers that are hashed here by multiplication.
#[derive(Debug)]
pub(super) struct Recent<V> {
    limit: usize,
    lifetime: Duration,
    entries: VecDeque<Entry<V>>,
    /// How many went before the first entry: an entry's number never changes.
    gone: u64,
    /// How many of them went before their time.
    forgotten: u64,
    /// The entries' numbers, cut to what the index takes.
    numbers: Index,
}

#[derive(Debug)]
struct Entry<V> {
    key: u64,
    since: Time,
    value: V,
}

impl<V> Recent<V> {
    pub(super) fn new(limit: usize, lifetime: Duration) -> Self {
        let (entries, numbers) = (VecDeque::new(), Index::default());
        Self { limit: limit.max(1), lifetime, entries, gone: 0, forgotten: 0, numbers }
    }

    /// All entries, the oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|entry| &entry.value)
    }

    /// What is remembered under this key.
    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.place(key)?;
        self.entries.get_mut(place).map(|entry| &mut entry.value)
    }

    /// Where the latest entry with this key stands.
    fn place(&self, key: u64) -> Option<usize> {
        let place = |number: u32| (number.wrapping_sub(cut(self.gone)) & 0x7FFF_FFFF) as usize;
        let same = |number| self.entries.get(place(number)).is_some_and(|entry| entry.key == key);
        self.numbers.find(spread(key), same).map(place)
    }

    /// Remembers something new. The key that had to be forgotten for it before its time, if any.
    pub(super) fn insert(&mut self, key: u64, now: Time, value: V) -> Option<u64> {
        let forgotten = if self.entries.len() >= self.limit { self.forget_first() } else { None };
        self.forgotten += u64::from(forgotten.is_some());
        let number = self.gone + self.entries.len() as u64;
        if let Some(before) = self.place(key) {
            self.numbers.remove(spread(key), cut(self.gone + before as u64));
        }
        self.entries.push_back(Entry { key, since: now, value });
        self.numbers.insert(spread(key), cut(number));
        forgotten
    }

    /// How many had to be forgotten before their time so far.
    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets what has been there for its lifetime.
    pub(super) fn expire(&mut self, now: Time) {
        while self.entries.front().is_some_and(|first| first.since + self.lifetime <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) -> Option<u64> {
        let key = self.entries.pop_front()?.key;
        let first = self.gone;
        self.gone += 1;
        // Not there if the same key came again: then the later one is.
        self.numbers.remove(spread(key), cut(first));
        Some(key)
    }
}

/// An entry's number as the index has it: there are never so many at once that two would be mistaken for each other.
const fn cut(number: u64) -> u32 {
    (number & 0x7FFF_FFFF) as u32
}

/// Numbers in a row land far apart, in the upper bits, too, that the table looks at first.
const fn spread(key: u64) -> u64 {
    let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::from_micros(secs * 1_000_000)
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut recent = Recent::new(3, Duration::from_secs(10));
        assert_eq!((1..=3).map(|key| recent.insert(key, at(key), key * 10)).collect::<Vec<_>>(), [None; 3]);
        assert_eq!(recent.insert(4, at(4), 40), Some(1));
        assert_eq!((recent.get_mut(1).copied(), recent.get_mut(4).copied()), (None, Some(40)));
        recent.expire(at(12));
        assert_eq!(recent.values().copied().collect::<Vec<_>>(), [30, 40]);
        assert_eq!((recent.get_mut(2).copied(), recent.get_mut(3).copied()), (None, Some(30)));
        assert_eq!(recent.forgotten(), 1, "what had its time does not count");
    }

    #[test]
    fn many_come_and_go() {
        let mut recent = Recent::new(1000, Duration::from_secs(1000));
        for key in 0..50_000_u64 {
            assert_eq!(recent.insert(key, at(key / 100), key), key.checked_sub(1000));
        }
        assert!((49_000..50_000).all(|key| recent.get_mut(key).copied() == Some(key)));
        assert_eq!((recent.values().count(), recent.numbers.len()), (1000, 1000));
        recent.expire(at(2000));
        assert_eq!((recent.values().count(), recent.numbers.len()), (0, 0));
    }
}
