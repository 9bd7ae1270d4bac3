//! What wrong passwords cost: the first few are answered at once, then one in ever longer intervals, the others not at all.
//!
//! The right password is not delayed: it is looked at first, whoever sends it. But who has been wrong too often for
//! anybody who mistypes is not listened to any more until the series is forgotten: unanswered guesses are guesses, too,
//! and the right one would show.
use super::recent::Recent;
use crate::base::Time;
use std::time::Duration;

/// Wrong passwords that anybody may send without being made to wait: people mistype.
const FREE: u32 = 2;
/// The longest interval is 2^6 = 64 s.
const STEEPEST: u32 = 6;
/// So many wrong passwords are no mistake, nor a phone that tries an old one again and again.
const SHUT_OUT: u32 = 30;
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
    wrong: u32,
    /// Nothing is answered before.
    until: Time,
}

impl Penalties {
    pub(super) fn new(limit: usize) -> Self {
        Self { series: Recent::new(limit, MEMORY) }
    }

    /// A wrong password. Whether it is answered.
    pub(super) fn wrong(&mut self, who: u64, now: Time) -> bool {
        self.series.expire(now);
        let Some(series) = self.series.get_mut(who) else {
            self.series.insert(who, now, Series { answered: 1, wrong: 1, until: now });
            return true;
        };
        series.wrong += 1;
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

    /// Whether nothing that they say is listened to.
    pub(super) fn is_shut_out(&mut self, who: u64, now: Time) -> bool {
        self.series.expire(now);
        self.series.get_mut(who).is_some_and(|series| series.wrong >= SHUT_OUT)
    }

    /// The right one: nothing is held against them any more.
    pub(super) fn right(&mut self, who: u64) {
        if let Some(series) = self.series.get_mut(who) {
            *series = Series { answered: 0, wrong: 0, until: Time::ZERO };
        }
    }

    /// Series forgotten before their time, since there were too many.
    pub(super) const fn forgotten(&self) -> u64 {
        self.series.forgotten()
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
    use crate::base::limits::FAILED_AUTHENTICATIONS;

    /// The seconds, out of so many, at which a guesser who never rests is answered.
    fn answered(penalties: &mut Penalties, seconds: std::ops::Range<u64>) -> Vec<u64> {
        seconds.filter(|&second| penalties.wrong(1, Time::from_micros(second * 1_000_000))).collect()
    }

    #[test]
    fn guessing_becomes_slow() {
        let mut penalties = Penalties::new(FAILED_AUTHENTICATIONS);
        assert_eq!(answered(&mut penalties, 0..300), [0, 1, 3, 7, 15, 31, 63, 127, 191, 255]);
        assert_eq!(penalties.late(), 1);
        assert!(penalties.wrong(2, Time::from_micros(300_000_000)), "others are not touched");
        penalties.right(1);
        assert_eq!(penalties.late(), 0);
        assert_eq!(answered(&mut penalties, 300..310), [300, 301, 303, 307]);
        assert_eq!(answered(&mut penalties, 600..603), [600, 601], "after ten minutes a series is forgotten");
    }

    #[test]
    fn a_dictionary_is_not_listened_to() {
        let mut penalties = Penalties::new(FAILED_AUTHENTICATIONS);
        let at = |second: u64| Time::from_micros(second * 1_000_000);
        for _ in 1..SHUT_OUT {
            penalties.wrong(1, at(1));
            assert!(!penalties.is_shut_out(1, at(1)));
        }
        penalties.wrong(1, at(1));
        assert!(penalties.is_shut_out(1, at(600)) && !penalties.is_shut_out(2, at(600)), "nobody else");
        assert!(!penalties.is_shut_out(1, at(601)), "until it is forgotten");
    }

    /// The table is full: the oldest series is forgotten, and nothing grows.
    #[test]
    fn only_so_many_are_remembered() {
        let mut penalties = Penalties::new(FAILED_AUTHENTICATIONS);
        let all = FAILED_AUTHENTICATIONS as u64;
        for who in 0..=all {
            penalties.wrong(who, Time::ZERO);
            penalties.wrong(who, Time::ZERO);
        }
        assert_eq!((penalties.late(), penalties.forgotten()), (FAILED_AUTHENTICATIONS, 1));
        assert!(penalties.wrong(0, Time::ZERO), "who was forgotten begins anew");
        assert!(!penalties.wrong(all, Time::ZERO), "the latest are remembered");
        assert!(penalties.wrong(all, Time::from_micros(700_000_000)), "ten minutes later nobody is");
        assert_eq!(penalties.late(), 0);
    }
}
