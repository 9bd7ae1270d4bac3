//! What is left of a finished transaction while the network may still repeat its messages.
//!
//! All tombstones of one kind last equally long, so they expire in the order they were made: a list through the
//! records themselves, and one timer for its head.
use super::{PATIENCE, T4};
use crate::base::{Alarm, Room, Time, TimerId, Timers};
use std::time::Duration;

/// The end of a list.
pub(super) const NOWHERE: u32 = u32::MAX;
/// Tombstones may stand this much longer than they must, so that they go by the handful.
const COARSE: Duration = Duration::from_millis(100);
/// The reasons of the two lists' timers.
pub(super) const LONG: u8 = 1;
pub(super) const SHORT: u8 = 2;

/// How long a tombstone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Timers D, H, J, L and M: 32 s.
    Long,
    /// Timers I and K: 5 s.
    Short,
}

/// A record's place in a list, kept inside the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plot {
    /// Hundredths of a second.
    pub(super) until: u32,
    pub(super) next: u32,
}

impl Plot {
    pub(super) const NONE: Self = Self { until: 0, next: NOWHERE };
}

/// The two lists of one arena.
#[derive(Debug)]
pub(super) struct Graveyard {
    room: Room,
    long: List,
    short: List,
}

#[derive(Debug)]
struct List {
    head: u32,
    tail: u32,
    timer: TimerId,
}

impl Graveyard {
    pub(super) fn new(room: Room) -> Self {
        let empty = || List { head: NOWHERE, tail: NOWHERE, timer: TimerId::NONE };
        Self { room, long: empty(), short: empty() }
    }

    /// Puts the record in this slot at the end of its list; `plot` finds a record's place.
    pub(super) fn bury(
        &mut self,
        slot: u32,
        rest: Rest,
        now: Time,
        timers: &mut Timers,
        mut link: impl FnMut(u32, Link),
    ) {
        let room = self.room;
        let (list, after, reason) = self.list(rest);
        link(slot, Link::Until(hundredths(now + after)));
        if list.tail == NOWHERE {
            list.head = slot;
            list.timer = timers.start(now, after + COARSE, Alarm { room, reason, whom: 0 });
        } else {
            link(list.tail, Link::Next(slot));
        }
        list.tail = slot;
    }

    /// The next record whose time is over; `plot` reads a record's place. When there is none, the timer is set anew.
    pub(super) fn exhume(
        &mut self,
        rest: Rest,
        now: Time,
        timers: &mut Timers,
        plot: impl Fn(u32) -> Plot,
    ) -> Option<u32> {
        let room = self.room;
        let (list, _, reason) = self.list(rest);
        let slot = list.head;
        if slot == NOWHERE {
            return None;
        }
        let Plot { until, next } = plot(slot);
        // The count goes round after 497 days; the difference does not mind.
        let left = until.wrapping_sub(hundredths(now)) as i32;
        if left > 0 {
            let left = Duration::from_millis(left.unsigned_abs().into()) * 10;
            list.timer = timers.start(now, left + COARSE, Alarm { room, reason, whom: 0 });
            return None;
        }
        list.head = next;
        if next == NOWHERE {
            list.tail = NOWHERE;
        }
        Some(slot)
    }

    /// Its alarm was lost: those who lie there would lie there for ever.
    pub(super) fn rearm(&mut self, rest: Rest, now: Time, timers: &mut Timers) {
        let room = self.room;
        let (list, _, reason) = self.list(rest);
        timers.stop(list.timer);
        if list.head != NOWHERE {
            list.timer = timers.start(now, COARSE, Alarm { room, reason, whom: 0 });
        }
    }

    fn list(&mut self, rest: Rest) -> (&mut List, Duration, u8) {
        match rest {
            Rest::Long => (&mut self.long, PATIENCE, LONG),
            Rest::Short => (&mut self.short, T4, SHORT),
        }
    }
}

/// A change to a record's [`Plot`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Link {
    Until(u32),
    Next(u32),
}

impl Plot {
    pub(super) fn set(&mut self, link: Link) {
        match link {
            Link::Until(until) => *self = Self { until, next: NOWHERE },
            Link::Next(next) => self.next = next,
        }
    }
}

fn hundredths(time: Time) -> u32 {
    (time.millis() / 10) as u32
}
