//! What people have chosen for their lines, and what a line remembers.
use super::super::super::office::{CAROL, CARRIER, secs};
use super::super::super::world::{End, Who};
use super::callbacks::Failed;
use super::come::Window;
use super::{Belief, Kind, NO_ANSWER, Reached, line};
use std::time::Duration;

/// Carol has no more calls than these.
pub(in super::super) const LIMIT: usize = 2;
/// So long a line rings that sends unanswered calls on.
pub(in super::super) const RINGS: u8 = 5;
const PATIENCE: Duration = secs(30);

/// Which calls of a line go elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Forward {
    All,
    Busy,
    NoAnswer,
    Away,
}

/// Who was called last, or called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Last {
    pub(in super::super) who: Who,
    pub(in super::super) hidden: bool,
}

/// A line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    forwards: [Option<Who>; 4],
    pub(super) undisturbed: bool,
    dialled: Option<Last>,
    caller: Option<Last>,
    /// Its next call is not to be disturbed; these are not.
    armed: bool,
    alone: Vec<End>,
    /// Its last call that came to nothing.
    pub(super) failed: Option<Failed>,
    /// When it has been free for long enough, and when its last call came or went.
    pub(super) guard: Option<Window>,
    pub(super) touched: Option<Window>,
}

impl Belief {
    /// Where a line sends these calls.
    pub(in super::super) fn forward(&self, of: Who, forward: Forward) -> Option<Who> {
        self.lines[of.0].forwards[forward as usize]
    }

    /// How long a line rings.
    pub(super) fn patience(&self, at: Who) -> Duration {
        if self.forward(at, Forward::NoAnswer).is_some() { PATIENCE } else { NO_ANSWER }
    }

    /// Which line rings for a call to somebody, and the way it takes there.
    pub(in super::super) fn reached(&self, mut to: Who, path: &mut Vec<Who>) -> Reached {
        loop {
            let (forward, kind) = if self.forward(to, Forward::All).is_some() {
                (Forward::All, Kind::Busy)
            } else if self.lines[to.0].undisturbed || self.is_full(to) {
                (Forward::Busy, Kind::Busy)
            } else if self.telephones(to).is_empty() {
                (Forward::Away, Kind::Away)
            } else {
                return Reached::Rings(to);
            };
            let Some(next) = self.forward(to, forward) else { return Reached::Nobody(to, kind) };
            path.push(to);
            if path.contains(&next) {
                return Reached::Circles;
            }
            to = next;
        }
    }

    /// The same, and all lines on the way remember who called.
    pub(super) fn reach(&mut self, to: Who, path: &mut Vec<Who>, caller: End) -> Reached {
        let before = path.len();
        let reached = self.reached(to, path);
        let last = Last { who: line(caller.who), hidden: self.hidden.contains(&caller) };
        let there = match reached {
            Reached::Rings(at) | Reached::Nobody(at, _) => Some(at),
            Reached::Circles => None,
        };
        for at in path[before..].iter().copied().chain(there) {
            self.lines[at.0].caller = Some(last);
        }
        reached
    }

    /// Whether a line takes no more calls.
    fn is_full(&self, at: Who) -> bool {
        let ends = self.ends();
        let alone = self.lines[at.0].alone.iter().any(|call| ends.contains(call));
        alone || at == CAROL && self.calls_of(at) >= LIMIT
    }

    // What people do.

    pub(in super::super) fn forwards(&mut self, who: Who, forward: Forward, to: Option<Who>) {
        self.lines[who.0].forwards[forward as usize] = to;
    }

    /// Whether others may disturb; nothing: the other of the two.
    pub(in super::super) fn disturbs(&mut self, who: Who, may: Option<bool>) {
        let undisturbed = &mut self.lines[who.0].undisturbed;
        *undisturbed = may.map_or(!*undisturbed, |may| !may);
    }

    /// Nobody is to break into the next call of a line.
    pub(in super::super) fn arms(&mut self, who: Who) {
        self.lines[who.0].armed = true;
    }

    /// Somebody calls a line, or somebody outside.
    pub(in super::super) fn dials(&mut self, caller: End, to: Who, hidden: bool) {
        if hidden {
            self.hidden.push(caller);
        }
        if caller.who != CARRIER {
            let own = &mut self.lines[line(caller.who).0];
            own.dialled = Some(Last { who: to, hidden });
            if std::mem::take(&mut own.armed) {
                own.alone.push(caller);
            }
        }
    }

    /// A call goes on at another telephone.
    pub(super) fn moves(&mut self, from: End, to: End) {
        for alone in self.lines[line(from.who).0].alone.iter_mut().filter(|call| **call == from) {
            *alone = to;
        }
    }

    /// Whom a line called last.
    pub(in super::super) fn last_dialled(&self, who: Who) -> Option<Last> {
        self.lines[line(who).0].dialled
    }

    /// Who called a line last.
    pub(in super::super) fn last_caller(&self, who: Who) -> Option<Last> {
        self.lines[line(who).0].caller
    }
}
