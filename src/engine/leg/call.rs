//! Calling somebody: the INVITE, and what its responses mean (RFC 3261 §13.2).
use super::diversion::{write_diversions, write_history};
use super::identity::write_number;
use super::reliable::Heard;
use super::{
    ALLOW, Cause, Describe, Dialled, Diversion, FaceNo, Identity, Leg, LegEvent, LegId, Legs, Peer, SDP, SUPPORTED,
    SUPPORTED_BUT_100REL, State, write_contact,
};
use crate::base::Handle;
use crate::base::text::{Number, hex8};
use crate::counters::{LegDirection, Shed};
use crate::dialog::invite::{way, without_params};
use crate::dialog::offer_answer::Due;
use crate::dialog::{Dialog, Parties};
use crate::ground::{Ground, Hop};
use crate::settings::{LineNo, Transport};
use crate::transaction::{Owner, Tag};
use crate::wire::uri::{host_eq, host_ip};
use crate::wire::{Compose, Message, Method, Name, Status, Uri};
use std::time::Duration;

/// Whom to call, and as whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The Request-URI: a contact, or a trunk's address with the number.
    pub(crate) uri: &'a [u8],
    /// Where it is sent.
    pub(crate) hop: Hop,
    /// The peer is behind a NAT: requests go to `hop` whatever its Contact says.
    pub(crate) pinned: bool,
    /// Whose phone it is; nothing for a trunk.
    pub(crate) line: Option<LineNo>,
    /// The number called, for To.
    pub(crate) to: &'a str,
    /// Who calls, for From.
    pub(crate) from: &'a Identity,
    /// Who really calls, for P-Asserted-Identity.
    pub(crate) asserted: &'a Identity,
    /// What to tell of media.
    pub(crate) describe: Describe,
    /// The leg whose header lines go along.
    pub(crate) luggage: Option<LegId>,
    /// Max-Forwards.
    pub(crate) hops: u8,
    /// This is a reminder of a call that waits.
    pub(crate) recall: Option<Recall<'a>>,
    /// Who transferred the call (RFC 3892).
    pub(crate) referred_by: Option<&'a Identity>,
    /// Who sent it on before, the first first.
    pub(crate) path: &'a [Diversion],
    /// Should we offer nothing: the called side may make its offer before it answers (RFC 3262 §5).
    pub(crate) early_offer: bool,
    /// Where it sends its media if that goes through us.
    pub(crate) face: FaceNo,
}

/// What a reminder says besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recall<'a> {
    /// Where the call waits, or whom it is for.
    pub(crate) orbit: &'a Number,
    /// The `info=` text that phones of many makers match to a ring tone; empty: none.
    pub(crate) vendor: &'a str,
    /// How long it has waited.
    pub(crate) waited: Duration,
    /// Of what.
    pub(crate) of: Recalled,
}

/// What a phone is rung about that nobody calls just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// A call that was left parked.
    Parked,
    /// A call that was transferred, and nobody took it.
    Transferred,
    /// A call that failed, and can be made now.
    Completion,
}

impl Recalled {
    /// The alert (RFC 7462 §8.2.1 has transfer recall, but no "park": the nearest registered one is hold recall), and the
    /// subject.
    const fn said(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Parked => (b"<urn:alert:service:recall:hold>", b"Park reminder, "),
            Self::Transferred => (b"<urn:alert:service:recall:transfer>", b"Transfer recall, "),
            Self::Completion => (b"<urn:alert:service:recall:callback>", b"Callback, "),
        }
    }
}

/// More than were ever sent in a fork's early dialog: its BYE comes after all of them (RFC 3261 §12.2.2).
const FORK_REQUESTS: u32 = 1_000;

impl Legs {
    /// Calls.
    pub(crate) fn call(&mut self, call: Call<'_>) -> Option<LegId> {
        if self.legs.len() >= self.ground().limits.legs {
            self.ground().counters.shed.up(Shed::Legs);
            return None;
        }
        let id = self.legs.upcoming();
        let ground = &mut self.transactions.ground;
        let tag = Tag { slot: id.slot(), secret: ground.rng.bits() };
        let dialog = calling(ground, &call, tag, &self.domain, &mut self.text)?;
        let state = State::Calling { invite: Handle::NONE, heard: false, ending: None };
        let peer = Peer { line: call.line.is_some(), ..Peer::default() };
        self.legs.insert(Leg::new(LegDirection::Out, dialog, state, peer, call.hops));
        self.put_face(id, call.face);
        let offers = self.describe(id, call.describe, false);
        if let Some(leg) = self.legs.get_mut(id) {
            leg.peer.reliable = offers || call.early_offer;
        }
        self.send_invite(id, &call, offers);
        self.legs.get(id).map(|_| id)
    }

    fn send_invite(&mut self, id: LegId, call: &Call<'_>, offers: bool) {
        self.text.clear();
        if let Some(from) = call.luggage.and_then(|from| self.legs.get(from)) {
            self.text.extend_from_slice(&from.luggage);
        }
        let Some(leg) = self.legs.get_mut(id) else { return };
        let number = leg.dialog.next_number();
        let (dialog, domain, body, luggage) = (&leg.dialog, self.domain.as_str(), &self.scratch, &self.text);
        let told = self.transactions.ground.contact_copy(call.hop.flow);
        let owner = Owner(id.pack());
        let supported = if leg.peer.reliable { SUPPORTED } else { SUPPORTED_BUT_100REL };
        let (session_timer, interval) = (leg.session_timer, self.session_expires);
        let client = self.transactions.request(call.hop, owner, Method::Invite, call.uri, call.hops, |mut invite| {
            dialog.write(&mut invite, Method::Invite, number);
            write_contact(&mut invite, &told);
            invite.fixed(Name::Allow, ALLOW).fixed(Name::Supported, supported);
            session_timer.write(&mut invite, interval);
            write_asserted(&mut invite, call.asserted, domain, call.line.is_some());
            if let Some(by) = call.referred_by.filter(|by| !by.private) {
                write_number(&by.number, domain, invite.open(Name::ReferredBy).lines_buffer());
                invite.close();
            }
            match call.recall {
                Some(recall) => recall.write(&mut invite, domain),
                None => {
                    write_diversions(&mut invite, call.path, domain, call.line.is_some());
                    invite.lines(luggage);
                    write_history(&mut invite, call.path, call.to, domain, luggage);
                }
            }
            if offers { invite.body(SDP, body) } else { invite.end() }
        });
        match client {
            Some(client) => leg.state = State::Calling { invite: client, heard: false, ending: None },
            None => self.close(id),
        }
    }

    /// A response to the INVITE of a leg that we called.
    pub(super) fn called(&mut self, id: LegId, response: &Message<'_>) -> Option<LegEvent> {
        let status = response.status()?;
        if (status.is_provisional() || status.is_success()) && !self.take_fork(id, response) {
            return None;
        }
        let leg = self.legs.get_mut(id)?;
        let State::Calling { invite, ending, heard } = leg.state else { return None };
        if status.is_provisional() {
            leg.state = State::Calling { invite, ending, heard: true };
            if !heard && let Some(cause) = ending {
                self.transactions.cancel(invite, cause.reason());
                return None;
            }
            return self.progressed(id, response, status);
        }
        if status.is_success() {
            return self.answered_by_peer(id, response);
        }
        if status == Status::SESSION_INTERVAL_TOO_SMALL && ending.is_none() && self.ask_for_longer(id, response) {
            return None;
        }
        let leg = self.legs.get_mut(id)?;
        let owned = leg.owner != Owner::NOBODY;
        let elsewhere = Some(response).filter(|_| leg.peer.line).and_then(|response| self.elsewhere(response, status));
        self.close(id);
        owned.then(|| elsewhere.map_or(LegEvent::Refused(Cause::of(status)), LegEvent::Redirected))
    }

    /// The number that a phone sends its call on to (RFC 3261 §8.1.3.4); what is not ours to dial it sends to nobody.
    fn elsewhere(&self, response: &Message<'_>, status: Status) -> Option<Number> {
        if status != Status::MOVED_TEMPORARILY && status != Status::MOVED_PERMANENTLY {
            return None;
        }
        let uri = Uri::parse(response.contact().ok()??.uri).ok()?;
        let ip = host_ip(uri.host);
        let ours =
            host_eq(uri.host, self.domain.as_bytes()) || ip.is_some_and(|ip| self.transactions.ground.is_our_ip(ip));
        Dialled::read(&uri, b"").filter(|_| ours && uri.is_sip()).map(|dialled| dialled.number)
    }

    fn progressed(&mut self, id: LegId, response: &Message<'_>, status: Status) -> Option<LegEvent> {
        if status == Status::TRYING || self.legs.get(id)?.owner == Owner::NOBODY {
            return None;
        }
        let heard = self.hear_rseq(id, response);
        if heard == Heard::Before {
            return None;
        }
        let leg = self.legs.get_mut(id)?;
        let shelf = &mut self.transactions.ground.shelf;
        leg.dialog.answered(shelf, response);
        leg.peer.learn(response);
        let described = !response.body().is_empty();
        if heard == Heard::Next {
            // Its offer is answered in the PRACK, when the answer is known.
            if !(described && self.heard_reliably(id, response.body())) {
                self.send_prack(id, false);
            }
        } else if described && !self.is_agreed_early(id) {
            self.legs.get_mut(id)?.descriptions.heard_early(&mut self.transactions.ground.shelf, response.body());
        }
        Some(LegEvent::Progressed { ringing: status == Status::RINGING, described })
    }

    fn answered_by_peer(&mut self, id: LegId, response: &Message<'_>) -> Option<LegEvent> {
        let leg = self.legs.get_mut(id)?;
        let State::Calling { ending, .. } = leg.state else { return None };
        let ground = &mut self.transactions.ground;
        let fits = leg.dialog.answered(&mut ground.shelf, response);
        leg.peer.learn(response);
        leg.state = State::Up;
        let number = response.cseq().map_or(1, |cseq| cseq.number);
        let early = leg.early.take();
        let agreed = early.as_ref().is_some_and(|early| early.is_agreed());
        if let Some(early) = early {
            early.put_back(&mut ground.shelf);
        }
        let offered = !agreed && leg.descriptions.due != Due::Theirs;
        let described = !response.body().is_empty() || agreed;
        match response.body() {
            b"" => {}
            // It need not say this again, but many do.
            body if agreed => leg.descriptions.heard_early(&mut ground.shelf, body),
            body => leg.descriptions.heard(&mut ground.shelf, body),
        }
        // It answered while our CANCEL was on its way, or it says nothing of media: acknowledged, and ended.
        let ended = match ending {
            Some(cause) => Some(cause),
            None if !fits || !described => Some(Cause::NotAcceptable),
            None => None,
        };
        if let Some(cause) = ended {
            let owned = leg.owner != Owner::NOBODY;
            self.send_plain_ack(id, number);
            self.send_bye(id, cause);
            return (owned && ending.is_none()).then_some(LegEvent::Refused(cause));
        }
        if offered {
            leg.ack_due = number;
        } else {
            self.send_plain_ack(id, number);
        }
        self.agree_session(id, response);
        Some(LegEvent::Answered { offers: offered })
    }

    /// A 2xx that comes again, or from another fork (RFC 3261 §13.2.2.4).
    pub(super) fn success_again(&mut self, id: LegId, response: &Message<'_>) -> Option<LegEvent> {
        let leg = self.legs.get(id)?;
        if !response.status()?.is_success() {
            return None;
        }
        let number = response.cseq().ok()?.number;
        if response.to_tag().unwrap_or_default() == leg.dialog.remote_tag() {
            if number != leg.ack_due {
                self.acknowledge_again(id, number);
            }
            return None;
        }
        self.end_other_fork(id, response, number);
        None
    }

    /// Somebody behind a forking proxy answered besides the one we talk to: acknowledged, and ended.
    fn end_other_fork(&mut self, id: LegId, response: &Message<'_>, number: u32) -> Option<()> {
        let ground = &mut self.transactions.ground;
        let leg = self.legs.get(id)?;
        let other = leg.dialog.fork(&mut ground.shelf, number)?;
        self.end_dialog(other, response, number);
        Some(())
    }

    /// A 2xx for a call that is over here: acknowledged, and ended, so that nobody is charged for it. All that is known
    /// of the dialog is what the response itself says.
    pub(super) fn end_stray(&mut self, response: &Message<'_>) -> Option<()> {
        let (from, to) = (response.header(Name::From)?, response.header(Name::To)?);
        let target = response.contact().ok()??.uri;
        let (address, transport) = way(target)?;
        let ground = &mut self.transactions.ground;
        let hop = ground.hop_to(address, transport.unwrap_or(Transport::Udp));
        let parties = Parties {
            call_id: response.call_id().ok()?,
            local: without_params(from),
            remote: without_params(to),
            target,
        };
        let tag = Tag::read(response.from_tag()?)?;
        let dialog = Dialog::calling(&mut ground.shelf, parties, tag, hop, None)?;
        self.end_dialog(dialog, response, response.cseq().ok()?.number);
        Some(())
    }

    fn end_dialog(&mut self, mut other: Dialog, response: &Message<'_>, number: u32) {
        other.answered(&mut self.transactions.ground.shelf, response);
        let hop = other.next_hop(&self.transactions.ground);
        self.transactions.send_ack(hop, other.request_uri(), |mut ack| {
            other.write(&mut ack, Method::Ack, number);
            ack.end()
        });
        self.transactions.request(hop, Owner::NOBODY, Method::Bye, other.request_uri(), 70, |mut bye| {
            other.write(&mut bye, Method::Bye, number + FORK_REQUESTS);
            bye.field(Name::Reason, Cause::AnsweredElsewhere.reason());
            bye.end()
        });
        other.put_back(&mut self.transactions.ground.shelf);
    }
}

impl Recall<'_> {
    fn write(&self, invite: &mut Compose<'_>, domain: &str) {
        let (alert, subject) = self.of.said();
        invite.field(Name::AlertInfo, alert);
        if !self.vendor.is_empty() {
            invite.parts(Name::AlertInfo, &[b"<http://pbx.invalid>;info=", self.vendor.as_bytes()]);
        }
        let about = [(Name::CallInfo, &b";purpose=info"[..]), (Name::Diversion, b";reason=deflection")];
        // Nobody was diverted who will be called only now.
        let about = if self.of == Recalled::Completion { &about[..1] } else { &about[..] };
        for &(name, after) in about {
            write_number(self.orbit, domain, invite.open(name).lines_buffer());
            invite.text(after).close();
        }
        invite.open(Name::Subject).text(subject).decimal(self.waited.as_secs()).text(b" s").close();
    }
}

/// Writes who is really there, for a peer that may know (RFC 3325 §7): a phone may not, if they asked for privacy.
pub(super) fn write_asserted(message: &mut Compose<'_>, who: &Identity, domain: &str, to_phone: bool) {
    if !(who.private && to_phone) {
        who.write_asserted(message.open(Name::PAssertedIdentity).lines_buffer(), domain);
        message.close();
    }
    if who.private {
        message.field(Name::Privacy, b"id");
    }
}

/// The dialog that the call may form; From and To as the other side will see them.
fn calling(ground: &mut Ground, call: &Call<'_>, tag: Tag, domain: &str, text: &mut Vec<u8>) -> Option<Dialog> {
    let mut call_id = [0; 24];
    for eight in call_id.chunks_mut(8) {
        eight.copy_from_slice(&hex8(ground.rng.bits()));
    }
    text.clear();
    call.from.write(text, domain);
    let middle = text.len();
    write_number(call.to, domain, text);
    let (local, remote) = text.split_at(middle);
    let parties = Parties { call_id: &call_id, local, remote, target: call.uri };
    Dialog::calling(&mut ground.shelf, parties, tag, call.hop, call.line.filter(|_| call.pinned))
}
