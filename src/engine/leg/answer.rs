//! Answering somebody who called: alerting, early media, the 2xx and its ACK (RFC 3261 §13.3).
use super::call::write_asserted;
use super::peer::RELIABLE;
use super::{
    ALLOW, Acknowledged, Cause, Describe, Identity, LegEvent, LegId, Legs, Reason, SDP, SUPPORTED, State,
    Unacknowledged, completable, write_contact,
};
use crate::dialog::offer_answer::Due;
use crate::transaction::{Owner, PATIENCE, ServerId, T1, T2};
use crate::wire::{Compose, Message, Method, Name, Status};
use std::ops::Range;

impl Legs {
    /// Tells the caller that the other side alerts (180), or what it sends before it answers (183).
    pub(crate) fn alert(&mut self, id: LegId, ringing: bool, describe: Describe, connected: &Identity) {
        let Some(State::Arrived(server)) = self.legs.get(id).map(|leg| leg.state) else { return };
        let Some((describe, reliable)) = self.early_terms(id, (ringing, describe, *connected)) else { return };
        let described = self.describe(id, describe, !reliable);
        let status = if ringing { Status::RINGING } else { Status::SESSION_PROGRESS };
        self.progress(id, server, (status, connected, described), reliable);
    }

    /// Tells the caller that its call goes to somebody else (181). What waits for a PRACK says more.
    pub(crate) fn forwarding(&mut self, id: LegId, to: &Identity) {
        let Some(leg) = self.legs.get(id).filter(|leg| leg.unacknowledged.is_none()) else { return };
        if let State::Arrived(server) = leg.state {
            let reliable = leg.peer.insists;
            self.progress(id, server, (Status::CALL_IS_BEING_FORWARDED, to, false), reliable);
        }
    }

    fn progress(&mut self, id: LegId, server: ServerId, said: (Status, &Identity, bool), reliable: bool) {
        let (status, connected, described) = said;
        if !reliable {
            self.send(id, server, status, connected, described, None);
            return;
        }
        let rseq = self.next_rseq(id);
        if described {
            self.said_early(id);
        }
        if let Some(range) = self.send(id, server, status, connected, described, Some(rseq)) {
            self.expect(id, Acknowledged::ByPrack { described }, &range);
        }
    }

    /// Answers. When the ACK comes, [`LegEvent::Acknowledged`] says so.
    pub(crate) fn answer(&mut self, id: LegId, describe: Describe, connected: &Identity) -> bool {
        let Some(State::Arrived(server)) = self.legs.get(id).map(|leg| leg.state) else { return false };
        if self.put_off_answer(id, describe, connected) {
            return true;
        }
        let describe = if self.is_agreed_early(id) { Describe::Nothing } else { describe };
        let described = self.describe(id, describe, false);
        let Some(range) = self.send(id, server, Status::OK, connected, described, None) else { return false };
        // A provisional response that nobody acknowledged yet need not be any more (RFC 3262 §3).
        self.acknowledged_at_last(id);
        let offered = described && self.is_open_offer(id);
        self.expect(id, Acknowledged::ByAck { offered }, &range);
        if let Some(leg) = self.legs.get_mut(id) {
            leg.state = State::Up;
        }
        self.start_session(id);
        true
    }

    /// Whether they called with an offer, and wait for our answer.
    pub(crate) fn awaits_answer(&self, id: LegId) -> bool {
        self.legs.get(id).is_some_and(|leg| matches!(leg.state, State::Arrived(_)) && leg.descriptions.due == Due::Ours)
    }

    /// Composes a response that belongs to the dialog: with Contact, and who is connected.
    pub(super) fn send(
        &mut self,
        id: LegId,
        server: ServerId,
        status: Status,
        connected: &Identity,
        described: bool,
        rseq: Option<u32>,
    ) -> Option<Range<usize>> {
        let leg = self.legs.get(id)?;
        let told = self.transactions.ground.contact_copy(leg.dialog.hop.flow);
        let (domain, body, to_phone) = (self.domain.as_str(), self.scratch.as_slice(), leg.peer.line);
        let completable = completable::of(id, &self.completables).filter(|_| status.is_provisional());
        let session_timer = (leg.peer.timer && status.is_success()).then_some(leg.session_timer);
        self.transactions.respond(server, status, None, |mut response| {
            write_contact(&mut response, &told);
            response.fixed(Name::Allow, ALLOW).fixed(Name::Supported, SUPPORTED);
            if let Some(rseq) = rseq {
                response.field(Name::Require, RELIABLE.as_bytes()).number(Name::RSeq, rseq.into());
            }
            if let Some(session_timer) = session_timer {
                session_timer.write_agreed(&mut response);
            }
            if !connected.number.is_empty() {
                write_asserted(&mut response, connected, domain, to_phone);
            }
            if let Some(completable) = completable {
                completable.write(&mut response, domain);
            }
            if described { response.body(SDP, body) } else { response.end() }
        })
    }

    /// Our response went out: it is repeated until it is acknowledged (§13.3.1.4, RFC 3262 §3).
    pub(super) fn expect(&mut self, id: LegId, by: Acknowledged, range: &Range<usize>) {
        let timer = self.alarm(id, Reason::AnswerAgain, T1);
        let ground = &mut self.transactions.ground;
        let Some(hop) = ground.outbox.messages.last().map(|sent| (sent.flow, sent.to)) else { return };
        let hop = crate::ground::Hop { flow: hop.0, address: hop.1 };
        let message = ground.outbox.bytes.get(range.clone()).map(|bytes| ground.shelf.keep(bytes)).unwrap_or_default();
        let until = ground.now + PATIENCE;
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.unacknowledged = Some(Unacknowledged { by, message, hop, timer, interval: T1, until });
    }

    /// Our 2xx again, or the end of patience: without its ACK there is no call (§13.3.1.4).
    pub(super) fn answer_again(&mut self, id: LegId) -> Option<LegEvent> {
        let now = self.transactions.ground.now;
        let leg = self.legs.get_mut(id)?;
        let unacknowledged = leg.unacknowledged.as_mut()?;
        if now >= unacknowledged.until {
            let (state, by) = (leg.state, unacknowledged.by);
            self.acknowledged_at_last(id);
            if !matches!(by, Acknowledged::ByAck { .. }) {
                return self.unacknowledged_early(id);
            }
            return match state {
                State::Ending(cause) => {
                    self.send_bye(id, cause);
                    None
                }
                State::Arrived(_) | State::Calling { .. } | State::Up => {
                    self.send_bye(id, Cause::Timeout);
                    Some(LegEvent::HungUp(Cause::Timeout))
                }
            };
        }
        unacknowledged.interval = match unacknowledged.by {
            Acknowledged::ByAck { .. } => (unacknowledged.interval * 2).min(T2),
            // It doubles without end (RFC 3262 §3).
            Acknowledged::ByPrack { .. } => unacknowledged.interval * 2,
        };
        let interval = unacknowledged.interval.min(unacknowledged.until - now);
        let ground = &mut self.transactions.ground;
        let hop = match unacknowledged.hop {
            hop if ground.is_up(hop) => hop,
            hop => crate::transaction::way_back(ground, hop, &unacknowledged.message),
        };
        ground.outbox.repeat(hop.flow, hop.address, &unacknowledged.message);
        ground.counters.retransmits.add(Method::Invite, crate::counters::Direction::Out, 1);
        let timer = self.alarm(id, Reason::AnswerAgain, interval);
        if let Some(unacknowledged) = self.legs.get_mut(id).and_then(|leg| leg.unacknowledged.as_mut()) {
            unacknowledged.timer = timer;
        }
        None
    }

    /// Our 2xx waits for its ACK, and its alarm was lost.
    pub(crate) fn rearm(&mut self, id: LegId) {
        let Some(unacknowledged) = self.legs.get(id).and_then(|leg| leg.unacknowledged.as_ref()) else { return };
        self.transactions.ground.timers.stop(unacknowledged.timer);
        let timer = self.alarm(id, Reason::AnswerAgain, unacknowledged.interval);
        if let Some(unacknowledged) = self.legs.get_mut(id).and_then(|leg| leg.unacknowledged.as_mut()) {
            unacknowledged.timer = timer;
        }
    }

    /// An ACK inside a dialog.
    pub(crate) fn acknowledged(&mut self, ack: &Message<'_>) -> Option<(Owner, LegEvent)> {
        let id = self.dialog_of(ack)?;
        let awaited = self.legs.get(id)?.unacknowledged.as_ref().map(|sent| sent.by);
        let Some(Acknowledged::ByAck { offered }) = awaited else { return None };
        self.acknowledged_at_last(id);
        let leg = self.legs.get_mut(id)?;
        leg.early = None;
        if let State::Ending(cause) = leg.state {
            self.send_bye(id, cause);
            return None;
        }
        // An offer of ours in an UPDATE that it crossed has its answer there.
        let owed = offered && leg.descriptions.due == Due::Theirs;
        let described = owed && !ack.body().is_empty();
        if described {
            leg.descriptions.heard(&mut self.transactions.ground.shelf, ack.body());
        } else if owed {
            // Our offer has no answer, and will have none; but the leg can be changed again.
            leg.descriptions.due = Due::Nothing;
        }
        Some((leg.owner, LegEvent::Acknowledged { described }))
    }

    /// No response of ours need be repeated any more.
    pub(super) fn acknowledged_at_last(&mut self, id: LegId) {
        if let Some(unacknowledged) = self.legs.get_mut(id).and_then(|leg| leg.unacknowledged.take()) {
            let ground = &mut self.transactions.ground;
            ground.timers.stop(unacknowledged.timer);
            ground.shelf.put_back(unacknowledged.message);
        }
    }

    /// Answers the offer in the peer's 2xx, in our ACK (§13.2.2.4).
    pub(crate) fn acknowledge(&mut self, id: LegId, describe: Describe) {
        let described = self.describe(id, describe, false);
        let Some(leg) = self.legs.get_mut(id) else { return };
        let number = std::mem::take(&mut leg.ack_due);
        if number == 0 {
            return;
        }
        let (dialog, body) = (&leg.dialog, self.scratch.as_slice());
        self.transactions.send_ack(dialog.next_hop(&self.transactions.ground), dialog.request_uri(), |mut ack| {
            dialog.write(&mut ack, Method::Ack, number);
            if described { ack.body(SDP, body) } else { ack.end() }
        });
        // It cannot be said again without its body: kept.
        let ground = &mut self.transactions.ground;
        let sent = ground.outbox.messages.last().and_then(|sent| ground.outbox.bytes.get(sent.range.clone()));
        let kept = sent.map(|bytes| ground.shelf.keep(bytes)).unwrap_or_default();
        let before = std::mem::replace(&mut leg.ack, kept);
        ground.shelf.put_back(before);
    }

    pub(super) fn send_plain_ack(&mut self, id: LegId, number: u32) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let ground = &mut self.transactions.ground;
        ground.shelf.put_back(std::mem::take(&mut leg.ack));
        leg.ack_due = 0;
        let dialog = &leg.dialog;
        self.transactions.send_ack(dialog.next_hop(&self.transactions.ground), dialog.request_uri(), |mut ack| {
            dialog.write(&mut ack, Method::Ack, number);
            ack.end()
        });
    }

    /// The peer repeats its 2xx: it has not got our ACK.
    pub(super) fn acknowledge_again(&mut self, id: LegId, number: u32) {
        let Some(leg) = self.legs.get(id) else { return };
        let repeats = Message::parse(&leg.ack).is_ok_and(|ack| ack.cseq().is_ok_and(|cseq| cseq.number == number));
        if repeats {
            let hop = leg.dialog.next_hop(&self.transactions.ground);
            let ground = &mut self.transactions.ground;
            ground.outbox.repeat(hop.flow, hop.address, &leg.ack);
            return;
        }
        let dialog = &leg.dialog;
        self.transactions.send_ack(
            dialog.next_hop(&self.transactions.ground),
            dialog.request_uri(),
            |mut ack: Compose<'_>| {
                dialog.write(&mut ack, Method::Ack, number);
                ack.end()
            },
        );
    }
}
