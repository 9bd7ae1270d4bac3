//! UDP sockets, and reading them by the batch. [Sending](super::outlet) has a page of its own.
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBufForce, SndBufForce};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

/// Datagrams taken or sent by one system call.
pub(super) const BATCH: usize = 64;
/// Room for so many is there however little there was last time.
const FEW: usize = 8;
/// Room for the largest datagram there is.
const DATAGRAM: usize = 65_535;
/// From one to the next: not a power of two, or all that is read would compete for the same few places of the cache.
const STRIDE: usize = DATAGRAM + 1 + 2048;
/// Asked for in each direction: what comes while the loop is busy, or its machine stands still, must fit. The kernel counts
/// some 2.3 KB for a datagram: this holds a seventh of a second of 16 000 calls a second.
pub(super) const BUFFER: usize = 16 << 20;

/// A socket on `address`, with a receive buffer of so many bytes; it may share the address with others of ours.
pub(super) fn bind(address: SocketAddr, buffer: usize, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // With the right to do so past the system's limit, else up to it.
    if setsockopt(&socket, RcvBufForce, &buffer).is_err() {
        socket.set_recv_buffer_size(buffer)?;
    }
    if setsockopt(&socket, SndBufForce, &BUFFER).is_err() {
        socket.set_send_buffer_size(BUFFER)?;
    }
    let received = socket.recv_buffer_size()?;
    if received < buffer {
        tracing::warn!(%address, received, asked = buffer, "small receive buffer: raise net.core.rmem_max");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The socket's inode, by which the kernel's table of sockets (and of what it dropped) knows it.
///
/// SO_RXQ_OVFL would tell the same with each datagram, but nix gives a reused header no control space back once a
/// datagram came without.
pub(super) fn inode(socket: &UdpSocket) -> Option<u64> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).ok()?;
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Takes datagrams from one socket.
pub(super) struct Intake {
    headers: MultiHeaders<SockaddrStorage>,
    /// How many there were last time: room for so many more than that is laid out, since laying it out costs, too.
    last: usize,
}

/// What one look at a socket brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) count: usize,
    /// There was no room for more.
    pub(super) full: bool,
}

/// Where datagrams are put; one for all sockets, since they are read in turn.
pub(super) struct Memory(Vec<u8>);

impl Memory {
    /// 4 MiB of address space, of which only the pages that datagrams reach become memory: 256 KiB for ordinary ones.
    pub(super) fn new() -> Self {
        Self(vec![0; BATCH * STRIDE])
    }
}

impl Intake {
    pub(super) fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None), last: 0 }
    }

    /// Hands on up to `most` of what waits, a batch at the most.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        memory: &mut Memory,
        most: usize,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> nix::Result<Taken> {
        let room = most.min(2 * self.last + FEW);
        let mut chunks = memory.0.chunks_exact_mut(STRIDE).take(room);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let wanted = slices.iter_mut().take(room);
        let received = recvmmsg(socket.as_raw_fd(), &mut self.headers, wanted, MsgFlags::MSG_DONTWAIT, None);
        let received = match received {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => {
                self.last = 0;
                return Ok(Taken::default());
            }
            Err(error) => return Err(error),
        };
        let mut count = 0;
        for message in received {
            count += 1;
            if let Some(source) = message.address.as_ref().and_then(address_of) {
                each(source, message.iovs().next().unwrap_or_default());
            }
        }
        self.last = count;
        Ok(Taken { count, full: count == room })
    }
}

fn address_of(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}
