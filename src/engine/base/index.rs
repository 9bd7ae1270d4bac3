//! The index: finds the slot of something by the hash of its key, among millions, most of which come and go.
//!
//! Hashes are kept beside the slots, so that neither growing nor a near miss has to look at the things themselves; what
//! is taken out leaves no mark behind, so that its size follows the most it ever held and nothing else. When it grows,
//! every change moves a few entries to the wider table: no single turn pays for all of them.
use std::fmt;

/// The fewest places of a table.
const FEWEST: usize = 64;
/// Places of the old table that every change looks at while there is one: in the end before the wider one is full.
const STEPS: usize = 8;

/// Slots by hash. Two things may have the same hash; nothing is in it twice.
#[derive(Default)]
pub struct Index {
    table: Table,
    /// What was the table before it grew, as long as there is anything in it.
    old: Table,
    /// The first place of the old table that was not looked at yet.
    next: usize,
    length: usize,
}

/// Open addressing with linear probing; a power of two of places, or none.
#[derive(Default)]
struct Table(Vec<u64>);

/// The hash's lower half above, and below the slot, after two numbers that are none: so a table of empty places is zeros,
/// which the system hands out for nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry(u64);

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} slots", self.length)
    }
}

impl Index {
    /// How many slots are in it.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is in it.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The slot with this hash that is the one.
    pub fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let found = self.table.find(hash, &is_it).or_else(|| self.old.find(hash, &is_it));
        found.map(|(_, slot)| slot)
    }

    /// Takes a slot in: any but the two greatest numbers.
    pub fn insert(&mut self, hash: u64, slot: u32) {
        // At three quarters the next place is still near.
        if 4 * (self.length + 1) > 3 * self.table.0.len() {
            self.move_some(usize::MAX);
            let wider = Table(vec![Entry::FREE.0; (2 * self.table.0.len()).max(FEWEST)]);
            (self.old, self.next) = (std::mem::replace(&mut self.table, wider), 0);
        }
        self.table.put(Entry::new(hash, slot));
        self.length += 1;
        self.move_some(STEPS);
    }

    /// Takes a slot out; whether it was there.
    pub fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let is_it = |other| other == slot;
        if let Some((place, _)) = self.table.find(hash, is_it) {
            self.table.clear(place);
        } else if let Some((place, _)) = self.old.find(hash, is_it) {
            self.old.0[place] = Entry::MOVED.0;
        } else {
            return false;
        }
        self.length -= 1;
        self.move_some(STEPS);
        true
    }

    /// Moves what stands at the next places of the old table.
    fn move_some(&mut self, places: usize) {
        let some = self.old.0.iter_mut().skip(self.next).take(places);
        for place in some {
            if Entry(*place).slot().is_some() {
                self.table.put(Entry(std::mem::replace(place, Entry::MOVED.0)));
            }
        }
        self.next = self.next.saturating_add(places);
        if self.next >= self.old.0.len() {
            self.old = Table::default();
        }
    }
}

impl Entry {
    /// Nothing stands here, nor behind it for having found this place taken.
    const FREE: Self = Self(0);
    /// What stood here is elsewhere; what stands behind it is there still.
    const MOVED: Self = Self(1);

    const fn new(hash: u64, slot: u32) -> Self {
        Self((hash << 32) | (slot as u64 + 2))
    }

    const fn hash(self) -> u32 {
        (self.0 >> 32) as u32
    }

    const fn slot(self) -> Option<u32> {
        (self.0 as u32).checked_sub(2)
    }
}

impl Table {
    const fn mask(&self) -> usize {
        self.0.len().wrapping_sub(1)
    }

    fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<(usize, u32)> {
        let hash = hash as u32;
        let mut place = hash as usize & self.mask();
        loop {
            // A table without places has nothing at any.
            let entry = Entry(*self.0.get(place).filter(|entry| **entry != Entry::FREE.0)?);
            if entry.hash() == hash
                && let Some(slot) = entry.slot()
                && is_it(slot)
            {
                return Some((place, slot));
            }
            place = (place + 1) & self.mask();
        }
    }

    /// There is always a free place.
    fn put(&mut self, entry: Entry) {
        let mask = self.mask();
        let mut place = entry.hash() as usize & mask;
        while self.0[place] != Entry::FREE.0 {
            place = (place + 1) & mask;
        }
        self.0[place] = entry.0;
    }

    /// Clears a place; whoever stands behind it because it was taken moves up.
    fn clear(&mut self, mut hole: usize) {
        let mask = self.mask();
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let entry = Entry(self.0[place]);
            if entry == Entry::FREE {
                break;
            }
            let from_home = place.wrapping_sub(entry.hash() as usize) & mask;
            let from_hole = place.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
                self.0[hole] = entry.0;
                hole = place;
            }
        }
        self.0[hole] = Entry::FREE.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use std::collections::BTreeMap;

    /// Hashes that are near each other, or the same: the worst there is.
    fn crowded(rng: &mut Rng) -> u64 {
        u64::from(rng.below(24))
    }

    #[test]
    fn it_holds_what_was_put_in_and_nothing_else() {
        let mut rng = Rng::new([7; 32]);
        let (mut index, mut known) = (Index::default(), BTreeMap::new());
        for slot in 0..20_000 {
            let hash = if slot % 2 == 0 { crowded(&mut rng) } else { rng.bits64() };
            index.insert(hash, slot);
            known.insert(slot, hash);
            // It grows to a few hundred, and is nearly empty now and then.
            let most = if slot / 2_000 % 2 == 0 { 700 } else { 20 };
            while known.len() > most && rng.below(3) > 0 {
                let nth = rng.below(known.len() as u32) as usize;
                let (&slot, &hash) = known.iter().nth(nth).unwrap();
                known.remove(&slot);
                assert!(index.remove(hash, slot) && !index.remove(hash, slot));
            }
            assert_eq!(index.len(), known.len());
            if slot % 64 == 0 {
                for (&slot, &hash) in &known {
                    assert_eq!(index.find(hash, |other| other == slot), Some(slot));
                    assert_eq!(index.find(hash, |_| false), None);
                }
            }
        }
    }

    /// However long things come and go, it takes no more room than for the most there were.
    #[test]
    fn coming_and_going_costs_no_room() {
        let room = |index: &Index| index.table.0.len() + index.old.0.len();
        let mut rng = Rng::new([1; 32]);
        let mut index = Index::default();
        let mut there = std::collections::VecDeque::new();
        for slot in 0..200_000 {
            let hash = rng.bits64();
            index.insert(hash, slot);
            there.push_back((hash, slot));
            if there.len() > 10_000 {
                let (hash, slot) = there.pop_front().unwrap();
                index.remove(hash, slot);
            }
        }
        assert_eq!(room(&index), 16_384);
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let mut index = Index::default();
        assert!(index.is_empty() && index.find(1, |_| true).is_none() && !index.remove(1, 1));
        index.insert(1, 5);
        assert_eq!(index.find(1, |_| true), Some(5));
        assert!(index.remove(1, 5) && index.is_empty() && index.find(1, |_| true).is_none());
    }
}
