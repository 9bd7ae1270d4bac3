//! The sockets: the caller's end, the callee's, and the phones'.
mod tcp;
mod udp;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The trunk that calls.
    Caller,
    /// The trunk that is called.
    Callee,
    /// Where some of the lines' phones are: a server takes each of these for one device.
    Desk(u8),
}

impl Side {
    /// Its place among all ends.
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Caller => 0,
            Self::Callee => 1,
            Self::Desk(desk) => 2 + desk as usize,
        }
    }

    /// The one at this place.
    pub(crate) const fn at(place: usize) -> Self {
        match place {
            0 => Self::Caller,
            1 => Self::Callee,
            desk => Self::Desk((desk - 2) as u8),
        }
    }
}

/// How messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// Whom a message came from, or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Address(SocketAddr),
    /// One of an end's connections.
    Connection(u32),
}

/// Messages that came in together.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// Where each begins and ends, and who sent it.
    places: Vec<(usize, usize, Peer)>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { bytes: udp::memory(), places: Vec::new() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Peer, &[u8])> {
        self.places.iter().map(|&(begin, end, peer)| (peer, self.bytes.get(begin..end).unwrap_or_default()))
    }
}

#[derive(Debug)]
enum End {
    Udp(Box<udp::Datagrams>),
    Tcp(tcp::Streams),
}

/// All ends, by [`Side::place`].
#[derive(Debug)]
pub(crate) struct Ends {
    ends: Vec<End>,
    /// What could not be sent.
    pub(crate) unsent: u64,
    /// Messages that went out, and that came in.
    pub(crate) sent: u64,
    pub(crate) heard: u64,
}

impl Ends {
    /// Binds them all.
    pub(crate) fn bind(transport: Transport, addresses: &[SocketAddr]) -> io::Result<Self> {
        let bind = |&address| {
            Ok(match transport {
                Transport::Udp => End::Udp(Box::new(udp::Datagrams::bind(address)?)),
                Transport::Tcp => End::Tcp(tcp::Streams::bind(address)?),
            })
        };
        Ok(Self { ends: addresses.iter().map(bind).collect::<io::Result<_>>()?, unsent: 0, sent: 0, heard: 0 })
    }

    /// Where the ends are.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let address = |end: &End| match end {
            End::Udp(end) => end.address,
            End::Tcp(end) => end.address,
        };
        self.ends.iter().map(address).collect()
    }

    /// Connections that ended.
    pub(crate) fn lost(&self) -> u64 {
        let lost = |end: &End| match end {
            End::Udp(_) => 0,
            End::Tcp(end) => end.lost,
        };
        self.ends.iter().map(lost).sum()
    }

    /// How to reach this address from an end.
    pub(crate) fn peer(&mut self, side: Side, address: SocketAddr) -> Peer {
        match &mut self.ends[side.place()] {
            End::Udp(_) => Peer::Address(address),
            End::Tcp(end) => end.connection(address),
        }
    }

    /// A message goes out, not later than at the next flush.
    pub(crate) fn send(&mut self, side: Side, peer: Peer, write: impl FnOnce(&mut Vec<u8>)) {
        self.sent += 1;
        match &mut self.ends[side.place()] {
            End::Udp(end) => {
                let Peer::Address(address) = peer else { return };
                self.unsent += end.send(address, write);
            }
            End::Tcp(end) => self.unsent += end.send(peer, write),
        }
    }

    /// Everything goes out.
    pub(crate) fn flush(&mut self) {
        for end in &mut self.ends {
            self.unsent += match end {
                End::Udp(end) => end.flush(),
                End::Tcp(end) => end.flush(),
            };
        }
    }

    /// What has come in at an end. Whether there may be more.
    pub(crate) fn receive(&mut self, side: Side, batch: &mut Batch) -> io::Result<bool> {
        batch.places.clear();
        let more = match &mut self.ends[side.place()] {
            End::Udp(end) => end.receive(batch),
            End::Tcp(end) => end.receive(batch),
        };
        self.heard += batch.places.len() as u64;
        more
    }

    /// Waits until something comes in, but not longer than this; says where.
    pub(crate) fn wait(&self, time: Duration, ready: &mut Vec<bool>) -> io::Result<()> {
        ready.clear();
        ready.resize(self.ends.len(), false);
        let mut polled = Vec::with_capacity(self.ends.len());
        let mut owners = Vec::with_capacity(self.ends.len());
        for (place, end) in self.ends.iter().enumerate() {
            let before = polled.len();
            match end {
                End::Udp(end) => polled.push(PollFd::new(end.fd(), PollFlags::POLLIN)),
                End::Tcp(end) => polled.extend(end.fds()),
            }
            owners.resize(owners.len() + polled.len() - before, place);
        }
        match ppoll(&mut polled, Some(TimeSpec::from_duration(time)), None) {
            Ok(0) | Err(nix::errno::Errno::EINTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        for (fd, place) in polled.iter().zip(owners) {
            ready[place] |= fd.any().unwrap_or(true);
        }
        Ok(())
    }
}
