//! Parked calls: a trunk calls a line, whose phone parks it; nobody comes, the phone is reminded; another line retrieves it.
//!
//! ```text
//!   trunk ─ INVITE ─► phone      REFER to the orbit, NOTIFY 200, BYE
//!     ╰── hears music ──╮        INVITE: the reminder rings
//!   other line ─ INVITE orbit ─► talks with the trunk, BYE
//! ```
mod legs;
mod phones;

use super::{Ground, Profile, Room};
use crate::agenda::{Agenda, Micros};
use crate::ends::{Ends, Peer, Side, Transport};
use crate::glance::{Glance, Method};
use crate::slots::Buffers;
use crate::tally::Cause;
use legs::{Desk, Requests};
use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

/// What stands before a number in the Call-IDs and tags of each leg.
pub(crate) const TRUNK: u8 = b't';
pub(crate) const PHONE: u8 = b'p';
pub(crate) const REMINDED: u8 = b'm';
pub(crate) const FETCHER: u8 = b'f';
/// Bits of a number that say which orbit; the others count who was there before.
const PLACE_BITS: u32 = 14;
/// The lot's number, and its first orbit; an orbit of each call's own.
pub(crate) const LOT: u32 = 600_000;
pub(crate) const FIRST_ORBIT: u32 = 700_000;
/// How long everything but waiting for the reminder may take.
const PATIENCE: Micros = 40_000_000;

/// How calls are parked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) ring: Duration,
    pub(crate) talk: Duration,
    /// When the server reminds.
    pub(crate) reminder: Duration,
    /// Nobody fetches them until somebody is told to.
    pub(crate) stays: bool,
    /// So many at once.
    pub(crate) orbits: u32,
    /// The lines: two for each orbit, from this one on.
    pub(crate) first_line: u32,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    /// The trunk calls the phone.
    Calling,
    /// They talk.
    Talking,
    /// REFER is sent.
    Parking,
    /// The trunk is parked; the phone is reminded some time.
    Parked,
    /// The reminder rings.
    Reminded,
    /// The other line dials the orbit.
    Fetching,
    /// It talks with the trunk.
    Fetched,
    /// It has sent BYE.
    Leaving,
}

/// What a leg waits for an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Nothing,
    Invite,
    /// Something was heard of the INVITE.
    Ringing,
    Refer,
    Bye,
}

/// Which leg sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Trunk,
    Phone,
    Fetcher,
}

/// One party's part of a call.
#[derive(Clone, Copy, Debug)]
struct Leg {
    ask: Ask,
    sequence: u8,
    tries: u8,
    /// A buffer: credentials, then the dialog: tag, target, routes, Call-ID.
    kept: u32,
}

/// A call that is parked.
#[derive(Clone, Copy, Debug)]
struct Unit {
    generation: u32,
    stage: Stage,
    step: u8,
    /// The trunk has had its BYE, the fetcher's was answered.
    trunk_gone: bool,
    fetcher_gone: bool,
    /// When the orbit was dialled, in microseconds; wraps.
    dialled: u32,
    legs: [Leg; 3],
    /// A buffer: the phone's 200 until its ACK, or what becomes the 487 of its reminder; to whom, and how often it went.
    answer: u32,
    peer: Option<Peer>,
    tries: u8,
}

#[derive(Clone, Copy, Debug)]
struct Event {
    number: u32,
    what: What,
    sequence: u8,
    tries: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A leg's request is sent again.
    Again(Who),
    /// The phone answers, or answers again.
    Accept,
    Refer,
    Dial,
    HangUp,
    /// It has had time enough.
    Deadline,
}

/// The load of parked calls.
#[derive(Debug)]
pub(crate) struct Parks {
    ground: Ground,
    manner: Manner,
    trunk: Requests,
    /// The server, as the trunk reaches it.
    server: Peer,
    desks: Vec<Desk>,
    units: Vec<Unit>,
    free: VecDeque<u32>,
    /// Those that stay parked, by number.
    parked: VecDeque<u32>,
    agenda: Agenda<Event>,
    buffers: Buffers,
    trunk_contact: Vec<u8>,
    scratch: Vec<u8>,
}

const NO_LEG: Leg = Leg { ask: Ask::Nothing, sequence: 0, tries: 0, kept: Buffers::NONE };

impl Parks {
    pub(crate) fn new(ground: &Ground, manner: Manner, ends: &mut Ends) -> Result<Self, Box<dyn Error>> {
        let unit = Unit {
            generation: 0,
            stage: Stage::Free,
            step: 0,
            trunk_gone: false,
            fetcher_gone: false,
            dialled: 0,
            legs: [NO_LEG; 3],
            answer: Buffers::NONE,
            peer: None,
            tries: 0,
        };
        Ok(Self {
            trunk: legs::requests(ground, Side::Caller, TRUNK, "caller")?,
            server: ends.peer(Side::Caller, ground.server),
            desks: (0..ground.desks()).map(|desk| Desk::new(ground, desk, ends)).collect::<Result<_, _>>()?,
            units: vec![unit; manner.orbits as usize],
            free: (0..manner.orbits).collect(),
            parked: VecDeque::new(),
            agenda: Agenda::new(),
            buffers: Buffers::default(),
            trunk_contact: format!("Contact: {}\r\n", ground.contact(Side::Caller, "caller")).into_bytes(),
            scratch: Vec::new(),
            ground: ground.clone(),
            manner,
        })
    }

    const fn is_reliable(&self) -> bool {
        matches!(self.ground.transport, Transport::Tcp)
    }

    /// The unit of this number, if it is still the same.
    fn unit(&mut self, number: u32) -> Option<&mut Unit> {
        let unit = self.units.get_mut((number & ((1 << PLACE_BITS) - 1)) as usize)?;
        (unit.generation == number >> PLACE_BITS && unit.stage != Stage::Free).then_some(unit)
    }

    /// The number of the unit whose phone this is.
    fn of_phone(&self, line: u32) -> Option<u32> {
        let place = line.checked_sub(self.manner.first_line)? / 2;
        let unit = self.units.get(place as usize).filter(|unit| unit.stage != Stage::Free)?;
        Some(unit.generation << PLACE_BITS | place)
    }

    /// The line of a leg.
    fn line(&self, number: u32, who: Who) -> u32 {
        let place = number & ((1 << PLACE_BITS) - 1);
        self.manner.first_line + 2 * place + u32::from(who == Who::Fetcher)
    }

    /// Where a leg's messages come from.
    fn side(&self, number: u32, who: Who) -> Side {
        match who {
            Who::Trunk => Side::Caller,
            Who::Phone | Who::Fetcher => Side::Desk(self.ground.desk(self.line(number, who))),
        }
    }

    /// The desk behind an end.
    fn desk(&self, side: Side) -> Option<&Desk> {
        match side {
            Side::Desk(desk) => self.desks.get(usize::from(desk)),
            Side::Caller | Side::Callee => None,
        }
    }

    fn later(&mut self, now: Micros, delay: Duration, number: u32, what: What) {
        self.agenda.after(now, delay.as_micros() as u64, Event { number, what, sequence: 0, tries: 0 });
    }

    fn fail(&mut self, room: &mut Room<'_>, number: u32, cause: Cause) {
        let Some(&mut unit) = self.unit(number) else { return };
        room.tally.fail(unit.step, cause);
        // Whoever still talks hangs up, and waits for nothing.
        for who in [Who::Trunk, Who::Phone, Who::Fetcher] {
            let leg = unit.legs[who as usize];
            if !matches!(leg.ask, Ask::Invite | Ask::Ringing) && leg.kept != Buffers::NONE {
                self.ask(room, number, who, Ask::Bye);
            }
        }
        self.close(number);
    }

    /// Done, if both have hung up.
    fn settle(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(unit) = self.unit(number) else { return };
        if unit.trunk_gone && unit.fetcher_gone {
            room.tally.complete(unit.step);
            self.close(number);
        }
    }

    fn close(&mut self, number: u32) {
        let Some(unit) = self.unit(number) else { return };
        unit.stage = Stage::Free;
        // 18 bits are left for it.
        unit.generation = (unit.generation + 1) & ((1 << (32 - PLACE_BITS)) - 1);
        let legs = std::mem::replace(&mut unit.legs, [NO_LEG; 3]);
        let answer = std::mem::replace(&mut unit.answer, Buffers::NONE);
        legs.into_iter().for_each(|leg| self.buffers.give(leg.kept));
        self.buffers.give(answer);
        self.parked.retain(|parked| *parked != number);
        self.free.push_back(number & ((1 << PLACE_BITS) - 1));
    }

    /// Somebody fetches the call that has been parked longest.
    pub(crate) fn fetch_next(&mut self, room: &mut Room<'_>) {
        room.tally.offer(room.step);
        let Some(number) = self.parked.pop_front() else {
            return room.tally.fail(room.step, Cause::Missing("parked call"));
        };
        self.later(room.now, Duration::from_micros(PATIENCE), number, What::Deadline);
        self.fetch(room, number);
    }

    /// The time that it had is over.
    fn deadline(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(unit) = self.unit(number) else { return };
        let missing = match unit.stage {
            Stage::Free => return,
            Stage::Calling => "answer",
            Stage::Talking | Stage::Parking => "park",
            Stage::Parked => "reminder",
            Stage::Reminded | Stage::Fetching => "retrieval",
            Stage::Fetched | Stage::Leaving => "end",
        };
        self.fail(room, number, Cause::Missing(missing));
    }
}

impl Profile for Parks {
    fn begin(&mut self, room: &mut Room<'_>) {
        room.tally.offer(room.step);
        let Some(place) = self.free.pop_front() else { return room.tally.fail(room.step, Cause::NoRoom) };
        let Some(unit) = self.units.get_mut(place as usize) else { return };
        *unit = Unit {
            stage: Stage::Calling,
            step: room.step,
            trunk_gone: false,
            fetcher_gone: false,
            peer: None,
            tries: 0,
            ..*unit
        };
        let number = unit.generation << PLACE_BITS | place;
        let time = self.manner.reminder + Duration::from_micros(PATIENCE);
        self.later(room.now, time, number, What::Deadline);
        self.ask(room, number, Who::Trunk, Ask::Invite);
    }

    fn hear(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        if message.status != 0 {
            let key = self.ground.key(message.call_id).or_else(|| self.ground.key(message.senders_tag()));
            let Some((kind, number)) = key else { return };
            return match kind {
                TRUNK => self.responded(room, number, Who::Trunk, message),
                FETCHER => self.responded(room, number, Who::Fetcher, message),
                PHONE => self.responded(room, number, Who::Phone, message),
                _ => {}
            };
        }
        match (message.method, message.to_tag().is_empty()) {
            (Method::Invite, true) => self.called(room, side, peer, message),
            (Method::Cancel, _) => self.cancelled(room, side, peer, message),
            (
                Method::Invite
                | Method::Ack
                | Method::Bye
                | Method::Notify
                | Method::Refer
                | Method::Register
                | Method::Update
                | Method::Other,
                _,
            ) => self.told(room, side, peer, message),
        }
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        while let Some(event) = self.agenda.due(room.now) {
            let number = event.number;
            match event.what {
                What::Again(who) => self.again(room, event, who),
                What::Accept => self.accept(room, event),
                What::Refer => self.refer(room, number),
                What::Dial => self.dial(room, number),
                What::HangUp => self.hang_up(room, number),
                What::Deadline => self.deadline(room, number),
            }
        }
    }

    fn pending(&self) -> usize {
        self.units.len() - self.free.len() - self.parked.len()
    }

    fn up(&self) -> usize {
        self.pending()
    }

    fn abandon(&mut self, room: &mut Room<'_>) {
        let numbers = |(unit, place): (&Unit, u32)| unit.generation << PLACE_BITS | place;
        let busy = self.units.iter().zip(0..).filter(|(unit, _)| unit.stage != Stage::Free).map(numbers);
        let busy: Vec<u32> = busy.filter(|number| !self.parked.contains(number)).collect();
        busy.into_iter().for_each(|number| self.fail(room, number, Cause::Unfinished));
    }
}
