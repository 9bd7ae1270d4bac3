//! What came of it: counted while it runs, without a call to the allocator once all causes have been seen.
use crate::ramp::Step;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::fmt;

/// Setup times up to a minute, to three digits.
const LONGEST: u64 = 60_000_000;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A final response that is no 200, to this request.
    Refused(&'static str, u16),
    /// 503 with Retry-After: the server had too much to do, and said so.
    Shed,
    /// Nothing came for 64·T1 after this request.
    Unanswered(&'static str),
    /// The server ended it.
    HungUp,
    /// A challenge that we have no answer to.
    Challenge,
    /// Something did not happen that should have.
    Missing(&'static str),
    /// Still not over when the run was.
    Unfinished,
    /// More at once than there are numbers, lines or orbits.
    NoRoom,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(method, status) => write!(f, "{method} {status}"),
            Self::Shed => f.write_str("shed (503, Retry-After)"),
            Self::Unanswered(method) => write!(f, "{method} unanswered"),
            Self::HungUp => f.write_str("hung up by the server"),
            Self::Challenge => f.write_str("challenge without an answer"),
            Self::Missing(what) => write!(f, "no {what}"),
            Self::Unfinished => f.write_str("unfinished"),
            Self::NoRoom => f.write_str("no room here for more at once"),
        }
    }
}

/// Messages that were sent more than once.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Retransmissions {
    /// Requests by us.
    pub(crate) our_requests: u64,
    /// Responses by us: 200s that waited for their ACK.
    pub(crate) our_responses: u64,
    /// Requests by the server, seen again.
    pub(crate) its_requests: u64,
    /// Final responses by the server, seen again.
    pub(crate) its_responses: u64,
}

impl Retransmissions {
    /// By whomever.
    pub(crate) const fn all(self) -> u64 {
        self.our_requests + self.our_responses + self.its_requests + self.its_responses
    }
}

/// The count.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) offered: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) causes: BTreeMap<Cause, u64>,
    pub(crate) again: Retransmissions,
    /// Microseconds from the request to its 200, without the ringing.
    pub(crate) setup: Histogram<u64>,
    /// What a profile counts besides.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) steps: Vec<Step>,
    /// 401 and 407 that were answered with credentials.
    pub(crate) challenged: u64,
    /// Messages that nobody understood.
    pub(crate) unread: u64,
}

impl Tally {
    pub(crate) fn new() -> Result<Self, hdrhistogram::CreationError> {
        Ok(Self {
            offered: 0,
            completed: 0,
            failed: 0,
            causes: BTreeMap::new(),
            again: Retransmissions::default(),
            setup: Histogram::new_with_bounds(1, LONGEST, 3)?,
            counts: BTreeMap::new(),
            steps: Vec::new(),
            challenged: 0,
            unread: 0,
        })
    }

    /// A step of the ramp begins.
    pub(crate) fn step(&mut self, rate: u64) {
        self.steps.push(Step { rate, ..Step::default() });
    }

    pub(crate) fn offer(&mut self, step: u8) {
        self.offered += 1;
        self.of(step, |step| step.offered += 1);
    }

    pub(crate) fn complete(&mut self, step: u8) {
        self.completed += 1;
        self.of(step, |step| step.completed += 1);
    }

    pub(crate) fn fail(&mut self, step: u8, cause: Cause) {
        self.failed += 1;
        *self.causes.entry(cause).or_default() += 1;
        self.of(step, |step| step.failed += 1);
    }

    /// A setup took so many microseconds.
    pub(crate) fn set_up(&mut self, micros: u64) {
        self.setup.saturating_record(micros);
    }

    /// One more of what a profile counts besides.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Less than one in a thousand failed.
    pub(crate) const fn passed(&self) -> bool {
        self.offered > 0 && (self.failed == 0 || self.failed * 1000 < self.offered)
    }

    fn of(&mut self, step: u8, count: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.get_mut(usize::from(step)) {
            count(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_counts_for_its_step() {
        let mut tally = Tally::new().unwrap();
        tally.step(10);
        tally.offer(0);
        tally.step(20);
        tally.offer(1);
        tally.complete(0);
        tally.fail(1, Cause::Refused("INVITE", 486));
        tally.fail(9, Cause::Shed);
        assert_eq!((tally.offered, tally.completed, tally.failed, tally.passed()), (2, 1, 2, false));
        assert_eq!(tally.steps[0], Step { rate: 10, offered: 1, completed: 1, ..Step::default() });
        assert_eq!(tally.steps[1], Step { rate: 20, offered: 1, completed: 0, failed: 1, ..Step::default() });
        let causes: Vec<String> = tally.causes.keys().map(ToString::to_string).collect();
        assert_eq!(causes, ["INVITE 486", "shed (503, Retry-After)"]);
    }
}
