//! Media that goes through us, packet by packet and byte for byte: a thread that is woken by what arrives.
//!
//! ```text
//!   party ─► channel ═ link ═ channel ─► party        and back: each channel sends from its own port, so that what a
//!              latch            latch                 party hears comes from where it sends to (RFC 4961)
//! ```
//! Where the keys of a party mean something, or must be told otherwise, they are taken out of its stream and reported, and
//! played into it; no other stream is looked into.
//!
//! When much arrives it is left to gather for a moment: so one look at the sockets finds many, and the thread does not
//! spend its time on waking up.
//!
//! Knows: the engine's media orders. Never: what is in a packet beyond its header, but for keys.
mod channel;
mod keys;

use super::arrival::{Discard, Discards, Half, is_rtcp};
use super::orders::Orders;
use super::reception::Losses;
use super::reports::Quality;
use super::telephone_event::Digit;
use crate::report::Traffic;
use channel::{Channel, Link};
use keys::{Keys, Verdict};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};
use switchyard_engine::wire::media::{Far, Form, MediaEvent, MediaOrder};

/// Room for any packet.
const PACKET: usize = 65_536;
/// Sockets told of at once.
const EVENTS: usize = 512;
/// The key of the eventfd that orders are announced by; all others tell the place of a channel.
const WAKE: u64 = u64::MAX;
/// In a key, above the channel's place: its RTCP socket.
const RTCP: u64 = 1 << 32;
/// How often it is looked whether somebody is missed, and told what was passed on.
const LOOK: Duration = Duration::from_secs(1);
/// Who has not been heard for so long since the two were linked is missed.
const SILENCE: Duration = Duration::from_secs(10);
/// And who has been heard before, when neither sound nor reports have come for so long: silence alone some phones do not send.
const LOST: Duration = Duration::from_secs(30);
/// If so many came from the other meanwhile.
const SPEECH: u64 = 50;
/// So many sockets with something at once, and the next look is put off.
const MANY: usize = 8;
/// By so much.
const GATHER: Duration = Duration::from_micros(800);

/// What was passed on since the last time it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// RTP, RTCP and whatever else came in, and was heard.
    pub received: Traffic,
    /// What of it went out again.
    pub sent: Traffic,
    /// What was not heard.
    pub discarded: Discards,
    /// What did not come as it should, as far as that was looked at.
    pub losses: Losses,
}

/// Where the relay tells what happens.
pub trait RelayListener {
    /// Something that the engine must know.
    fn event(&mut self, event: MediaEvent);
    /// Another second with ports open is over.
    fn passed(&mut self, passed: &Passed);
    /// How well a party's stream comes in.
    fn reported(&mut self, _quality: &Quality) {}
}

/// The relay, not running yet.
pub struct Relay<L> {
    orders: Receiver<MediaOrder>,
    wake: Arc<EventFd>,
    epoll: Epoll,
    listener: L,
    channels: Vec<Option<Channel>>,
    free: Vec<usize>,
    by_port: HashMap<u16, usize>,
    begin: Instant,
    looked: Duration,
    /// The channels whose parties' keys are being played, and when their next packets are due.
    playing: Vec<usize>,
    beat: Duration,
    passed: Passed,
    packet: Box<[u8]>,
}

/// A relay that reports to `listener`.
///
/// # Errors
/// The system has no epoll or eventfd left.
pub fn relay<L: RelayListener>(listener: L) -> io::Result<(Orders, Relay<L>)> {
    let (queue, orders, wake) = Orders::queue()?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&*wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
    let relay = Relay {
        orders,
        wake,
        epoll,
        listener,
        channels: Vec::new(),
        free: Vec::new(),
        by_port: HashMap::new(),
        begin: Instant::now(),
        looked: Duration::ZERO,
        playing: Vec::new(),
        beat: Duration::ZERO,
        passed: Passed::default(),
        packet: vec![0; PACKET].into(),
    };
    Ok((queue, relay))
}

impl<L: RelayListener> Relay<L> {
    /// Works until nobody can give orders any more.
    ///
    /// # Errors
    /// The system refuses to wait.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let count = self.wait(&mut events, self.patience())?;
            if !self.turn(&events[..count], self.begin.elapsed()) {
                return Ok(());
            }
            if count >= MANY {
                thread::sleep(GATHER);
            }
        }
    }

    fn wait(&self, events: &mut [EpollEvent], patience: EpollTimeout) -> io::Result<usize> {
        match self.epoll.wait(events, patience) {
            Ok(count) => Ok(count),
            Err(Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what there is to do; false when there will be nothing more.
    fn turn(&mut self, events: &[EpollEvent], now: Duration) -> bool {
        // Orders first: what has arrived meanwhile came after they were given.
        if events.iter().any(|event| event.data() == WAKE) && !self.take_orders(now) {
            return false;
        }
        for key in events.iter().map(EpollEvent::data).filter(|key| *key != WAKE) {
            self.pass((key & (RTCP - 1)) as usize, half_of(key), now);
        }
        if !self.playing.is_empty() && now >= self.beat {
            self.play(now);
        }
        if now - self.looked >= LOOK {
            self.looked = now;
            self.look(now);
        }
        true
    }

    /// Until the next look; for ever, if there is nothing to look at.
    fn patience(&self) -> EpollTimeout {
        if self.by_port.is_empty() {
            return EpollTimeout::NONE;
        }
        let look = self.looked + LOOK;
        let due = if self.playing.is_empty() { look } else { look.min(self.beat) };
        let left = due.saturating_sub(self.begin.elapsed());
        // Rounded up, so that nobody wakes just before it is time.
        EpollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(EpollTimeout::ZERO)
    }

    /// One packet: if more wait, the next look finds them.
    fn pass(&mut self, place: usize, half: Half, now: Duration) {
        let Some(Some(channel)) = self.channels.get_mut(place) else { return };
        // Errors of what was sent before come this way, too: nobody listens there, just now.
        let Ok((length, source)) = channel.socket(half).recv_from(&mut self.packet) else { return };
        let packet = &mut self.packet[..length];
        if let Err(why) = channel.admits(half, packet, source, now) {
            return self.passed.discarded.count(why);
        }
        self.passed.received.count(length);
        channel.came = now;
        let port = channel.port;
        let is_stream = half == Half::Rtp && !is_rtcp(packet);
        if is_stream {
            channel.hears(packet, now);
        }
        let is_heard = is_stream || half == Half::Rtp && channel.carries_no_rtp();
        let Some(link) = &mut channel.link else { return };
        if is_heard {
            link.heard += 1;
        }
        let (is_first, other) = (is_heard && link.heard == 1, link.other);
        if is_first {
            self.listener.event(MediaEvent::Heard { port });
        }
        if let Some(keys) = channel.keys.as_mut().filter(|_| is_stream) {
            match keys.hears(packet, now, |key, millis| self.listener.event(pressed(port, key, millis))) {
                Verdict::Passes => {}
                Verdict::Kept => return,
                Verdict::Flood => return self.passed.discarded.count(Discard::Flood),
            }
        }
        if let Some(Some(other)) = self.channels.get_mut(other)
            && let Some(target) = other.target(half)
            && other.socket(half).send_to(packet, target).is_ok()
        {
            self.passed.sent.count(length);
            if half == Half::Rtp {
                other.sent = now;
            }
        }
    }

    /// The next packets of the keys that are being played.
    fn play(&mut self, now: Duration) {
        // If much too late, what was due meanwhile is not made up for.
        self.beat = if now < self.beat + keys::BEAT { self.beat + keys::BEAT } else { now + keys::BEAT };
        for index in (0..self.playing.len()).rev() {
            let place = self.playing[index];
            let Some(channel) = &mut self.channels[place] else { continue };
            let packet = channel.keys.as_mut().and_then(|keys| keys.beat(now));
            let other = channel.link.map(|link| link.other);
            if !channel.keys.as_ref().is_some_and(|keys| keys.is_playing()) {
                self.playing.swap_remove(index);
            }
            if let (Some(packet), Some(Some(other))) = (packet, other.and_then(|other| self.channels.get(other)))
                && let Some(target) = other.target(Half::Rtp)
                && other.socket(Half::Rtp).send_to(&packet, target).is_ok()
            {
                self.passed.sent.count(packet.len());
            }
        }
    }

    /// Does what was ordered; false when there will be nothing more.
    fn take_orders(&mut self, now: Duration) -> bool {
        // Fails when nobody has written, and then there is nothing to undo.
        let _ = self.wake.read();
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.obey(order, now),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey(&mut self, order: MediaOrder, now: Duration) {
        tracing::debug!(?order, "ordered");
        match order {
            MediaOrder::Relay { at, port, peer, form } => {
                if let Err(error) = self.open(at, port, peer, form, now) {
                    tracing::warn!(%at, port, %error, "an RTP port cannot be bound");
                    self.listener.event(MediaEvent::Failed { port });
                }
            }
            MediaOrder::Link { one, other } => self.link(one, other, now),
            MediaOrder::Keys { port, events, kept } => {
                if let Some(channel) = self.by_port.get(&port).and_then(|&place| self.channels[place].as_mut())
                    && (events.is_some() || channel.keys.is_some())
                {
                    channel.keys.get_or_insert_with(|| Box::new(Keys::new())).are(events, kept);
                }
            }
            MediaOrder::Press { port, key, millis } => self.press(port, key, millis, now),
            MediaOrder::EndRelay { port } => {
                if let Some(place) = self.by_port.remove(&port) {
                    self.report(place, now, true);
                    self.unlink(place);
                    self.playing.retain(|&playing| playing != place);
                    // Closing a socket takes it out of the epoll.
                    self.channels[place] = None;
                    self.free.push(place);
                    if self.by_port.is_empty() {
                        // Nothing will wake us to tell it.
                        self.listener.passed(&std::mem::take(&mut self.passed));
                    }
                }
            }
            // The worker's.
            MediaOrder::Open { .. }
            | MediaOrder::Redirect { .. }
            | MediaOrder::Reports { .. }
            | MediaOrder::Play { .. }
            | MediaOrder::Say { .. }
            | MediaOrder::Watch { .. }
            | MediaOrder::Close { .. } => {}
        }
    }

    /// Plays a key to whoever hears the party of this port.
    fn press(&mut self, port: u16, key: u8, millis: u16, now: Duration) {
        let Some(&place) = self.by_port.get(&port) else { return };
        let keys = self.channels[place].as_mut().and_then(|channel| channel.keys.as_mut());
        let (Some(keys), Some(digit)) = (keys, Digit::of_char(key.into())) else { return };
        if !keys.play(digit, millis) {
            self.passed.discarded.count(Discard::Flood);
        }
        if self.playing.is_empty() {
            self.beat = now;
        }
        if !self.playing.contains(&place) {
            self.playing.push(place);
        }
    }

    fn open(&mut self, at: IpAddr, port: u16, peer: Option<Far>, form: Form, now: Duration) -> io::Result<()> {
        if let Some(channel) = self.by_port.get(&port).and_then(|&place| self.channels[place].as_mut()) {
            channel.says(peer, form);
            return Ok(());
        }
        let mut channel = Channel::open(at, port)?;
        channel.says(peer, form);
        let place = self.free.last().copied().unwrap_or(self.channels.len());
        for (half, bit) in [(Half::Rtp, 0), (Half::Rtcp, RTCP)] {
            let key = place as u64 | bit;
            self.epoll.add(channel.socket(half), EpollEvent::new(EpollFlags::EPOLLIN, key))?;
        }
        if self.by_port.is_empty() {
            self.looked = now;
        }
        if self.free.pop().is_none() {
            self.channels.push(None);
        }
        self.channels[place] = Some(channel);
        self.by_port.insert(port, place);
        Ok(())
    }

    /// Links two ports; if they are linked already nothing changes.
    fn link(&mut self, one: u16, other: u16, now: Duration) {
        let (Some(&one), Some(&other)) = (self.by_port.get(&one), self.by_port.get(&other)) else { return };
        let linked =
            |place: usize| self.channels[place].as_ref().and_then(|channel| channel.link).map(|link| link.other);
        if linked(one) == Some(other) {
            return;
        }
        for (place, other) in [(one, other), (other, one)] {
            self.unlink(place);
            if let Some(channel) = &mut self.channels[place] {
                channel.link = Some(Link { other, since: now, heard: 0, answered: 0, missed: false });
                channel.sent = now;
                if let Some(keys) = &mut channel.keys {
                    keys.forget();
                }
            }
        }
    }

    fn unlink(&mut self, place: usize) {
        let Some(link) = self.channels[place].as_mut().and_then(|channel| channel.link.take()) else { return };
        if let Some(Some(other)) = self.channels.get_mut(link.other)
            && other.link.is_some_and(|back| back.other == place)
        {
            other.link = None;
        }
    }

    /// Tells how well a party's stream comes in, if it is time for that.
    fn report(&mut self, place: usize, now: Duration, last: bool) {
        let told = self.channels[place].as_mut().and_then(|channel| channel.tells(now, last));
        if let Some((losses, quality)) = told {
            self.passed.losses.add(losses);
            self.listener.reported(&quality);
        }
    }

    /// Looks for those who should be heard and are not, and tells what was passed on.
    fn look(&mut self, now: Duration) {
        for place in 0..self.channels.len() {
            self.report(place, now, false);
            let Some(channel) = &mut self.channels[place] else { continue };
            channel.keeps_open(now);
            let port = channel.port;
            if let Some(keys) = &mut channel.keys {
                keys.look(now, |key, millis| self.listener.event(pressed(port, key, millis)));
            }
            let Some(link) = channel.link.filter(|link| !link.missed) else { continue };
            let silent = now - if link.heard == 0 { link.since } else { channel.came };
            let patience = if link.heard == 0 { SILENCE } else { LOST };
            let Some(other) = self.channels[link.other].as_ref().and_then(|other| other.link) else { continue };
            let Some(link) = self.channels[place].as_mut().and_then(|channel| channel.link.as_mut()) else { continue };
            if silent < LOOK {
                link.answered = other.heard;
            }
            if silent >= patience && other.heard - link.answered >= SPEECH {
                link.missed = true;
                self.listener.event(MediaEvent::OneWay { port });
            }
        }
        self.listener.passed(&std::mem::take(&mut self.passed));
    }
}

fn pressed(port: u16, key: Digit, millis: u16) -> MediaEvent {
    MediaEvent::Pressed { port, key: key.as_char() as u8, millis }
}

fn half_of(key: u64) -> Half {
    if key & RTCP == 0 { Half::Rtp } else { Half::Rtcp }
}

#[cfg(test)]
mod tests;
