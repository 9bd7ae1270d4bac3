//! Randomness: unguessable with a seed from the operating system, repeatable with one from a test.
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};

/// The engine's only source of chance.
#[derive(Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// From a seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn bits64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(end)) >> 32) as u32
    }
}
