//! The 20 ms beat: absolute deadlines, so that nothing drifts.
use std::time::{Duration, Instant};

/// From one packet to the next.
const LENGTH: Duration = Duration::from_millis(20);

/// Counts beats since the worker began.
#[derive(Debug)]
pub(super) struct Beats {
    begin: Instant,
    next: u64,
}

/// A beat whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Which one it is.
    pub(super) beat: u64,
    /// How long ago the one that was waited for should have been.
    pub(super) late: Duration,
}

impl Beats {
    pub(super) fn new(begin: Instant) -> Self {
        Self { begin, next: 0 }
    }

    /// When the next one is.
    pub(super) fn next(&self) -> Instant {
        self.begin + Duration::from_nanos(self.next.saturating_mul(LENGTH.as_nanos() as u64))
    }

    /// The beat to play now, if one is due. Those missed meanwhile are left out: nobody wants to hear them in a burst.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let late = now.checked_duration_since(self.next())?;
        let beat = self.passed(now);
        self.next = beat + 1;
        Some(Due { beat, late })
    }

    /// After a rest the next beat is yet to come: nobody waited for those that passed.
    pub(super) fn rested(&mut self, now: Instant) {
        self.next = self.next.max(self.passed(now) + 1);
    }

    /// The last beat that was at `now` or before.
    fn passed(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.begin).as_nanos() / LENGTH.as_nanos()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_counted_by_the_clock_and_never_made_up_for() {
        let begin = Instant::now();
        let at = |micros| begin + Duration::from_micros(micros);
        let mut beats = Beats::new(begin);
        let due = |beat, micros| Some(Due { beat, late: Duration::from_micros(micros) });
        assert_eq!(beats.due(at(0)), due(0, 0));
        assert_eq!(beats.due(at(19_999)), None);
        assert_eq!(beats.due(at(21_000)), due(1, 1_000));
        // Late once is not late for ever.
        assert_eq!(beats.next(), at(40_000));
        assert_eq!(beats.due(at(40_000)), due(2, 0));
        // A stall: one beat, the one that it is now, and no burst.
        assert_eq!(beats.due(at(145_000)), due(7, 85_000));
        assert_eq!(beats.due(at(145_001)), None);
        // A rest is no delay.
        beats.rested(at(3_600_000_001));
        assert_eq!(beats.due(at(3_600_010_000)), None);
        assert_eq!(beats.due(at(3_600_020_003)), due(180_001, 3));
        beats.rested(at(3_600_020_004));
        assert_eq!(beats.next(), at(3_600_040_000));
    }
}
