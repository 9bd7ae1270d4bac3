//! What it costs to play music to many, and how evenly it is played: the media worker beside a bare loop that sends the same packets to
//! the same places from one socket, with `sendmmsg`. In turn, some seconds each, several rounds.
//!
//! A few of the listeners are phones with a clock: the kernel notes when each packet came. The others are sockets that nobody reads.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use nix::cmsg_space;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmsg, sendmmsg, setsockopt, sockopt,
};
use nix::sys::time::{TimeSpec, TimeValLike};
use std::error::Error;
use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use switchyard::config::Music;
use switchyard::media::{Listener, Prompts, worker};
use switchyard::report::Played;
use switchyard_engine::settings::Codec;
use switchyard_engine::wire::media::{MediaEvent, MediaOrder, Voice};

const BEAT: Duration = Duration::from_millis(20);
const HEAD: usize = 12;
const PACKET: usize = HEAD + 160;
const ROUNDS: usize = 3;
/// Phones with a clock. Their sockets hold what comes in a turn.
const PHONES: usize = 20;
const TURN: Duration = Duration::from_secs(4);
/// What the kernel takes at once.
const AT_ONCE: usize = 1_024;
/// Apart from every server and every other test on this machine, whose ports these might be.
const AT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 50, 20, 1));
const FIRST_PORT: u16 = 10_000;

/// What a turn came to.
struct Outcome {
    /// CPU milliseconds a second for 1 000 listeners.
    cost: f64,
    /// How far from 20 ms two packets in a row were apart: the median, and 99 of 100 were nearer. Milliseconds.
    pacing: [f64; 2],
}

fn main() -> Result<(), Box<dyn Error>> {
    let listeners = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(2_000);
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let (mut ratios, mut behind) = (Vec::new(), Vec::new());
    println!("{listeners} listeners; CPU per 1 000 of them in ms a second; pacing error in ms");
    for _ in 0..ROUNDS {
        let ground = Ground::new(listeners)?;
        let bare = ground.outcome(bare_loop)?;
        let ground = Ground::new(listeners)?;
        let worker = ground.outcome(media_worker)?;
        for (name, Outcome { cost, pacing: [median, most] }) in [("bare loop", &bare), ("worker", &worker)] {
            println!("{name:>9}: CPU {cost:6.2}   pacing p50 {median:6.3}  p99 {most:6.3}");
        }
        ratios.push(worker.cost / bare.cost);
        behind.push(worker.pacing[1] - bare.pacing[1]);
    }
    let [ratio, behind] = [ratios, behind].map(|mut values| {
        values.sort_by(f64::total_cmp);
        values[ROUNDS / 2]
    });
    println!(
        "worker to bare loop, median of {ROUNDS}: CPU {ratio:.2} (goal 1.5), pacing p99 {behind:+.3} ms (goal +1)"
    );
    Ok(())
}

/// Where the packets go.
struct Ground {
    phones: Vec<UdpSocket>,
    /// Never read: what does not fit is dropped by the kernel.
    _well: UdpSocket,
    /// Of all listeners; the phones are spread among them.
    addresses: Vec<SocketAddr>,
}

/// Plays to these for a turn; tells the CPU time of each beat since the first one to all, and the beats.
type Play = fn(&[SocketAddr]) -> Result<(Duration, u32), Box<dyn Error>>;

impl Ground {
    fn new(listeners: usize) -> Result<Self, Box<dyn Error>> {
        let phones = (0..PHONES).map(|_| UdpSocket::bind((AT, 0))).collect::<Result<Vec<_>, _>>()?;
        for phone in &phones {
            phone.set_nonblocking(true)?;
            setsockopt(phone, sockopt::ReceiveTimestampns, &true)?;
            setsockopt(phone, sockopt::RcvBuf, &(1 << 20))?;
        }
        let well = UdpSocket::bind((AT, 0))?;
        let every = (listeners / PHONES).max(1);
        let address = |n: usize| match phones.get(n / every).filter(|_| n.is_multiple_of(every)) {
            Some(phone) => phone.local_addr(),
            None => well.local_addr(),
        };
        let addresses = (0..listeners).map(address).collect::<Result<_, _>>()?;
        Ok(Self { phones, _well: well, addresses })
    }

    fn outcome(&self, play: Play) -> Result<Outcome, Box<dyn Error>> {
        let (cpu, beats) = play(&self.addresses)?;
        let seconds = BEAT.as_secs_f64() * f64::from(beats);
        let cost = cpu.as_secs_f64() * 1e3 / seconds / self.addresses.len() as f64 * 1e3;
        let mut errors = Vec::new();
        for phone in &self.phones {
            let times = arrivals(phone)?;
            errors.extend(times.windows(2).map(|pair| (pair[1] - pair[0] - BEAT.as_secs_f64() * 1e3).abs()));
        }
        errors.sort_by(f64::total_cmp);
        let share = |percent: usize| errors.get(errors.len() * percent / 100).copied().unwrap_or(f64::NAN);
        Ok(Outcome { cost, pacing: [share(50), share(99)] })
    }
}

/// When packets came to a phone, in milliseconds.
fn arrivals(phone: &UdpSocket) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut times = Vec::new();
    let (mut packet, mut control) = ([0; PACKET], cmsg_space!(TimeSpec));
    loop {
        let mut slices = [IoSliceMut::new(&mut packet)];
        match recvmsg::<()>(phone.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty()) {
            Ok(message) => {
                for noted in message.cmsgs()? {
                    if let ControlMessageOwned::ScmTimestampns(time) = noted {
                        times.push(time.num_nanoseconds() as f64 / 1e6);
                    }
                }
            }
            Err(nix::errno::Errno::EAGAIN) => return Ok(times),
            Err(error) => return Err(error.into()),
        }
    }
}

/// CPU time of this thread.
fn used() -> Result<Duration, nix::Error> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    Ok(Duration::from_micros((usage.user_time() + usage.system_time()).num_microseconds().unsigned_abs()))
}

/// The least that sends a packet to each on each beat.
fn bare_loop(addresses: &[SocketAddr]) -> Result<(Duration, u32), Box<dyn Error>> {
    let socket = UdpSocket::bind((AT, 0))?;
    let to: Vec<Option<SockaddrStorage>> = addresses.iter().map(|address| Some((*address).into())).collect();
    let mut packets = vec![[0x80; PACKET]; addresses.len()];
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(AT_ONCE, None);
    let (began, begin, mut next) = (used()?, Instant::now(), Instant::now());
    let mut beats = 0u32;
    while begin.elapsed() < TURN {
        for packet in &mut packets {
            packet[2..4].copy_from_slice(&(beats as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(beats * 160).to_be_bytes());
        }
        for (packets, to) in packets.chunks(AT_ONCE).zip(to.chunks(AT_ONCE)) {
            let slices: Vec<[IoSlice<'_>; 1]> = packets.iter().map(|packet| [IoSlice::new(packet)]).collect();
            sendmmsg(socket.as_raw_fd(), &mut headers, &slices, to, [], MsgFlags::empty())?;
        }
        beats += 1;
        next += BEAT;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok((used()?.saturating_sub(began), beats))
}

/// Tells the CPU time after each beat to all.
struct Meter {
    listeners: u64,
    beats: Sender<Duration>,
}

impl Listener for Meter {
    fn event(&mut self, event: MediaEvent) {
        // Whoever waits for the beats learns that there are no more.
        panic!("a port is taken: {event:?}");
    }

    fn played(&mut self, played: &Played) {
        if played.sent.packets == self.listeners
            && let Ok(used) = used()
        {
            // Nobody asks any more at the end.
            let _ = self.beats.send(used);
        }
    }
}

/// The server's.
fn media_worker(addresses: &[SocketAddr]) -> Result<(Duration, u32), Box<dyn Error>> {
    let (beats, times): (_, Receiver<Duration>) = channel();
    let (tunes, _) = switchyard::music::load(&[Music::BuiltIn]);
    let (orders, worker) = worker(tunes, Prompts::default(), Meter { listeners: addresses.len() as u64, beats })?;
    let thread = thread::spawn(move || worker.run());
    for (peer, n) in addresses.iter().zip(0..) {
        let port = FIRST_PORT + 2 * n;
        let voice = Voice::of(if n % 2 == 0 { Codec::Pcmu } else { Codec::Pcma });
        orders.put(MediaOrder::Open { at: AT, port, peer: Some(*peer), voice, events: None });
    }
    let first = times.recv()?;
    let begin = Instant::now();
    let (mut last, mut count) = (first, 0);
    while begin.elapsed() < TURN {
        last = times.recv()?;
        count += 1;
    }
    drop(orders);
    thread.join().map_err(|_| "the worker panicked")??;
    Ok((last.saturating_sub(first), count))
}
