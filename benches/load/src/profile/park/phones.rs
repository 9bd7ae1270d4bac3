//! What the server asks of the phones and of the trunk.
use super::{Ask, Event, FETCHER, PHONE, Parks, REMINDED, Stage, TRUNK, What, Who};
use crate::agenda::{T1, T2, TIMEOUT};
use crate::answer::{self, Voice};
use crate::dialog::{pack, write_routes};
use crate::digits;
use crate::ends::{Peer, Side};
use crate::glance::{Glance, Method, uri_of, user_of};
use crate::profile::Room;
use crate::slots::Buffers;
use crate::tally::Cause;

impl Parks {
    /// A phone is called: by the trunk, or to be reminded.
    pub(super) fn called(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        let number = digits::from_line(user_of(message.uri)).and_then(|line| self.of_phone(line));
        let Some((number, stage)) = number.and_then(|number| Some((number, self.unit(number)?.stage))) else {
            room.tally.unread += 1;
            let voice = Voice { tag: b"load", ..Voice::default() };
            return room.ends.send(side, peer, |out| answer::write(message, answer::NOT_FOUND, voice, out));
        };
        let is_reminder = matches!(stage, Stage::Parked | Stage::Reminded | Stage::Fetching);
        let kind = if is_reminder { REMINDED } else { PHONE };
        let tag = format!(
            "{}{}-{}",
            char::from(kind),
            String::from_utf8_lossy(&digits::hexadecimal(number)),
            self.ground.run
        );
        let contact = self.desk(side).map_or_else(Vec::new, |desk| desk.contact.clone());
        let voice = Voice { tag: tag.as_bytes(), contact: &contact, body: b"" };
        room.ends.send(side, peer, |out| answer::write(message, answer::RINGING, voice, out));
        let Some(&mut unit) = self.unit(number) else { return };
        let is_again = match stage {
            Stage::Calling => unit.answer != Buffers::NONE,
            Stage::Parked => false,
            Stage::Free
            | Stage::Talking
            | Stage::Parking
            | Stage::Reminded
            | Stage::Fetching
            | Stage::Fetched
            | Stage::Leaving => true,
        };
        if is_again {
            room.tally.again.its_requests += 1;
            return;
        }
        self.buffers.give(unit.answer);
        let answer = self.buffers.take();
        if let Some(out) = self.buffers.get_mut(answer) {
            let body = self.ground.answer_to(message.body);
            answer::write(message, answer::OK, Voice { body, ..voice }, out);
        }
        let kept = if is_reminder { unit.legs[Who::Phone as usize].kept } else { self.keep(message) };
        let Some(unit) = self.unit(number) else { return };
        (unit.answer, unit.peer, unit.tries) = (answer, Some(peer), 0);
        unit.legs[Who::Phone as usize].kept = kept;
        let ring = self.manner.ring;
        if is_reminder {
            if let Some(unit) = self.unit(number) {
                unit.stage = Stage::Reminded;
            }
            room.tally.count("reminded");
            self.later(room.now, ring, number, What::Dial);
        } else {
            self.later(room.now, ring, number, What::Accept);
        }
    }

    /// The dialog of a call that came in.
    fn keep(&mut self, message: &Glance<'_>) -> u32 {
        let kept = self.buffers.take();
        let mut routes = Vec::new();
        write_routes(message, false, &mut routes);
        if let Some(out) = self.buffers.get_mut(kept) {
            pack([message.senders_tag(), uri_of(message.contact), &routes, message.call_id], out);
        }
        kept
    }

    /// The phone's 200, for the first time or once more.
    pub(super) fn accept(&mut self, room: &mut Room<'_>, event: Event) {
        let Some(unit) = self.unit(event.number) else { return };
        if unit.tries != event.tries
            || unit.answer == Buffers::NONE
            || !matches!(unit.stage, Stage::Calling | Stage::Talking)
        {
            return;
        }
        let pauses = |tries: u8| (T1 << tries.min(3)).min(T2);
        if (0..event.tries).map(pauses).sum::<u64>() >= TIMEOUT {
            return room.tally.count("200s without an ACK");
        }
        unit.tries += 1;
        let (answer, peer, tries) = (unit.answer, unit.peer, unit.tries);
        let Some(peer) = peer else { return };
        room.tally.again.our_responses += u64::from(tries > 1);
        let side = self.side(event.number, Who::Phone);
        let bytes = self.buffers.get(answer);
        room.ends.send(side, peer, |out| out.extend_from_slice(bytes));
        self.agenda.after(room.now, pauses(event.tries), Event { tries, ..event });
    }

    /// The reminder is over: somebody has retrieved the call.
    pub(super) fn cancelled(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        let voice = Voice { tag: b"load", ..Voice::default() };
        room.ends.send(side, peer, |out| answer::write(message, answer::OK, voice, out));
        let number = digits::from_line(user_of(message.uri)).and_then(|line| self.of_phone(line));
        let Some(unit) = number.and_then(|number| self.unit(number)) else { return };
        if !matches!(unit.stage, Stage::Reminded | Stage::Fetching | Stage::Fetched | Stage::Leaving) {
            return;
        }
        let answer = std::mem::replace(&mut unit.answer, Buffers::NONE);
        let rung = unit.peer.unwrap_or(peer);
        if answer == Buffers::NONE {
            room.tally.again.its_requests += 1;
            return;
        }
        let bytes = self.buffers.get(answer);
        room.ends.send(side, rung, |out| answer::write_instead(bytes, answer::TERMINATED, out));
        self.buffers.give(answer);
        if let Some(number) = number
            && self.unit(number).is_some_and(|unit| unit.stage == Stage::Reminded)
        {
            // Nobody has dialled yet: the server gave up reminding too soon.
            self.fail(room, number, Cause::Missing("patience of the reminder"));
        }
    }

    /// Any other request.
    pub(super) fn told(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        let key = self.ground.key(message.to_tag());
        if message.method == Method::Ack {
            if let Some((PHONE, number)) = key
                && let Some(unit) =
                    self.unit(number).filter(|unit| matches!(unit.stage, Stage::Calling | Stage::Talking))
            {
                let answer = std::mem::replace(&mut unit.answer, Buffers::NONE);
                self.buffers.give(answer);
            }
            return;
        }
        let described =
            message.method == Method::Invite || message.method == Method::Update && !message.body.is_empty();
        let body = if described { self.ground.answer_to(message.body) } else { b"" };
        let contact = self.desk(side).map_or(&self.trunk_contact, |desk| &desk.contact);
        let voice = Voice { tag: b"load", contact, body };
        room.ends.send(side, peer, |out| answer::write(message, answer::OK, voice, out));
        let Some((kind, number)) = key else { return };
        match (kind, message.method) {
            (PHONE, Method::Notify) => self.notified(room, number, message),
            (TRUNK, Method::Bye) => self.trunk_left(room, number),
            (FETCHER, Method::Bye) if self.unit(number).is_some_and(|unit| unit.stage != Stage::Leaving) => {
                self.fail(room, number, Cause::HungUp);
            }
            _ => {}
        }
    }

    /// How the transfer goes (RFC 3515 §2.4.5).
    fn notified(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let Some(unit) = self.unit(number).filter(|unit| unit.stage == Stage::Parking) else { return };
        let status = message.body.strip_prefix(b"SIP/2.0 ").and_then(|rest| crate::glance::decimal(rest.get(..3)?));
        match status {
            Some(200..300) => {
                unit.stage = Stage::Parked;
                let step = unit.step;
                room.tally.count("parked");
                if self.manner.stays {
                    self.parked.push_back(number);
                    room.tally.complete(step);
                }
                self.ask(room, number, Who::Phone, Ask::Bye);
            }
            Some(300..) => {
                let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
                self.fail(room, number, Cause::Refused("park", status));
            }
            Some(_) | None => {}
        }
    }

    fn trunk_left(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(unit) = self.unit(number) else { return };
        if std::mem::replace(&mut unit.trunk_gone, true) {
            room.tally.again.its_requests += 1;
            return;
        }
        let leg = &mut unit.legs[Who::Trunk as usize];
        let kept = std::mem::replace(&mut leg.kept, Buffers::NONE);
        let is_end = unit.stage == Stage::Leaving;
        self.buffers.give(kept);
        if is_end {
            self.settle(room, number);
        } else {
            self.fail(room, number, Cause::HungUp);
        }
    }
}
