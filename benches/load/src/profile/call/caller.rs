//! The calling end.
use super::{Call, Calls, Event, KIND, Mode, State, TAG, Templates, What};
use crate::agenda::{self, TIMEOUT};
use crate::answer::{self, Voice};
use crate::dialog::Dialog;
use crate::digest::{self, Account};
use crate::digits;
use crate::ends::{Peer, Side};
use crate::glance::{Glance, Method};
use crate::profile::{Ground, Room};
use crate::slots::Buffers;
use crate::tally::Cause;
use crate::template::{self, Fields, NUMBER, SEQUENCE, Shape, TAG as TAG_MARK, Template, USER};
use std::error::Error;

/// The messages of the calling end.
pub(super) fn templates(ground: &Ground, side: Side, from_lines: bool) -> Result<Templates, Box<dyn Error>> {
    let (server, domain, own) = (ground.server, &ground.domain, ground.address(side));
    let name = ground.name(char::from(KIND));
    let user = if from_lines { USER } else { "caller" };
    let sent_by = own.to_string();
    let contact = ground.contact(side, user);
    let from = format!("<sip:{user}@{domain}>;tag={name}");
    let to = format!("<sip:u{NUMBER}@{domain}>");
    let to_tagged = format!("{to};tag={TAG_MARK}");
    let call_id = format!("{name}@load");
    let uri = format!("sip:u{NUMBER}@{server}");
    let branch = |letter: char| format!("{name}{letter}{SEQUENCE}");
    let (invited, acknowledged, left) = (branch('i'), branch('a'), branch('b'));
    let about = [("Contact", contact.as_str()), ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY")];
    let shape = Shape {
        method: rsip::Method::Invite,
        transport: ground.transport.name(),
        sent_by: &sent_by,
        branch: &invited,
        uri: &uri,
        from: &from,
        to: &to,
        call_id: &call_id,
        fields: &about,
        body: &ground.media,
    };
    let answered = Shape { to: &to_tagged, fields: &[], body: "", ..shape };
    Ok(Templates {
        invite: Template::new(&shape)?,
        ack_refusal: Template::new(&Shape { method: rsip::Method::Ack, ..answered })?,
        ack: Template::new(&Shape { method: rsip::Method::Ack, uri: "", branch: &acknowledged, ..answered })?,
        bye: Template::new(&Shape { method: rsip::Method::Bye, uri: "", branch: &left, ..answered })?,
    })
}

impl Calls {
    /// One more call.
    pub(super) fn invite(&mut self, room: &mut Room<'_>) {
        room.tally.offer(room.step);
        let call = Call {
            began: room.now as u32,
            rang: 0,
            kept: Buffers::NONE,
            accepted: Buffers::NONE,
            state: State::Calling,
            tries: 1,
            sequence: 1,
            step: room.step,
            held: self.mode == Mode::Held,
            long: self.mode == Mode::Long,
            invited: false,
            left: false,
            tag_length: 0,
            tag: [0; TAG],
        };
        let Some(number) = self.calls.insert(call) else { return room.tally.fail(room.step, Cause::NoRoom) };
        self.say(room, number);
        self.watch(room, number);
    }

    /// The number of a call's line.
    fn line(&self, number: u32) -> [u8; 8] {
        digits::line(number % self.ground.lines.max(1))
    }

    /// Sends the request that the call waits for an answer to.
    fn say(&mut self, room: &mut Room<'_>, number: u32) {
        let line = self.line(number);
        let Some(&mut call) = self.calls.get(number) else { return };
        let fields = Fields { number, sequence: call.sequence.into(), user: &line, ..Fields::default() };
        if call.state != State::HangingUp {
            let fields = Fields { lines: self.buffers.get(call.kept), ..fields };
            return room.ends.send(self.side, self.server, |out| self.templates.invite.write(&fields, out));
        }
        let dialog = self.usual.dialog(call.tag.get(..call.tag_length.into()).unwrap_or(&[]), call.kept, &self.buffers);
        let Dialog { tag, target, routes } = dialog;
        let to = dialog.next_hop(room.ends, self.side, self.server);
        let fields = Fields { tag, target, lines: routes, ..fields };
        room.ends.send(self.side, to, |out| self.templates.bye.write(&fields, out));
    }

    /// Looks after the request that was just sent.
    fn watch(&mut self, room: &mut Room<'_>, number: u32) {
        let reliable = self.is_reliable();
        let Some(call) = self.calls.get(number) else { return };
        let event = Event { number, what: What::Again, sequence: call.sequence, tries: call.tries };
        let pause = agenda::pause(call.tries, call.state != State::HangingUp);
        match pause {
            Some(_) if reliable => self.later(room.now, TIMEOUT, Event { what: What::GiveUp, ..event }),
            Some(pause) => self.later(room.now, pause, event),
            None => self.give_up(room, event),
        }
    }

    /// A request has waited for an answer.
    pub(super) fn again(&mut self, room: &mut Room<'_>, event: Event) {
        let Some(call) = self.calls.get(event.number) else { return };
        if (call.sequence, call.tries) != (event.sequence, event.tries) {
            return;
        }
        match call.state {
            State::Calling | State::HangingUp => {
                call.tries += 1;
                if agenda::pause(call.tries, call.state == State::Calling).is_some() {
                    room.tally.again.our_requests += 1;
                    self.say(room, event.number);
                }
                self.watch(room, event.number);
            }
            // It rings: not for ever.
            State::Proceeding => {
                let time = TIMEOUT + self.manner.ring.as_micros() as u64;
                self.later(room.now, time, Event { what: What::GiveUp, ..event });
            }
            State::Talking | State::Over => {}
        }
    }

    pub(super) fn give_up(&mut self, room: &mut Room<'_>, event: Event) {
        let Some(call) = self.calls.get(event.number).filter(|call| call.sequence == event.sequence) else { return };
        match call.state {
            State::Calling | State::Proceeding => self.fail(room, event.number, Cause::Unanswered("INVITE")),
            State::HangingUp => self.fail(room, event.number, Cause::Unanswered("BYE")),
            State::Talking | State::Over => {}
        }
    }

    /// A response came.
    pub(super) fn responded(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        if message.method == Method::Invite && message.status >= 300 {
            return self.refused(room, number, message);
        }
        let Some(call) = self.calls.get(number) else {
            room.tally.again.its_responses += u64::from(message.status >= 200);
            return;
        };
        match (call.state, message.method, message.status) {
            (State::Calling, Method::Invite, ..200) => call.state = State::Proceeding,
            (State::Calling | State::Proceeding, Method::Invite, 200..300) => self.accepted(room, number, message),
            (State::Talking | State::HangingUp, Method::Invite, 200..300) => {
                room.tally.again.its_responses += 1;
                self.acknowledge(room, number, message);
            }
            (State::HangingUp, Method::Bye, 200..300) => {
                if call.held {
                    room.tally.set_up((room.now as u32).wrapping_sub(call.began).into());
                }
                room.tally.complete(call.step);
                self.close(number);
            }
            (State::HangingUp, Method::Bye, 300..) => {
                self.fail(room, number, Cause::Refused("BYE", message.status));
            }
            (State::Calling | State::Proceeding | State::Talking | State::HangingUp | State::Over, ..) => {}
        }
    }

    fn accepted(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let Some(call) = self.calls.get(number) else { return };
        self.buffers.give(std::mem::replace(&mut call.kept, Buffers::NONE));
        let tag = message.to_tag();
        call.kept = self.usual.keep(message, tag, true, TAG, &mut self.buffers);
        if let Some(own) = call.tag.get_mut(..tag.len()) {
            own.copy_from_slice(tag);
            call.tag_length = tag.len() as u8;
        }
        call.state = State::Talking;
        let took = u64::from((room.now as u32).wrapping_sub(call.began));
        room.tally.set_up(took.saturating_sub(call.rang.into()));
        let Call { held, long, sequence, tries, step, .. } = *call;
        self.acknowledge(room, number, message);
        if held {
            self.held += 1;
            room.tally.complete(step);
        } else {
            let talk = if long { self.manner.long } else { self.manner.talk };
            self.later(room.now, talk.as_micros() as u64, Event { number, what: What::HangUp, sequence, tries });
        }
    }

    /// ACK, for a 200.
    fn acknowledge(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let line = self.line(number);
        let Some(&mut call) = self.calls.get(number) else { return };
        let dialog = self.usual.dialog(message.to_tag(), call.kept, &self.buffers);
        let Dialog { tag, target, routes } = dialog;
        let to = dialog.next_hop(room.ends, self.side, self.server);
        let fields =
            Fields { number, sequence: message.sequence, tag, user: &line, target, lines: routes, ..Fields::default() };
        room.ends.send(self.side, to, |out| self.templates.ack.write(&fields, out));
    }

    /// A refusal, perhaps of a call that is over already; it is acknowledged either way.
    fn refused(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let line = self.line(number);
        let fields =
            Fields { number, sequence: message.sequence, tag: message.to_tag(), user: &line, ..Fields::default() };
        room.ends.send(self.side, self.server, |out| self.templates.ack_refusal.write(&fields, out));
        let Some(call) = self.calls.get(number).filter(|call| u32::from(call.sequence) == message.sequence) else {
            room.tally.again.its_responses += 1;
            return;
        };
        if !matches!(call.state, State::Calling | State::Proceeding) {
            room.tally.again.its_responses += 1;
            return;
        }
        match message.status {
            401 | 407 if self.manner.from_lines && call.sequence == 1 => self.prove(room, number, message),
            401 | 407 if !self.manner.from_lines => self.fail(room, number, Cause::Challenge),
            503 if message.has_retry_after => self.fail(room, number, Cause::Shed),
            status => self.fail(room, number, Cause::Refused("INVITE", status)),
        }
    }

    /// INVITE again, with credentials.
    fn prove(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let line = self.line(number);
        self.scratch.clear();
        template::write_uri(&mut self.scratch, number, self.ground.server);
        let kept = self.buffers.take();
        let account = Account { user: &line, password: self.ground.password.as_bytes() };
        let done = self
            .buffers
            .get_mut(kept)
            .is_some_and(|out| digest::write_answer(message, account, Method::Invite, &self.scratch, 1, out));
        let Some(call) = self.calls.get(number) else { return };
        (call.kept, call.sequence, call.tries, call.state) = (kept, 2, 1, State::Calling);
        if !done {
            return self.fail(room, number, Cause::Challenge);
        }
        room.tally.challenged += 1;
        self.say(room, number);
        self.watch(room, number);
    }

    pub(super) fn hang_up(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(call) = self.calls.get(number).filter(|call| call.state == State::Talking) else { return };
        if call.held {
            // It is over when its end is answered: that is the time that is told of it.
            call.began = room.now as u32;
            self.held -= 1;
        }
        (call.state, call.tries, call.sequence) = (State::HangingUp, 1, call.sequence + 1);
        self.say(room, number);
        self.watch(room, number);
    }

    /// Ends one of the calls that are held.
    pub(super) fn hang_up_next(&mut self, room: &mut Room<'_>) {
        room.tally.offer(room.step);
        let waiting = |call: &Call| call.held && call.state == State::Talking;
        match self.calls.next(self.cursor, waiting) {
            Some((place, number)) => {
                self.cursor = place + 1;
                if let Some(call) = self.calls.get(number) {
                    call.step = room.step;
                }
                self.hang_up(room, number);
            }
            None => room.tally.fail(room.step, Cause::Missing("held call")),
        }
    }

    /// The server asks something of the calling end.
    pub(super) fn asked(&mut self, room: &mut Room<'_>, peer: Peer, message: &Glance<'_>) {
        if message.method == Method::Ack {
            return;
        }
        let number = self.ground.key(message.to_tag()).filter(|(kind, _)| *kind == KIND).map(|(_, number)| number);
        let known = number.and_then(|number| self.calls.known(number));
        let status = if known.is_some() || message.method == Method::Other { answer::OK } else { answer::NO_CALL };
        let talking = known.is_some_and(|call| call.state == State::Talking);
        let body = if message.method == Method::Invite || !message.body.is_empty() && message.method == Method::Update {
            self.ground.answer_to(message.body)
        } else {
            b""
        };
        let voice = Voice { tag: b"load", contact: &self.caller_contact, body };
        room.ends.send(self.side, peer, |out| answer::write(message, status, voice, out));
        if let (Method::Bye, Some(number), true) = (message.method, number, talking) {
            self.fail(room, number, Cause::HungUp);
        }
    }
}
