//! So many in a second, and no more: of packets that pass, of keys that are told.
use super::arrival::Discard;
use std::time::Duration;

/// Keys taken in a second: twice as many as the fastest dialler sends. Each is work for the engine, which has other calls.
pub(super) const KEYS: u32 = 25;

/// How many there were in the second that it is now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    second: u64,
    count: u32,
}

impl Rate {
    /// Another one, where `most` may come in a second.
    pub(super) fn take(&mut self, now: Duration, most: u32) -> Result<(), Discard> {
        if self.second != now.as_secs() {
            *self = Self { second: now.as_secs(), count: 0 };
        }
        self.count = self.count.saturating_add(1);
        if self.count > most { Err(Discard::Flood) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_off_until_the_next_second() {
        const MOST: u32 = 5_000;
        let mut rate = Rate::default();
        let at = Duration::from_millis;
        let taken = (0..MOST + 10).filter(|_| rate.take(at(3_100), MOST).is_ok()).count();
        assert_eq!(taken, MOST as usize);
        assert_eq!(rate.take(at(3_999), MOST), Err(Discard::Flood));
        assert_eq!(rate.take(at(4_000), MOST), Ok(()));
    }
}
