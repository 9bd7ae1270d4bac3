//! What transactions bring a leg: requests inside its dialog, responses, silence.
use super::{ALLOW, ALLOW_EVENTS, Cause, LegEvent, LegId, Legs, Reason, SDP, SUPPORTED, State, pass};
use crate::base::{Alarm, Handle};
use crate::dialog::offer_answer::Due;
use crate::transaction::{Arrival, ClientId, Owner, Tag, TransactionTimeout};
use crate::wire::{Compose, Message, Method, Name, Status, bare};
use std::ops::Range;

impl Legs {
    /// The leg whose dialog a request belongs to: found by our own tag, proved by the rest (RFC 3261 §12.2.2).
    pub(crate) fn dialog_of(&self, request: &Message<'_>) -> Option<LegId> {
        let tag = Tag::read(request.to_tag()?)?;
        let (id, leg) = self.legs.at(tag.slot)?;
        (leg.dialog.tag == tag && leg.owns(request)).then_some(id)
    }

    /// A request inside a dialog. What comes of it for whoever owns the leg, if anything does.
    pub(crate) fn requested(&mut self, id: LegId, request: &Message<'_>, arrival: Arrival) -> Option<LegEvent> {
        let method = request.method()?;
        if self.may_fork(id) {
            self.select_fork(id, request.from_tag().unwrap_or_default());
        }
        let leg = self.legs.get_mut(id)?;
        if leg.dialog.sequence(request).is_err() {
            let reason = Some("CSeq Out Of Order");
            self.transactions.reply(arrival, request, Status::SERVER_INTERNAL_ERROR, reason, bare);
            return None;
        }
        match method {
            Method::Bye => self.bye(id, request, arrival),
            Method::Invite | Method::Update => self.modified(id, request, arrival),
            Method::Refer => self.referred(id, request, arrival),
            Method::Info => self.passed(id, request, arrival),
            Method::Options => {
                self.transactions.reply(arrival, request, Status::OK, None, capabilities);
                None
            }
            Method::Prack => self.pracked(id, request, arrival),
            Method::Notify => {
                // Nobody here subscribed to anything.
                self.transactions.reply(arrival, request, Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, None, bare);
                None
            }
            // A dialog has one usage here, and this one's is a call (RFC 5057 §6).
            Method::Subscribe => {
                let reason = Some("SUBSCRIBE Needs A Dialog Of Its Own");
                self.transactions.reply(arrival, request, Status::FORBIDDEN, reason, bare);
                None
            }
            Method::Publish | Method::Message | Method::Register | Method::Other => {
                self.transactions.reply(arrival, request, Status::METHOD_NOT_ALLOWED, None, |mut response| {
                    response.fixed(Name::Allow, ALLOW);
                    response.end()
                });
                None
            }
            Method::Ack | Method::Cancel => None,
        }
    }

    /// A response to a request of this leg's.
    pub(crate) fn responded(
        &mut self,
        owner: Owner,
        client: ClientId,
        method: Method,
        response: &Message<'_>,
    ) -> Option<(Owner, LegEvent)> {
        let id = LegId::unpack(owner.0);
        let Some(leg) = self.legs.get(id) else {
            if method == Method::Invite && response.status().is_some_and(Status::is_success) {
                self.end_stray(response);
            }
            return None;
        };
        let owner = leg.owner;
        if leg.early.is_some() && method != Method::Invite {
            self.select_fork(id, response.to_tag().unwrap_or_default());
        }
        let leg = self.legs.get(id)?;
        let event = match leg.state {
            _ if client == leg.outgoing => self.settled(id, method, response),
            State::Calling { invite, .. } if invite == client => self.called(id, response),
            _ if method == Method::Invite => self.success_again(id, response),
            _ if method == Method::Notify => self.notified(id, response),
            _ if method == Method::Info => pass::settled(response),
            State::Arrived(_) | State::Calling { .. } | State::Up | State::Ending(_) => None,
        };
        event.filter(|_| owner != Owner::NOBODY).map(|event| (owner, event))
    }

    /// A transaction of this leg's ended without an answer.
    pub(crate) fn timed_out(&mut self, timeout: TransactionTimeout) -> Option<(Owner, LegEvent)> {
        let (owner, client, method, status) = match timeout {
            TransactionTimeout::NoResponse { owner, client, method } => {
                (owner, client, method, Status::REQUEST_TIMEOUT)
            }
            // As if it had answered so (RFC 3261 §8.1.3.1).
            TransactionTimeout::Unreachable { owner, client, method } => {
                (owner, client, method, Status::SERVICE_UNAVAILABLE)
            }
            // The refusal of an INVITE: the call is over with or without its ACK.
            TransactionTimeout::NoAck { .. } => return None,
        };
        let id = LegId::unpack(owner.0);
        let leg = self.legs.get_mut(id)?;
        let (owner, leg_is_line) = (leg.owner, leg.peer.line);
        let event = match leg.state {
            State::Calling { invite, .. } if invite == client => {
                self.close(id);
                // A phone that is not there is not our overload.
                let absent = leg_is_line && status == Status::SERVICE_UNAVAILABLE;
                LegEvent::Refused(if absent { Cause::Unavailable } else { Cause::of(status) })
            }
            // Its connection is gone: all is as it was, and it may come back on another.
            _ if leg.outgoing == client && status == Status::SERVICE_UNAVAILABLE => {
                leg.outgoing = ClientId::NONE;
                let asked = method == Method::Invite || leg.descriptions.due == Due::Theirs;
                leg.descriptions.withdraw(&mut self.transactions.ground.shelf);
                if asked { LegEvent::Disagreed(Cause::Unavailable) } else { LegEvent::Settled }
            }
            // Who does not answer at all is not there any more (RFC 3261 §12.2.1.2).
            _ if leg.outgoing == client => {
                leg.outgoing = Handle::NONE;
                self.end(id, Cause::Timeout, "");
                LegEvent::HungUp(Cause::Timeout)
            }
            _ if method == Method::Info => LegEvent::PassSettled(status.code()),
            _ if method == Method::Notify => {
                leg.refer = None;
                return None;
            }
            State::Arrived(_) | State::Calling { .. } | State::Up | State::Ending(_) => return None,
        };
        (owner != Owner::NOBODY).then_some((owner, event))
    }

    /// A timer of a leg's.
    pub(crate) fn expired(&mut self, alarm: Alarm) -> Option<(Owner, LegEvent)> {
        let id = LegId::unpack(alarm.whom);
        let owner = self.owner(id);
        let event = if alarm.reason == Reason::Refresh as u8 { self.refresh_due(id) } else { self.answer_again(id) };
        event.map(|event| (owner, event))
    }
}

/// The answer to OPTIONS (RFC 3261 §11.2).
pub(crate) fn capabilities(mut response: Compose<'_>) -> Range<usize> {
    response.fixed(Name::Allow, ALLOW).fixed(Name::Supported, SUPPORTED).fixed(Name::Accept, SDP);
    response.fixed(Name::AllowEvents, ALLOW_EVENTS);
    response.end()
}
