//! Sends datagrams by the batch.
//!
//! A peer's messages leave in their order, and the peers' in the order of their first; so nothing leaves before what was
//! said before it, unless more is said to the same peer. Where several to one peer are equally long in a row, as a trunk's are under load, the
//! kernel is given them as one and cuts them apart again (UDP generic segmentation offload): the way down through the
//! network stack, the dearest part of a datagram, is gone once for all of them. What arrives is the same.
use super::udp::BATCH;
use crate::report::{NetCounters, SendError};
use arrayvec::ArrayVec;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::sockopt::UdpGsoSegment;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, setsockopt};
use nix::sys::time::TimeSpec;
use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;
use switchyard_engine::{Outgoing, Output};

/// How long a full socket buffer is waited for before datagrams are given up.
const PATIENCE: Duration = Duration::from_millis(2);
/// Fewer than these are as well sent one by one.
const WORTHWHILE: usize = 2;
/// Longer ones are not sent as one: on the narrowest links in use they would have to be cut into fragments, which the
/// kernel does not do to parts.
const LONGEST: usize = 1_200;
/// What is sent as one has less than 64 KiB.
const BYTES: usize = 60_000;
/// Of so many peers the messages of one batch are put together; what is for others stays where it is.
const PEERS: usize = 16;

/// Sends datagrams.
pub(super) struct Outlet {
    headers: MultiHeaders<SockaddrStorage>,
    /// With room for the length of the parts.
    whole: MultiHeaders<SockaddrStorage>,
    /// Kept from one batch to the next: moved about, it would cost more than what it is for.
    addresses: Vec<Option<SockaddrStorage>>,
    /// Whether the kernel cuts apart what it is given as one; asked at the first occasion.
    cuts: Option<bool>,
}

impl Outlet {
    pub(super) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            whole: MultiHeaders::preallocate(1, Some(cmsg_space!(u16))),
            addresses: Vec::with_capacity(BATCH),
            cuts: None,
        }
    }

    /// Sends these messages of `out` from this socket, each peer's in their order; what cannot be sent is counted.
    pub(super) fn send(&mut self, socket: &UdpSocket, out: &Output, run: &[Outgoing], counters: &mut NetCounters) {
        // Kernels that do not know it (before 4.18) would send all as one datagram and say nothing.
        let cuts = *self.cuts.get_or_insert_with(|| setsockopt(socket, UdpGsoSegment, &0).is_ok());
        let mut left = run.len();
        for batch in run.chunks(BATCH) {
            let order = if cuts { by_peer(batch) } else { batch.iter().collect() };
            let mut rest = order.as_slice();
            while !rest.is_empty() {
                let (alike, length) = if cuts { first_part(rest) } else { (false, rest.len()) };
                let (part, after) = rest.split_at(length);
                let gone = alike && self.send_as_one(socket, out, part) || self.send_each(socket, out, part, counters);
                left -= length;
                if !gone {
                    return counters.send_errors.add(SendError::Full, (), left as u64);
                }
                rest = after;
            }
        }
    }

    /// Messages of one length to one peer; whether that was done. Parts that do not fit the path's MTU (EINVAL), a device that
    /// cannot (EIO), a full buffer, an error of an earlier datagram: one by one it is seen which it was.
    fn send_as_one(&mut self, socket: &UdpSocket, out: &Output, messages: &[&Outgoing]) -> bool {
        let Some(first) = messages.first() else { return true };
        let slices: ArrayVec<IoSlice<'_>, BATCH> =
            messages.iter().map(|outgoing| IoSlice::new(out.message(outgoing))).collect();
        let (length, to) = (first.range.len() as u16, [Some(SockaddrStorage::from(first.to))]);
        let parts = [ControlMessage::UdpGsoSegments(&length)];
        let result = sendmmsg(socket.as_raw_fd(), &mut self.whole, [&slices], to, parts, MsgFlags::MSG_DONTWAIT);
        result.is_ok_and(|sent| sent.count() == 1)
    }

    /// Each by itself; whether the socket takes more.
    fn send_each(
        &mut self,
        socket: &UdpSocket,
        out: &Output,
        messages: &[&Outgoing],
        counters: &mut NetCounters,
    ) -> bool {
        let slices: ArrayVec<[IoSlice<'_>; 1], BATCH> =
            messages.iter().map(|outgoing| [IoSlice::new(out.message(outgoing))]).collect();
        self.addresses.clear();
        self.addresses.extend(messages.iter().map(|outgoing| Some(SockaddrStorage::from(outgoing.to))));
        let (mut sent, mut tried) = (0, 0);
        while sent < messages.len() {
            let rest = sent..messages.len();
            let none: [ControlMessage<'_>; 0] = [];
            let result = sendmmsg(
                socket.as_raw_fd(),
                &mut self.headers,
                slices[rest.clone()].iter(),
                &self.addresses[rest.clone()],
                none,
                MsgFlags::MSG_DONTWAIT,
            );
            tried += 1;
            match result.map(Iterator::count) {
                Ok(count) if count > 0 => (sent, tried) = (sent + count, 0),
                Err(Errno::EINTR) => {}
                // Full: waited for once, then given up, so that a stuck socket does not stop the loop.
                Err(Errno::EAGAIN) if tried == 1 => wait_for_room(socket),
                Err(Errno::EAGAIN) => {
                    counters.send_errors.add(SendError::Full, (), rest.len() as u64);
                    return false;
                }
                // Told of an earlier datagram: this one is tried once more.
                Err(Errno::ECONNREFUSED) if tried == 1 => {}
                result => {
                    counters.send_errors.up(result.map_or_else(reason, |_| SendError::Other));
                    (sent, tried) = (sent + 1, 0);
                }
            }
        }
        true
    }
}

/// The messages of a peer together, in the place of its first.
fn by_peer(batch: &[Outgoing]) -> ArrayVec<&Outgoing, BATCH> {
    let mut peers: ArrayVec<(SocketAddr, usize), PEERS> = ArrayVec::new();
    let mut order: ArrayVec<(usize, usize), BATCH> = ArrayVec::new();
    for (place, outgoing) in batch.iter().enumerate() {
        let first = peers.iter().find(|(peer, _)| *peer == outgoing.to).map_or(place, |(_, first)| *first);
        if first == place {
            // With too many peers the rest go as they come.
            let _ = peers.try_push((outgoing.to, place));
        }
        order.push((first, place));
    }
    order.sort_unstable();
    order.iter().filter_map(|(_, place)| batch.get(*place)).collect()
}

/// What goes out next, and whether as one: messages that are alike, or all until the next of those.
fn first_part(messages: &[&Outgoing]) -> (bool, usize) {
    let mut singles = 0;
    while let Some(ahead) = messages.get(singles..).filter(|ahead| !ahead.is_empty()) {
        match alike(ahead) {
            many @ WORTHWHILE.. if singles == 0 => return (true, many),
            WORTHWHILE.. => break,
            _ => singles += 1,
        }
    }
    (false, singles)
}

/// How many at the beginning are for one peer and equally long.
fn alike(messages: &[&Outgoing]) -> usize {
    let Some(first) = messages.first() else { return 0 };
    let length = first.range.len();
    if length == 0 || length > LONGEST {
        return 1;
    }
    let same = messages.iter().take_while(|next| next.range.len() == length && next.to == first.to).count();
    same.min(BYTES / length)
}

fn wait_for_room(socket: &UdpSocket) {
    let mut room = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    // However it ends, sending is tried again.
    let _ = ppoll(&mut room, Some(TimeSpec::from_duration(PATIENCE)), None);
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the kernel has 130 errors, and most of them cannot come")]
fn reason(error: Errno) -> SendError {
    match error {
        Errno::ECONNREFUSED => SendError::Refused,
        Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::ENETDOWN | Errno::EADDRNOTAVAIL => SendError::Unreachable,
        Errno::EMSGSIZE => SendError::TooLarge,
        Errno::ENOBUFS | Errno::ENOMEM => SendError::Full,
        _ => SendError::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_engine::Flow;

    /// Messages to these peers, each numbered by its place, as they leave.
    fn leaving(peers: &[u16]) -> Vec<(u16, usize)> {
        let outgoing = |(place, peer): (usize, &u16)| {
            let to = SocketAddr::from(([127, 0, 0, 1], *peer));
            Outgoing { flow: Flow(0), to, range: place..place + 1 }
        };
        let batch: Vec<Outgoing> = peers.iter().enumerate().map(outgoing).collect();
        by_peer(&batch).into_iter().map(|outgoing| (outgoing.to.port(), outgoing.range.start)).collect()
    }

    #[test]
    fn a_peer_s_messages_leave_together_in_the_place_of_the_first() {
        assert_eq!(leaving(&[9, 5, 9, 7, 5, 9]), [(9, 0), (9, 2), (9, 5), (5, 1), (5, 4), (7, 3)]);
        assert_eq!(leaving(&[]), []);
        // Of too many peers the last go as they come: in their order, but not together.
        let peers: Vec<u16> = (1..=20).chain(1..=20).collect();
        let left = leaving(&peers);
        assert_eq!(left[..4], [(1, 0), (1, 20), (2, 1), (2, 21)]);
        assert_eq!(left[32..36], [(17, 16), (18, 17), (19, 18), (20, 19)]);
        assert_eq!(left[36..], [(17, 36), (18, 37), (19, 38), (20, 39)]);
    }
}
