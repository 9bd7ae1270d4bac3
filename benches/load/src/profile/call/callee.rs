//! The called end: rings, answers, and says goodbye.
use super::{Calls, Event, KIND, State, What};
use crate::agenda::{T1, T2, TIMEOUT};
use crate::answer::{self, Voice};
use crate::digits;
use crate::ends::{Peer, Side};
use crate::glance::{Glance, Method, user_of};
use crate::profile::Room;
use crate::slots::Buffers;

impl Calls {
    /// An INVITE: whose call it is says the number that was dialled.
    pub(super) fn called(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        let user = user_of(message.uri);
        // Whatever the server has put before it.
        let dialled = user.len().checked_sub(9).and_then(|at| user.get(at..)).and_then(|tail| tail.strip_prefix(b"u"));
        let number = dialled.and_then(digits::from_hexadecimal);
        // Of one that is over only what had begun before is known.
        let live = number.is_some_and(|number| self.calls.get(number).is_some());
        let call = number.and_then(|number| Some((number, self.calls.known(number)?)));
        let Some((number, call)) = call.filter(|(_, call)| live || call.invited) else {
            room.tally.unread += 1;
            let voice = Voice { tag: b"load", ..Voice::default() };
            return room.ends.send(side, peer, |out| answer::write(message, answer::NOT_FOUND, voice, out));
        };
        let mut tag = [0; 18];
        let tag = write_tag(&mut tag, number, self.ground.run.as_bytes());
        if self.manner.trying {
            room.ends.send(side, peer, |out| answer::write(message, answer::TRYING, Voice::default(), out));
        }
        let voice = Voice { tag, contact: &self.callee_contact, body: b"" };
        room.ends.send(side, peer, |out| answer::write(message, answer::RINGING, voice, out));
        if std::mem::replace(&mut call.invited, true) {
            room.tally.again.its_requests += 1;
            return;
        }
        let accepted = self.buffers.take();
        call.accepted = accepted;
        let sequence = call.sequence;
        let voice = Voice { body: self.ground.media.as_bytes(), ..voice };
        if let Some(out) = self.buffers.get_mut(accepted) {
            answer::write(message, answer::OK, voice, out);
        }
        if self.accepted.len() <= accepted as usize {
            self.accepted.resize(accepted as usize + 1, (peer, 0, 0));
        }
        self.accepted[accepted as usize] = (peer, 0, room.now);
        let event = Event { number, what: What::Accept, sequence, tries: 0 };
        match self.manner.ring.as_micros() as u64 {
            0 => self.accept(room, event),
            ring => self.later(room.now, ring, event),
        }
    }

    /// 200, for the first time or once more.
    pub(super) fn accept(&mut self, room: &mut Room<'_>, event: Event) {
        let Some(call) = self.calls.get(event.number) else { return };
        let Some((peer, tries, since)) = self.accepted.get_mut(call.accepted as usize) else { return };
        if *tries != event.tries {
            return;
        }
        // The pauses double up to T2; after 64·T1 nobody is there (RFC 3261 §13.3.1.4).
        let pauses = |tries: u8| (T1 << tries.min(3)).min(T2);
        let waited: u64 = (0..event.tries).map(pauses).sum();
        if waited >= TIMEOUT {
            return room.tally.count("200s without an ACK");
        }
        room.tally.again.our_responses += u64::from(*tries > 0);
        if *tries == 0 {
            call.rang = (room.now - *since) as u32;
        }
        *tries += 1;
        let peer = *peer;
        let bytes = self.buffers.get(call.accepted);
        room.ends.send(Side::Callee, peer, |out| out.extend_from_slice(bytes));
        self.later(room.now, pauses(event.tries), Event { tries: event.tries + 1, ..event });
    }

    /// Any other request to the called end.
    pub(super) fn told(&mut self, room: &mut Room<'_>, side: Side, peer: Peer, message: &Glance<'_>) {
        let number = self.ground.key(message.to_tag()).filter(|(kind, _)| *kind == KIND).map(|(_, number)| number);
        match message.method {
            Method::Ack => {
                if let Some(call) = number.and_then(|number| self.calls.get(number)) {
                    self.buffers.give(std::mem::replace(&mut call.accepted, Buffers::NONE));
                }
                return;
            }
            Method::Cancel => self.cancelled(room, side, message),
            Method::Bye => {
                let call = number.and_then(|number| self.calls.known(number));
                if call.is_some_and(|call| std::mem::replace(&mut call.left, true)) {
                    room.tally.again.its_requests += 1;
                }
            }
            Method::Invite | Method::Notify | Method::Refer | Method::Register | Method::Update | Method::Other => {}
        }
        let described =
            message.method == Method::Invite || message.method == Method::Update && !message.body.is_empty();
        let body = if described { self.ground.answer_to(message.body) } else { b"" };
        let contact = if described { self.callee_contact.as_slice() } else { b"" };
        let voice = Voice { tag: b"load", contact, body };
        room.ends.send(side, peer, |out| answer::write(message, answer::OK, voice, out));
    }

    /// The caller is gone before we have answered: the INVITE is over.
    fn cancelled(&mut self, room: &mut Room<'_>, side: Side, message: &Glance<'_>) {
        let user = user_of(message.uri);
        let dialled = user.len().checked_sub(8).and_then(|at| user.get(at..)).and_then(digits::from_hexadecimal);
        let Some(call) = dialled.and_then(|number| self.calls.get(number)).filter(|call| call.state != State::Talking)
        else {
            return;
        };
        let accepted = std::mem::replace(&mut call.accepted, Buffers::NONE);
        let Some(&(peer, 0, _)) = self.accepted.get(accepted as usize) else { return self.buffers.give(accepted) };
        let bytes = self.buffers.get(accepted);
        room.ends.send(side, peer, |out| answer::write_instead(bytes, answer::TERMINATED, out));
        self.buffers.give(accepted);
    }
}

/// The callee's tag: by it its later requests are known.
fn write_tag<'t>(tag: &'t mut [u8; 18], number: u32, run: &[u8]) -> &'t [u8] {
    tag[0] = KIND;
    tag[1..9].copy_from_slice(&digits::hexadecimal(number));
    tag[9] = b'-';
    let length = run.len().min(8);
    tag[10..10 + length].copy_from_slice(&run[..length]);
    &tag[..10 + length]
}
