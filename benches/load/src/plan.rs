//! How many calls are to begin, and when.
use crate::agenda::Micros;
use crate::ramp::Ramp;

/// A pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// So many per second, so many in all.
    Steady { rate: u64, total: u64 },
    /// Rising.
    Ramp(Ramp),
    /// Nothing begins for so many microseconds.
    Rest(Micros),
}

/// How far a pace has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Calls that should have begun by now.
    pub(crate) calls: u64,
    /// Which step of a ramp this is.
    pub(crate) step: usize,
    pub(crate) rate: u64,
    /// Nothing more will begin.
    pub(crate) done: bool,
}

impl Pace {
    /// What is due after so many microseconds.
    pub(crate) fn due(&self, elapsed: Micros) -> Due {
        match *self {
            Self::Steady { rate, total } => {
                let calls = (in_time(rate, elapsed) + 1).min(total);
                Due { calls, step: 0, rate, done: calls == total }
            }
            Self::Ramp(ramp) => {
                let step = (elapsed / 1_000_000 / ramp.seconds) as usize;
                let full: u64 = (0..step).map(|step| ramp.rate(step) * ramp.seconds).sum();
                let rate = ramp.rate(step);
                let calls = full + in_time(rate, elapsed - step as u64 * ramp.seconds * 1_000_000);
                Due { calls, step, rate, done: false }
            }
            Self::Rest(time) => Due { calls: 0, step: 0, rate: 0, done: elapsed >= time },
        }
    }
}

fn in_time(rate: u64, elapsed: Micros) -> u64 {
    (u128::from(elapsed) * u128::from(rate) / 1_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_begin_evenly() {
        let pace = Pace::Steady { rate: 1000, total: 5 };
        let due: Vec<_> = [0, 999, 1000, 3999, 4000, 99_000].into_iter().map(|at| pace.due(at)).collect();
        assert_eq!(due.iter().map(|due| due.calls).collect::<Vec<_>>(), [1, 1, 2, 4, 5, 5]);
        assert!(!due[3].done && due[4].done);
    }

    #[test]
    fn a_ramp_s_steps_follow_each_other() {
        let pace = Pace::Ramp(Ramp { start: 100, percent: 50, seconds: 2 });
        let due = |at| (pace.due(at).calls, pace.due(at).step, pace.due(at).rate);
        assert_eq!((due(0), due(1_000_000)), ((0, 0, 100), (100, 0, 100)));
        assert_eq!((due(2_000_000), due(3_000_000)), ((200, 1, 150), (350, 1, 150)));
        assert_eq!(due(4_000_000), (500, 2, 225));
    }

    #[test]
    fn a_rest_begins_nothing() {
        assert!(!Pace::Rest(10).due(9).done && Pace::Rest(10).due(10).done);
    }
}
