//! A datagram socket, read and written by the batch.
use super::{Batch, Peer};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Datagrams taken or sent by one system call.
pub(super) const BATCH: usize = 64;
/// Room for one datagram. A power of two would put the beginnings of all into the same few lines of the cache.
pub(super) const ROOM: usize = 8192 + 192;
/// Milliseconds that a full socket is waited for before datagrams are given up, as if the network had lost them.
const PATIENCE: u8 = 5;

#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    pub(super) address: SocketAddr,
    intake: MultiHeaders<SockaddrStorage>,
    outlet: MultiHeaders<SockaddrStorage>,
    /// What waits to be sent, one message behind the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    addresses: [Option<SockaddrStorage>; BATCH],
    /// The last address in both forms: mostly it is the same one again.
    last: Option<(SocketAddr, SockaddrStorage)>,
}

impl Datagrams {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = crate::socket::bind(address)?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            intake: MultiHeaders::preallocate(BATCH, None),
            outlet: MultiHeaders::preallocate(BATCH, None),
            bytes: Vec::with_capacity(BATCH * 2048),
            ends: Vec::with_capacity(BATCH),
            addresses: [None; BATCH],
            last: None,
        })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Puts a message behind those that wait; how many were given up.
    pub(super) fn send(&mut self, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let storage = match self.last {
            Some((last, storage)) if last == to => storage,
            Some(_) | None => {
                let storage = SockaddrStorage::from(to);
                self.last = Some((to, storage));
                storage
            }
        };
        write(&mut self.bytes);
        self.addresses[self.ends.len()] = Some(storage);
        self.ends.push(self.bytes.len());
        if self.ends.len() == BATCH { self.flush() } else { 0 }
    }

    /// Sends all that waits; how many messages were given up.
    pub(super) fn flush(&mut self) -> u64 {
        if self.ends.is_empty() {
            return 0;
        }
        let mut begin = 0;
        let (bytes, ends) = (&self.bytes, &self.ends);
        let slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|place| {
            let end = ends.get(place).copied().unwrap_or(begin);
            [IoSlice::new(&bytes[std::mem::replace(&mut begin, end)..end])]
        });
        let (mut sent, mut tries, mut lost) = (0, 0, 0);
        while sent < ends.len() {
            let rest = sent..ends.len();
            let none: [ControlMessage<'_>; 0] = [];
            let result = sendmmsg(
                self.socket.as_raw_fd(),
                &mut self.outlet,
                slices[rest.clone()].iter(),
                &self.addresses[rest],
                none,
                MsgFlags::MSG_DONTWAIT,
            );
            match result.map(Iterator::count) {
                Ok(count) if count > 0 => (sent, tries) = (sent + count, 0),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) if tries < 2 => {
                    tries += 1;
                    let mut room = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
                    // However it ends, sending is tried again.
                    let _ = poll(&mut room, PollTimeout::from(PATIENCE));
                }
                // Told of an earlier datagram: this one is tried once more.
                Err(Errno::ECONNREFUSED) if tries < 2 => tries += 1,
                Ok(_) | Err(_) => (sent, tries, lost) = (sent + 1, 0, lost + 1),
            }
        }
        self.bytes.clear();
        self.ends.clear();
        lost
    }

    /// Takes a batch; whether there may be more.
    pub(super) fn receive(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let mut chunks = batch.bytes.chunks_exact_mut(ROOM);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let fd = self.socket.as_raw_fd();
        let received = match recvmmsg(fd, &mut self.intake, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut count = 0;
        for message in received {
            let begin = count * ROOM;
            count += 1;
            if let Some(from) = message.address.as_ref().and_then(address_of) {
                batch.places.push((begin, begin + message.bytes, Peer::Address(from)));
            }
        }
        Ok(count == BATCH)
    }
}

fn address_of(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
