//! A pair of ports that is open: it plays to its peer, and drops what comes from there unless it is to be echoed.
use super::arrival::{Discard, Half, belongs, is_rtcp, payload};
use super::codec;
use super::echo::LONGEST;
use super::latch::Latch;
use super::pieces::Pieces;
use super::playing::Playing;
use super::rate::{KEYS, Rate};
use super::reception::Reception;
use super::reports::{Moment, Quality, Reports};
use super::rtp::{HEAD, Stream};
use super::telephone_event::{Detector, Digit, Heading, Heard};
use crate::report::{Played, Traffic};
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime};
use switchyard_engine::settings::{Codec, MusicNo};
use switchyard_engine::wire::media::{Form, Ticket, Voice};

/// Packets taken from one socket on one beat: more than any phone sends, so this is counted as a flood, and the rest is
/// left to the kernel.
const DRAIN: usize = 32;

/// What each beat needs; all else is kept apart, or thousands of ports would not fit where memory is quick.
#[derive(Debug)]
pub(super) struct Port {
    rtp: UdpSocket,
    /// Where the peer is, as the latch has it.
    target: Option<SocketAddr>,
    stream: Stream,
    playing: Playing,
    /// Packets and octets of sound sent since the last report, and when the next one may be due.
    sent: (u32, u32),
    report_at: Duration,
    /// When the peer will have been silent for too long, as far as is known.
    silent_at: Duration,
    rest: Box<Rest>,
}

/// What is needed when something arrives, or a report is due.
#[derive(Debug)]
struct Rest {
    rtcp: UdpSocket,
    /// Where the peer is.
    latch: Latch,
    /// Where its reports come from, and ours go.
    rtcp_latch: Latch,
    /// Where the peer says that it receives sound; and reports, if it says so.
    said: (Option<SocketAddr>, Option<SocketAddr>),
    /// What the peer speaks, as far as it has said so.
    voice: Voice,
    /// The payload type of the peer's keys, and what was heard of them.
    events: Option<u8>,
    keys: Detector,
    /// When something came last, and how long nothing may.
    heard_at: Duration,
    silence: Duration,
    /// How many keys there were.
    pressed: Rate,
    reception: Reception,
    reports: Reports,
    /// Room for the kernel's note of when a packet came.
    control: Vec<u8>,
}

/// What comes of what arrived.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// How the peer hears us.
    Quality(Quality),
    /// It pressed a key.
    Key(Digit),
}

impl Port {
    /// Binds a port and the one after it.
    pub(super) fn open(
        at: IpAddr,
        port: u16,
        peer: Option<SocketAddr>,
        (voice, events): (Voice, Option<u8>),
    ) -> io::Result<Self> {
        let rtcp_port = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        let (rtp, rtcp) = (UdpSocket::bind((at, port))?, UdpSocket::bind((at, rtcp_port))?);
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        for socket in [&rtp, &rtcp] {
            setsockopt(socket, ReceiveTimestampns, &true)?;
        }
        let stream = new_stream(voice)?;
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|_| io::ErrorKind::Other)?;
        let latch = Latch::new(peer);
        let rest = Rest {
            rtcp,
            latch,
            rtcp_latch: Latch::new(peer.and_then(next_port)),
            said: (peer, None),
            reports: Reports::new(stream.source(), voice.codec.clock(), name),
            voice,
            events,
            keys: Detector::default(),
            pressed: Rate::default(),
            heard_at: Duration::ZERO,
            silence: Duration::MAX,
            reception: Reception::default(),
            control: nix::cmsg_space!(TimeSpec),
        };
        Ok(Self {
            rtp,
            target: latch.target(),
            stream,
            playing: Playing::Music(MusicNo::default()),
            sent: (0, 0),
            report_at: Duration::ZERO,
            silent_at: Duration::MAX,
            rest: Box::new(rest),
        })
    }

    pub(super) fn halves(&self) -> [(Half, &UdpSocket); 2] {
        [(Half::Rtp, &self.rtp), (Half::Rtcp, &self.rest.rtcp)]
    }

    /// The peer receives there now, by that codec. With one of another clock another stream begins, and the one before has its
    /// last report.
    pub(super) fn redirect(
        &mut self,
        peer: Option<SocketAddr>,
        (voice, events): (Voice, Option<u8>),
        played: &mut Played,
    ) -> Option<Quality> {
        let mut quality = None;
        if self.stream.goes_on(voice) {
            self.stream.change(voice);
        } else if let Ok(stream) = new_stream(voice) {
            quality = self.bye(played);
            self.rest.reports.begin_anew(stream.source(), voice.codec.clock());
            self.stream = stream;
        }
        (self.rest.voice, self.rest.events) = (voice, events);
        self.rest.latch.says(peer);
        self.rest.said.0 = peer;
        self.rest.says_reports();
        self.target = self.rest.latch.target();
        quality
    }

    /// The peer receives reports there.
    pub(super) fn reports_at(&mut self, at: Option<SocketAddr>) {
        self.rest.said.1 = at;
        self.rest.says_reports();
    }

    /// From the next beat on.
    pub(super) fn will_play(&mut self, playing: Playing) {
        self.playing = playing;
    }

    /// Sends this beat's packet. With the last of what is said, its ticket: it goes on whether or not there is anybody to
    /// hear it.
    pub(super) fn play(&mut self, beat: u64, pieces: &mut Pieces, sent: &mut Traffic) -> Option<Ticket> {
        if let Some(music) = self.playing.music() {
            self.send(beat, pieces.packet(music, self.stream.codec(), beat), sent);
            return None;
        }
        self.play_to_one(beat, sent)
    }

    /// The same of what nobody else hears. Apart, because most hear music, and need no such room on the stack.
    #[inline(never)]
    fn play_to_one(&mut self, beat: u64, sent: &mut Traffic) -> Option<Ticket> {
        let mut packet = [0; HEAD + LONGEST];
        let (length, said) = self.playing.write(self.stream.codec(), &mut packet[HEAD..]);
        self.send(beat, &mut packet[..HEAD + length], sent);
        said
    }

    fn send(&mut self, beat: u64, packet: &mut [u8], sent: &mut Traffic) {
        let Some(peer) = self.target else { return };
        // A peer that cannot be reached now may be on the next beat.
        if self.stream.write(beat, packet) && self.rtp.send_to(packet, peer).is_ok() {
            sent.count(packet.len());
            self.sent = (self.sent.0 + 1, self.sent.1.wrapping_add((packet.len() - HEAD) as u32));
        }
    }

    /// From now on nothing may come for so long.
    pub(super) fn watch(&mut self, silence: Duration, now: Duration) {
        (self.rest.heard_at, self.rest.silence) = (now, silence);
        self.silent_at = now.saturating_add(silence);
    }

    /// Whether nothing came for too long; told once.
    pub(super) fn is_silent(&mut self, now: Duration) -> bool {
        if now < self.silent_at {
            return false;
        }
        self.silent_at = self.rest.heard_at.saturating_add(self.rest.silence);
        let silent = now >= self.silent_at;
        if silent {
            self.silent_at = Duration::MAX;
        }
        silent
    }

    /// Reports to the peer if it is time. What is known of the way by now.
    pub(super) fn report(&mut self, now: Duration, played: &mut Played) -> Option<Quality> {
        if now < self.report_at || self.target.is_none() {
            return None;
        }
        let due = self.rest.reports.is_due(now);
        self.report_at = self.rest.reports.next().unwrap_or(now);
        if due { self.sends_report(false, played) } else { None }
    }

    /// The last report, with which the stream ends.
    pub(super) fn bye(&mut self, played: &mut Played) -> Option<Quality> {
        self.sends_report(true, played)
    }

    fn sends_report(&mut self, last: bool, played: &mut Played) -> Option<Quality> {
        let moment = Moment { wall: wall(), timestamp: self.stream.timestamp() };
        let rest = &mut *self.rest;
        let (packets, octets) = std::mem::take(&mut self.sent);
        rest.reports.sent(packets, octets);
        let (heard, packet) = rest.reports.write(moment, &mut rest.reception, last);
        played.losses.add(rest.reception.losses());
        if let Some(peer) = rest.reports_to() {
            // As for sound: it may be there the next time.
            let _ = rest.rtcp.send_to(&packet, peer);
        }
        let is_rated = rest.is_rated();
        heard.map(|heard| Quality {
            loss: is_rated.then_some(heard.fraction_lost),
            jitter: Some(heard.jitter_time()),
            ..Quality::default()
        })
    }

    /// Takes what arrived, and drops it; a peer that sends from elsewhere than it said (behind a translator) is answered
    /// there. `now` is the time since `begin`.
    pub(super) fn drain(
        &mut self,
        half: Half,
        (begin, now): (Instant, Duration),
        played: &mut Played,
        mut told: impl FnMut(Told),
    ) {
        // Room for any packet that fits through a network uncut; the rest of a larger one is dropped all the same.
        let mut packet = [0; 1_500];
        let rest = &mut *self.rest;
        for taken in 0..=DRAIN {
            if taken == DRAIN {
                played.discarded.count(Discard::Flood);
                break;
            }
            let socket = match half {
                Half::Rtp => &self.rtp,
                Half::Rtcp => &rest.rtcp,
            };
            let Some((length, source, came)) = receive(socket, &mut packet, &mut rest.control) else { break };
            let packet = &packet[..length];
            let judged = rest.judge(half, packet, source, now);
            if judged.is_ok() {
                rest.heard_at = now;
            }
            match judged {
                Ok(()) if half == Half::Rtp && !is_rtcp(packet) => {
                    played.received.count(length);
                    let codec = rest.codec(packet);
                    rest.reception.hears(packet, came, codec.map(Codec::clock));
                    if Some(packet[1] & 0x7F) == rest.events {
                        if !rest.hears_key(packet, (begin, now), |digit| told(Told::Key(digit))) {
                            played.discarded.count(Discard::Flood);
                        }
                    } else if let Some(codec) = codec {
                        self.playing.hear(codec, packet);
                    }
                }
                Ok(()) => {
                    if let Some(quality) = rest.reports.hears(packet, came) {
                        played.remote_lost += quality.remote_lost;
                        let remote_loss = quality.remote_loss.filter(|_| rest.is_rated());
                        told(Told::Quality(Quality { remote_loss, ..quality }));
                    }
                }
                Err(why) => played.discarded.count(why),
            }
        }
        self.target = rest.latch.target();
    }
}

impl Rest {
    /// Whether it is known how bad a loss sounds: by what G.711 bears.
    fn is_rated(&self) -> bool {
        codec::law(self.voice.codec).is_some()
    }

    fn says_reports(&mut self) {
        let (sound, reports) = self.said;
        // Where it wants no sound it wants no reports of it.
        self.rtcp_latch.says(sound.and_then(|sound| reports.or(next_port(sound))));
    }

    /// Behind a translator, until a report has come: the port after the one that the sound comes from.
    fn reports_to(&self) -> Option<SocketAddr> {
        let target = self.rtcp_latch.target()?;
        if self.rtcp_latch.heard_at().is_some() || self.latch.elsewhere().is_none() {
            return Some(target);
        }
        self.latch.heard_at().and_then(next_port).or(Some(target))
    }

    /// What a packet is written in: by the peer's own number, or by one that always means the same. Keys and comfort noise are
    /// in nothing.
    fn codec(&self, packet: &[u8]) -> Option<Codec> {
        let payload_type = packet[1] & 0x7F;
        let own = (payload_type == self.voice.payload_type).then_some(self.voice.codec);
        own.or(Codec::of_payload_type(payload_type)).filter(|_| Some(payload_type) != self.events)
    }

    /// A packet of a key. False if it told of more keys than anybody presses.
    fn hears_key(&mut self, packet: &[u8], (begin, now): (Instant, Duration), mut pressed: impl FnMut(Digit)) -> bool {
        let Some(&timestamp) = packet.get(4..).and_then(<[u8]>::first_chunk) else { return true };
        let heading = Heading { marker: packet[1] & 0x80 != 0, timestamp: u32::from_be_bytes(timestamp) };
        let (rate, mut right) = (&mut self.pressed, true);
        self.keys.hear(heading, payload(packet), begin + now, &mut |heard| {
            if let Heard::Began(digit) = heard {
                match rate.take(now, KEYS) {
                    Ok(()) => pressed(digit),
                    Err(_) => right = false,
                }
            }
        });
        right
    }

    /// Whether it belongs here, is the peer's, and of a kind that we have offered.
    fn judge(&mut self, half: Half, packet: &[u8], source: SocketAddr, now: Duration) -> Result<(), Discard> {
        if !belongs(half, Form::Rtp, packet) {
            return Err(Discard::Malformed);
        }
        if half == Half::Rtcp || is_rtcp(packet) {
            let latch = if half == Half::Rtcp { &mut self.rtcp_latch } else { &mut self.latch };
            return if latch.hears(source, now) { Ok(()) } else { Err(Discard::Stranger) };
        }
        // What always means the same, comfort noise, and what has a number of its own: telephone-event.
        let is_known = matches!(packet[1] & 0x7F, 0 | 8 | 9 | 13 | 96..) || self.codec(packet).is_some();
        if !is_known {
            return Err(Discard::PayloadType);
        }
        if self.latch.hears(source, now) { Ok(()) } else { Err(Discard::Stranger) }
    }
}

/// A stream that nobody has heard yet.
fn new_stream(voice: Voice) -> io::Result<Stream> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
    Ok(Stream::new(voice, random))
}

/// Where RTCP goes if nothing else is said (RFC 3550 §11).
fn next_port(rtp: SocketAddr) -> Option<SocketAddr> {
    Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?))
}

/// Since 1970.
fn wall() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// A packet, where it is from, and when the kernel had it: how evenly packets come is not to depend on when we look.
fn receive(socket: &UdpSocket, packet: &mut [u8], control: &mut [u8]) -> Option<(usize, SocketAddr, Duration)> {
    let mut slices = [IoSliceMut::new(packet)];
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(control), MsgFlags::MSG_DONTWAIT).ok()?;
    let storage = message.address?;
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    let source = v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))?;
    let noted = message.cmsgs().ok()?.find_map(|noted| {
        if let ControlMessageOwned::ScmTimestampns(time) = noted { Some(Duration::from(time)) } else { None }
    });
    Some((message.bytes, source, noted.unwrap_or_else(wall)))
}
