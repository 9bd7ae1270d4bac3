//! The loop: one thread that owns the engine, its sockets and its deadline.
//!
//! ```text
//! wait (datagram, deadline, another thread; on the beat when traffic is steady)
//!   └► what other threads ask ─► datagrams, batch by batch ─► the deadline ─► send, hand on ─► wait
//! ```
//! Under [strain](super::triage) new calls come last, as many as there is time for; some of the rest are told to ask again.
use super::beat::Beat;
use super::clock::Clock;
use super::inbox::{Ask, Inbox};
use super::outlet::Outlet;
use super::tcp::{FromStream, News as StreamNews, Streams};
use super::triage::{Favoured, Pair, Strain};
use super::udp::{BATCH, Intake, Memory, Taken};
use crate::report::{NetCounters, Report, SendError};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use switchyard_engine::counters::{Shed, Snapshot};
use switchyard_engine::keep::{Kept, Restored};
use switchyard_engine::session::News;
use switchyard_engine::settings::Settings;
use switchyard_engine::wire::media::MediaOrder;
use switchyard_engine::{Command, Engine, Flow, Input, Output, Time};

/// Batches taken from one socket before the others, other threads and deadlines have their turn.
const BATCHES: usize = 8;
/// Under strain: new calls refused for each batch of them that is taken. To refuse one costs some four tenths of a call, so
/// that this leaves nineteen twentieths of the time to those that are taken.
const REFUSED: usize = 8;
/// Turns after which sockets are looked at that should be empty.
const LOOK_ASIDE: u32 = 256;
/// And what other threads ask, before the sockets have theirs.
const ASKS: usize = 512;
/// How long a stop waits for calls to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// What the loop drives: the engine, or in tests something simpler.
pub trait Machine {
    /// Takes one input.
    fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Output);
    /// When it wants to be called at the latest.
    fn deadline(&self) -> Option<Time>;
    /// Whether this connection is not to be closed for being quiet.
    fn needs(&self, flow: Flow, peer: SocketAddr) -> bool;
    /// Whether a trunk is at its far side.
    fn is_trunk(&self, flow: Flow, peer: SocketAddr) -> bool;
    /// How it stands.
    fn snapshot(&self, now: Time) -> Snapshot;
    /// Whether no call is up.
    fn is_idle(&self) -> bool;
}

impl Machine for Engine {
    fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Output) {
        Self::handle(self, now, input, out);
    }

    fn deadline(&self) -> Option<Time> {
        Self::deadline(self)
    }

    fn needs(&self, flow: Flow, peer: SocketAddr) -> bool {
        Self::needs(self, flow, peer)
    }

    fn is_trunk(&self, flow: Flow, peer: SocketAddr) -> bool {
        Self::is_trunk(self, flow, peer)
    }

    fn snapshot(&self, now: Time) -> Snapshot {
        Self::snapshot(self, now)
    }

    fn is_idle(&self) -> bool {
        Self::is_idle(self)
    }
}

/// Where the loop hands on what is not a datagram. Nothing here may block.
pub trait Outlets {
    /// An order for the media thread.
    fn media(&mut self, order: MediaOrder);
    /// Something happened.
    fn news(&mut self, news: &News);
    /// The settings are about to change.
    fn reloaded(&mut self, settings: &Settings);
    /// Something must outlive the process.
    fn keep(&mut self, kept: Kept);
    /// A deadline was met this late.
    fn lag(&mut self, late: Duration);
}

/// What there is for one flow.
#[derive(Debug)]
pub enum Port {
    /// Sockets that the loop itself reads.
    Datagrams(Pair),
    /// Connections, which have a thread of their own.
    Streams,
}

/// What is taken from a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// Everything, or under strain everything but new calls.
    First,
    /// New calls.
    Calls,
    /// New calls in excess of what there is time for.
    Refused,
}

/// The loop.
pub struct Reactor<M, O> {
    machine: M,
    outlets: O,
    clock: Clock,
    inbox: Inbox,
    /// For each port, one for each [`Share`].
    intakes: Vec<[Intake; 3]>,
    memory: Memory,
    outlet: Outlet,
    streams: Streams,
    out: Output,
    counters: NetCounters,
    beat: Beat,
    strain: Strain,
    /// More waited than the last turn took.
    behind: bool,
    /// New calls may have been put aside.
    aside: bool,
    turns: u32,
    favoured: Favoured,
    /// What an earlier process kept; the machine's first input.
    restored: Vec<Restored>,
    /// Set by a stop: when it is over at the latest.
    stop: Option<Time>,
}

impl<M: Machine, O: Outlets> Reactor<M, O> {
    /// A loop that is not running yet.
    pub fn new(machine: M, outlets: O, clock: Clock, inbox: Inbox, streams: Streams) -> Self {
        Self {
            machine,
            outlets,
            clock,
            inbox,
            intakes: Vec::new(),
            memory: Memory::new(),
            outlet: Outlet::new(),
            streams,
            out: Output::default(),
            counters: NetCounters::default(),
            beat: Beat::default(),
            strain: Strain::default(),
            behind: false,
            // Before the kernel was told what goes where, anything could go there.
            aside: true,
            turns: 0,
            favoured: Favoured::default(),
            restored: Vec::new(),
            stop: None,
        }
    }

    /// Calls to these numbers go before other new calls.
    #[must_use]
    pub fn favouring(self, favoured: Favoured) -> Self {
        Self { favoured, ..self }
    }

    /// Begins with what an earlier process kept.
    #[must_use]
    pub fn restoring(self, restored: Vec<Restored>) -> Self {
        Self { restored, ..self }
    }

    /// Runs until it is told to stop; a port's place is its flow.
    ///
    /// # Errors
    /// The system refuses to wait on the sockets.
    pub fn run(mut self, ports: &[Port]) -> std::io::Result<()> {
        self.intakes.resize_with(ports.len(), || std::array::from_fn(|_| Intake::new()));
        let wake = self.inbox.wake();
        let mut polled: Vec<PollFd<'_>> = vec![PollFd::new(wake.as_fd(), PollFlags::POLLIN)];
        let all = pairs(ports).flat_map(|(_, pair)| [&pair.first, &pair.calls]);
        polled.extend(all.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)));
        if !self.restored.is_empty() {
            let restored = Input::Restored(std::mem::take(&mut self.restored));
            guarded(&mut self.machine, self.clock.now(), restored, &mut self.out);
            self.flush(ports);
        }
        let mut arrived = 0;
        while !self.is_over() {
            let gather = if arrived > 0 && !self.behind { self.beat.gather_until() } else { None };
            let asked = self.wait(&mut polled, gather)?;
            arrived = self.turn(ports, asked);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stop.is_some_and(|limit| self.machine.is_idle() || self.clock.now() >= limit)
    }

    /// Sleeps until there is something to do; whether another thread asks for it. While datagrams gather, only those wake
    /// the loop early.
    fn wait(&mut self, polled: &mut [PollFd<'_>], gather: Option<Time>) -> std::io::Result<bool> {
        let until = [gather, self.machine.deadline(), self.stop].into_iter().flatten().min();
        let timeout = until.map(|until| TimeSpec::from_duration(until.since(self.clock.now())));
        let polled = if gather.is_some() { &mut polled[..1] } else { polled };
        match ppoll(polled, timeout, None) {
            Ok(ready) => {
                self.counters.wakeups += 1;
                let wake = polled.first().and_then(PollFd::any);
                Ok(ready > 0 && wake.unwrap_or(true))
            }
            Err(Errno::EINTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what there is to do, and says how many datagrams there were.
    fn turn(&mut self, ports: &[Port], asked: bool) -> usize {
        if asked {
            self.take_asks(ports);
        }
        let (mut arrived, mut behind) = (0, false);
        for (place, pair) in pairs(ports) {
            let mut last = Taken::default();
            for _ in 0..BATCHES {
                last = self.take_batch(place, pair, Share::First);
                self.flush(ports);
                arrived += last.count;
                if !last.full {
                    break;
                }
            }
            behind |= last.full;
        }
        // Broadcasts come to every socket, whatever the kernel was told; nothing is left there for long.
        self.turns = self.turns.wrapping_add(1);
        if self.aside || self.turns.is_multiple_of(LOOK_ASIDE) {
            let (calls, more) = if behind { (self.refuse_calls(ports), true) } else { self.take_calls(ports) };
            (arrived, behind) = (arrived + calls, more);
            self.aside = self.strain.is_on() || calls > 0;
        }
        self.watch_strain(ports, behind);
        let now = self.clock.now();
        if arrived > 0 {
            self.beat.arrived(now);
        }
        if let Some(deadline) = self.machine.deadline().filter(|deadline| *deadline <= now) {
            self.outlets.lag(now.since(deadline));
            guarded(&mut self.machine, now, Input::Expired, &mut self.out);
            self.flush(ports);
        }
        arrived
    }

    /// New calls that were put aside, when all else has been heard: how many, and whether there are more.
    fn take_calls(&mut self, ports: &[Port]) -> (usize, bool) {
        let (mut arrived, mut more) = (0, false);
        for (place, pair) in pairs(ports) {
            let taken = self.take_batch(place, pair, Share::Calls);
            self.flush(ports);
            arrived += taken.count;
            more |= taken.full;
            if taken.full && self.strain.is_crowded(self.clock.now()) {
                arrived += self.take_batch(place, pair, Share::Refused).count;
                self.flush(ports);
            }
        }
        self.strain.looked_at_calls(self.clock.now(), more);
        (arrived, more)
    }

    /// There is no time for new calls at all. When that lasts a few are told so in every turn, so that none waits until its
    /// caller has gone.
    fn refuse_calls(&mut self, ports: &[Port]) -> usize {
        let (now, mut arrived) = (self.clock.now(), 0);
        self.strain.looked_at_calls(now, true);
        if !self.strain.is_crowded(now) {
            return arrived;
        }
        for (place, pair) in pairs(ports) {
            arrived += self.take_batch(place, pair, Share::Refused).count;
            self.flush(ports);
        }
        arrived
    }

    /// Has the kernel put new calls aside when the loop falls behind, and no longer when it keeps up.
    fn watch_strain(&mut self, ports: &[Port], behind: bool) {
        self.behind = behind;
        if !self.strain.looked(self.clock.now(), behind) {
            return;
        }
        self.aside = true;
        self.part(ports);
        if self.strain.is_on() {
            self.counters.strains += 1;
            tracing::warn!("more comes in than can be answered: new calls come last");
        } else {
            tracing::info!("the loop keeps up again");
        }
    }

    /// Tells the kernel what goes where.
    fn part(&self, ports: &[Port]) {
        let favoured = self.strain.is_on().then_some(&self.favoured);
        for (_, pair) in pairs(ports) {
            if let Err(error) = pair.part(favoured) {
                tracing::warn!(%error, "the kernel does not put new calls aside, or goes on doing so");
            }
        }
    }

    fn take_asks(&mut self, ports: &[Port]) {
        self.inbox.rearm();
        for taken in 1.. {
            let Some(ask) = self.inbox.take() else { break };
            let now = self.clock.now();
            match ask {
                Ask::Command(command) => {
                    if command == Command::Stop {
                        self.stop = Some(now + FAREWELL);
                    }
                    guarded(&mut self.machine, now, Input::Command(command), &mut self.out);
                }
                Ask::Media(event) => guarded(&mut self.machine, now, Input::Media(event), &mut self.out),
                Ask::Reload(settings, applied) => {
                    self.outlets.reloaded(&settings);
                    self.favoured = Favoured::of(&settings);
                    self.part(ports);
                    guarded(&mut self.machine, now, Input::Reload(settings), &mut self.out);
                    // Whoever asked may have ended meanwhile.
                    let _ = applied.send(());
                }
                Ask::Stream(told) => {
                    self.take_from_stream(now, told, ports);
                    // What many connections bring goes out by the batch.
                    if taken % BATCH != 0 && self.inbox.depth() > 0 {
                        continue;
                    }
                }
                Ask::Report(reply) => {
                    let mut snapshot = self.machine.snapshot(now);
                    snapshot.counters.shed.add(Shed::Queue, (), self.inbox.refused());
                    self.counters.connections = self.streams.open();
                    self.counters.connection_ends = self.streams.ends();
                    let report = Report { snapshot, net: self.counters.clone(), queued: self.inbox.depth() };
                    // Whoever asked may have given up waiting.
                    let _ = reply.send(report);
                }
            }
            self.flush(ports);
            if taken >= ASKS {
                self.inbox.again();
                break;
            }
        }
        self.flush(ports);
    }

    fn take_from_stream(&mut self, now: Time, told: FromStream, ports: &[Port]) {
        if told.is_last() {
            // What came before it is answered while there is nobody to be mistaken for it.
            self.flush(ports);
        }
        let (machine, out) = (&mut self.machine, &mut self.out);
        let mut garbled = None;
        self.streams.hear(told, |streams, flow, peer, news| match news {
            StreamNews::Message(bytes) => {
                guarded(machine, now, Input::Datagram { flow, source: peer, bytes: &bytes }, out);
            }
            StreamNews::Garbled(bytes, mistake) => {
                guarded(machine, now, Input::Garbled { flow, source: peer, bytes: &bytes, mistake }, out);
                garbled = Some((flow, peer));
            }
            StreamNews::Quiet if machine.needs(flow, peer) => {}
            StreamNews::Quiet => streams.close(flow, peer),
            StreamNews::Closed => guarded(machine, now, Input::Closed { flow, peer }, out),
        });
        if let Some((flow, peer)) = garbled {
            // The answer first.
            self.flush(ports);
            self.streams.close(flow, peer);
        }
    }

    /// Takes a batch at the most.
    fn take_batch(&mut self, place: usize, pair: &Pair, share: Share) -> Taken {
        let Self { machine, out, memory, counters, intakes, clock, .. } = self;
        let Some(([first, calls, refused], flow)) = intakes.get_mut(place).zip(u16::try_from(place).ok().map(Flow))
        else {
            return Taken::default();
        };
        let (intake, socket, most) = match share {
            Share::First => (first, &pair.first, BATCH),
            Share::Calls => (calls, &pair.calls, BATCH),
            Share::Refused => (refused, &pair.calls, REFUSED),
        };
        let now = clock.now();
        let received = intake.receive(socket, memory, most, |source, bytes| {
            let input = match share {
                Share::First | Share::Calls => Input::Datagram { flow, source, bytes },
                Share::Refused => Input::Excess { flow, source, bytes },
            };
            guarded(machine, now, input, out);
        });
        counters.batches += u64::from(received.is_ok_and(|taken| taken.count > 0));
        received.unwrap_or_else(|error| {
            // An error that waited on the socket is gone once it was read.
            tracing::debug!(%error, place, "receiving failed");
            counters.receive_errors += 1;
            Taken::default()
        })
    }

    fn flush(&mut self, ports: &[Port]) {
        let Self { out, counters, outlet, streams, machine, .. } = self;
        for run in out.datagrams.chunk_by(|a, b| a.flow == b.flow) {
            match run.first().and_then(|first| ports.get(usize::from(first.flow.0))) {
                Some(Port::Datagrams(pair)) => outlet.send(&pair.first, out, run, counters),
                Some(Port::Streams) => {
                    for outgoing in run {
                        let is_trunk = || machine.is_trunk(outgoing.flow, outgoing.to);
                        if streams.send(outgoing.flow, outgoing.to, out.message(outgoing), is_trunk).is_err() {
                            counters.send_errors.up(SendError::Full);
                        }
                    }
                }
                None => counters.send_errors.add(SendError::Other, (), run.len() as u64),
            }
        }
        self.out.media.drain(..).for_each(|order| self.outlets.media(order));
        self.out.news.iter().for_each(|news| self.outlets.news(news));
        self.out.kept.drain(..).for_each(|kept| self.outlets.keep(kept));
        self.out.clear();
    }
}

/// The sockets that the loop itself reads, with their flows.
fn pairs(ports: &[Port]) -> impl Iterator<Item = (usize, &Pair)> {
    ports.iter().enumerate().filter_map(|(place, port)| match port {
        Port::Datagrams(pair) => Some((place, pair)),
        Port::Streams => None,
    })
}

/// Hands an input to the machine. If it panics, what it had put out for this input is thrown away and it is told so; the
/// panic hook has logged the rest.
fn guarded<M: Machine>(machine: &mut M, now: Time, input: Input<'_>, out: &mut Output) {
    let mark = (out.bytes.len(), out.datagrams.len(), out.media.len(), out.news.len(), out.kept.len());
    for input in [input, Input::Panicked] {
        if catch_unwind(AssertUnwindSafe(|| machine.handle(now, input, out))).is_ok() {
            return;
        }
        out.bytes.truncate(mark.0);
        out.datagrams.truncate(mark.1);
        out.media.truncate(mark.2);
        out.news.truncate(mark.3);
        out.kept.truncate(mark.4);
    }
    tracing::error!("ending the call of an input that panicked panicked too");
}
