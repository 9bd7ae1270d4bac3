//! A pair of ports that is open: it plays to its peer, and drops what comes from there unless it is to be echoed.
use super::arrival::{Discard, Half, belongs, is_rtcp, payload};
use super::latch::Latch;
use super::pieces::Pieces;
use super::playing::Playing;
use super::rtp::{HEAD, PACKET, Stream};
use super::telephone_event::{Detector, Digit, Heading, Heard};
use crate::report::{Played, Traffic};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use switchyard_engine::settings::MusicNo;
use switchyard_engine::wire::media::{Form, Ticket};

/// Packets taken from one socket on one beat: more than any phone sends, so this is counted as a flood, and the rest is
/// left to the kernel.
const DRAIN: usize = 32;

#[derive(Debug)]
pub(super) struct Port {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// Where the peer is.
    latch: Latch,
    stream: Stream,
    playing: Playing,
    /// The payload type of the peer's keys, and what was heard of them.
    events: Option<u8>,
    keys: Detector,
}

impl Port {
    /// Binds a port and the one after it.
    pub(super) fn open(
        at: IpAddr,
        port: u16,
        peer: Option<SocketAddr>,
        (payload_type, events): (u8, Option<u8>),
    ) -> io::Result<Self> {
        let rtcp_port = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        let (rtp, rtcp) = (UdpSocket::bind((at, port))?, UdpSocket::bind((at, rtcp_port))?);
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
        Ok(Self {
            rtp,
            rtcp,
            latch: Latch::new(peer),
            stream: Stream::new(payload_type, random),
            playing: Playing::Music(MusicNo::default()),
            events,
            keys: Detector::default(),
        })
    }

    pub(super) fn halves(&self) -> [(Half, &UdpSocket); 2] {
        [(Half::Rtp, &self.rtp), (Half::Rtcp, &self.rtcp)]
    }

    /// The peer receives there now, by that codec.
    pub(super) fn redirect(&mut self, peer: Option<SocketAddr>, payload_type: u8, events: Option<u8>) {
        self.events = events;
        self.latch.says(peer);
        self.stream.change(payload_type);
    }

    /// From the next beat on.
    pub(super) fn will_play(&mut self, playing: Playing) {
        self.playing = playing;
    }

    /// Sends this beat's packet. With the last of what is said, its ticket: it goes on whether or not there is anybody to
    /// hear it.
    pub(super) fn play(&mut self, beat: u64, pieces: &mut Pieces, sent: &mut Traffic) -> Option<Ticket> {
        if let Some(music) = self.playing.music() {
            self.send(beat, pieces.packet(music, self.stream.law(), beat), sent);
            return None;
        }
        let mut packet = [0; PACKET];
        let said = self.playing.write(self.stream.law(), &mut packet[HEAD..]);
        self.send(beat, &mut packet, sent);
        said
    }

    fn send(&mut self, beat: u64, packet: &mut [u8; PACKET], sent: &mut Traffic) {
        let Some(peer) = self.latch.target() else { return };
        // A peer that cannot be reached now may be on the next beat.
        if self.stream.write(beat, packet) && self.rtp.send_to(packet, peer).is_ok() {
            sent.count(PACKET);
        }
    }

    /// Takes what arrived, and drops it; a peer that sends from elsewhere than it said (behind a translator) is answered
    /// there. `now` is the time since `begin`.
    pub(super) fn drain(
        &mut self,
        half: Half,
        (begin, now): (Instant, Duration),
        played: &mut Played,
        mut pressed: impl FnMut(Digit),
    ) {
        // Room for any packet that fits through a network uncut; the rest of a larger one is dropped all the same.
        let mut packet = [0; 1_500];
        for taken in 0..=DRAIN {
            if taken == DRAIN {
                return played.discarded.count(Discard::Flood);
            }
            let arrived = match half {
                Half::Rtp => self.rtp.recv_from(&mut packet),
                Half::Rtcp => self.rtcp.recv_from(&mut packet),
            };
            let Ok((length, source)) = arrived else { return };
            match self.judge(half, &packet[..length], source, now) {
                Ok(()) if half == Half::Rtp => {
                    played.received.count(length);
                    self.hear(&packet[..length], begin + now, &mut pressed);
                }
                Ok(()) => {}
                Err(why) => played.discarded.count(why),
            }
        }
    }

    /// A key, or sound.
    fn hear(&mut self, packet: &[u8], now: Instant, pressed: &mut impl FnMut(Digit)) {
        if Some(packet[1] & 0x7F) != self.events {
            return self.playing.hear(packet);
        }
        let Some(&timestamp) = packet.get(4..).and_then(<[u8]>::first_chunk) else { return };
        let heading = Heading { marker: packet[1] & 0x80 != 0, timestamp: u32::from_be_bytes(timestamp) };
        self.keys.hear(heading, payload(packet), now, &mut |heard| {
            if let Heard::Began(digit) = heard {
                pressed(digit);
            }
        });
    }

    /// Whether it belongs here, is the peer's, and of a kind that we have offered.
    fn judge(&mut self, half: Half, packet: &[u8], source: SocketAddr, now: Duration) -> Result<(), Discard> {
        if !belongs(half, Form::Rtp, packet) {
            return Err(Discard::Malformed);
        }
        if half == Half::Rtcp || is_rtcp(packet) {
            return Ok(());
        }
        // Both laws, comfort noise, and what has a number of its own: telephone-event.
        if !matches!(packet[1] & 0x7F, 0 | 8 | 13 | 96..) {
            return Err(Discard::PayloadType);
        }
        if self.latch.hears(source, now) { Ok(()) } else { Err(Discard::Stranger) }
    }
}
