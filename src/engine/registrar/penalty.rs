//! What wrong passwords cost: the first few are answered at once, then one in ever longer intervals, the others not at all.
//!
//! The right password is never delayed: it is looked at first, whoever sends it.
use super::recent::Recent;
use crate::base::{Time, limits};
use std::time::Duration;

/// Wrong passwords that anybody may send without being made to wait: people mistype.
const FREE: u32 = 2;
/// The longest interval is 2^6 = 64 s.
const STEEPEST: u32 = 6;
/// How long the first of a series is held against the sender.
const MEMORY: Duration = Duration::from_secs(600);

/// Who guessed how often, by source address and user.
#[derive(Debug)]
pub(super) struct Penalties {
    series: Recent<Series>,
}

#[derive(Clone, Copy, Debug)]
struct Series {
    answered: u32,
    /// Nothing is answered before.
    until: Time,
}

impl Penalties {
    pub(super) fn new() -> Self {
        Self { series: Recent::new(limits::FAILED_AUTHENTICATIONS, MEMORY) }
    }

    /// A wrong password. Whether it is answered.
    pub(super) fn wrong(&mut self, who: u64, now: Time) -> bool {
        self.series.expire(now);
        let Some(series) = self.series.get_mut(who) else {
            self.series.insert(who, now, Series { answered: 1, until: now });
            return true;
        };
        if now < series.until {
            return false;
        }
        series.answered += 1;
        if series.is_late() {
            let steps = (series.answered - FREE + 1).min(STEEPEST);
            series.until = now + Duration::from_secs(1 << steps);
        }
        true
    }

    /// The right one: nothing is held against them any more.
    pub(super) fn right(&mut self, who: u64) {
        if let Some(series) = self.series.get_mut(who) {
            *series = Series { answered: 0, until: Time::ZERO };
        }
    }

    /// How many are answered late.
    pub(super) fn late(&self) -> usize {
        self.series.values().filter(|series| series.is_late()).count()
    }
}

impl Series {
    const fn is_late(self) -> bool {
        self.answered >= FREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds, out of so many, at which a guesser who never rests is answered.
    fn answered(penalties: &mut Penalties, seconds: std::ops::Range<u64>) -> Vec<u64> {
        seconds.filter(|&second| penalties.wrong(1, Time::from_micros(second * 1_000_000))).collect()
    }

    #[test]
    fn guessing_becomes_slow() {
        let mut penalties = Penalties::new();
        assert_eq!(answered(&mut penalties, 0..300), [0, 1, 3, 7, 15, 31, 63, 127, 191, 255]);
        assert_eq!(penalties.late(), 1);
        assert!(penalties.wrong(2, Time::from_micros(300_000_000)), "others are not touched");
        penalties.right(1);
        assert_eq!(penalties.late(), 0);
        assert_eq!(answered(&mut penalties, 300..310), [300, 301, 303, 307]);
        assert_eq!(answered(&mut penalties, 600..603), [600, 601], "after ten minutes a series is forgotten");
    }
}
