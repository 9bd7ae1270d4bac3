//! Server transactions: what they have in common, and the non-INVITE machine (RFC 3261 §17.2.2).
//!
//! ```text
//!   request ─► Proceeding ──final──► Over (tombstone: timer J, 32 s)
//!                 ▲   │                ▲   │
//!                 ╰1xx╯                ╰───╯ the request again: the final again
//! ```
//! Over a [stream](super::stream) the request does not come again, and what is over is forgotten at once.
use super::key::{origin_key, server_key};
use super::tombstone::{Plot, Rest};
use super::{Owner, Tag, TransactionEvent, TransactionTimeout, Transactions};
use crate::base::{Alarm, Handle, Kept, Time, TimerId, limits};
use crate::counters::{Direction, Kind, Side};
use crate::ground::Hop;
use crate::wire::{self, Compose, Message, Method, Name, Status, bare};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

pub(crate) type ServerId = Handle<Server>;

/// A new request, on its way up: what is needed to answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Where it came from.
    pub(crate) hop: Hop,
    pub(super) key: u64,
    pub(super) origin: u64,
    pub(super) method: Method,
}

/// The record of a server transaction, small because it stays for 32 s after the end.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) key: u64,
    pub(super) origin: u64,
    pub(super) owner: Owner,
    pub(super) open: Handle<Open>,
    pub(super) plot: Plot,
    pub(super) tag: Tag,
    pub(super) status: u16,
    pub(super) method: Method,
    pub(super) state: State,
}

/// Where a server transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not answered finally.
    Proceeding,
    /// INVITE: refused, and the ACK not here yet.
    Completed,
    /// INVITE: refused and acknowledged; what comes again is absorbed.
    Confirmed,
    /// INVITE: answered 2xx; what comes again is absorbed, the dialog repeats the 2xx (RFC 6026 §7.1).
    Accepted,
    /// Anything else: answered; what comes again is answered again.
    Over,
}

/// What only a transaction that is not over needs, or a tombstone whose answer said more than its status.
#[derive(Debug)]
pub(crate) struct Open {
    pub(super) hop: Hop,
    /// The header lines that every response repeats.
    pub(super) echo: Kept,
    /// The last response sent, but for a 100.
    pub(super) last: Kept,
    pub(super) timer: TimerId,
    pub(super) interval: Duration,
    /// Timer H.
    pub(super) until: Time,
}

impl Transactions {
    /// A request: known, or new?
    pub(super) fn receive_request(&mut self, message: &Message<'_>, method: Method, hop: Hop) -> TransactionEvent {
        self.ground.counters.requests.add(method, Direction::In, 1);
        let Ok(via) = message.via() else { return TransactionEvent::Absorbed };
        match method {
            Method::Ack => return self.receive_ack(message, &via),
            Method::Cancel => return self.receive_cancel(message, &via, hop),
            Method::Invite | Method::Bye | Method::Options | Method::Register | Method::Prack | Method::Subscribe => {}
            Method::Notify | Method::Publish | Method::Info | Method::Refer | Method::Message => {}
            Method::Update | Method::Other => {}
        }
        let key = server_key(&self.ground, message, &via, method);
        if let Some(server) = self.find_server(key) {
            self.ground.counters.retransmits.add(method, Direction::In, 1);
            self.answer_again(server, message, hop);
            return TransactionEvent::Absorbed;
        }
        let origin = if message.to_tag().is_none() { origin_key(&self.ground, message) } else { 0 };
        if origin != 0 && self.by_origin.find(origin, |slot| self.origin_at(slot) == origin).is_some() {
            self.reply_stateless(message, hop, Status::LOOP_DETECTED, Some("Merged Request"), bare);
            return TransactionEvent::Absorbed;
        }
        if let Some(shed) = self.ground.is_full(self.servers.len()) {
            self.ground.counters.shed.up(shed);
            self.reply_stateless(message, hop, Status::SERVICE_UNAVAILABLE, None, |mut response| {
                response.number(Name::RetryAfter, limits::RETRY_AFTER_SECONDS.into());
                response.end()
            });
            return TransactionEvent::Absorbed;
        }
        TransactionEvent::Request(Arrival { hop, key, origin, method })
    }

    /// Begins a transaction that will be answered later. `tag` is ours, if the request has none for us.
    pub(crate) fn open(&mut self, arrival: Arrival, message: &Message<'_>, owner: Owner, tag: Tag) -> ServerId {
        let mut echo = std::mem::take(&mut self.scratch);
        echo.clear();
        let seen = (arrival.hop.address.ip(), arrival.hop.address.port());
        wire::echo(message, Some(&tag.text()), Some(seen), &mut echo);
        if matches!(arrival.method, Method::Invite | Method::Subscribe) {
            // What forms a dialog must repeat the route that its requests will take (§12.1.1).
            wire::echo_record_route(message, &mut echo);
        }
        let open = self.open.insert(Open {
            hop: self.response_hop(message, arrival.hop),
            echo: self.ground.shelf.keep(&echo),
            last: Kept::default(),
            timer: TimerId::NONE,
            interval: super::T1,
            until: Time::ZERO,
        });
        self.scratch = echo;
        self.count_live(arrival.method, Side::Server, true);
        self.insert_server(arrival, owner, tag, open, 100, State::Proceeding)
    }

    /// Answers with a final response at once. A success that forms a dialog is not for here.
    pub(crate) fn reply(
        &mut self,
        arrival: Arrival,
        message: &Message<'_>,
        status: Status,
        reason: Option<&str>,
        write: impl FnOnce(Compose<'_>) -> Range<usize>,
    ) {
        let tag = Tag { slot: u32::MAX, secret: self.ground.rng.bits() };
        if arrival.method == Method::Invite {
            let server = self.open(arrival, message, Owner::NOBODY, tag);
            self.respond(server, status, reason, write);
            return;
        }
        let plain = self.compose_from(message, arrival.hop, status, reason, tag, write);
        if self.ground.is_reliable(arrival.hop.flow) {
            return;
        }
        // A tombstone can say a status and a tag by itself; what says more is kept whole.
        let open = match plain {
            Said::Plain => Handle::NONE,
            Said::More(range) => self.keep_answer(arrival.hop, &range),
        };
        let id = self.insert_server(arrival, Owner::NOBODY, tag, open, status.code(), State::Over);
        self.bury_server(id, Rest::Long);
    }

    /// Answers a request from strangers without remembering it (RFC 3261 §8.2.7): the same request gets the same answer.
    pub(crate) fn reply_stateless(
        &mut self,
        message: &Message<'_>,
        hop: Hop,
        status: Status,
        reason: Option<&str>,
        write: impl FnOnce(Compose<'_>) -> Range<usize>,
    ) {
        let secret = self.ground.hasher.hash_one((origin_key(&self.ground, message), status.code())) as u32;
        self.compose_from(message, hop, status, reason, Tag { slot: u32::MAX, secret }, write);
    }

    /// Answers with this tag and nothing more, and remembers nothing.
    pub(super) fn reply_as(&mut self, message: &Message<'_>, hop: Hop, status: Status, tag: Tag) {
        self.compose_from(message, hop, status, None, tag, bare);
    }

    /// Answers, provisionally or finally; where in the outbox the response is.
    pub(crate) fn respond(
        &mut self,
        id: ServerId,
        status: Status,
        reason: Option<&str>,
        write: impl FnOnce(Compose<'_>) -> Range<usize>,
    ) -> Option<Range<usize>> {
        let server = self.servers.get_mut(id).filter(|server| server.state == State::Proceeding)?;
        let open = self.open.get_mut(server.open)?;
        let mut response = Compose::response(&mut self.ground.outbox.bytes, status, reason);
        response.lines(&open.echo);
        let range = write(response);
        let reliable = self.ground.is_reliable(open.hop.flow);
        if reliable && !self.ground.is_up(open.hop) {
            let response = self.ground.outbox.bytes.get(range.clone()).unwrap_or_default();
            open.hop = super::way_back(&self.ground, open.hop, response);
        }
        let hop = open.hop;
        server.status = status.code();
        let method = server.method;
        self.ground.outbox.send(hop.flow, hop.address, range.clone());
        self.count_response(hop, method, status);
        if status.is_provisional() {
            if status != Status::TRYING {
                self.remember(id, &range);
            }
            return Some(range);
        }
        self.count_live(method, Side::Server, false);
        match (method, status.is_success()) {
            (Method::Invite, true) => self.finish_server(id, State::Accepted, Rest::Long),
            (Method::Invite, false) => self.await_ack(id, &range),
            (_, _) if reliable => self.finish_server(id, State::Over, Rest::Short),
            (_, _) => {
                self.remember(id, &range);
                self.close_echo(id);
                self.set_state(id, State::Over);
                self.bury_server(id, Rest::Long);
            }
        }
        Some(range)
    }

    /// After a panic: requests that nobody will answer any more get 500.
    pub(crate) fn close_orphans(&mut self, has_owner: impl Fn(Owner) -> bool) {
        let orphan = |server: &Server| server.state == State::Proceeding && !has_owner(server.owner);
        let orphans: Vec<_> = self.servers.iter().filter(|(_, server)| orphan(server)).map(|(id, _)| id).collect();
        for id in orphans {
            self.respond(id, Status::SERVER_INTERNAL_ERROR, None, bare);
        }
    }

    /// Whether this INVITE or other request can still be answered.
    pub(crate) fn is_open(&self, id: ServerId) -> bool {
        self.servers.get(id).is_some_and(|server| server.state == State::Proceeding)
    }

    /// The method of a request.
    pub(crate) fn method_of(&self, id: ServerId) -> Option<Method> {
        self.servers.get(id).map(|server| server.method)
    }

    /// The same request again.
    fn answer_again(&mut self, id: ServerId, message: &Message<'_>, hop: Hop) {
        let Some(server) = self.servers.get(id) else { return };
        let (state, status, tag, method) = (server.state, server.status, server.tag, server.method);
        match state {
            State::Confirmed | State::Accepted => return,
            State::Proceeding | State::Completed | State::Over => {}
        }
        if let Some(open) = self.open.get(server.open)
            && !open.last.is_empty()
        {
            let hop = open.hop;
            self.ground.outbox.repeat(hop.flow, hop.address, &open.last);
            self.count_again(hop, method, status);
            return;
        }
        // Nothing but a 100 was sent to a request that is not an INVITE: silence (§17.2.2).
        if let Some(status) = Status::new(status)
            && (status != Status::TRYING || method == Method::Invite)
        {
            self.compose_from(message, hop, status, None, tag, bare);
            self.ground.counters.retransmits.add(method, Direction::Out, 1);
        }
    }

    /// Composes a response from the request itself and sends it.
    fn compose_from(
        &mut self,
        message: &Message<'_>,
        hop: Hop,
        status: Status,
        reason: Option<&str>,
        tag: Tag,
        write: impl FnOnce(Compose<'_>) -> Range<usize>,
    ) -> Said {
        let mut echo = std::mem::take(&mut self.scratch);
        echo.clear();
        wire::echo(message, Some(&tag.text()), Some((hop.address.ip(), hop.address.port())), &mut echo);
        let mut response = Compose::response(&mut self.ground.outbox.bytes, status, reason);
        response.lines(&echo);
        let bare = response.length();
        let range = write(response);
        self.scratch = echo;
        let to = self.response_hop(message, hop);
        self.ground.outbox.send(to.flow, to.address, range.clone());
        self.count_response(hop, message.method().unwrap_or(Method::Other), status);
        let said_more = reason.is_some() || range.len() > bare + b"Content-Length: 0\r\n\r\n".len();
        if said_more { Said::More(range) } else { Said::Plain }
    }

    fn keep_answer(&mut self, hop: Hop, range: &Range<usize>) -> Handle<Open> {
        let last = self.ground.outbox.bytes.get(range.clone()).map(|bytes| self.ground.shelf.keep(bytes));
        let address = self.ground.outbox.messages.last().map_or(hop.address, |sent| sent.to);
        self.open.insert(Open {
            hop: Hop { address, ..hop },
            echo: Kept::default(),
            last: last.unwrap_or_default(),
            timer: TimerId::NONE,
            interval: super::T1,
            until: Time::ZERO,
        })
    }

    fn insert_server(
        &mut self,
        arrival: Arrival,
        owner: Owner,
        tag: Tag,
        open: Handle<Open>,
        status: u16,
        state: State,
    ) -> ServerId {
        let Arrival { key, origin, method, .. } = arrival;
        let plot = Plot::NONE;
        let id = self.servers.insert(Server { key, origin, owner, open, plot, tag, status, method, state });
        // Neither is there: the request would have been known.
        self.by_key.insert(key, id.slot());
        if origin != 0 {
            self.by_origin.insert(origin, id.slot());
        }
        id
    }

    pub(super) fn find_server(&self, key: u64) -> Option<ServerId> {
        let slot = self.by_key.find(key, |slot| self.servers.at(slot).is_some_and(|(_, s)| s.key == key))?;
        self.servers.at(slot).map(|(id, _)| id)
    }

    fn origin_at(&self, slot: u32) -> u64 {
        self.servers.at(slot).map_or(0, |(_, server)| server.origin)
    }

    /// Keeps the response, to send it again.
    pub(super) fn remember(&mut self, id: ServerId, range: &Range<usize>) {
        let Some(open) = self.servers.get(id).and_then(|server| self.open.get_mut(server.open)) else { return };
        let Some(bytes) = self.ground.outbox.bytes.get(range.clone()) else { return };
        let before = std::mem::replace(&mut open.last, self.ground.shelf.keep(bytes));
        self.ground.shelf.put_back(before);
    }

    pub(super) fn set_state(&mut self, id: ServerId, state: State) {
        if let Some(server) = self.servers.get_mut(id) {
            server.state = state;
        }
    }

    fn close_echo(&mut self, id: ServerId) {
        if let Some(open) = self.servers.get(id).and_then(|server| self.open.get_mut(server.open)) {
            self.ground.shelf.put_back(std::mem::take(&mut open.echo));
        }
    }

    /// It is over, and nothing of it need be said again.
    pub(super) fn finish_server(&mut self, id: ServerId, state: State, rest: Rest) {
        let Some(server) = self.servers.get_mut(id) else { return };
        server.state = state;
        let open = server.open;
        let reliable = self.open.get(open).is_some_and(|open| self.ground.is_reliable(open.hop.flow));
        if reliable && state != State::Accepted {
            return self.forget_server(id);
        }
        server.open = Handle::NONE;
        self.close_open(open);
        self.bury_server(id, rest);
    }

    fn close_open(&mut self, open: Handle<Open>) {
        if let Some(open) = self.open.remove(open) {
            self.ground.timers.stop(open.timer);
            self.ground.shelf.put_back(open.echo);
            self.ground.shelf.put_back(open.last);
        }
    }

    pub(super) fn bury_server(&mut self, id: ServerId, rest: Rest) {
        let servers = &mut self.servers;
        self.servers_over.bury(id.slot(), rest, self.ground.now, &mut self.ground.timers, |slot, link| {
            if let Some((id, _)) = servers.at(slot)
                && let Some(server) = servers.get_mut(id)
            {
                server.plot.set(link);
            }
        });
    }

    /// One of our timers.
    pub(super) fn server_expired(&mut self, alarm: Alarm) -> Option<TransactionTimeout> {
        let rest = match alarm.reason {
            super::tombstone::LONG => Rest::Long,
            super::tombstone::SHORT => Rest::Short,
            _ => return self.refusal_unacknowledged(Handle::unpack(alarm.whom)),
        };
        loop {
            let servers = &self.servers;
            let plot = |slot| servers.at(slot).map_or(Plot::NONE, |(_, server)| server.plot);
            let slot = self.servers_over.exhume(rest, self.ground.now, &mut self.ground.timers, plot)?;
            if let Some((id, _)) = self.servers.at(slot) {
                self.forget_server(id);
            }
        }
    }

    fn forget_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.get(id) else { return };
        let (key, origin, open) = (server.key, server.origin, server.open);
        self.by_key.remove(key, id.slot());
        if origin != 0 {
            self.by_origin.remove(origin, id.slot());
        }
        self.servers.remove(id);
        self.close_open(open);
    }

    /// Where responses go: over a stream by the connection that the request came on (RFC 3261 §18.2.2).
    fn response_hop(&self, message: &Message<'_>, hop: Hop) -> Hop {
        let reliable = self.ground.is_reliable(hop.flow);
        Hop { address: if reliable { hop.address } else { response_address(message, hop) }, ..hop }
    }

    fn count_response(&mut self, hop: Hop, method: Method, status: Status) {
        self.ground.count_message(hop.flow, Direction::Out, Kind::Response);
        self.ground.counters.responses_out.add(method, status, 1);
    }

    pub(super) fn count_again(&mut self, hop: Hop, method: Method, status: u16) {
        self.ground.counters.retransmits.add(method, Direction::Out, 1);
        if let Some(status) = Status::new(status) {
            self.count_response(hop, method, status);
        }
    }
}

/// Whether a response said more than its status.
enum Said {
    Plain,
    More(Range<usize>),
}

/// Where responses go as datagrams (RFC 3261 §18.2.2, RFC 3581 §4): back to the address the request came from; to the port it
/// came from if it asked for that, else to the port its Via names. `maddr` is not obeyed: it would let anybody aim us at others.
pub(super) fn response_address(message: &Message<'_>, hop: Hop) -> SocketAddr {
    let port = match message.via() {
        Ok(via) if via.rport().is_none() => via.port.unwrap_or(5060),
        Ok(_) | Err(_) => hop.address.port(),
    };
    SocketAddr::new(hop.address.ip(), port)
}
