//! Arenas: everything that lives long has a slot here. They grow by chunks, so growth never copies.
use super::Handle;

/// Slots per chunk.
const CHUNK: usize = 256;
/// Bits of a tenant that count; the engine's number stands above them.
const GENERATION: u32 = 0x00FF_FFFF;

/// Owns things of one kind, and finds them by [`Handle`].
#[derive(Debug)]
pub struct Arena<T> {
    chunks: Vec<Vec<Slot<T>>>,
    free: u32,
    live: usize,
    engine: u8,
}

#[derive(Debug)]
struct Slot<T> {
    tenant: u32,
    next_free: u32,
    value: Option<T>,
}

impl<T> Arena<T> {
    /// An empty arena of the engine with this number.
    pub fn new(engine: u8) -> Self {
        Self { chunks: Vec::new(), free: u32::MAX, live: 0, engine }
    }

    /// How many things it owns now.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether it owns nothing.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The handle that the next [`Self::insert`] will return.
    pub fn upcoming(&mut self) -> Handle<T> {
        if self.free == u32::MAX {
            self.grow();
        }
        let slot = self.free;
        Handle::new(slot, self.slot(slot).map_or(0, |s| s.tenant))
    }

    /// Takes it in.
    pub fn insert(&mut self, value: T) -> Handle<T> {
        let handle = self.upcoming();
        if let Some(slot) = self.slot_mut(handle.slot()) {
            let next_free = slot.next_free;
            slot.value = Some(value);
            self.free = next_free;
            self.live += 1;
        }
        handle
    }

    /// Gives it back; late handles find nothing from now on.
    pub fn remove(&mut self, handle: Handle<T>) -> Option<T> {
        let engine = u32::from(self.engine) << 24;
        let free = self.free;
        let slot = self.slot_mut(handle.slot()).filter(|s| s.tenant == handle.tenant())?;
        let value = slot.value.take()?;
        slot.tenant = engine | (slot.tenant.wrapping_add(1) & GENERATION);
        slot.next_free = free;
        self.free = handle.slot();
        self.live -= 1;
        Some(value)
    }

    /// What the handle names.
    pub fn get(&self, handle: Handle<T>) -> Option<&T> {
        self.slot(handle.slot()).filter(|s| s.tenant == handle.tenant())?.value.as_ref()
    }

    /// What the handle names.
    pub fn get_mut(&mut self, handle: Handle<T>) -> Option<&mut T> {
        self.slot_mut(handle.slot()).filter(|s| s.tenant == handle.tenant())?.value.as_mut()
    }

    /// Who lives in this slot now; for ids that travel as a slot and prove themselves by other means.
    pub fn at(&self, slot: u32) -> Option<(Handle<T>, &T)> {
        let found = self.slot(slot)?;
        Some((Handle::new(slot, found.tenant), found.value.as_ref()?))
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slot_mut(slot)?.value.as_mut()
    }

    /// All of them, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (Handle<T>, &T)> {
        self.chunks
            .iter()
            .flatten()
            .zip(0..)
            .filter_map(|(s, slot)| Some((Handle::new(slot, s.tenant), s.value.as_ref()?)))
    }

    fn slot(&self, slot: u32) -> Option<&Slot<T>> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)
    }

    fn slot_mut(&mut self, slot: u32) -> Option<&mut Slot<T>> {
        self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)
    }

    fn grow(&mut self) {
        let first = (self.chunks.len() * CHUNK) as u32;
        let tenant = u32::from(self.engine) << 24;
        let mut chunk = Vec::with_capacity(CHUNK);
        for slot in first..first + CHUNK as u32 {
            let next_free = if slot + 1 == first + CHUNK as u32 { self.free } else { slot + 1 };
            chunk.push(Slot { tenant, next_free, value: None });
        }
        self.free = first;
        self.chunks.push(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_handle_finds_nothing() {
        let mut arena = Arena::new(3);
        let first = arena.insert("first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert("second");
        assert_eq!(first.slot(), second.slot(), "the slot is used again");
        assert_eq!((arena.get(first), arena.get(second)), (None, Some(&"second")));
        assert_eq!(arena.remove(first), None);
        assert_eq!(second.tenant() >> 24, 3, "handles carry the engine's number");
    }

    #[test]
    fn it_grows_by_chunks_and_counts() {
        let mut arena = Arena::new(0);
        let all: Vec<_> = (0..1000).map(|n| arena.insert(n)).collect();
        assert_eq!(arena.len(), 1000);
        assert!(all.iter().zip(0..).all(|(&h, n)| arena.get(h) == Some(&n)));
        assert_eq!(arena.iter().count(), 1000);
        for handle in all {
            arena.remove(handle);
        }
        assert!(arena.is_empty());
    }

    #[test]
    fn the_next_handle_is_told_beforehand() {
        let mut arena = Arena::new(1);
        for n in 0..600 {
            let told = arena.upcoming();
            assert_eq!(arena.insert(n), told);
        }
    }
}
