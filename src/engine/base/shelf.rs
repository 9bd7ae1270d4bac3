//! The shelf: exact copies of what must outlive the turn, in boxes that are used again.
use std::fmt;
use std::ops::Deref;

/// Box sizes, in bytes. A copy takes the smallest that fits; larger ones are made to measure and not used again.
const SIZES: [usize; 16] = [32, 64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 2048, 3072, 4096];
/// Empty boxes of one size that are kept.
const SPARE: usize = 65_536;

/// Bytes kept from one turn to another. [`Shelf::put_back`] lets its box be used again; dropping it only costs that.
#[derive(Default)]
pub struct Kept {
    content: Box<[u8]>,
    length: u32,
}

impl Deref for Kept {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.content.get(..self.length as usize).unwrap_or(&[])
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self))
    }
}

/// Spare boxes by size.
#[derive(Debug, Default)]
pub struct Shelf {
    spare: [Vec<Box<[u8]>>; SIZES.len()],
}

impl Shelf {
    /// Copies the bytes.
    pub fn keep(&mut self, bytes: &[u8]) -> Kept {
        self.join(&[bytes])
    }

    /// Copies the bytes of all parts, one after the other.
    pub fn join(&mut self, parts: &[&[u8]]) -> Kept {
        let length: usize = parts.iter().map(|p| p.len()).sum();
        if length == 0 {
            return Kept::default();
        }
        let mut content = self.empty_box(length);
        let mut at = 0;
        for part in parts {
            if let Some(place) = content.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
            at += part.len();
        }
        Kept { content, length: length as u32 }
    }

    /// Takes the box back.
    pub fn put_back(&mut self, kept: Kept) {
        let size = kept.content.len();
        if let Ok(class) = SIZES.binary_search(&size)
            && let Some(spare) = self.spare.get_mut(class)
            && spare.len() < SPARE
        {
            spare.push(kept.content);
        }
    }

    fn empty_box(&mut self, length: usize) -> Box<[u8]> {
        let class = SIZES.partition_point(|&size| size < length);
        match self.spare.get_mut(class).and_then(Vec::pop) {
            Some(spare) => spare,
            None => vec![0; SIZES.get(class).copied().unwrap_or(length)].into_boxed_slice(),
        }
    }
}

/// Several texts in one box: what a dialog knows of its peer.
#[derive(Debug)]
pub struct Parts<const N: usize> {
    content: Kept,
    ends: [u16; N],
}

impl<const N: usize> Default for Parts<N> {
    fn default() -> Self {
        Self { content: Kept::default(), ends: [0; N] }
    }
}

impl<const N: usize> Parts<N> {
    /// Copies the parts; nothing if together they are over 65 535 bytes.
    pub fn new(shelf: &mut Shelf, parts: [&[u8]; N]) -> Option<Self> {
        let mut ends = [0; N];
        let mut end = 0;
        for (place, part) in ends.iter_mut().zip(parts) {
            end += part.len();
            *place = u16::try_from(end).ok()?;
        }
        Some(Self { content: shelf.join(&parts), ends })
    }

    /// One part.
    pub fn get(&self, part: usize) -> &[u8] {
        let start = part.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(part).copied().unwrap_or(0);
        self.content.get(usize::from(start)..usize::from(end)).unwrap_or(&[])
    }

    /// Puts another text in one part's place; false (and nothing changed) if it would not fit.
    pub fn set(&mut self, shelf: &mut Shelf, part: usize, text: &[u8]) -> bool {
        if self.get(part) == text {
            return true;
        }
        let parts = std::array::from_fn(|i| if i == part { text } else { self.get(i) });
        let Some(changed) = Self::new(shelf, parts) else { return false };
        let before = std::mem::replace(self, changed);
        before.put_back(shelf);
        true
    }

    /// Takes the box back.
    pub fn put_back(self, shelf: &mut Shelf) {
        shelf.put_back(self.content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_used_again() {
        let mut shelf = Shelf::default();
        let kept = shelf.keep(&[7; 100]);
        let place = kept.as_ptr();
        shelf.put_back(kept);
        let again = shelf.keep(&[9; 110]);
        assert_eq!((again.as_ptr(), &*again), (place, &[9; 110][..]));
    }

    #[test]
    fn parts_change_one_by_one() {
        let mut shelf = Shelf::default();
        let mut parts = Parts::new(&mut shelf, [b"one", b"", b"three"]).unwrap();
        assert!(parts.set(&mut shelf, 1, b"two"));
        assert!(parts.set(&mut shelf, 0, b""));
        assert_eq!([parts.get(0), parts.get(1), parts.get(2)], [&b""[..], b"two", b"three"]);
        assert!(!parts.set(&mut shelf, 2, &[0; 70_000]), "too long: nothing changes");
        assert_eq!(parts.get(2), b"three");
    }
}
