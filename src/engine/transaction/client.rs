//! Client transactions: what they have in common, and the non-INVITE machine (RFC 3261 §17.1.2).
//!
//! ```text
//!   request ─► Trying ──1xx──► Proceeding ──final──► Over (tombstone: timer K, 5 s)
//!               │  ╰──────────────final───────────────▲
//!               ╰─ timer E repeats the request; timer F: nobody answered
//! ```
//! Over a [stream](super::stream) nothing is repeated, and what is over is forgotten at once: timers E and K are off.
use super::tombstone::{Plot, Rest};
use super::{Branch, Owner, PATIENCE, T1, T2, TransactionEvent, TransactionTimeout, Transactions};
use crate::base::{Alarm, Flow, Handle, Kept, Room, Time, TimerId, limits};
use crate::counters::{Direction, Kind, Side, TransactionTimer};
use crate::ground::Hop;
use crate::wire::{Compose, Message, Method, Name, Status, Uri};
use std::ops::Range;
use std::time::Duration;

pub(crate) type ClientId = Handle<Client>;

/// The reason of the retransmission timer; the graveyard has the others.
pub(super) const AGAIN: u8 = 0;

/// The record of a client transaction; it stays a while after the end.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) owner: Owner,
    pub(super) pending: Handle<Pending>,
    pub(super) secret: u32,
    pub(super) plot: Plot,
    pub(super) method: Method,
    pub(super) state: State,
}

/// Where a client transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Sent, nothing heard. `Calling` for an INVITE.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// INVITE: refused; the ACK is sent, and again for each repeated refusal.
    Completed,
    /// INVITE: accepted; further 2xx go up (RFC 6026 §7.2).
    Accepted,
    /// Anything else: answered.
    Over,
}

/// What a client transaction needs until its final response.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(super) hop: Hop,
    /// The request; after a refused INVITE, its ACK.
    pub(super) request: Kept,
    /// The CANCEL of this INVITE.
    pub(super) cancel: ClientId,
    pub(super) timer: TimerId,
    pub(super) interval: Duration,
    /// Timers B and F.
    pub(super) until: Time,
    /// A provisional response does not make it wait for ever.
    pub(super) limited: bool,
    /// It goes by a stream because it is large; if that cannot be, from this listener as a datagram.
    pub(super) narrow: Option<Flow>,
}

impl Transactions {
    /// Sends a request. `write` gets a message that has its start line, Via and Max-Forwards already.
    pub(crate) fn request(
        &mut self,
        hop: Hop,
        owner: Owner,
        method: Method,
        uri: &[u8],
        max_forwards: u8,
        write: impl FnOnce(Compose<'_>) -> Range<usize>,
    ) -> Option<ClientId> {
        // What ends a call, or keeps its other side from waiting, is never shed: there are only so many calls.
        let spared = matches!(method, Method::Bye | Method::Prack);
        if let Some(shed) = self.ground.is_full(self.clients.len()).filter(|_| !spared) {
            self.ground.counters.shed.up(shed);
            return None;
        }
        let branch = Branch { slot: self.clients.upcoming().slot(), secret: self.ground.rng.bits() };
        let mut range = self.compose_request(hop, method, uri, max_forwards, branch, write);
        let wide = if range.len() > limits::DATAGRAM_REQUEST_BYTES { self.widen(hop, &mut range) } else { None };
        let request = self.ground.outbox.bytes.get(range.clone()).map(|bytes| self.ground.shelf.keep(bytes));
        let (narrow, hop) = (wide.map(|_| hop.flow), wide.unwrap_or(hop));
        self.ground.outbox.send(hop.flow, hop.address, range);
        self.count_request(hop, method);
        Some(self.insert_client(hop, owner, method, branch.secret, request.unwrap_or_default(), narrow))
    }

    /// Sends a request without a transaction: the ACK for a 2xx.
    pub(crate) fn send_ack(&mut self, hop: Hop, uri: &[u8], write: impl FnOnce(Compose<'_>) -> Range<usize>) {
        let branch = Branch { slot: u32::MAX, secret: self.ground.rng.bits() };
        let range = self.compose_request(hop, Method::Ack, uri, 70, branch, write);
        self.ground.outbox.send(hop.flow, hop.address, range);
        self.count_request(hop, Method::Ack);
    }

    /// Forgets whom this transaction works for; what still comes back is absorbed.
    pub(crate) fn disown(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.owner = Owner::NOBODY;
        }
        self.limit(id);
    }

    /// An INVITE whose owner has no patience of its own waits no longer for its final response than any request does.
    pub(crate) fn limit(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(id).filter(|client| client.method == Method::Invite) else { return };
        let Some(pending) = self.pending.get_mut(client.pending) else { return };
        pending.limited = true;
        if client.state == State::Proceeding {
            pending.until = self.ground.now + PATIENCE;
            let alarm = Alarm { room: Room::Client, reason: AGAIN, whom: id.pack() };
            self.ground.timers.stop(pending.timer);
            pending.timer = self.ground.timers.start(self.ground.now, PATIENCE, alarm);
        }
    }

    /// Whether this branch is that of a request of ours to the same user; with another user it is a spiral, not a loop.
    pub(crate) fn sent(&self, branch: Branch, uri: &[u8]) -> bool {
        let Some((_, client)) = self.clients.at(branch.slot).filter(|(_, client)| client.secret == branch.secret)
        else {
            return false;
        };
        let Some(pending) = self.pending.get(client.pending) else { return true };
        let user = |uri| Uri::parse(uri).ok().and_then(|uri| uri.user);
        Message::parse(&pending.request).is_ok_and(|request| user(request.uri_text()) == user(uri))
    }

    pub(super) fn insert_client(
        &mut self,
        hop: Hop,
        owner: Owner,
        method: Method,
        secret: u32,
        request: Kept,
        narrow: Option<Flow>,
    ) -> ClientId {
        let whom = self.clients.upcoming().pack();
        let alarm = Alarm { room: Room::Client, reason: AGAIN, whom };
        let now = self.ground.now;
        let again = if self.ground.is_reliable(hop.flow) { self.wait_on(hop, whom, narrow) } else { T1 };
        let (timer, cancel, until) = (self.ground.timers.start(now, again, alarm), Handle::NONE, now + PATIENCE);
        let pending = Pending { hop, request, cancel, timer, interval: T1, until, limited: false, narrow };
        let pending = self.pending.insert(pending);
        self.count_live(method, Side::Client, true);
        self.clients.insert(Client { owner, pending, secret, plot: Plot::NONE, method, state: State::Trying })
    }

    fn compose_request(
        &mut self,
        hop: Hop,
        method: Method,
        uri: &[u8],
        max_forwards: u8,
        branch: Branch,
        write: impl FnOnce(Compose<'_>) -> Range<usize>,
    ) -> Range<usize> {
        // The buffer steps aside, because the ground is read while it is written.
        let mut bytes = std::mem::take(&mut self.ground.outbox.bytes);
        let mut request = Compose::request(&mut bytes, method, uri);
        request.open(Name::Via).ours(self.ground.via(hop.flow)).ours(&branch.text()).close();
        request.number(Name::MaxForwards, max_forwards.into());
        let range = write(request);
        self.ground.outbox.bytes = bytes;
        range
    }

    /// A response: to which request of ours?
    pub(super) fn receive_response(&mut self, message: &Message<'_>) -> TransactionEvent {
        let Some(status) = message.status() else { return TransactionEvent::Absorbed };
        let Ok(cseq) = message.cseq() else { return TransactionEvent::Absorbed };
        self.ground.counters.responses_in.add(cseq.method, status, 1);
        let Some(id) = self.client_of(message) else { return TransactionEvent::Absorbed };
        let Some(client) = self.clients.get(id) else { return TransactionEvent::Absorbed };
        if cseq.method == Method::Cancel && client.method == Method::Invite {
            let cancel = self.pending.get(client.pending).map_or(Handle::NONE, |pending| pending.cancel);
            self.receive_for(cancel, Method::Cancel, status);
            return TransactionEvent::Absorbed;
        }
        if cseq.method != client.method {
            return TransactionEvent::Absorbed;
        }
        if client.method == Method::Invite {
            self.receive_for_invite(id, message, status)
        } else {
            self.receive_for(id, cseq.method, status)
        }
    }

    /// The one Via must be ours (§18.1.2), and its branch one that we minted.
    fn client_of(&self, message: &Message<'_>) -> Option<ClientId> {
        let via = message.via().ok().filter(|_| message.is_only_via())?;
        let branch = Branch::read(via.branch()?)?;
        let (id, client) = self.clients.at(branch.slot)?;
        (client.secret == branch.secret).then_some(id)
    }

    /// The non-INVITE machine.
    fn receive_for(&mut self, id: ClientId, method: Method, status: Status) -> TransactionEvent {
        let Some(client) = self.clients.get_mut(id) else { return TransactionEvent::Absorbed };
        let owner = client.owner;
        match (client.state, status.is_provisional()) {
            (State::Trying | State::Proceeding, true) => client.state = State::Proceeding,
            (State::Trying | State::Proceeding, false) => {
                // It has waited since timer F was set.
                let waited = |pending: &Pending| PATIENCE.saturating_sub(pending.until - self.ground.now);
                self.answered = self.pending.get(client.pending).map(|pending| (method, waited(pending)));
                self.finish_client(id, State::Over, Rest::Short);
            }
            (State::Completed | State::Accepted | State::Over, _) => {
                self.ground.counters.retransmits.add(method, Direction::In, 1);
                return TransactionEvent::Absorbed;
            }
        }
        if owner == Owner::NOBODY {
            return TransactionEvent::Absorbed;
        }
        TransactionEvent::Response { owner, client: id, method }
    }

    /// The final response is here: nothing need be sent again.
    pub(super) fn finish_client(&mut self, id: ClientId, state: State, rest: Rest) {
        let Some(client) = self.clients.get_mut(id) else { return };
        client.state = state;
        let method = client.method;
        let pending = std::mem::replace(&mut client.pending, Handle::NONE);
        self.count_live(method, Side::Client, false);
        let reliable = self.close_pending(id, pending);
        if reliable && state != State::Accepted {
            self.clients.remove(id);
        } else {
            self.bury_client(id, rest);
        }
    }

    /// Whether it went over a stream is what remains of it.
    pub(super) fn close_pending(&mut self, id: ClientId, pending: Handle<Pending>) -> bool {
        let Some(pending) = self.pending.remove(pending) else { return false };
        self.ground.timers.stop(pending.timer);
        self.ground.shelf.put_back(pending.request);
        self.abandon(pending.cancel);
        let reliable = self.ground.is_reliable(pending.hop.flow);
        if reliable {
            self.waiting.remove(&(pending.hop, id.pack()));
        }
        reliable
    }

    /// The INVITE is answered; whether its CANCEL is does not matter any more.
    pub(super) fn abandon(&mut self, cancel: ClientId) {
        match self.clients.get(cancel).map(|client| client.state) {
            Some(State::Trying | State::Proceeding) => self.finish_client(cancel, State::Over, Rest::Short),
            Some(State::Completed | State::Accepted | State::Over) | None => {}
        }
    }

    pub(super) fn bury_client(&mut self, id: ClientId, rest: Rest) {
        let clients = &mut self.clients;
        self.clients_over.bury(id.slot(), rest, self.ground.now, &mut self.ground.timers, |slot, link| {
            if let Some((id, _)) = clients.at(slot)
                && let Some(client) = clients.get_mut(id)
            {
                client.plot.set(link);
            }
        });
    }

    /// One of our timers.
    pub(super) fn client_expired(&mut self, alarm: Alarm) -> Option<TransactionTimeout> {
        let rest = match alarm.reason {
            super::tombstone::LONG => Rest::Long,
            super::tombstone::SHORT => Rest::Short,
            _ => return self.unanswered(Handle::unpack(alarm.whom)),
        };
        loop {
            let clients = &self.clients;
            let plot = |slot| clients.at(slot).map_or(Plot::NONE, |(_, client)| client.plot);
            let slot = self.clients_over.exhume(rest, self.ground.now, &mut self.ground.timers, plot)?;
            if let Some((id, _)) = self.clients.at(slot)
                && let Some(client) = self.clients.remove(id)
            {
                self.close_pending(id, client.pending);
            }
        }
    }

    /// Timers A and E, B and F; and an INVITE that was cancelled, but never answered (§9.1).
    fn unanswered(&mut self, id: ClientId) -> Option<TransactionTimeout> {
        let client = self.clients.get_mut(id)?;
        let (method, state, owner) = (client.method, client.state, client.owner);
        let pending = self.pending.get_mut(client.pending)?;
        if self.ground.now >= pending.until {
            let timer = if method == Method::Invite { TransactionTimer::B } else { TransactionTimer::F };
            self.ground.counters.timeouts.add(method, timer, 1);
            let rest = if method == Method::Invite { Rest::Long } else { Rest::Short };
            self.finish_client(id, State::Over, rest);
            if owner == Owner::NOBODY {
                return None;
            }
            return Some(TransactionTimeout::NoResponse { owner, client: id, method });
        }
        if self.ground.is_reliable(pending.hop.flow) {
            self.no_stream_yet(id);
            return None;
        }
        pending.interval = match (method, state) {
            // An INVITE's interval doubles without end (§17.1.1.2) ...
            (Method::Invite, _) => pending.interval * 2,
            // ... that of others up to T2, and is T2 once there was a sign of life (§17.1.2.2).
            (_, State::Proceeding) => T2,
            (_, State::Trying | State::Completed | State::Accepted | State::Over) => (pending.interval * 2).min(T2),
        };
        let left = pending.until - self.ground.now;
        let alarm = Alarm { room: Room::Client, reason: AGAIN, whom: id.pack() };
        pending.timer = self.ground.timers.start(self.ground.now, pending.interval.min(left), alarm);
        let hop = pending.hop;
        self.ground.outbox.repeat(hop.flow, hop.address, &pending.request);
        self.ground.counters.retransmits.add(method, Direction::Out, 1);
        self.count_request(hop, method);
        None
    }

    pub(super) fn count_request(&mut self, hop: Hop, method: Method) {
        self.ground.count_message(hop.flow, Direction::Out, Kind::Request);
        self.ground.counters.requests.add(method, Direction::Out, 1);
    }
}
