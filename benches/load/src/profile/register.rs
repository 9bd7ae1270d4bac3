//! Registrations: every line in turn, again and again. Each is asked for a password anew, as phones are whose nonce has aged.
use super::{Ground, Profile, Room};
use crate::agenda::{self, Agenda, TIMEOUT};
use crate::answer::{self, Voice};
use crate::digest::{self, Account};
use crate::digits;
use crate::ends::{Ends, Peer, Side, Transport};
use crate::glance::{Glance, Method};
use crate::slots::Buffers;
use crate::tally::Cause;
use crate::template::{Fields, SEQUENCE, Shape, Template, USER};
use std::error::Error;

/// What stands before a line's number in our Call-IDs and tags.
const KIND: u8 = b'r';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is under way.
    Idle,
    /// REGISTER is sent.
    Asking,
    /// And once more, with credentials.
    Proving,
}

/// What a line does just now.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// When, in microseconds; wraps.
    began: u32,
    sequence: u32,
    /// A buffer: the credentials.
    kept: u32,
    state: State,
    tries: u8,
    step: u8,
}

// A million lines in 16 MB.
const _: () = assert!(size_of::<Line>() <= 16);

/// A request has waited for its answer.
#[derive(Clone, Copy, Debug)]
struct Again {
    line: u32,
    sequence: u32,
    tries: u8,
}

/// The load of registrations.
#[derive(Debug)]
pub(crate) struct Registrations {
    ground: Ground,
    uri: String,
    /// For each desk, with the way to the server from there.
    templates: Vec<(Peer, Template)>,
    lines: Vec<Line>,
    /// Whose turn it is.
    next: usize,
    /// Lines that have registered; they do so in their order.
    registered: usize,
    pending: usize,
    agenda: Agenda<Again>,
    buffers: Buffers,
}

impl Registrations {
    pub(crate) fn new(ground: &Ground, ends: &mut Ends) -> Result<Self, Box<dyn Error>> {
        let name = ground.name(char::from(KIND));
        let uri = format!("sip:{}", ground.domain);
        let address = format!("<sip:{USER}@{}>", ground.domain);
        let mut templates = Vec::new();
        for side in (0..ground.desks()).map(Side::Desk) {
            let template = Template::new(&Shape {
                method: rsip::Method::Register,
                transport: ground.transport.name(),
                sent_by: &ground.address(side).to_string(),
                branch: &format!("{name}r{SEQUENCE}"),
                uri: &uri,
                from: &format!("{address};tag={name}"),
                to: &address,
                call_id: &format!("{name}@load"),
                fields: &[("Contact", &ground.contact(side, USER)), ("Expires", "3600")],
                body: "",
            })?;
            templates.push((ends.peer(side, ground.server), template));
        }
        let line = Line { began: 0, sequence: 0, kept: Buffers::NONE, state: State::Idle, tries: 0, step: 0 };
        Ok(Self {
            ground: ground.clone(),
            uri,
            templates,
            lines: vec![line; ground.lines as usize],
            next: 0,
            registered: 0,
            pending: 0,
            agenda: Agenda::new(),
            buffers: Buffers::default(),
        })
    }

    /// Sends the line's request, and looks after it.
    fn say(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(&line) = self.lines.get(number as usize) else { return };
        let user = digits::line(number);
        let lines = self.buffers.get(line.kept);
        let fields = Fields { number, sequence: line.sequence, user: &user, lines, ..Fields::default() };
        let desk = self.ground.desk(number);
        let Some((server, template)) = self.templates.get(usize::from(desk)) else { return };
        room.ends.send(Side::Desk(desk), *server, |out| template.write(&fields, out));
        let pause = match self.ground.transport {
            Transport::Udp => agenda::pause(line.tries, false).unwrap_or(TIMEOUT),
            Transport::Tcp => TIMEOUT,
        };
        self.agenda.after(room.now, pause, Again { line: number, sequence: line.sequence, tries: line.tries });
    }

    /// The line's registration is over, one way or the other.
    fn end(&mut self, room: &mut Room<'_>, number: u32, failure: Option<Cause>) {
        let Some(line) = self.lines.get_mut(number as usize) else { return };
        line.state = State::Idle;
        let kept = std::mem::replace(&mut line.kept, Buffers::NONE);
        match failure {
            Some(cause) => room.tally.fail(line.step, cause),
            None => room.tally.complete(line.step),
        }
        self.buffers.give(kept);
        self.pending -= 1;
    }

    fn responded(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let Some(line) = self.lines.get_mut(number as usize) else { return };
        if message.status < 200 {
            return;
        }
        if line.state == State::Idle || line.sequence != message.sequence {
            room.tally.again.its_responses += 1;
            return;
        }
        match message.status {
            200..300 => {
                self.registered = self.registered.max(number as usize + 1);
                room.tally.set_up((room.now as u32).wrapping_sub(line.began).into());
                self.end(room, number, None);
            }
            401 | 407 if line.state == State::Asking => self.prove(room, number, message),
            503 if message.has_retry_after => self.end(room, number, Some(Cause::Shed)),
            status => self.end(room, number, Some(Cause::Refused("REGISTER", status))),
        }
    }

    fn prove(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let Some(line) = self.lines.get_mut(number as usize) else { return };
        line.kept = self.buffers.take();
        line.sequence = line.sequence.wrapping_add(1) & (u32::MAX >> 1);
        (line.state, line.tries) = (State::Proving, 1);
        let user = digits::line(number);
        let account = Account { user: &user, password: self.ground.password.as_bytes() };
        let uri = self.uri.as_bytes();
        let out = self.buffers.get_mut(line.kept);
        if !out.is_some_and(|out| digest::write_answer(message, account, Method::Register, uri, 1, out)) {
            return self.end(room, number, Some(Cause::Challenge));
        }
        room.tally.challenged += 1;
        self.say(room, number);
    }
}

impl Profile for Registrations {
    fn begin(&mut self, room: &mut Room<'_>) {
        let number = self.next;
        self.next = (number + 1) % self.lines.len().max(1);
        room.tally.offer(room.step);
        let Some(line) = self.lines.get_mut(number).filter(|line| line.state == State::Idle) else {
            // Its turn has come again before it was done.
            return room.tally.fail(room.step, Cause::NoRoom);
        };
        line.sequence = line.sequence.wrapping_add(1) & (u32::MAX >> 1);
        (line.began, line.state, line.tries, line.step) = (room.now as u32, State::Asking, 1, room.step);
        self.pending += 1;
        self.say(room, number as u32);
    }

    fn hear(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        if message.status != 0 {
            if let Some((KIND, number)) = self.ground.key(message.call_id) {
                self.responded(room, number, message);
            }
        } else if message.method == Method::Other || message.method == Method::Notify {
            // Are you there? Yes.
            let voice = Voice { tag: b"load", ..Voice::default() };
            room.ends.send(side, peer, |out| answer::write(message, answer::OK, voice, out));
        }
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        while let Some(again) = self.agenda.due(room.now) {
            let Some(line) = self.lines.get_mut(again.line as usize) else { continue };
            if line.state == State::Idle || (line.sequence, line.tries) != (again.sequence, again.tries) {
                continue;
            }
            line.tries += 1;
            let reliable = self.ground.transport == Transport::Tcp;
            if reliable || agenda::pause(line.tries, false).is_none() {
                self.end(room, again.line, Some(Cause::Unanswered("REGISTER")));
            } else {
                room.tally.again.our_requests += 1;
                self.say(room, again.line);
            }
        }
    }

    fn pending(&self) -> usize {
        self.pending
    }

    fn up(&self) -> usize {
        self.registered
    }

    fn abandon(&mut self, room: &mut Room<'_>) {
        for number in 0..self.lines.len() {
            if self.lines.get(number).is_some_and(|line| line.state != State::Idle) {
                self.end(room, number as u32, Some(Cause::Unfinished));
            }
        }
    }
}
