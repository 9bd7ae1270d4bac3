//! A pair of ports that is open: it plays to its peer, and drops what comes from there.
use super::rtp::{PACKET, Stream};
use crate::report::Traffic;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Packets dropped from one socket on one beat: more than any phone sends, and what floods it is left to the kernel.
const DRAIN: usize = 32;

/// Which socket of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Rtp,
    Rtcp,
}

#[derive(Debug)]
pub(super) struct Port {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    peer: Option<SocketAddr>,
    stream: Stream,
}

impl Port {
    /// Binds a port and the one after it.
    pub(super) fn open(at: IpAddr, port: u16, peer: Option<SocketAddr>, payload_type: u8) -> io::Result<Self> {
        let rtcp_port = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        let (rtp, rtcp) = (UdpSocket::bind((at, port))?, UdpSocket::bind((at, rtcp_port))?);
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
        Ok(Self { rtp, rtcp, peer, stream: Stream::new(payload_type, random) })
    }

    pub(super) fn halves(&self) -> [(Half, &UdpSocket); 2] {
        [(Half::Rtp, &self.rtp), (Half::Rtcp, &self.rtcp)]
    }

    /// The peer receives there now, by that codec.
    pub(super) fn redirect(&mut self, peer: Option<SocketAddr>, payload_type: u8) {
        self.peer = peer;
        self.stream.change(payload_type);
    }

    /// Sends this beat's packet, whose sound is in `packets` by law already.
    pub(super) fn play(&mut self, beat: u64, packets: &mut [[u8; PACKET]], sent: &mut Traffic) {
        let Some(peer) = self.peer else { return };
        let packet = &mut packets[self.stream.law() as usize];
        // A peer that cannot be reached now may be on the next beat.
        if self.stream.write(beat, packet) && self.rtp.send_to(packet, peer).is_ok() {
            sent.count(PACKET);
        }
    }

    /// Drops what arrived; a peer that sends from elsewhere than it said (behind a translator) is answered there.
    pub(super) fn drain(&mut self, half: Half, received: &mut Traffic) {
        // Room for any packet that fits through a network uncut; the rest of a larger one is dropped all the same.
        let mut packet = [0; 1_500];
        for _ in 0..DRAIN {
            let arrived = match half {
                Half::Rtp => self.rtp.recv_from(&mut packet),
                Half::Rtcp => self.rtcp.recv_from(&mut packet),
            };
            let Ok((length, source)) = arrived else { break };
            // The version of RFC 3550 §5.1: anything else is no RTP.
            if half == Half::Rtp && length > 0 && packet[0] >> 6 == 2 {
                self.peer = Some(source);
                received.count(length);
            }
        }
    }
}
