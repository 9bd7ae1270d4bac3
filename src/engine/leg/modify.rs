//! Changing a call that is up: re-INVITE and UPDATE, both ways (RFC 3261 §14, RFC 3311), and telling who is connected
//! (RFC 4916).
use super::call::write_asserted;
use super::timer::refuse_interval;
use super::{
    ALLOW, Acknowledged, Cause, Describe, FaceNo, Identity, LegEvent, LegId, Legs, SDP, SUPPORTED, State, write_contact,
};
use crate::base::Handle;
use crate::dialog::offer_answer::Due;
use crate::transaction::{Arrival, ClientId, Owner, ServerId, Tag};
use crate::wire::media::Voice;
use crate::wire::{Message, Method, Name, Status, bare, sdp};
use std::net::{IpAddr, SocketAddr};

impl Legs {
    /// Whether the media of this leg can be changed now: nothing else is being changed.
    pub(crate) fn is_settled(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| {
            leg.state == State::Up
                && leg.incoming == ServerId::NONE
                && leg.outgoing == ClientId::NONE
                && leg.unacknowledged.is_none()
                && leg.ack_due == 0
                && leg.descriptions.due == Due::Nothing
        })
    }

    /// Offers the peer other media, or asks it for an offer ([`Describe::Nothing`]); tells it who is there now.
    pub(crate) fn offer(&mut self, id: LegId, describe: Describe, connected: Option<&Identity>) -> bool {
        if !self.is_settled(id) {
            return false;
        }
        let described = self.describe(id, describe, false);
        if let Some(connected) = connected {
            self.rename(id, connected);
        }
        self.send_change(id, Method::Invite, connected, described)
    }

    /// Offers the peer other media before the call is answered (RFC 3311 §5.1). False if it cannot be.
    pub(crate) fn offer_early(&mut self, id: LegId, describe: Describe) -> bool {
        self.select_agreed(id);
        let free = self.legs.get(id).is_some_and(|leg| {
            matches!(leg.state, State::Arrived(_) | State::Calling { ending: None, .. })
                && leg.peer.update
                && leg.early.as_ref().is_some_and(|early| early.is_agreed())
                && (leg.incoming, leg.outgoing) == (ServerId::NONE, ClientId::NONE)
                && leg.unacknowledged.is_none()
                && leg.descriptions.due == Due::Nothing
        });
        if !free {
            return false;
        }
        let described = self.describe(id, describe, false);
        self.send_change(id, Method::Update, None, described)
    }

    /// Tells the peer who is there now, and nothing else; by the gentlest means it has.
    pub(crate) fn identify(&mut self, id: LegId, connected: &Identity) -> bool {
        let Some(leg) = self.legs.get(id) else { return false };
        if !leg.peer.update || leg.outgoing != ClientId::NONE || leg.state != State::Up {
            return false;
        }
        self.rename(id, connected);
        self.send_change(id, Method::Update, Some(connected), false)
    }

    /// The same, but only to a peer that shows a changed From (RFC 4916).
    pub(crate) fn identify_by_from(&mut self, id: LegId, connected: &Identity) {
        self.text.clear();
        connected.write(&mut self.text, &self.domain);
        if self.legs.get(id).is_some_and(|leg| leg.peer.from_change && leg.dialog.local() != self.text) {
            self.identify(id, connected);
        }
    }

    /// From changes only towards a peer that understands (RFC 4916 §4.4.2).
    fn rename(&mut self, id: LegId, connected: &Identity) {
        let Some(leg) = self.legs.get_mut(id).filter(|leg| leg.peer.from_change) else { return };
        self.text.clear();
        connected.write(&mut self.text, &self.domain);
        leg.dialog.rename(&mut self.transactions.ground.shelf, &self.text);
    }

    pub(super) fn send_change(
        &mut self,
        id: LegId,
        method: Method,
        connected: Option<&Identity>,
        described: bool,
    ) -> bool {
        let Some(leg) = self.legs.get_mut(id) else { return false };
        let number = leg.dialog.next_number();
        let (dialog, domain, body) = (&leg.dialog, self.domain.as_str(), self.scratch.as_slice());
        let (hop, to_phone) = (dialog.next_hop(&self.transactions.ground), leg.peer.line);
        let told = self.transactions.ground.contact_copy(hop.flow);
        let owner = Owner(id.pack());
        let (session_timer, interval) = (leg.session_timer, self.session_expires);
        let client = self.transactions.request(hop, owner, method, dialog.request_uri(), 70, |mut request| {
            dialog.write(&mut request, method, number);
            write_contact(&mut request, &told);
            request.fixed(Name::Allow, ALLOW).fixed(Name::Supported, SUPPORTED);
            session_timer.write(&mut request, interval);
            if let Some(connected) = connected {
                write_asserted(&mut request, connected, domain, to_phone);
            }
            if described { request.body(SDP, body) } else { request.end() }
        });
        leg.outgoing = client.unwrap_or(ClientId::NONE);
        if client.is_none() && described {
            leg.descriptions.withdraw(&mut self.transactions.ground.shelf);
        }
        // Nobody need think about a change of media.
        self.transactions.limit(leg.outgoing);
        client.is_some()
    }

    /// The peer's response to our change.
    pub(super) fn settled(&mut self, id: LegId, method: Method, response: &Message<'_>) -> Option<LegEvent> {
        let status = response.status()?;
        if status.is_provisional() {
            return None;
        }
        let leg = self.legs.get_mut(id)?;
        leg.outgoing = ClientId::NONE;
        let offered = leg.descriptions.due == Due::Theirs;
        if !status.is_success() {
            leg.descriptions.withdraw(&mut self.transactions.ground.shelf);
            // The peer does not know of the call any more (RFC 3261 §12.2.1.2).
            if matches!(status.code(), 408 | 481) {
                if leg.state == State::Up {
                    self.close(id);
                } else {
                    self.end(id, Cause::Failure, "");
                }
                return Some(LegEvent::HungUp(Cause::Failure));
            }
            self.refresh_refused(id, method, response);
            if method != Method::Invite && !offered {
                return Some(LegEvent::Settled);
            }
            // Our offer overtook the ACK of its last one (§14.2): as much a matter of time as 491.
            let early = status == Status::SERVER_INTERNAL_ERROR && response.has(Name::RetryAfter);
            return Some(LegEvent::Disagreed(if early { Cause::Glare } else { Cause::of(status) }));
        }
        let ground = &mut self.transactions.ground;
        leg.dialog.refresh(&mut ground.shelf, response, None);
        leg.peer.learn(response);
        let described = !response.body().is_empty();
        if described {
            leg.descriptions.heard(&mut ground.shelf, response.body());
        }
        self.agree_session(id, response);
        let leg = self.legs.get_mut(id)?;
        if method != Method::Invite {
            // An UPDATE without an offer only told who is there.
            return Some(if offered { LegEvent::Agreed { offers: false } } else { LegEvent::Settled });
        }
        let number = response.cseq().map_or(1, |cseq| cseq.number);
        let offers = described && !offered;
        if offers {
            leg.ack_due = number;
        } else {
            leg.descriptions.due = Due::Nothing;
            self.send_plain_ack(id, number);
        }
        if offers || offered {
            Some(LegEvent::Agreed { offers })
        } else {
            Some(LegEvent::Disagreed(Cause::NotAcceptable))
        }
    }

    /// The peer's re-INVITE or UPDATE.
    pub(super) fn modified(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        let method = request.method()?;
        if refuse_interval(&mut self.transactions, request, arrival) {
            return None;
        }
        let leg = self.legs.get_mut(id)?;
        leg.dialog.follow(&self.transactions.ground);
        let busy = leg.incoming != ServerId::NONE
            || leg.outgoing != ClientId::NONE
            || leg.ack_due != 0
            || (method == Method::Invite && leg.unacknowledged.is_some());
        // Before the answer there is only UPDATE, and only once media was agreed on (RFC 3311 §5.1).
        let agreed = leg.early.as_ref().is_some_and(|early| early.is_agreed());
        let early = leg.state != State::Up && !(method == Method::Update && agreed);
        let described = !request.body().is_empty();
        let is_change = method == Method::Invite || described;
        if is_change && (busy || early || leg.descriptions.due != Due::Nothing) {
            // Both at once (RFC 3261 §14.2, RFC 3311 §5.2); or the first offer is not settled: later.
            let theirs_first = leg.incoming != ServerId::NONE;
            let status = if theirs_first { Status::SERVER_INTERNAL_ERROR } else { Status::REQUEST_PENDING };
            self.transactions.reply(arrival, request, status, None, |mut response| {
                if theirs_first {
                    response.number(Name::RetryAfter, 1);
                }
                response.end()
            });
            return None;
        }
        let ground = &mut self.transactions.ground;
        leg.dialog.refresh(&mut ground.shelf, request, Some(arrival.hop));
        leg.peer.learn(request);
        let told = ground.contact_copy(leg.dialog.hop.flow);
        let is_up = leg.state == State::Up;
        if is_up {
            self.hear_session(id, request);
        }
        let leg = self.legs.get_mut(id)?;
        let ground = &mut self.transactions.ground;
        if !is_change {
            let session_timer = (leg.peer.timer && is_up).then_some(leg.session_timer);
            self.transactions.reply(arrival, request, Status::OK, None, |mut response| {
                write_contact(&mut response, &told);
                response.fixed(Name::Allow, ALLOW).fixed(Name::Supported, SUPPORTED);
                if let Some(session_timer) = session_timer {
                    session_timer.write_agreed(&mut response);
                }
                response.end()
            });
            if is_up {
                self.start_session(id);
            }
            return None;
        }
        if described {
            leg.descriptions.heard(&mut ground.shelf, request.body());
        }
        let tag = Tag { slot: id.slot(), ..leg.dialog.tag };
        let incoming = self.transactions.open(arrival, request, Owner(id.pack()), tag);
        if method == Method::Invite {
            self.transactions.respond(incoming, Status::TRYING, None, bare);
        }
        if let Some(leg) = self.legs.get_mut(id) {
            leg.incoming = incoming;
        }
        Some(LegEvent::Offered { described })
    }

    /// Agrees to the peer's change. To one without an offer this is our offer; its answer comes with the ACK.
    pub(crate) fn agree(&mut self, id: LegId, describe: Describe) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let server = std::mem::replace(&mut leg.incoming, Handle::NONE);
        if !self.transactions.is_open(server) {
            return;
        }
        let described = self.describe(id, describe, false);
        let invite = self.transactions.method_of(server) == Some(Method::Invite);
        let nobody = Identity::default();
        if let Some(range) = self.send(id, server, Status::OK, &nobody, described, None)
            && invite
        {
            let offered = described && self.is_open_offer(id);
            self.expect(id, Acknowledged::ByAck { offered }, &range);
        }
        if self.legs.get(id).is_some_and(|leg| leg.state == State::Up) {
            self.start_session(id);
        }
        self.go_on(id);
    }

    /// Agrees to the peer's change with the server's own media at this port; refuses it where that has no answer.
    pub(crate) fn agree_to_ours(&mut self, id: LegId, port: u16) {
        if self.has_answer(id) { self.agree(id, Describe::Ours(port)) } else { self.disagree(id, Cause::NotAcceptable) }
    }

    /// Whether the server's own media is an answer to what the peer offered, if it did.
    pub(crate) fn has_answer(&self, id: LegId) -> bool {
        self.legs.get(id).is_none_or(|leg| {
            leg.descriptions.due != Due::Ours
                || sdp::is_answerable(leg.descriptions.remote(), &self.transactions.ground.codecs)
        })
    }

    /// Refuses the peer's change: all stays as it was.
    pub(crate) fn disagree(&mut self, id: LegId, cause: Cause) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let server = std::mem::replace(&mut leg.incoming, Handle::NONE);
        leg.session_timer.refused();
        leg.descriptions.withdraw(&mut self.transactions.ground.shelf);
        self.transactions.respond(server, cause.status(), None, bare);
        self.go_on(id);
    }

    /// Whether the peer waits for our answer to its change.
    pub(crate) fn awaits_agreement(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| self.transactions.is_open(leg.incoming))
    }

    /// Whether the peer's last description asks for silence: it holds.
    pub(crate) fn is_holding(&self, id: LegId) -> bool {
        let said = sdp::direction(self.description(id));
        matches!(said, sdp::Direction::SendOnly | sdp::Direction::Inactive)
    }

    /// Whether the peer's last description says that it sends nothing.
    pub(crate) fn is_mute(&self, id: LegId) -> bool {
        let said = sdp::direction(self.description(id));
        matches!(said, sdp::Direction::RecvOnly | sdp::Direction::Inactive)
    }

    /// Where this leg's peer receives audio.
    pub(crate) fn media_address(&self, id: LegId) -> Option<SocketAddr> {
        sdp::address(self.description(id))
    }

    /// What this leg's peer would rather hear of all that we speak, and the payload type of its keys as events.
    pub(crate) fn voice(&self, id: LegId) -> (Voice, Option<u8>) {
        sdp::voice(self.description(id), &self.transactions.ground.codecs)
    }

    /// Whether an offer on this leg is not answered yet.
    pub(crate) fn is_open_offer(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| leg.descriptions.due != Due::Nothing)
    }

    /// What one party said, for the other: byte for byte, but never `c=0.0.0.0` (RFC 3264 §8.4), and with the ports of the
    /// other's face if it has one.
    pub(super) fn relay_description(&self, id: LegId, other: LegId, out: &mut Vec<u8>) {
        let body = self.description(other);
        let face = self.legs.get(id).map_or(FaceNo::NONE, |leg| leg.face);
        if !sdp::is_held_by_address(body) {
            match face {
                FaceNo::NONE => out.extend_from_slice(body),
                face => self.through_face(face, body, out),
            }
            return;
        }
        let hop = self.hop(other).or_else(|| self.hop(id));
        let at = hop.map_or(IpAddr::from([127, 0, 0, 1]), |hop| hop.address.ip());
        let mut plain = Vec::new();
        sdp::unhold_address(body, at, &mut plain);
        self.through_face(face, &plain, out);
    }

    /// The server's own media for this leg: an answer if its peer offered, else an offer.
    pub(super) fn own_description(&self, id: LegId, port: u16, out: &mut Vec<u8>) {
        let Some(leg) = self.legs.get(id) else { return };
        let ground = &self.transactions.ground;
        let at = SocketAddr::new(ground.media_ip(leg.dialog.hop.flow), port);
        let said = leg.descriptions.remote();
        // The origin line is put right when it is said.
        if leg.descriptions.due == Due::Ours {
            sdp::anchor_answer(said, &ground.codecs, (at, 0, 0), sdp::Direction::SendRecv, out);
        } else {
            sdp::anchor(said, &ground.codecs, (at, 0, 0), sdp::Direction::SendRecv, out);
        }
    }
}
