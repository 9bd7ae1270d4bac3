//! A rate that rises until the server fails: how, and what counts as failing.

/// Of all calls so many may fail, in thousandths.
const FAILURES: u64 = 1;
/// Of all calls so many must be completed in time, in hundredths.
const COMPLETED: u64 = 99;

/// `START:PERCENT:SECONDS`: begin there, and raise by so much every so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ramp {
    pub(crate) start: u64,
    pub(crate) percent: u64,
    pub(crate) seconds: u64,
}

impl std::str::FromStr for Ramp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<u64> = text.split(':').map_while(|number| number.parse().ok()).collect();
        match numbers[..] {
            [start, percent, seconds]
                if text.split(':').count() == 3 && !numbers.contains(&0) && numbers.iter().all(|&n| n < 10_000_000) =>
            {
                Ok(Self { start, percent, seconds })
            }
            _ => Err("expected START:PERCENT:SECONDS, three numbers above 0, such as 2000:20:5".into()),
        }
    }
}

impl Ramp {
    /// Calls per second in this step.
    pub(crate) fn rate(&self, step: usize) -> u64 {
        (0..step).fold(self.start, |rate, _| rate + (rate * self.percent / 100).max(1))
    }
}

/// What became of the calls of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Step {
    /// Calls per second.
    pub(crate) rate: u64,
    pub(crate) offered: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    /// Microseconds of the server's CPU while it lasted.
    pub(crate) server_cpu: u64,
    /// Messages sent once more while it lasted, by whomever.
    pub(crate) repeated: u64,
}

impl Step {
    /// Whether the server held this rate, its calls having had the time that they take.
    pub(crate) const fn held(&self) -> bool {
        self.failed * 1000 < self.offered * FAILURES + (self.failed == 0) as u64
            && self.completed * 100 >= self.offered * COMPLETED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_rises() {
        let ramp: Ramp = "1000:20:3".parse().unwrap();
        assert_eq!((0..4).map(|step| ramp.rate(step)).collect::<Vec<_>>(), [1000, 1200, 1440, 1728]);
        let slow = Ramp { start: 5, percent: 1, seconds: 1 };
        assert_eq!(slow.rate(3), 8, "by one at least");
        for wrong in ["", "1", "1:2", "0:20:3", "1:2:3:4", "a:2:3", "1:2:x"] {
            assert!(wrong.parse::<Ramp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_in_a_thousand_is_too_many() {
        let step = |offered, completed, failed| Step { rate: 1, offered, completed, failed, ..Step::default() }.held();
        assert!(step(0, 0, 0) && step(100, 100, 0) && step(100, 99, 0) && step(10_000, 9_991, 9));
        assert!(!step(100, 98, 0), "it falls behind");
        assert!(!step(10_000, 9_990, 10), "too many fail");
        assert!(!step(100, 99, 1));
    }
}
