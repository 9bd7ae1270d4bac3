//! Nonces: minted without remembering them; only those that were used are remembered, for their counts.
//!
//! A nonce is the second it was minted, a running number, and a code over both that only we can make: 8, 8 and 16
//! hexadecimal digits. It is not tied to an address: a NAT may change that between the challenge and the answer.
use super::digest::Quality;
use super::recent::Recent;
use crate::base::text::{hex8, unhex8};
use crate::base::{Rng, Time};
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// For how long a nonce can be used.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

/// A nonce as it is written.
pub(super) type Nonce = [u8; 32];

/// What the use of a nonce, by somebody who knows the password, comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// New.
    Fresh,
    /// Too old, not ours, or forgotten.
    Stale,
    /// The count did not rise.
    Replayed,
}

/// The mint.
#[derive(Debug)]
pub(super) struct Nonces {
    secret: [u64; 4],
    minted: u32,
    /// The highest count seen, by nonce.
    used: Recent<u32>,
    /// Used nonces up to this one may be forgotten: such a one that is not remembered is not taken any more.
    forgotten: u64,
}

impl Nonces {
    pub(super) fn new(rng: &mut Rng, limit: usize) -> Self {
        let secret = std::array::from_fn(|_| rng.bits64());
        Self { secret, minted: 0, used: Recent::new(limit, LIFETIME), forgotten: 0 }
    }

    /// Used nonces forgotten before their time, since there were too many.
    pub(super) const fn forgotten(&self) -> u64 {
        self.used.forgotten()
    }

    pub(super) fn mint(&mut self, now: Time) -> Nonce {
        self.minted = self.minted.wrapping_add(1);
        self.written(now.secs() as u32, self.minted)
    }

    /// Somebody who knows the password used it.
    pub(super) fn take(&mut self, nonce: &[u8], quality: Quality, now: Time) -> Use {
        let Some(serial) = self.serial(nonce, now) else { return Use::Stale };
        // Without a count it is good for once.
        let count = match quality {
            Quality::Auth(count) => count,
            Quality::None => u32::MAX,
        };
        self.used.expire(now);
        match self.used.get_mut(serial) {
            // RFC 7616 §3.3 lets counts arrive out of order; strictly rising needs no memory of the gaps.
            Some(highest) if count <= *highest => return Use::Replayed,
            Some(highest) => *highest = count,
            None if serial <= self.forgotten => return Use::Stale,
            None => {
                let forgotten = self.used.insert(serial, now, count);
                self.forgotten = self.forgotten.max(forgotten.unwrap_or(0));
            }
        }
        Use::Fresh
    }

    /// The nonce's number, which rises from one to the next, if it is ours and not too old.
    fn serial(&self, nonce: &[u8], now: Time) -> Option<u64> {
        let (second, rest) = nonce.split_at_checked(8)?;
        let (number, _) = rest.split_at_checked(8)?;
        let (second, number) = (unhex8(second)?, unhex8(number)?);
        let ours: bool = self.written(second, number).as_slice().ct_eq(nonce).into();
        let age = (now.secs() as u32).wrapping_sub(second);
        (ours && u64::from(age) < LIFETIME.as_secs()).then_some(u64::from(second) << 32 | u64::from(number))
    }

    fn written(&self, second: u32, number: u32) -> Nonce {
        let mut code = Sha256::new();
        for word in self.secret {
            code.update(word.to_be_bytes());
        }
        code.update(second.to_be_bytes());
        code.update(number.to_be_bytes());
        let code = code.finalize();
        let word = |at: usize| code.iter().skip(at).take(4).fold(0, |word, &byte| word << 8 | u32::from(byte));
        let mut nonce = [0; 32];
        for (place, word) in nonce.chunks_exact_mut(8).zip([second, number, word(0), word(4)]) {
            place.copy_from_slice(&hex8(word));
        }
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::from_micros(secs * 1_000_000)
    }

    fn nonces(limit: usize) -> Nonces {
        Nonces::new(&mut Rng::new([7; 32]), limit)
    }

    #[test]
    fn counts_must_rise() {
        let mut nonces = nonces(10);
        let nonce = nonces.mint(at(1000));
        for (count, expected) in
            [(1, Use::Fresh), (1, Use::Replayed), (3, Use::Fresh), (2, Use::Replayed), (4, Use::Fresh)]
        {
            assert_eq!(nonces.take(&nonce, Quality::Auth(count), at(1001)), expected, "{count}");
        }
        let plain = nonces.mint(at(1000));
        assert_eq!(nonces.take(&plain, Quality::None, at(1001)), Use::Fresh);
        assert_eq!(nonces.take(&plain, Quality::None, at(1001)), Use::Replayed);
        assert_eq!(nonces.take(&plain, Quality::Auth(9), at(1001)), Use::Replayed, "nor with a count afterwards");
    }

    #[test]
    fn the_old_and_the_foreign_are_stale() {
        let mut mint = nonces(10);
        let nonce = mint.mint(at(1000));
        assert_eq!(mint.take(&nonce, Quality::Auth(1), at(1299)), Use::Fresh);
        assert_eq!(mint.take(&nonce, Quality::Auth(2), at(1300)), Use::Stale);
        let foreign = Nonces::new(&mut Rng::new([8; 32]), 10).mint(at(1000));
        assert_eq!(mint.take(&foreign, Quality::Auth(1), at(1000)), Use::Stale);
        let mut younger = nonce;
        younger[..8].copy_from_slice(&hex8(1200));
        assert_eq!(mint.take(&younger, Quality::Auth(3), at(1300)), Use::Stale, "its time cannot be changed");
        for nonsense in [&b""[..], b"x", &nonce[..31], "é".repeat(16).as_bytes()] {
            assert_eq!(mint.take(nonsense, Quality::Auth(1), at(1000)), Use::Stale);
        }
    }

    #[test]
    fn a_forgotten_nonce_cannot_be_replayed() {
        let mut mint = nonces(2);
        let all: Vec<_> = (0..4).map(|_| mint.mint(at(1000))).collect();
        for nonce in &all[..3] {
            assert_eq!(mint.take(nonce, Quality::Auth(1), at(1001)), Use::Fresh);
        }
        assert_eq!(mint.take(&all[0], Quality::Auth(1), at(1002)), Use::Stale, "forgotten: better asked again");
        assert_eq!(mint.take(&all[1], Quality::Auth(1), at(1002)), Use::Replayed, "still remembered");
        assert_eq!(mint.take(&all[3], Quality::Auth(1), at(1002)), Use::Fresh, "younger ones are not touched");
        assert_eq!((mint.used.values().count(), mint.forgotten()), (2, 2));
    }
}
