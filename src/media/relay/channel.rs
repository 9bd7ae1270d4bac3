//! One pair of relayed ports: the party that sends there, and what comes of it.
use super::keys::Keys;
use crate::media::arrival::{Discard, Half, belongs};
use crate::media::latch::Latch;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;
use switchyard_engine::wire::media::{Far, Form};

/// More packets of one kind in a second than any stream has: some 50 Mbit/s of video.
const MOST: u32 = 5_000;

/// What a party sends to one pair of ports goes on from there.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) port: u16,
    sockets: [UdpSocket; 2],
    latches: [Latch; 2],
    rates: [Rate; 2],
    form: Form,
    pub(super) link: Option<Link>,
    /// Of the party that sends here, where somebody listens to them or plays some.
    pub(super) keys: Option<Box<Keys>>,
}

/// With whom, and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The place of the other channel.
    pub(super) other: usize,
    /// Since when.
    pub(super) since: Duration,
    /// Packets that came in since, RTCP not counted.
    pub(super) heard: u64,
    /// It was told that none come.
    pub(super) missed: bool,
}

/// Packets in the second that it is now.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    second: u64,
    packets: u32,
}

impl Channel {
    /// Binds a port and the one after it.
    pub(super) fn open(at: IpAddr, port: u16) -> io::Result<Self> {
        let rtcp_port = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        let sockets = [UdpSocket::bind((at, port))?, UdpSocket::bind((at, rtcp_port))?];
        for socket in &sockets {
            socket.set_nonblocking(true)?;
        }
        Ok(Self {
            port,
            sockets,
            latches: [Latch::new(None); 2],
            rates: [Rate::default(); 2],
            form: Form::Rtp,
            link: None,
            keys: None,
        })
    }

    /// The party says where it receives.
    pub(super) fn says(&mut self, peer: Option<Far>, form: Form) {
        self.form = form;
        let [rtp, rtcp] = &mut self.latches;
        rtp.says(peer.map(|peer| peer.rtp));
        rtcp.says(peer.map(|peer| peer.rtcp));
    }

    pub(super) const fn socket(&self, half: Half) -> &UdpSocket {
        &self.sockets[half as usize]
    }

    /// Where what is for the party goes. As long as no RTCP of its was heard, it is thought to come from where the RTP does,
    /// from the next port.
    pub(super) fn target(&self, half: Half) -> Option<SocketAddr> {
        let [rtp, rtcp] = &self.latches;
        match half {
            Half::Rtp => rtp.target(),
            Half::Rtcp => {
                let guess = || {
                    rtp.elsewhere()?;
                    let heard = rtp.heard_at()?;
                    Some(SocketAddr::new(heard.ip(), heard.port().checked_add(1)?))
                };
                let target = rtcp.target()?;
                if rtcp.heard_at().is_some() { Some(target) } else { guess().or(Some(target)) }
            }
        }
    }

    /// Whether a packet from there is the party's, and belongs here.
    pub(super) fn admits(
        &mut self,
        half: Half,
        packet: &[u8],
        source: SocketAddr,
        now: Duration,
    ) -> Result<(), Discard> {
        let place = half as usize;
        self.rates[place].take(now)?;
        if !belongs(half, self.form, packet) {
            return Err(Discard::Malformed);
        }
        if !self.latches[place].hears(source, now) {
            return Err(Discard::Stranger);
        }
        Ok(())
    }
}

impl Rate {
    fn take(&mut self, now: Duration) -> Result<(), Discard> {
        if self.second != now.as_secs() {
            *self = Self { second: now.as_secs(), packets: 0 };
        }
        self.packets = self.packets.saturating_add(1);
        if self.packets > MOST { Err(Discard::Flood) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_off_until_the_next_second() {
        let mut rate = Rate::default();
        let at = Duration::from_millis;
        let taken = (0..MOST + 10).filter(|_| rate.take(at(3_100)).is_ok()).count();
        assert_eq!(taken, MOST as usize);
        assert_eq!(rate.take(at(3_999)), Err(Discard::Flood));
        assert_eq!(rate.take(at(4_000)), Ok(()));
    }
}
