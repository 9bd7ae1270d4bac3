//! The INVITE client machine (RFC 3261 §17.1.1, RFC 6026 §7.2), and sending CANCEL (§9.1).
//!
//! ```text
//!   INVITE ─► Trying ──1xx──► Proceeding ──2xx──► Accepted (tombstone: timer M, 32 s; every 2xx goes up)
//!              │  ╰──────────────────────2xx────────▲
//!              ╰──300–699──►◄──300–699── (Proceeding)
//!                  Completed (tombstone: timer D, 32 s; the ACK again for every repeated refusal)
//! ```
use super::client::{ClientId, State};
use super::tombstone::Rest;
use super::{Owner, PATIENCE, TransactionEvent, Transactions};
use crate::base::{Alarm, Kept, Room};
use crate::counters::{Direction, Side};
use crate::ground::Hop;
use crate::wire::{Compose, Field, Message, Method, Name, Status};

impl Transactions {
    /// A response to an INVITE of ours.
    pub(super) fn receive_for_invite(
        &mut self,
        id: ClientId,
        message: &Message<'_>,
        status: Status,
    ) -> TransactionEvent {
        let Some(client) = self.clients.get_mut(id) else { return TransactionEvent::Absorbed };
        let owner = client.owner;
        match (client.state, status.class()) {
            (State::Trying | State::Proceeding, 1) => {
                let first = client.state == State::Trying;
                client.state = State::Proceeding;
                // Only the owner's own patience counts from here on (§17.1.1.2).
                if first && let Some(pending) = self.pending.get(client.pending) {
                    self.ground.timers.stop(pending.timer);
                    if pending.limited {
                        self.limit(id);
                    }
                }
            }
            (State::Trying | State::Proceeding, 2) => self.finish_client(id, State::Accepted, Rest::Long),
            (State::Trying | State::Proceeding, _) => self.acknowledge_refusal(id, message),
            (State::Accepted, 2) => {
                self.ground.counters.retransmits.add(Method::Invite, Direction::In, 1);
            }
            (State::Completed, 3..) => {
                self.ground.counters.retransmits.add(Method::Invite, Direction::In, 1);
                self.acknowledge_again(id);
                return TransactionEvent::Absorbed;
            }
            (State::Completed | State::Accepted | State::Over, _) => return TransactionEvent::Absorbed,
        }
        if owner == Owner::NOBODY {
            return TransactionEvent::Absorbed;
        }
        TransactionEvent::Response { owner, client: id, method: Method::Invite }
    }

    /// Asks to stop an INVITE. Not before its first provisional response: the owner waits for one (§9.1).
    pub(crate) fn cancel(&mut self, id: ClientId, reason: &[u8]) {
        let Some(client) = self.clients.get(id).filter(|client| client.state == State::Proceeding) else { return };
        let secret = client.secret;
        let Some(pending) = self.pending.get_mut(client.pending) else { return };
        let Ok(invite) = Message::parse(&pending.request) else { return };
        let mut cancel = Compose::request(&mut self.ground.outbox.bytes, Method::Cancel, invite.uri_text());
        repeat_fields(&mut cancel, &invite, invite.header(Name::To).unwrap_or_default(), b"CANCEL");
        if !reason.is_empty() {
            cancel.field(Name::Reason, reason);
        }
        let range = cancel.end();
        let hop = pending.hop;
        // If the INVITE is not answered in spite of it, it counts as cancelled (§9.1).
        pending.until = self.ground.now + PATIENCE;
        let alarm = Alarm { room: Room::Client, reason: 0, whom: id.pack() };
        pending.timer = self.ground.timers.start(self.ground.now, PATIENCE, alarm);
        let request = self.ground.outbox.bytes.get(range.clone()).map(|bytes| self.ground.shelf.keep(bytes));
        self.ground.outbox.send(hop.flow, hop.address, range);
        self.count_request(hop, Method::Cancel);
        let request = request.unwrap_or_default();
        let cancel = self.insert_client(hop, Owner::NOBODY, Method::Cancel, secret, request, None);
        if let Some(pending) = self.clients.get(id).and_then(|client| self.pending.get_mut(client.pending)) {
            pending.cancel = cancel;
        }
    }

    /// Sends the INVITE that was refused just now once more, as a new request (§8.1.3.5). `write` repeats its fields or
    /// changes them; the body stays.
    pub(crate) fn ask_again(
        &mut self,
        refused: ClientId,
        hop: Hop,
        owner: Owner,
        mut write: impl FnMut(&mut Compose<'_>, Field<'_>),
    ) -> Option<ClientId> {
        // Another may have been refused since.
        if self.refused.0 != refused {
            return None;
        }
        let refused = std::mem::replace(&mut self.refused, (ClientId::NONE, Kept::default())).1;
        let invite = Message::parse(&refused).ok()?;
        let hops = invite.max_forwards().ok().flatten().and_then(|hops| u8::try_from(hops).ok()).unwrap_or(70);
        let client = self.request(hop, owner, Method::Invite, invite.uri_text(), hops, |mut again| {
            let ours = [Name::Via, Name::MaxForwards, Name::ContentType, Name::ContentLength];
            for field in invite.all().filter(|field| !ours.contains(&field.name)) {
                write(&mut again, field);
            }
            let kind = invite.header(Name::ContentType).unwrap_or_default();
            if invite.body().is_empty() { again.end() } else { again.body(kind, invite.body()) }
        });
        self.ground.shelf.put_back(refused);
        client
    }

    /// The ACK for a refusal (§17.1.1.3), kept to be sent again.
    fn acknowledge_refusal(&mut self, id: ClientId, refusal: &Message<'_>) {
        let Some(client) = self.clients.get_mut(id) else { return };
        client.state = State::Completed;
        let Some(pending) = self.pending.get_mut(client.pending) else { return };
        let Ok(invite) = Message::parse(&pending.request) else { return };
        let mut ack = Compose::request(&mut self.ground.outbox.bytes, Method::Ack, invite.uri_text());
        repeat_fields(&mut ack, &invite, refusal.header(Name::To).unwrap_or_default(), b"ACK");
        let range = ack.end();
        let hop = pending.hop;
        if self.ground.is_reliable(hop.flow) {
            let request = std::mem::take(&mut pending.request);
            self.keep_refused(id, request);
            // The refusal cannot come again (timer D is 0).
            self.ground.outbox.send(hop.flow, hop.address, range);
            self.count_request(hop, Method::Ack);
            return self.finish_client(id, State::Completed, Rest::Long);
        }
        let kept = self.ground.outbox.bytes.get(range.clone()).map(|bytes| self.ground.shelf.keep(bytes));
        let request = std::mem::replace(&mut pending.request, kept.unwrap_or_default());
        let cancel = std::mem::replace(&mut pending.cancel, ClientId::NONE);
        self.ground.timers.stop(pending.timer);
        self.keep_refused(id, request);
        self.ground.outbox.send(hop.flow, hop.address, range);
        self.count_request(hop, Method::Ack);
        self.count_live(Method::Invite, Side::Client, false);
        self.abandon(cancel);
        self.bury_client(id, Rest::Long);
    }

    /// Its owner may want to ask again.
    fn keep_refused(&mut self, id: ClientId, request: Kept) {
        let (_, before) = std::mem::replace(&mut self.refused, (id, request));
        self.ground.shelf.put_back(before);
    }

    fn acknowledge_again(&mut self, id: ClientId) {
        let Some(pending) = self.clients.get(id).and_then(|client| self.pending.get(client.pending)) else { return };
        let hop = pending.hop;
        self.ground.outbox.repeat(hop.flow, hop.address, &pending.request);
        self.count_request(hop, Method::Ack);
    }
}

/// What CANCEL and ACK repeat of their INVITE: Via with its branch, Route, From, Call-ID and the number of CSeq.
fn repeat_fields(request: &mut Compose<'_>, invite: &Message<'_>, to: &[u8], method: &[u8]) {
    request.field(Name::Via, invite.header(Name::Via).unwrap_or_default());
    for route in invite.fields(Name::Route) {
        request.field(Name::Route, route);
    }
    request.number(Name::MaxForwards, 70);
    request.field(Name::From, invite.header(Name::From).unwrap_or_default());
    request.field(Name::To, to);
    request.field(Name::CallId, invite.call_id().unwrap_or_default());
    request.open(Name::CSeq);
    request.decimal(invite.cseq().map_or(1, |cseq| cseq.number).into());
    request.text(b" ");
    request.text(method);
    request.close();
}
