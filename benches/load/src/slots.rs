//! A table of calls: the number of a call says where it is, and whether it is still the same one.
use std::collections::VecDeque;

/// Bits of a number that say the place; the others count who had the place before.
const PLACE_BITS: u32 = 24;
/// So many must be over before a place is used again: late retransmissions still find the call they mean.
const REST: usize = 1 << 16;

/// The table.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: VecDeque<u32>,
    live: usize,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    generation: u8,
    live: bool,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: VecDeque::new(), live: 0 }
    }

    /// How many are live.
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// A number for this; none if there are no more.
    pub(crate) fn insert(&mut self, value: T) -> Option<u32> {
        let place = if self.free.len() > REST || self.slots.len() == 1 << PLACE_BITS {
            let place = self.free.pop_front()?;
            let slot = self.slots.get_mut(place as usize)?;
            *slot = Slot { value, generation: slot.generation.wrapping_add(1), live: true };
            place
        } else {
            self.slots.push(Slot { value, generation: 0, live: true });
            u32::try_from(self.slots.len() - 1).ok()?
        };
        self.live += 1;
        self.slots.get(place as usize).map(|slot| u32::from(slot.generation) << PLACE_BITS | place)
    }

    /// Whoever has this number, over or not.
    pub(crate) fn known(&mut self, number: u32) -> Option<&mut T> {
        self.slot(number).map(|slot| &mut slot.value)
    }

    /// Whoever has this number and is not over.
    pub(crate) fn get(&mut self, number: u32) -> Option<&mut T> {
        self.slot(number).filter(|slot| slot.live).map(|slot| &mut slot.value)
    }

    /// It is over.
    pub(crate) fn close(&mut self, number: u32) {
        if let Some(slot) = self.slot(number).filter(|slot| slot.live) {
            slot.live = false;
            self.live -= 1;
            self.free.push_back(number & ((1 << PLACE_BITS) - 1));
        }
    }

    /// The first at this place or behind it that is live and meets the condition: its number.
    pub(crate) fn next(&self, from: usize, condition: impl Fn(&T) -> bool) -> Option<(usize, u32)> {
        let rest = self.slots.iter().enumerate().skip(from);
        let mut found = rest.filter(|(_, slot)| slot.live && condition(&slot.value));
        found.next().map(|(place, slot)| (place, u32::from(slot.generation) << PLACE_BITS | place as u32))
    }

    fn slot(&mut self, number: u32) -> Option<&mut Slot<T>> {
        let slot = self.slots.get_mut((number & ((1 << PLACE_BITS) - 1)) as usize)?;
        (u32::from(slot.generation) == number >> PLACE_BITS).then_some(slot)
    }
}

/// Buffers that are used again and again, so that nothing is allocated once all are warm.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    all: Vec<Vec<u8>>,
    free: Vec<u32>,
}

impl Buffers {
    /// No buffer.
    pub(crate) const NONE: u32 = u32::MAX;

    /// An empty one.
    pub(crate) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.all.push(Vec::new());
            (self.all.len() - 1) as u32
        })
    }

    pub(crate) fn get(&self, buffer: u32) -> &[u8] {
        self.all.get(buffer as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn get_mut(&mut self, buffer: u32) -> Option<&mut Vec<u8>> {
        self.all.get_mut(buffer as usize)
    }

    /// It is not needed any more.
    pub(crate) fn give(&mut self, buffer: u32) {
        if let Some(text) = self.all.get_mut(buffer as usize) {
            text.clear();
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_one_call_only() {
        let mut slots = Slots::new();
        let first = slots.insert('a').unwrap();
        slots.close(first);
        assert_eq!(slots.len(), 0);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.known(first), Some(&mut 'a'), "over, but known for a while");
        for _ in 0..REST {
            let number = slots.insert('b').unwrap();
            slots.close(number);
        }
        let again = slots.insert('c').unwrap();
        assert_eq!((again & 0xff_ffff, again >> 24), (first, 1));
        assert_eq!(slots.known(first), None);
        assert_eq!(slots.get(again), Some(&mut 'c'));
        assert_eq!(slots.next(0, |_| true), Some((0, again)));
    }

    #[test]
    fn buffers_are_used_again() {
        let mut buffers = Buffers::default();
        let one = buffers.take();
        buffers.get_mut(one).unwrap().extend(b"text");
        assert_eq!(buffers.get(one), b"text");
        buffers.give(one);
        assert_eq!((buffers.take(), buffers.get(one)), (one, &b""[..]));
        assert_eq!(buffers.get(Buffers::NONE), b"");
    }
}
