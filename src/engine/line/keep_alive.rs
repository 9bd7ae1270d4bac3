//! Keep-alive: phones behind a NAT are asked now and then, so that the way to them stays open, and how long it is is known.
//!
//! ```text
//!   contact heard ──interval──► OPTIONS ──any answer──► round trip told ──interval──► OPTIONS …
//!                                  ╰─ none: missed; three in a row and the phone is not called, until it is heard again
//! ```
//! All wait equally long, so they stand in one queue, in order, with one timer.
//!
//! Knows: contacts, OPTIONS. Never: what an answer says.
use super::Locations;
use super::location::Contact;
use crate::base::text::hex8;
use crate::base::{Alarm, Room, Time, TimerId};
use crate::ground::Ground;
use crate::settings::LineNo;
use crate::transaction::{Owner, Tag, Transactions};
use crate::wire::{Compose, Method, Name};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The reason of its alarm; expiring contacts have the other.
pub(super) const DUE: u8 = 1;
/// Asked at once; the others wait for the next turn.
const AT_ONCE: usize = 64;
const TURN: Duration = Duration::from_millis(20);
/// The next turn after there was no room.
const FULL: Duration = Duration::from_secs(1);

/// Who is to be asked, and who has been.
#[derive(Debug)]
pub(super) struct KeepAlive {
    /// Zero: nobody is asked.
    interval: Duration,
    due: VecDeque<(Time, LineNo, u64)>,
    asked: BTreeMap<u64, (LineNo, Time)>,
    timer: TimerId,
}

impl KeepAlive {
    pub(super) const fn new(interval: Duration) -> Self {
        Self { interval, due: VecDeque::new(), asked: BTreeMap::new(), timer: TimerId::NONE }
    }

    pub(super) const fn reload(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// A contact was heard, or answered.
    pub(super) fn heard(&mut self, transactions: &mut Transactions, line: LineNo, contact: u64) {
        if self.interval.is_zero() {
            return;
        }
        let now = transactions.ground.now;
        // After a shorter interval was configured it may be earlier than the last, and then it waits for that.
        self.due.push_back((now + self.interval, line, contact));
        if self.due.len() == 1 {
            self.set(&mut transactions.ground, self.interval);
        }
    }

    /// Asks those whose time has come.
    pub(super) fn ask(&mut self, transactions: &mut Transactions, locations: &Locations, domain: &str) {
        let now = transactions.ground.now;
        let mut turn = TURN;
        for _ in 0..AT_ONCE {
            let Some((at, line, contact)) = self.due.pop_front_if(|(at, ..)| *at <= now) else { break };
            // One that was refreshed since has another number, and another turn.
            let Some(found) = locations.numbered(line, contact) else { continue };
            if !send(transactions, &found, contact, domain) {
                // There are too many transactions: it keeps its place, and all wait until there may be fewer.
                self.due.push_front((at, line, contact));
                turn = FULL;
                break;
            }
            self.asked.insert(contact, (line, now));
        }
        self.timer = TimerId::NONE;
        if let Some((at, ..)) = self.due.front() {
            self.set(&mut transactions.ground, at.since(now).max(turn));
        }
    }

    /// The answer to an OPTIONS of ours, or that there was none: whose, and how long it took.
    pub(super) fn settled(&mut self, now: Time, contact: u64) -> Option<(LineNo, Duration)> {
        let (line, sent) = self.asked.remove(&contact)?;
        Some((line, now.since(sent)))
    }

    /// Its alarm was lost.
    pub(super) fn rearm(&mut self, ground: &mut Ground) {
        if !self.due.is_empty() {
            self.set(ground, TURN);
        }
    }

    fn set(&mut self, ground: &mut Ground, after: Duration) {
        let alarm = Alarm { room: Room::Line, reason: DUE, whom: u64::MAX };
        ground.timers.stop(self.timer);
        self.timer = ground.timers.start(ground.now, after, alarm);
    }
}

/// A request outside any dialog (RFC 3261 §11.1).
fn send(transactions: &mut Transactions, contact: &Contact<'_>, owner: u64, domain: &str) -> bool {
    let rng = &mut transactions.ground.rng;
    let (tag, call_id) = (Tag { slot: u32::MAX, secret: rng.bits() }, [hex8(rng.bits()), hex8(rng.bits())]);
    let write = |mut options: Compose<'_>| {
        options.parts(Name::From, &[b"<sip:", domain.as_bytes(), b">;tag=", &tag.text()]);
        options.parts(Name::To, &[b"<", contact.uri, b">"]);
        options.parts(Name::CallId, &[&call_id[0], &call_id[1]]).field(Name::CSeq, b"1 OPTIONS");
        options.end()
    };
    let sent = transactions.request(contact.hop, Owner(owner), Method::Options, contact.uri, 70, write);
    sent.is_some()
}
