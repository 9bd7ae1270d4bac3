//! What the legs ask of the server, and what it answers.
use super::{Ask, Event, FETCHER, FIRST_ORBIT, PHONE, Parks, Stage, What, Who};
use crate::agenda::{self, TIMEOUT};
use crate::dialog::{pack, unpack, write_routes};
use crate::digest::{self, Account};
use crate::digits;
use crate::ends::{Ends, Peer, Side};
use crate::glance::{Glance, Method, uri_of};
use crate::profile::{Ground, Room};
use crate::slots::Buffers;
use crate::tally::Cause;
use crate::template::{CALL_ID, DIALLED, Fields, SEQUENCE, Shape, TAG, Template, USER};
use std::error::Error;

/// The requests of one leg.
#[derive(Debug)]
pub(super) struct Requests {
    invite: Template,
    ack: Template,
    ack_refusal: Template,
    bye: Template,
}

/// An end with phones: what they say.
#[derive(Debug)]
pub(super) struct Desk {
    server: Peer,
    fetcher: Requests,
    refer: Template,
    bye: Template,
    pub(super) contact: Vec<u8>,
}

impl Desk {
    pub(super) fn new(ground: &Ground, desk: u8, ends: &mut Ends) -> Result<Self, Box<dyn Error>> {
        let side = Side::Desk(desk);
        let name = ground.name(char::from(PHONE));
        let from = format!("<sip:{USER}@{}>;tag={name}", ground.domain);
        let shape = Shape {
            method: rsip::Method::Refer,
            transport: ground.transport.name(),
            sent_by: &ground.address(side).to_string(),
            branch: &format!("{name}r{SEQUENCE}"),
            uri: "",
            from: &from,
            to: &format!("<sip:caller@{}>;tag={TAG}", ground.domain),
            call_id: CALL_ID,
            fields: &[
                ("Contact", &ground.contact(side, USER)),
                ("Refer-To", &format!("<sip:{DIALLED}@{}>", ground.domain)),
                ("Referred-By", &format!("<sip:{USER}@{}>", ground.domain)),
            ],
            body: "",
        };
        Ok(Self {
            server: ends.peer(side, ground.server),
            fetcher: requests(ground, side, FETCHER, USER)?,
            refer: Template::new(&shape)?,
            bye: Template::new(&Shape {
                method: rsip::Method::Bye,
                branch: &format!("{name}b{SEQUENCE}"),
                fields: &[],
                ..shape
            })?,
            contact: format!("Contact: {}\r\n", ground.contact(side, "phone")).into_bytes(),
        })
    }
}

pub(super) fn requests(ground: &Ground, side: Side, kind: u8, user: &str) -> Result<Requests, Box<dyn Error>> {
    let name = ground.name(char::from(kind));
    let to = format!("<sip:{DIALLED}@{}>", ground.domain);
    let to_tagged = format!("{to};tag={TAG}");
    let branch = |letter: char| format!("{name}{letter}{SEQUENCE}");
    let (invited, acknowledged, left) = (branch('i'), branch('a'), branch('b'));
    let contact = ground.contact(side, user);
    let about =
        [("Contact", contact.as_str()), ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY, REFER")];
    let shape = Shape {
        method: rsip::Method::Invite,
        transport: ground.transport.name(),
        sent_by: &ground.address(side).to_string(),
        branch: &invited,
        uri: &format!("sip:{DIALLED}@{}", ground.server),
        from: &format!("<sip:{user}@{}>;tag={name}", ground.domain),
        to: &to,
        call_id: &format!("{name}@load"),
        fields: &about,
        body: &ground.media,
    };
    let answered = Shape { to: &to_tagged, fields: &[], body: "", ..shape };
    Ok(Requests {
        invite: Template::new(&shape)?,
        ack_refusal: Template::new(&Shape { method: rsip::Method::Ack, ..answered })?,
        ack: Template::new(&Shape { method: rsip::Method::Ack, uri: "", branch: &acknowledged, ..answered })?,
        bye: Template::new(&Shape { method: rsip::Method::Bye, uri: "", branch: &left, ..answered })?,
    })
}

impl Parks {
    /// The number that a leg calls, or refers to.
    fn write_dialled(&self, number: u32, who: Who, out: &mut Vec<u8>) {
        match who {
            Who::Trunk => out.extend_from_slice(&digits::line(self.line(number, Who::Phone))),
            Who::Phone | Who::Fetcher => {
                digits::write_decimal(FIRST_ORBIT + (number & ((1 << super::PLACE_BITS) - 1)), out);
            }
        }
    }

    /// The message that asks, and where it goes.
    fn request(&self, side: Side, who: Who, ask: Ask) -> Option<(Peer, &Template)> {
        let desk = self.desk(side);
        let (server, requests) = match who {
            Who::Trunk => (self.server, &self.trunk),
            Who::Phone | Who::Fetcher => (desk?.server, &desk?.fetcher),
        };
        let template = match (who, ask) {
            (Who::Phone, Ask::Refer) => &desk?.refer,
            (Who::Phone, Ask::Nothing | Ask::Invite | Ask::Ringing | Ask::Bye) => &desk?.bye,
            (Who::Trunk | Who::Fetcher, Ask::Bye) => &requests.bye,
            (Who::Trunk | Who::Fetcher, Ask::Nothing | Ask::Invite | Ask::Ringing | Ask::Refer) => &requests.invite,
        };
        Some((server, template))
    }

    /// A leg asks the server for something new.
    pub(super) fn ask(&mut self, room: &mut Room<'_>, number: u32, who: Who, ask: Ask) {
        let Some(unit) = self.unit(number) else { return };
        let leg = &mut unit.legs[who as usize];
        (leg.ask, leg.tries, leg.sequence) = (ask, 1, leg.sequence + 1);
        self.say(room, number, who);
        self.watch(room, number, who);
    }

    fn say(&mut self, room: &mut Room<'_>, number: u32, who: Who) {
        let mut dialled = std::mem::take(&mut self.scratch);
        dialled.clear();
        self.write_dialled(number, who, &mut dialled);
        let user = digits::line(self.line(number, who));
        if let Some(unit) = self.unit(number).copied() {
            let leg = unit.legs[who as usize];
            let kept = self.buffers.get(leg.kept);
            let fields =
                Fields { number, sequence: leg.sequence.into(), user: &user, dialled: &dialled, ..Fields::default() };
            let fields = match (leg.ask, unpack(kept)) {
                (Ask::Invite | Ask::Ringing, _) | (_, None) => Fields { lines: kept, ..fields },
                (Ask::Nothing | Ask::Refer | Ask::Bye, Some([tag, target, lines, call_id])) => {
                    Fields { tag, target, lines, call_id, ..fields }
                }
            };
            let side = self.side(number, who);
            if let Some((server, template)) = self.request(side, who, leg.ask) {
                room.ends.send(side, server, |out| template.write(&fields, out));
            }
        }
        self.scratch = dialled;
    }

    fn watch(&mut self, room: &mut Room<'_>, number: u32, who: Who) {
        let reliable = self.is_reliable();
        let Some(unit) = self.unit(number) else { return };
        let leg = unit.legs[who as usize];
        let event = Event { number, what: What::Again(who), sequence: leg.sequence, tries: leg.tries };
        match agenda::pause(leg.tries, leg.ask == Ask::Invite) {
            Some(_) if reliable => self.agenda.after(room.now, TIMEOUT, event),
            Some(pause) => self.agenda.after(room.now, pause, event),
            None => self.unanswered(room, number, leg.ask),
        }
    }

    fn unanswered(&mut self, room: &mut Room<'_>, number: u32, ask: Ask) {
        let method = match ask {
            Ask::Nothing | Ask::Ringing => return,
            Ask::Invite => "INVITE",
            Ask::Refer => "REFER",
            Ask::Bye => "BYE",
        };
        self.fail(room, number, Cause::Unanswered(method));
    }

    /// A request has waited for its answer.
    pub(super) fn again(&mut self, room: &mut Room<'_>, event: Event, who: Who) {
        let reliable = self.is_reliable();
        let Some(unit) = self.unit(event.number) else { return };
        let leg = &mut unit.legs[who as usize];
        if (leg.sequence, leg.tries) != (event.sequence, event.tries) || matches!(leg.ask, Ask::Nothing | Ask::Ringing)
        {
            return;
        }
        let ask = leg.ask;
        if reliable {
            return self.unanswered(room, event.number, ask);
        }
        leg.tries += 1;
        if agenda::pause(leg.tries, ask == Ask::Invite).is_some() {
            room.tally.again.our_requests += 1;
            self.say(room, event.number, who);
        }
        self.watch(room, event.number, who);
    }

    /// A response came.
    pub(super) fn responded(&mut self, room: &mut Room<'_>, number: u32, who: Who, message: &Glance<'_>) {
        if message.method == Method::Invite && message.status >= 300 {
            self.acknowledge(room, number, who, message);
        }
        let Some(unit) = self.unit(number) else {
            room.tally.again.its_responses += u64::from(message.status >= 200);
            return;
        };
        let leg = &mut unit.legs[who as usize];
        if u32::from(leg.sequence) != message.sequence || leg.ask == Ask::Nothing {
            if message.status >= 200 {
                room.tally.again.its_responses += 1;
                if message.method == Method::Invite && message.status < 300 {
                    self.acknowledge(room, number, who, message);
                }
            }
            return;
        }
        match (leg.ask, message.status) {
            (Ask::Invite, ..200) => leg.ask = Ask::Ringing,
            (_, ..200) => {}
            (Ask::Invite | Ask::Ringing, 200..300) => self.accepted(room, number, who, message),
            (Ask::Invite | Ask::Ringing, 401 | 407) if who == Who::Fetcher && leg.sequence == 1 => {
                self.prove(room, number, message);
            }
            (Ask::Invite | Ask::Ringing, 503) if message.has_retry_after => self.fail(room, number, Cause::Shed),
            (Ask::Invite | Ask::Ringing, status) => {
                let what = if who == Who::Fetcher { "INVITE to the orbit" } else { "INVITE" };
                leg.ask = Ask::Nothing;
                let credentials = std::mem::replace(&mut leg.kept, Buffers::NONE);
                self.buffers.give(credentials);
                self.fail(room, number, Cause::Refused(what, status));
            }
            (Ask::Refer, 200..300) => leg.ask = Ask::Nothing,
            (Ask::Refer, status) => {
                leg.ask = Ask::Nothing;
                self.fail(room, number, Cause::Refused("REFER", status));
            }
            (Ask::Bye | Ask::Nothing, _) => {
                leg.ask = Ask::Nothing;
                let kept = std::mem::replace(&mut leg.kept, Buffers::NONE);
                unit.fetcher_gone |= who == Who::Fetcher;
                self.buffers.give(kept);
                self.settle(room, number);
            }
        }
    }

    /// ACK: for a 200 inside the dialog, for anything else to where the INVITE went.
    fn acknowledge(&mut self, room: &mut Room<'_>, number: u32, who: Who, message: &Glance<'_>) {
        let mut dialled = std::mem::take(&mut self.scratch);
        dialled.clear();
        self.write_dialled(number, who, &mut dialled);
        let user = digits::line(self.line(number, who));
        let mut routes = Vec::new();
        write_routes(message, true, &mut routes);
        let fields = Fields {
            number,
            sequence: message.sequence,
            tag: message.to_tag(),
            user: &user,
            dialled: &dialled,
            target: uri_of(message.contact),
            ..Fields::default()
        };
        let side = self.side(number, who);
        let (server, requests) = match (who, self.desk(side)) {
            (Who::Trunk, _) => (self.server, &self.trunk),
            (Who::Fetcher, Some(desk)) => (desk.server, &desk.fetcher),
            (Who::Phone, _) | (Who::Fetcher, None) => return,
        };
        room.ends.send(side, server, |out| {
            if message.status < 300 {
                requests.ack.write(&Fields { lines: &routes, ..fields }, out);
            } else {
                requests.ack_refusal.write(&fields, out);
            }
        });
        self.scratch = dialled;
    }

    fn accepted(&mut self, room: &mut Room<'_>, number: u32, who: Who, message: &Glance<'_>) {
        let kept = self.buffers.take();
        let mut routes = Vec::new();
        write_routes(message, true, &mut routes);
        if let Some(out) = self.buffers.get_mut(kept) {
            pack([message.to_tag(), uri_of(message.contact), &routes, b""], out);
        }
        let talk = self.manner.talk;
        let Some(unit) = self.unit(number) else { return };
        let leg = &mut unit.legs[who as usize];
        leg.ask = Ask::Nothing;
        let credentials = std::mem::replace(&mut leg.kept, kept);
        match who {
            Who::Fetcher => {
                unit.stage = Stage::Fetched;
                room.tally.set_up((room.now as u32).wrapping_sub(unit.dialled).into());
                room.tally.count("retrieved");
                self.later(room.now, talk, number, What::HangUp);
            }
            Who::Trunk | Who::Phone => {
                unit.stage = Stage::Talking;
                self.later(room.now, talk, number, What::Refer);
            }
        }
        self.buffers.give(credentials);
        self.acknowledge(room, number, who, message);
    }

    /// The fetcher is asked who it is.
    fn prove(&mut self, room: &mut Room<'_>, number: u32, message: &Glance<'_>) {
        let kept = self.buffers.take();
        let user = digits::line(self.line(number, Who::Fetcher));
        let account = Account { user: &user, password: self.ground.password.as_bytes() };
        let mut uri = b"sip:".to_vec();
        self.write_dialled(number, Who::Fetcher, &mut uri);
        uri.extend_from_slice(format!("@{}", self.ground.server).as_bytes());
        let out = self.buffers.get_mut(kept);
        let done = out.is_some_and(|out| digest::write_answer(message, account, Method::Invite, &uri, 1, out));
        let Some(unit) = self.unit(number) else { return };
        unit.legs[Who::Fetcher as usize].kept = kept;
        if !done {
            return self.fail(room, number, Cause::Challenge);
        }
        room.tally.challenged += 1;
        self.ask(room, number, Who::Fetcher, Ask::Invite);
    }

    /// The phone parks the trunk.
    pub(super) fn refer(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(unit) = self.unit(number).filter(|unit| unit.stage == Stage::Talking) else { return };
        unit.stage = Stage::Parking;
        self.ask(room, number, Who::Phone, Ask::Refer);
    }

    /// The other line dials the orbit.
    pub(super) fn dial(&mut self, room: &mut Room<'_>, number: u32) {
        if self.unit(number).is_some_and(|unit| unit.stage == Stage::Reminded) {
            self.fetch(room, number);
        }
    }

    pub(super) fn fetch(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(unit) = self.unit(number) else { return };
        unit.stage = Stage::Fetching;
        unit.dialled = room.now as u32;
        self.ask(room, number, Who::Fetcher, Ask::Invite);
    }

    /// It has talked with the trunk.
    pub(super) fn hang_up(&mut self, room: &mut Room<'_>, number: u32) {
        let Some(unit) = self.unit(number).filter(|unit| unit.stage == Stage::Fetched) else { return };
        unit.stage = Stage::Leaving;
        self.ask(room, number, Who::Fetcher, Ask::Bye);
    }
}
