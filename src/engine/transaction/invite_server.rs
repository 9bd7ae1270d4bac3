//! The INVITE server machine (RFC 3261 §17.2.1, RFC 6026 §7.1), and CANCEL.
//!
//! ```text
//!   INVITE ─► Proceeding ──300–699──► Completed ──ACK──► Confirmed (tombstone: timer I, 5 s)
//!                │                    │  ▲  │
//!               2xx         timer G   ╰──╯  ╰─timer H─► gone, and the owner told
//!                ▼          (again)
//!             Accepted (tombstone: timer L, 32 s; the dialog repeats the 2xx until its ACK)
//! ```
use super::key::server_key;
use super::server::{ServerId, State};
use super::tombstone::Rest;
use super::{PATIENCE, T1, T2, TransactionEvent, TransactionTimeout, Transactions};
use crate::base::{Alarm, Room};
use crate::counters::TransactionTimer;
use crate::ground::Hop;
use crate::wire::{Message, Method, Status, Via, bare};
use std::ops::Range;

/// The reason of timer G's alarm; the graveyard has the others.
const AGAIN: u8 = 0;

impl Transactions {
    /// An ACK: for a refusal of ours, or for a 2xx.
    pub(super) fn receive_ack(&mut self, message: &Message<'_>, via: &Via<'_>) -> TransactionEvent {
        let key = server_key(&self.ground, message, via, Method::Invite);
        let Some(id) = self.find_server(key) else { return TransactionEvent::Ack };
        match self.servers.get(id).map(|server| server.state) {
            Some(State::Completed) => {
                self.finish_server(id, State::Confirmed, Rest::Short);
                TransactionEvent::Absorbed
            }
            // Some phones use the INVITE's branch for the ACK of a 2xx too.
            Some(State::Accepted) => TransactionEvent::Ack,
            Some(State::Proceeding | State::Confirmed | State::Over) | None => TransactionEvent::Absorbed,
        }
    }

    /// A CANCEL (§9.2): answered here; the INVITE's owner decides what becomes of the INVITE.
    pub(super) fn receive_cancel(&mut self, message: &Message<'_>, via: &Via<'_>, hop: Hop) -> TransactionEvent {
        let key = server_key(&self.ground, message, via, Method::Invite);
        let Some(server) = self.find_server(key).and_then(|id| self.servers.get(id)) else {
            self.reply_stateless(message, hop, Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, None, bare);
            return TransactionEvent::Absorbed;
        };
        let (owner, tag, state) = (server.owner, server.tag, server.state);
        self.reply_as(message, hop, Status::OK, tag);
        match state {
            State::Proceeding => TransactionEvent::Cancelled(owner),
            // Too late: the final response is on its way (§9.2).
            State::Completed | State::Confirmed | State::Accepted | State::Over => TransactionEvent::Absorbed,
        }
    }

    /// A refusal went out: repeat it until its ACK.
    pub(super) fn await_ack(&mut self, id: ServerId, refusal: &Range<usize>) {
        self.remember(id, refusal);
        self.set_state(id, State::Completed);
        let Some(open) = self.servers.get(id).and_then(|server| self.open.get_mut(server.open)) else { return };
        self.ground.shelf.put_back(std::mem::take(&mut open.echo));
        open.interval = T1;
        open.until = self.ground.now + PATIENCE;
        let alarm = Alarm { room: Room::Server, reason: AGAIN, whom: id.pack() };
        // Over a stream nothing is lost, and timer G is off.
        let again = if self.ground.is_reliable(open.hop.flow) { PATIENCE } else { T1 };
        open.timer = self.ground.timers.start(self.ground.now, again, alarm);
    }

    /// Timers G and H.
    pub(super) fn refusal_unacknowledged(&mut self, id: ServerId) -> Option<TransactionTimeout> {
        let server = self.servers.get(id).filter(|server| server.state == State::Completed)?;
        let (owner, method, status) = (server.owner, server.method, server.status);
        let open = self.open.get_mut(server.open)?;
        if self.ground.now >= open.until {
            self.ground.counters.timeouts.add(method, TransactionTimer::H, 1);
            self.finish_server(id, State::Confirmed, Rest::Short);
            return Some(TransactionTimeout::NoAck { owner });
        }
        open.interval = (open.interval * 2).min(T2);
        let left = open.until - self.ground.now;
        let alarm = Alarm { room: Room::Server, reason: AGAIN, whom: id.pack() };
        open.timer = self.ground.timers.start(self.ground.now, open.interval.min(left), alarm);
        let hop = open.hop;
        self.ground.outbox.repeat(hop.flow, hop.address, &open.last);
        self.count_again(hop, method, status);
        None
    }
}
