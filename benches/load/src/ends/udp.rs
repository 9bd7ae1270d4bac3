//! A datagram socket. What waits for one peer and is equally long in a row the kernel is given as one, and it hands over
//! as one what comes so (generic segmentation and receive offload): a message then costs the tool little beside what it
//! costs a server that takes and sends each by itself.
use super::{Batch, Peer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// Taken by one system call: datagrams, or rows of them.
const BATCH: usize = quinn_udp::BATCH_SIZE;
/// Room for the longest row. A power of two would put the beginnings of all into the same few lines of the cache.
const ROOM: usize = 65_536 + 192;
/// So many messages wait at most.
const WAITING: usize = 64;
/// What is sent as one has less than 64 KiB.
const ROW: usize = 60_000;
/// Milliseconds that a full socket is waited for before datagrams are given up, as if the network had lost them.
const PATIENCE: u8 = 5;
/// Nothing has come now; a refusal is of what was sent earlier.
const NOTHING: [ErrorKind; 3] = [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::ConnectionRefused];

#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    state: UdpSocketState,
    pub(super) address: SocketAddr,
    /// What waits to be sent, one message behind the other, and where each ends and goes.
    bytes: Vec<u8>,
    ends: Vec<(usize, SocketAddr)>,
}

/// Memory for what comes in together. Only the pages that are reached are there.
pub(super) fn memory() -> Vec<u8> {
    vec![0; BATCH * ROOM]
}

impl Datagrams {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = crate::socket::bind(address)?;
        Ok(Self {
            address: socket.local_addr()?,
            state: UdpSocketState::new(UdpSockRef::from(&socket))?,
            socket,
            bytes: Vec::with_capacity(WAITING * 2048),
            ends: Vec::with_capacity(WAITING),
        })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Puts a message behind those that wait; how many were given up.
    pub(super) fn send(&mut self, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        write(&mut self.bytes);
        self.ends.push((self.bytes.len(), to));
        if self.ends.len() == WAITING { self.flush() } else { 0 }
    }

    /// Sends all that waits; how many messages were given up.
    pub(super) fn flush(&mut self) -> u64 {
        let (mut lost, mut begin) = (0, 0);
        let mut rest = self.ends.as_slice();
        while let Some(&(end, to)) = rest.first() {
            let count = row(begin, rest, self.state.max_gso_segments());
            let (these, others) = rest.split_at(count);
            let whole = begin..these.last().map_or(end, |last| last.0);
            if !self.send_row(to, &self.bytes[whole.clone()], end - begin) {
                // As one they do not go, perhaps not to that peer: one by one, then.
                let each = self.bytes[whole.clone()].chunks((end - begin).max(1));
                lost += each.filter(|message| !self.send_row(to, message, message.len())).count() as u64;
            }
            (begin, rest) = (whole.end, others);
        }
        self.bytes.clear();
        self.ends.clear();
        lost
    }

    /// Sends messages of this length to one peer; whether that was done.
    fn send_row(&self, destination: SocketAddr, contents: &[u8], length: usize) -> bool {
        let segment_size = (contents.len() > length).then_some(length);
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        for _ in 0..3 {
            match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
                Ok(()) => return true,
                // However it ends, sending is tried again.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut room = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
                    let _ = poll(&mut room, PollTimeout::from(PATIENCE));
                }
                // Told of an earlier datagram: this one is tried once more.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Takes a batch; whether there may be more.
    pub(super) fn receive(&self, batch: &mut Batch) -> io::Result<bool> {
        let mut rooms = batch.bytes.chunks_exact_mut(ROOM);
        let mut slices: [IoSliceMut<'_>; BATCH] =
            std::array::from_fn(|_| IoSliceMut::new(rooms.next().unwrap_or_default()));
        let mut rows = [RecvMeta::default(); BATCH];
        let count = match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut rows) {
            Ok(count) => count,
            Err(error) if NOTHING.contains(&error.kind()) => return Ok(false),
            Err(error) => return Err(error),
        };
        for (place, row) in rows[..count].iter().enumerate() {
            let (begin, end) = (place * ROOM, place * ROOM + row.len);
            let messages = (begin..end).step_by(row.stride.max(1));
            batch.places.extend(messages.map(|at| (at, end.min(at + row.stride), Peer::Address(row.addr))));
        }
        Ok(count == BATCH)
    }
}

/// How many at the beginning are for one peer and equally long: of these the first begins at `begin`.
fn row(begin: usize, messages: &[(usize, SocketAddr)], most: usize) -> usize {
    let Some(&(end, to)) = messages.first() else { return 0 };
    let length = end - begin;
    let most = most.min(ROW / length.max(1)).max(1);
    let alike = |(place, message): &(usize, &(usize, SocketAddr))| *message == &(begin + (place + 1) * length, to);
    messages.iter().enumerate().take(most).take_while(alike).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_one_peer_and_one_length() {
        let [one, other] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let messages = [(110, one), (120, one), (130, one), (140, other), (151, other)];
        assert_eq!(row(100, &messages, 64), 3);
        assert_eq!(row(100, &messages, 2), 2);
        assert_eq!(row(130, &messages[3..], 64), 1);
        assert_eq!(row(140, &messages[4..], 64), 1);
        assert_eq!(row(0, &[(0, one), (0, one)], 64), 2, "nothing at all, twice");
        let long = [(20_000, one), (40_000, one), (60_000, one), (80_000, one)];
        assert_eq!(row(0, &long, 64), 3, "less than 64 KiB");
    }

    #[test]
    fn rows_arrive_as_the_messages_they_were() {
        let mut ends = [0, 0].map(|_| Datagrams::bind("127.0.0.1:0".parse().unwrap()).unwrap());
        let [sender, receiver] = &mut ends;
        let texts: Vec<String> = (0..150).map(|n| format!("{n:>width$}", width = 5 + n / 40)).collect();
        for text in &texts {
            assert_eq!(sender.send(receiver.address, |out| out.extend_from_slice(text.as_bytes())), 0);
        }
        assert_eq!(sender.flush(), 0);
        let mut batch = Batch::new();
        while receiver.receive(&mut batch).unwrap() {}
        let from = Peer::Address(sender.address);
        let heard: Vec<String> = batch
            .iter()
            .map(|(peer, bytes)| {
                assert_eq!(peer, from);
                String::from_utf8(bytes.to_vec()).unwrap()
            })
            .collect();
        assert_eq!(heard, texts);
    }
}
