//! Transactions: RFC 3261 §17 with the corrections of RFC 6026.
//!
//! Requests and responses come in as messages and go up as a [`TransactionEvent`]; retransmissions end here.
//! Four machines, one file each; what is over but still answers retransmissions is a [tombstone](tombstone).
//!
//! Knows: messages, timers. Never: dialogs, calls.
mod client;
mod invite_client;
mod invite_server;
mod key;
#[cfg(any(test, feature = "simulator"))]
mod peek;
mod server;
mod stream;
mod tombstone;

pub(crate) use client::{Client, ClientId};
pub(crate) use key::{Branch, Tag};
pub(crate) use server::{Arrival, Server, ServerId};
pub(crate) use stream::way_back;

use crate::base::{Alarm, Arena, Handle, Index, Kept, Room};
use crate::counters::{Direction, Gauges, Kind, Side, TransactionKind};
use crate::ground::{Ground, Hop};
use crate::wire::{Message, Method};
use client::Pending;
use server::Open;
use std::collections::BTreeSet;
use std::time::Duration;
use tombstone::Graveyard;

/// An estimate of the round-trip time (RFC 3261 §17.1.1.1).
pub(crate) const T1: Duration = Duration::from_millis(500);
/// The longest interval between retransmissions of anything but an INVITE.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// The longest a message stays in the network.
const T4: Duration = Duration::from_secs(5);
/// Timers B, F, H, J, L and M; D is "at least 32 s".
pub(crate) const PATIENCE: Duration = Duration::from_secs(32);

/// Whom on the floors above a transaction works for: their own number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(pub(crate) u64);

impl Owner {
    /// Nobody: what comes back is of no interest.
    pub(crate) const NOBODY: Self = Self(u64::MAX);
}

/// What a received message means to the floors above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionEvent {
    /// Nothing: it was dealt with here.
    Absorbed,
    /// A new request. [Open](Transactions::open) a transaction for it, or [reply](Transactions::reply) at once.
    Request(Arrival),
    /// An ACK for a 2xx: the dialog waits for it.
    Ack,
    /// The INVITE that this owner is answering was cancelled. The CANCEL itself is answered.
    Cancelled(Owner),
    /// A response to a request of this owner's. A 2xx to an INVITE may come again and again (RFC 6026 §7.2).
    Response { owner: Owner, client: ClientId, method: Method },
}

/// What an expired timer means to the floors above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionTimeout {
    /// Nobody answered this owner's request (timers B and F).
    NoResponse { owner: Owner, client: ClientId, method: Method },
    /// This owner's request cannot reach its peer: there is no connection to it (RFC 3261 §18.4).
    Unreachable { owner: Owner, client: ClientId, method: Method },
    /// Nobody acknowledged this owner's refusal (timer H); it is over all the same.
    NoAck { owner: Owner },
}

/// All transactions of the engine.
#[derive(Debug)]
pub(crate) struct Transactions {
    pub(crate) ground: Ground,
    clients: Arena<Client>,
    pending: Arena<Pending>,
    servers: Arena<Server>,
    open: Arena<Open>,
    /// Servers by the key of RFC 3261 §17.2.3.
    by_key: Index,
    /// Servers by what stays the same when a request reaches us by two ways (§8.2.2.2).
    by_origin: Index,
    /// Requests that wait for a response over a connection.
    waiting: BTreeSet<(Hop, u64)>,
    clients_over: Graveyard,
    servers_over: Graveyard,
    live: [[u64; 2]; 2],
    /// The INVITE that was refused last: its owner may want to ask again with one thing changed.
    refused: (ClientId, Kept),
    /// The request whose final response came last, and how long that took, until somebody wants to know.
    answered: Option<(Method, Duration)>,
    /// Header lines on their way into a response.
    scratch: Vec<u8>,
}

impl Transactions {
    pub(crate) fn new(ground: Ground, engine: u8) -> Self {
        Self {
            ground,
            clients: Arena::new(engine),
            pending: Arena::new(engine),
            servers: Arena::new(engine),
            open: Arena::new(engine),
            by_key: Index::default(),
            by_origin: Index::default(),
            waiting: BTreeSet::new(),
            clients_over: Graveyard::new(Room::Client),
            servers_over: Graveyard::new(Room::Server),
            live: [[0; 2]; 2],
            refused: (ClientId::NONE, Kept::default()),
            answered: None,
            scratch: Vec::new(),
        }
    }

    /// A message arrived that [`Message::check`] found right.
    pub(crate) fn receive(&mut self, message: &Message<'_>, hop: Hop) -> TransactionEvent {
        let kind = if message.is_request() { Kind::Request } else { Kind::Response };
        self.ground.count_message(hop.flow, Direction::In, kind);
        match message.method() {
            Some(method) => self.receive_request(message, method, hop),
            None => self.receive_response(message),
        }
    }

    /// The request, INVITE excepted, that what was just received is the final response to, and how long that took.
    pub(crate) const fn answered(&mut self) -> Option<(Method, Duration)> {
        self.answered.take()
    }

    /// A timer of ours fired.
    pub(crate) fn expired(&mut self, alarm: Alarm) -> Option<TransactionTimeout> {
        match alarm.room {
            Room::Client => self.client_expired(alarm),
            Room::Server => self.server_expired(alarm),
            Room::Leg | Room::Watch | Room::Line | Room::Session | Room::Feature => None,
        }
    }

    /// For whom the transaction of this alarm works.
    pub(crate) fn owner_of(&self, alarm: Alarm) -> Owner {
        let owner = match (alarm.room, alarm.reason) {
            (_, tombstone::LONG | tombstone::SHORT) => None,
            (Room::Client, _) => self.clients.get(Handle::unpack(alarm.whom)).map(|client| client.owner),
            (Room::Server, _) => self.servers.get(Handle::unpack(alarm.whom)).map(|server| server.owner),
            (Room::Leg | Room::Watch | Room::Line | Room::Session | Room::Feature, _) => None,
        };
        owner.unwrap_or(Owner::NOBODY)
    }

    /// Sets a timer anew whose alarm was lost.
    pub(crate) fn rearm(&mut self, alarm: Alarm) {
        let ground = &mut self.ground;
        let graves = if alarm.room == Room::Client { &mut self.clients_over } else { &mut self.servers_over };
        let timer = match (alarm.room, alarm.reason) {
            (_, tombstone::LONG) => return graves.rearm(tombstone::Rest::Long, ground.now, &mut ground.timers),
            (_, tombstone::SHORT) => return graves.rearm(tombstone::Rest::Short, ground.now, &mut ground.timers),
            (Room::Client, _) => {
                let client = self.clients.get(Handle::unpack(alarm.whom)).map(|client| client.pending);
                client.and_then(|pending| self.pending.get_mut(pending)).map(|pending| &mut pending.timer)
            }
            (_, _) => {
                let server = self.servers.get(Handle::unpack(alarm.whom)).map(|server| server.open);
                server.and_then(|open| self.open.get_mut(open)).map(|open| &mut open.timer)
            }
        };
        if let Some(timer) = timer {
            ground.timers.stop(*timer);
            *timer = ground.timers.start(ground.now, T1, alarm);
        }
    }

    /// Fills in what there is now.
    pub(crate) fn gauge(&self, gauges: &mut Gauges) {
        for (kind, sides) in [TransactionKind::Invite, TransactionKind::NonInvite].into_iter().zip(self.live) {
            for (side, live) in [Side::Client, Side::Server].into_iter().zip(sides) {
                gauges.transactions.add(kind, side, live);
            }
        }
        let live: u64 = self.live.iter().flatten().sum();
        gauges.tombstones = ((self.clients.len() + self.servers.len()) as u64).saturating_sub(live);
        gauges.timers = self.ground.timers.armed() as u64;
    }

    fn count_live(&mut self, method: Method, side: Side, begins: bool) {
        let live = &mut self.live[usize::from(method != Method::Invite)][side as usize];
        *live = if begins { *live + 1 } else { live.saturating_sub(1) };
    }
}
