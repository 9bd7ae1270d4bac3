//! What is different over a stream (RFC 3261 §§17, 18): nothing is repeated, a connection can end, and a request too large
//! for a datagram may find that nobody takes its stream.
//!
//! ```text
//!   large request ─► by stream ──response──► (the machines as ever)
//!                        ╰─ refused, ended, or no connection after 2 s ─► the same request as a datagram
//! ```
use super::client::{AGAIN, ClientId, State};
use super::tombstone::Rest;
use super::{Owner, PATIENCE, T1, TransactionTimeout, Transactions};
use crate::base::{Alarm, Flow, Handle, Room};
use crate::ground::{Ground, Hop};
use crate::settings::Transport;
use crate::wire::{Message, Name, NameAddr, Uri};
use std::ops::Range;
use std::time::Duration;

/// How long a large request waits for its connection before it is tried as a datagram.
const WIDE_PATIENCE: Duration = Duration::from_secs(2);

impl Transactions {
    /// A connection has ended, or could not be made: who was waiting for a response over it, to be [failed](Self::fail).
    pub(crate) fn lost(&mut self, hop: Hop) -> Vec<ClientId> {
        self.ground.lost(hop);
        let waiting = self.waiting.range((hop, 0)..=(hop, u64::MAX));
        waiting.map(|(_, client)| Handle::unpack(*client)).collect()
    }

    /// Whether a request waits for its response over this connection: as long it has to stay (§18).
    pub(crate) fn waits_on(&self, hop: Hop) -> bool {
        self.waiting.range((hop, 0)..=(hop, u64::MAX)).next().is_some()
    }

    /// The connection that this request went by is gone. One that was never answered has failed (§18.4); to one that
    /// has been, the final response may come on another connection (§18.2.2), but not after long.
    pub(crate) fn fail(&mut self, id: ClientId) -> Option<TransactionTimeout> {
        let client = self.clients.get(id)?;
        let (method, state, owner) = (client.method, client.state, client.owner);
        let pending = self.pending.get(client.pending)?;
        match state {
            State::Trying if pending.narrow.is_some() => self.narrow(id),
            State::Trying => {
                self.finish_client(id, State::Over, Rest::Short);
                return (owner != Owner::NOBODY).then_some(TransactionTimeout::Unreachable {
                    owner,
                    client: id,
                    method,
                });
            }
            State::Proceeding => self.limit(id),
            State::Completed | State::Accepted | State::Over => {}
        }
        None
    }

    /// A request is on its way over this connection; when to look after it again.
    pub(super) fn wait_on(&mut self, hop: Hop, client: u64, narrow: Option<Flow>) -> Duration {
        self.waiting.insert((hop, client));
        if narrow.is_some() { WIDE_PATIENCE } else { PATIENCE }
    }

    /// A large request has waited for its connection.
    pub(super) fn no_stream_yet(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(id) else { return };
        let state = client.state;
        let Some(pending) = self.pending.get_mut(client.pending) else { return };
        if state == State::Trying && pending.narrow.is_some() && !self.ground.is_up(pending.hop) {
            return self.narrow(id);
        }
        let left = pending.until - self.ground.now;
        let alarm = Alarm { room: Room::Client, reason: AGAIN, whom: id.pack() };
        pending.timer = self.ground.timers.start(self.ground.now, left, alarm);
    }

    /// A request too large for a datagram goes by a stream if its target leaves that open (§18.1.1). Where that leads.
    #[cold]
    pub(super) fn widen(&mut self, hop: Hop, range: &mut Range<usize>) -> Option<Hop> {
        let ground = &mut self.ground;
        if ground.is_reliable(hop.flow) || ground.refuses(hop.address) {
            return None;
        }
        let flow = ground.flow_to(hop.address, Transport::Tcp)?;
        let request = ground.outbox.bytes.get(range.clone())?;
        if insists_on_datagrams(&Message::parse(request).ok()?) {
            return None;
        }
        let via = range.start + via_at(request)?;
        let (before, after) = (ground.via(hop.flow).len(), ground.via(flow).to_vec());
        range.end = range.end + after.len() - before;
        ground.outbox.bytes.splice(via..via + before, after);
        Some(Hop { flow, ..hop })
    }

    /// Nobody takes its stream: the same request as a datagram, however large.
    fn narrow(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(id) else { return };
        let method = client.method;
        let Some(pending) = self.pending.get_mut(client.pending) else { return };
        let (wide, Some(flow)) = (pending.hop, pending.narrow.take()) else { return };
        let ground = &mut self.ground;
        ground.refused(wide.address);
        let Some(via) = via_at(&pending.request) else { return };
        let before = ground.via(wide.flow).len();
        let after = ground.via(flow).to_vec();
        let (head, rest) = pending.request.split_at(via);
        let request = ground.shelf.join(&[head, &after, rest.get(before..).unwrap_or_default()]);
        ground.shelf.put_back(std::mem::replace(&mut pending.request, request));
        ground.timers.stop(pending.timer);
        let alarm = Alarm { room: Room::Client, reason: AGAIN, whom: id.pack() };
        pending.timer = ground.timers.start(ground.now, T1, alarm);
        (pending.interval, pending.until, pending.hop) = (T1, ground.now + PATIENCE, Hop { flow, ..wide });
        let hop = pending.hop;
        ground.outbox.repeat(hop.flow, hop.address, &pending.request);
        self.waiting.remove(&(wide, id.pack()));
        self.count_request(hop, method);
    }
}

/// Where a response goes whose connection is gone: to the one that its peer came back on, else to the address that the
/// request came from, at the port that its Via names (§18.2.2). The first Via of the response is the request's.
#[cold]
pub(crate) fn way_back(ground: &Ground, hop: Hop, response: &[u8]) -> Hop {
    let followed = ground.way_back_to(hop, None);
    if ground.is_up(followed) {
        return followed;
    }
    let port = Message::parse(response).ok().and_then(|response| response.via().ok()?.port);
    Hop { address: (hop.address.ip(), port.unwrap_or(5060)).into(), ..hop }
}

/// Whether the next hop's URI says UDP.
fn insists_on_datagrams(request: &Message<'_>) -> bool {
    let route = request.values(Name::Route).next().and_then(|route| NameAddr::parse(route).ok());
    let uri = route.map_or(request.uri_text(), |route| route.uri);
    let transport = Uri::parse(uri).ok().and_then(|uri| uri.param("transport"));
    transport.is_some_and(|transport| Transport::named(transport) == Some(Transport::Udp))
}

/// Where the value of Via begins in a request of ours: it is the first field.
fn via_at(request: &[u8]) -> Option<usize> {
    let line = memchr::memchr(b'\n', request)?;
    Some(line + 1 + "Via: ".len())
}
