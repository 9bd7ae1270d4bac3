//! What there is to be seen: filled in by the floors above, written down here.
use crate::base::Time;
use crate::base::text::{Name, Number};
use crate::settings::LineNo;

/// What is watched. Orbits and lots have the features' own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// A line: its calls, whether it can be reached, and messages for it.
    Line(LineNo),
    /// An orbit: who waits there.
    Orbit(u32),
    /// A lot: who waits anywhere in it.
    Lot(usize),
    /// A callback: whether this line can be called now by that one.
    Callback(LineNo, LineNo),
    /// A key for that: whether it was asked for.
    CallbackKey(LineNo, LineNo),
}

/// Everything there is to be seen of a subject now.
#[derive(Debug, Default, Hash)]
pub(crate) struct Sight {
    /// Its number.
    pub(crate) number: Number,
    /// A lot's orbits, where it is told as a list.
    pub(crate) members: Vec<Number>,
    /// Its calls, and those of the members.
    pub(crate) calls: Vec<Shown>,
    /// It can be reached.
    pub(crate) open: bool,
    /// Somebody talks there, or calls.
    pub(crate) busy: bool,
    /// A callback: how it stands.
    pub(crate) callback: Option<Callback>,
}

/// A place in the queue of those who want to call a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Callback {
    /// What tells it from others.
    pub(crate) id: u128,
    /// It may call now.
    pub(crate) ready: bool,
    /// It keeps its place if the line is busy again.
    pub(crate) retains: bool,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shown {
    /// Of which member, or of the subject itself.
    pub(crate) at: Number,
    /// What tells it from others.
    pub(crate) id: u128,
    /// The party whose dialog it is: the session floor's own number.
    pub(crate) whose: u64,
    /// The server is the watched side of that dialog: it is an orbit's.
    pub(crate) ours: bool,
    pub(crate) stage: Stage,
    /// The watched side called.
    pub(crate) initiator: bool,
    /// When it came to be where it is, if that is told.
    pub(crate) since: Option<Time>,
    pub(crate) local: Side,
    pub(crate) remote: Option<Side>,
}

/// How far a call has come (RFC 4235 §3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Trying,
    Early,
    Confirmed,
}

/// One side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Side {
    /// Who it is, if that may be known.
    pub(crate) who: Option<Who>,
    /// The number to call.
    pub(crate) target: Number,
    /// Just this stay in the orbit.
    pub(crate) park_id: Option<u128>,
    /// It holds.
    pub(crate) holds: bool,
}

/// Somebody, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Who {
    pub(crate) name: Name,
    /// None: it is not told.
    pub(crate) number: Option<Number>,
}

impl Sight {
    /// Nothing is seen; what was allocated stays.
    pub(crate) fn clear(&mut self) {
        self.number.clear();
        self.members.clear();
        self.calls.clear();
        (self.open, self.busy, self.callback) = (false, false, None);
    }
}
