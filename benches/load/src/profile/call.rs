//! Calls: begun, answered, hung up. Both ends are here, and one small record for both.
mod callee;
mod caller;

use super::{Ground, Profile, Room};
use crate::agenda::{Agenda, Micros};
use crate::dialog::Usual;
use crate::ends::{Ends, Peer, Side, Transport};
use crate::glance::{Glance, Method};
use crate::slots::{Buffers, Slots};
use crate::tally::Cause;
use crate::template::Template;
use std::error::Error;
use std::time::Duration;

/// What stands before a call's number in our Call-IDs and tags.
pub(crate) const KIND: u8 = b'c';
/// The other end's tag, if it is no longer, is kept with the call.
const TAG: usize = 20;

/// What calls begun now are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They end by themselves.
    Brief,
    /// The same, but after a longer talk.
    Long,
    /// They stay until they are hung up.
    Held,
    /// Nothing new: each beginning ends one that was held.
    HangUp,
}

/// How calls are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) ring: Duration,
    pub(crate) talk: Duration,
    /// Of long calls.
    pub(crate) long: Duration,
    /// The callee says 100 Trying first.
    pub(crate) trying: bool,
    /// The callers are lines, and prove it when they are asked to.
    pub(crate) from_lines: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// INVITE is sent.
    Calling,
    /// Something was heard of it: it is not sent again (RFC 3261 §17.1.1.2).
    Proceeding,
    Talking,
    /// BYE is sent.
    HangingUp,
    Over,
}

/// A call, as both of its ends know it.
#[derive(Clone, Copy, Debug)]
struct Call {
    /// When, in microseconds; wraps.
    began: u32,
    /// For how long the callee rang, in microseconds; it is looked at in ticks, so this is not quite what was wanted.
    rang: u32,
    /// A buffer: the credentials until the call is up, then the dialog if it is unusual.
    kept: u32,
    /// A buffer: the callee's 200, until it is acknowledged.
    accepted: u32,
    state: State,
    tries: u8,
    /// Of the request that is under way or was the last.
    sequence: u8,
    step: u8,
    held: bool,
    long: bool,
    /// The callee has had its INVITE, its BYE.
    invited: bool,
    left: bool,
    tag_length: u8,
    tag: [u8; TAG],
}

// A million held calls in 52 MB.
const _: () = assert!(size_of::<Call>() <= 48);

/// What is to be done with a call later.
#[derive(Clone, Copy, Debug)]
struct Event {
    number: u32,
    what: What,
    sequence: u8,
    tries: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The caller's request is sent again.
    Again,
    /// The caller has waited long enough.
    GiveUp,
    HangUp,
    /// The callee answers, or answers again.
    Accept,
}

#[derive(Debug)]
struct Templates {
    invite: Template,
    /// For a 200.
    ack: Template,
    /// For a refusal (RFC 3261 §17.1.1.3).
    ack_refusal: Template,
    bye: Template,
}

/// The load of calls.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) mode: Mode,
    ground: Ground,
    manner: Manner,
    /// The calling end.
    side: Side,
    server: Peer,
    templates: Templates,
    calls: Slots<Call>,
    agenda: Agenda<Event>,
    buffers: Buffers,
    usual: Usual,
    /// Whom the callee's 200s go to, how often they went, and since when it rings; by buffer.
    accepted: Vec<(Peer, u8, Micros)>,
    caller_contact: Vec<u8>,
    callee_contact: Vec<u8>,
    /// Up and to stay so.
    held: usize,
    /// Where the next held call is looked for.
    cursor: usize,
    scratch: Vec<u8>,
}

impl Calls {
    pub(crate) fn new(ground: &Ground, manner: Manner, ends: &mut Ends) -> Result<Self, Box<dyn Error>> {
        let side = if manner.from_lines { Side::Desk(0) } else { Side::Caller };
        let contact = |side, user| format!("Contact: {}\r\n", ground.contact(side, user)).into_bytes();
        Ok(Self {
            mode: Mode::Brief,
            ground: ground.clone(),
            manner,
            side,
            server: ends.peer(side, ground.server),
            templates: caller::templates(ground, side, manner.from_lines)?,
            calls: Slots::new(),
            agenda: Agenda::new(),
            buffers: Buffers::default(),
            usual: Usual::default(),
            accepted: Vec::new(),
            caller_contact: contact(side, "caller"),
            callee_contact: contact(Side::Callee, "callee"),
            held: 0,
            cursor: 0,
            scratch: Vec::new(),
        })
    }

    const fn is_reliable(&self) -> bool {
        matches!(self.ground.transport, Transport::Tcp)
    }

    fn later(&mut self, now: Micros, delay: Micros, event: Event) {
        self.agenda.after(now, delay, event);
    }

    fn fail(&mut self, room: &mut Room<'_>, number: u32, cause: Cause) {
        if let Some(call) = self.calls.get(number) {
            room.tally.fail(call.step, cause);
            self.close(number);
        }
    }

    fn close(&mut self, number: u32) {
        let Some(call) = self.calls.get(number) else { return };
        if call.held && call.state == State::Talking {
            self.held -= 1;
        }
        call.state = State::Over;
        let kept = std::mem::replace(&mut call.kept, Buffers::NONE);
        let accepted = std::mem::replace(&mut call.accepted, Buffers::NONE);
        self.buffers.give(kept);
        self.buffers.give(accepted);
        self.calls.close(number);
    }
}

impl Profile for Calls {
    fn begin(&mut self, room: &mut Room<'_>) {
        match self.mode {
            Mode::Brief | Mode::Long | Mode::Held => self.invite(room),
            Mode::HangUp => self.hang_up_next(room),
        }
    }

    fn hear(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        if message.status != 0 {
            if let Some((KIND, number)) = self.ground.key(message.call_id) {
                self.responded(room, number, message);
            }
        } else if side == self.side {
            self.asked(room, peer, message);
        } else if message.method == Method::Invite && message.to_tag().is_empty() {
            self.called(room, side, peer, message);
        } else {
            self.told(room, side, peer, message);
        }
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        while let Some(event) = self.agenda.due(room.now) {
            match event.what {
                What::Again => self.again(room, event),
                What::GiveUp => self.give_up(room, event),
                What::HangUp => self.hang_up(room, event.number),
                What::Accept => self.accept(room, event),
            }
        }
    }

    fn pending(&self) -> usize {
        self.calls.len() - self.held
    }

    fn up(&self) -> usize {
        self.calls.len()
    }

    fn abandon(&mut self, room: &mut Room<'_>) {
        let mut place = 0;
        let pending = |call: &Call| !(call.held && call.state == State::Talking);
        while let Some((at, number)) = self.calls.next(place, pending) {
            self.fail(room, number, Cause::Unfinished);
            place = at + 1;
        }
    }
}
