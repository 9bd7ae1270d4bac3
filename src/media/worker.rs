//! One thread for all ports: on a beat of 20 ms it sends what every port that has a peer is to play, and drops what arrived.
use super::arrival::Half;
use super::beat::Beats;
use super::orders::Orders;
use super::pieces::Pieces;
use super::playing::Playing;
use super::port::{Port, Told};
use super::prompt::Prompts;
use super::reports::Quality;
use super::tune::Tune;
use crate::report::Played;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;
use nix::sys::time::TimeSpec;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};
use switchyard_engine::settings::Codec;
use switchyard_engine::wire::media::{MediaEvent, MediaOrder, Voice};

/// In an epoll key: the RTCP socket of the port whose number stands below.
const RTCP: u64 = 1 << 16;

/// Where the worker tells what happens.
pub trait Listener {
    /// Something that the engine must know.
    fn event(&mut self, event: MediaEvent);
    /// A beat with ports open is over.
    fn played(&mut self, played: &Played);
    /// A report tells of the way between a port and its peer.
    fn reported(&mut self, _quality: &Quality) {}
}

/// The worker, not running yet.
pub struct Worker<L> {
    orders: Receiver<MediaOrder>,
    wake: Arc<EventFd>,
    /// Tells which sockets something has arrived at; asked once a beat.
    epoll: Epoll,
    listener: L,
    pieces: Pieces,
    prompts: Prompts,
    /// The codecs that all of that is being encoded in, or has been.
    prepared: Vec<Codec>,
    /// In the order in which most were opened, as the kernel has their sockets: on a beat that is quicker than any other.
    ports: BTreeMap<u16, Port>,
    beats: Beats,
    begin: Instant,
    /// What is known of ports that were closed since the last beat.
    ended: Played,
}

/// What there is in the queue of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    /// Nothing now.
    Empty,
    /// More; a beat comes first.
    More,
    /// Nothing any more.
    Ended,
}

/// A worker that plays `music`, by its number, says what is ordered with `prompts`, and reports to `listener`.
///
/// # Errors
/// The system has no epoll or eventfd left.
pub fn worker<L: Listener>(music: Vec<Tune>, prompts: Prompts, listener: L) -> io::Result<(Orders, Worker<L>)> {
    let (queue, orders, wake) = Orders::queue()?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let begin = Instant::now();
    let pieces = Pieces::new(music);
    let (ports, beats) = (BTreeMap::new(), Beats::new(begin));
    // Tunes have these from the start.
    let (prepared, ended) = (vec![Codec::Pcmu, Codec::Pcma], Played::default());
    let worker = Worker { orders, wake, epoll, listener, pieces, prompts, prepared, ports, beats, begin, ended };
    Ok((queue, worker))
}

impl<L: Listener> Worker<L> {
    /// Works until nobody can give orders any more.
    ///
    /// # Errors
    /// The system refuses to wait.
    pub fn run(mut self) -> io::Result<()> {
        let mut queue = Queue::Empty;
        loop {
            if queue == Queue::Empty {
                self.sleep()?;
            }
            queue = self.take_orders();
            if queue == Queue::Ended {
                return Ok(());
            }
            self.beat(Instant::now())?;
        }
    }

    /// Waits for an order or the next beat. What arrives at ports wakes nobody: it can wait for the beat.
    fn sleep(&self) -> io::Result<()> {
        let left = self.beats.next().saturating_duration_since(Instant::now());
        // Without ports there is nothing to do on a beat.
        let timeout = (!self.ports.is_empty()).then(|| TimeSpec::from_duration(left));
        match ppoll(&mut [PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)], timeout, None) {
            Ok(_) | Err(Errno::EINTR) => {
                // Fails when nobody has written, and then there is nothing to undo.
                let _ = self.wake.read();
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Does what was ordered, until a beat is due.
    fn take_orders(&mut self) -> Queue {
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.obey(order),
                Err(TryRecvError::Empty) => return Queue::Empty,
                Err(TryRecvError::Disconnected) => return Queue::Ended,
            }
            if !self.ports.is_empty() && self.beats.next() <= Instant::now() {
                return Queue::More;
            }
        }
    }

    fn obey(&mut self, order: MediaOrder) {
        match order {
            MediaOrder::Open { at, port, peer, voice, events } => {
                self.prepare(voice.codec);
                if let Err(error) = self.open(at, port, peer, (voice, events)) {
                    tracing::warn!(%at, port, %error, "an RTP port cannot be bound");
                    self.listener.event(MediaEvent::Failed { port });
                }
            }
            MediaOrder::Redirect { port, peer, voice, events } => {
                self.prepare(voice.codec);
                if let Some(open) = self.ports.get_mut(&port)
                    && let Some(quality) = open.redirect(peer, (voice, events), &mut self.ended)
                {
                    self.listener.reported(&quality);
                }
            }
            MediaOrder::Reports { port, at } => {
                if let Some(open) = self.ports.get_mut(&port) {
                    open.reports_at(at);
                }
            }
            MediaOrder::Play { port, sound } => self.will_play(port, Playing::endless(sound)),
            MediaOrder::Say { port, ticket, announcement, then } => {
                let speech = self.prompts.speech(&announcement);
                self.will_play(port, Playing::speech(speech, ticket, then));
            }
            MediaOrder::Watch { port, silence } => {
                let now = self.begin.elapsed();
                if let Some(open) = self.ports.get_mut(&port) {
                    open.watch(silence, now);
                }
            }
            MediaOrder::Close { port } => {
                // Closing a socket takes it out of the epoll.
                if let Some(mut closed) = self.ports.remove(&port)
                    && let Some(quality) = closed.bye(&mut self.ended)
                {
                    self.listener.reported(&quality);
                }
            }
            // Another thread's.
            MediaOrder::Relay { .. }
            | MediaOrder::Link { .. }
            | MediaOrder::Keys { .. }
            | MediaOrder::Press { .. }
            | MediaOrder::EndRelay { .. } => {}
        }
    }

    /// Somebody speaks this codec: has everything encoded in it, prompts first, if nobody did so before. It takes a thread
    /// of its own a moment, in which the music is silent for who speaks it, and prompts wait.
    fn prepare(&mut self, codec: Codec) {
        if self.prepared.contains(&codec) {
            return;
        }
        let tunes: Vec<Tune> = self.prompts.tunes().chain(self.pieces.tunes()).cloned().collect();
        let encode = move || {
            tunes.iter().for_each(|tune| tune.encode(codec));
            tracing::info!(codec = codec.as_str(), "music and prompts can be heard");
        };
        match std::thread::Builder::new().name(codec.as_str().into()).spawn(encode) {
            Ok(_) => self.prepared.push(codec),
            Err(error) => tracing::warn!(%error, codec = codec.as_str(), "nothing can be encoded: it is tried again"),
        }
    }

    fn will_play(&mut self, port: u16, playing: Playing) {
        if let Some(open) = self.ports.get_mut(&port) {
            open.will_play(playing);
        }
    }

    fn open(&mut self, at: IpAddr, port: u16, peer: Option<SocketAddr>, voice: (Voice, Option<u8>)) -> io::Result<()> {
        // A port ordered open again starts afresh.
        self.ports.remove(&port);
        let open = Port::open(at, port, peer, voice)?;
        for (half, socket) in open.halves() {
            let key = match half {
                Half::Rtp => u64::from(port),
                Half::Rtcp => u64::from(port) | RTCP,
            };
            self.epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, key))?;
        }
        if self.ports.is_empty() {
            self.beats.rested(Instant::now());
        }
        self.ports.insert(port, open);
        Ok(())
    }

    /// If it is time: plays to all ports, and then drops what arrived at them.
    fn beat(&mut self, now: Instant) -> io::Result<()> {
        if self.ports.is_empty() {
            return Ok(());
        }
        let Some(due) = self.beats.due(now) else { return Ok(()) };
        let mut played = Played { late: due.late, ..std::mem::take(&mut self.ended) };
        let now = now.saturating_duration_since(self.begin);
        for (&number, port) in &mut self.ports {
            if let Some(ticket) = port.play(due.beat, &mut self.pieces, &mut played.sent) {
                self.listener.event(MediaEvent::Played { port: number, ticket });
            }
            if port.is_silent(now) {
                self.listener.event(MediaEvent::Silent { port: number });
            }
            if let Some(quality) = port.report(now, &mut played) {
                self.listener.reported(&quality);
            }
        }
        self.drain(now, &mut played)?;
        self.listener.played(&played);
        Ok(())
    }

    /// Empties every socket that something has arrived at.
    fn drain(&mut self, now: Duration, played: &mut Played) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 256];
        // The kernel tells of those first that it has not told of; a socket that never empties is not waited for.
        for _ in 0..=2 * self.ports.len() / events.len() {
            let count = match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                let half = if event.data() & RTCP == 0 { Half::Rtp } else { Half::Rtcp };
                // The port's number stands in the lowest 16 bits.
                let number = event.data() as u16;
                if let Some(port) = self.ports.get_mut(&number) {
                    let listener = &mut self.listener;
                    let since = self.begin;
                    port.drain(half, (since, now), played, |told| match told {
                        Told::Quality(quality) => listener.reported(&quality),
                        Told::Key(digit) => {
                            listener.event(MediaEvent::Pressed { port: number, key: digit.as_char() as u8, millis: 0 });
                        }
                    });
                }
            }
            if count < events.len() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
