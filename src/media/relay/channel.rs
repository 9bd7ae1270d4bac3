//! One pair of relayed ports: the party that sends there, and what comes of it.
use super::keys::Keys;
use crate::media::arrival::{Discard, Half, belongs};
use crate::media::latch::Latch;
use crate::media::rate::Rate;
use crate::media::reception::{Losses, Reception};
use crate::media::reports::Quality;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;
use switchyard_engine::wire::media::{Far, Form};

/// More packets of one kind in a second than any stream has: some 50 Mbit/s of video.
const MOST: u32 = 5_000;

/// How often it is told how well a stream comes in.
const REPORT: Duration = Duration::from_secs(30);
/// Whoever was sent nothing for so long is sent a packet without a byte, lest a translator on the way forget it. That is the
/// one way of RFC 6263 (§4.1) that needs no word with the party, is no part of any stream, and is as good for encrypted ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a party sends to one pair of ports goes on from there.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) port: u16,
    sockets: [UdpSocket; 2],
    latches: [Latch; 2],
    rates: [Rate; 2],
    form: Form,
    pub(super) link: Option<Link>,
    reception: Reception,
    /// The payload type that came last.
    kind: u8,
    reported: Duration,
    /// When anything came last.
    pub(super) came: Duration,
    /// When the party was sent something last, RTCP not counted.
    pub(super) sent: Duration,
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
    /// Packets that had come in from the other when something came last.
    pub(super) answered: u64,
    /// It was told that none come.
    pub(super) missed: bool,
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
            reception: Reception::default(),
            kind: 0,
            reported: Duration::ZERO,
            came: Duration::ZERO,
            sent: Duration::ZERO,
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
        if !belongs(half, self.form, packet) {
            return Err(Discard::Malformed);
        }
        if !self.latches[place].hears(source, now) {
            return Err(Discard::Stranger);
        }
        // What others send takes nothing from what the party may.
        self.rates[place].take(now, MOST)
    }
}

impl Channel {
    /// An RTP packet came, and passes. The clock is that of when we look, which is not long after.
    pub(super) fn hears(&mut self, packet: &[u8], now: Duration) {
        if self.form == Form::Other {
            return;
        }
        self.kind = packet.get(1).map_or(0, |kind| kind & 0x7F);
        self.reception.hears(packet, now, ticks_as_speech(self.kind).then_some(8_000));
    }

    /// Whether it is something else: what it consists of nobody looks at.
    pub(super) fn carries_no_rtp(&self) -> bool {
        self.form == Form::Other
    }

    /// How well the party's stream has come in since this was asked last, if it is time for that.
    pub(super) fn tells(&mut self, now: Duration, last: bool) -> Option<(Losses, Quality)> {
        if !last && now.saturating_sub(self.reported) < REPORT {
            return None;
        }
        self.reported = now;
        let heard = self.reception.report()?;
        let jitter = ticks_as_speech(self.kind).then(|| heard.jitter_time());
        // Only of G.711 it is known how bad a loss sounds.
        let loss = matches!(self.kind, 0 | 8).then_some(heard.fraction_lost);
        Some((self.reception.losses(), Quality { jitter, loss, ..Quality::default() }))
    }

    /// Keeps the way to the party open, if nothing else does.
    pub(super) fn keeps_open(&mut self, now: Duration) {
        if self.link.is_none() || self.form == Form::Other || now.saturating_sub(self.sent) < KEEP_ALIVE {
            return;
        }
        self.sent = now;
        if let Some(target) = self.target(Half::Rtp) {
            // As for all that is sent: it may be there the next time.
            let _ = self.socket(Half::Rtp).send_to(&[], target);
        }
    }
}

/// Whether a payload type has a clock of 8 kHz, without a word about it (RFC 3551 §6): telephone speech.
const fn ticks_as_speech(kind: u8) -> bool {
    matches!(kind, 0 | 3 | 4 | 7 | 8 | 9 | 15 | 18)
}
