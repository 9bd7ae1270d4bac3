//! What it costs to pass a packet on: the relay beside Debian's rtpengine in user space, on the same streams. In turn, some
//! seconds each, several rounds. Each runs in a process of its own; what the kernel charged that process is what is told.
//!
//! Every call is two endpoints of this process, each with a socket of its own: each sends 172 bytes of RTP every 20 ms,
//! spread evenly over them, and takes what the other sent. rtpengine is told of the calls by its ng protocol, the relay by
//! the orders that the engine gives it.
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use switchyard::media::{Passed, RelayListener, relay};
use switchyard_engine::wire::media::{Far, Form, MediaEvent, MediaOrder};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Apart from every server and every other test on this machine.
const AT: &str = "127.60.20.1";
const FIRST_PORT: u16 = 10_000;
const LAST_PORT: u16 = 29_999;
const CONTROL: &str = "127.60.20.1:2223";
/// What endpoints send each time, and how often.
const PACKET: usize = 172;
const BEAT: Duration = Duration::from_millis(20);
/// The parts of a beat among which the endpoints are spread.
const PARTS: usize = 20;
/// Until a peer has learnt its endpoints.
const WARM_UP: Duration = Duration::from_secs(4);
const TURN: Duration = Duration::from_secs(8);
/// The kernel counts a process's time in these.
const TICK: Duration = Duration::from_millis(10);
/// How a peer is to be told that it may end, and how this program calls itself as the relay's process.
const CHILD: &str = "--child";

fn main() -> Outcome<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    if std::env::args().any(|argument| argument == CHILD) {
        return child();
    }
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (calls, rounds) = (numbers.next().unwrap_or(300), numbers.next().unwrap_or(5));
    println!("{calls} calls, {} packets a second; CPU (user + system) per packet passed on", calls * 2 * 50);
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let ours = measure(&mut Switchyard::start()?, calls)?;
        let theirs = measure(&mut RtpEngine::start()?, calls)?;
        ratios.push(ours / theirs);
        println!("round {round}: switchyard {ours:5.2} µs   rtpengine {theirs:5.2} µs   ratio {:.2}", ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    println!("switchyard to rtpengine, median of {rounds}: {:.2} (goal 1.00)", ratios[rounds / 2]);
    Ok(())
}

/// Somebody who passes packets on.
trait Peer {
    /// Two endpoints want to talk: where each is to send.
    fn connects(&mut self, call: usize, endpoints: [SocketAddr; 2]) -> Outcome<[SocketAddr; 2]>;
    /// All have been told.
    fn is_ready(&mut self) -> Outcome<()> {
        Ok(())
    }
    fn process(&self) -> u32;
}

/// The CPU microseconds of a packet that this peer passes on.
fn measure(peer: &mut dyn Peer, calls: usize) -> Outcome<f64> {
    let mut crowd = Crowd::new(calls)?;
    for (call, pair) in crowd.endpoints.chunks(2).enumerate() {
        let told = peer.connects(call, [pair[0].local_addr()?, pair[1].local_addr()?])?;
        for (endpoint, to) in pair.iter().zip(told) {
            endpoint.connect(to)?;
        }
    }
    peer.is_ready()?;
    crowd.talks(WARM_UP)?;
    let before = cpu(peer.process())?;
    let (sent, heard) = crowd.talks(TURN)?;
    let used = cpu(peer.process())?.saturating_sub(before);
    if heard * 1_000 < sent * 999 {
        return Err(format!("of {sent} packets only {heard} arrived").into());
    }
    Ok(used.as_secs_f64() * 1e6 / heard as f64)
}

/// What the kernel has charged a process so far.
fn cpu(process: u32) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(") ").ok_or("no name")?;
    let ticks: Result<Vec<u32>, _> = rest.split(' ').skip(11).take(2).map(str::parse).collect();
    Ok(TICK * ticks?.iter().sum())
}

/// All endpoints, two in a row to a call.
struct Crowd {
    endpoints: Vec<UdpSocket>,
    packet: [u8; PACKET],
    sequence: u16,
}

impl Crowd {
    fn new(calls: usize) -> Outcome<Self> {
        let endpoint = |_| {
            let socket = UdpSocket::bind((AT, 0))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let endpoints: Result<_, std::io::Error> = (0..2 * calls).map(endpoint).collect();
        let mut packet = [0xD5; PACKET];
        packet[..2].copy_from_slice(&[0x80, 8]);
        Ok(Self { endpoints: endpoints?, packet, sequence: 0 })
    }

    /// All talk for so long: packets sent, and heard.
    fn talks(&mut self, time: Duration) -> Outcome<(u64, u64)> {
        let (begin, mut part) = (Instant::now(), 0u32);
        let (mut sent, mut heard) = (0, 0);
        let share = self.endpoints.len().div_ceil(PARTS);
        while begin.elapsed() < time {
            let turn = part as usize % PARTS;
            if turn == 0 {
                self.sequence = self.sequence.wrapping_add(1);
                self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
                self.packet[4..8].copy_from_slice(&(u32::from(self.sequence) * 160).to_be_bytes());
            }
            let speakers = (turn * share..(turn + 1) * share).take_while(|place| *place < self.endpoints.len());
            for place in speakers {
                // Each stream has its own source.
                self.packet[8..12].copy_from_slice(&(place as u32).to_be_bytes());
                sent += u64::from(self.endpoints[place].send(&self.packet).is_ok());
                // What came since its last turn, one packet most of the time.
                heard += self.heard(place);
            }
            part += 1;
            thread::sleep((begin + BEAT * part / PARTS as u32).saturating_duration_since(Instant::now()));
        }
        // What is still on its way: until nothing comes any more.
        loop {
            thread::sleep(Duration::from_millis(200));
            let late: u64 = (0..self.endpoints.len()).map(|place| self.heard(place)).sum();
            if late == 0 {
                break;
            }
            heard += late;
        }
        Ok((sent, heard))
    }

    fn heard(&self, place: usize) -> u64 {
        let mut packet = [0; 2 * PACKET];
        std::iter::from_fn(|| self.endpoints[place].recv(&mut packet).ok()).filter(|length| *length == PACKET).count()
            as u64
    }
}

/// The relay, in a process that does nothing else.
struct Switchyard {
    process: Child,
}

impl Switchyard {
    fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let process = command.arg(CHILD).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        Ok(Self { process })
    }
}

impl Peer for Switchyard {
    fn connects(&mut self, call: usize, [one, other]: [SocketAddr; 2]) -> Outcome<[SocketAddr; 2]> {
        let port = FIRST_PORT + 4 * u16::try_from(call)?;
        let stdin = self.process.stdin.as_mut().ok_or("no way to tell it")?;
        writeln!(stdin, "{port} {one} {} {other}", port + 2)?;
        Ok([SocketAddr::new(AT.parse()?, port), SocketAddr::new(AT.parse()?, port + 2)])
    }

    fn is_ready(&mut self) -> Outcome<()> {
        let stdin = self.process.stdin.as_mut().ok_or("no way to tell it")?;
        writeln!(stdin)?;
        let mut line = String::new();
        BufReader::new(self.process.stdout.take().ok_or("no way to hear it")?).read_line(&mut line)?;
        if line == "ready\n" { Ok(()) } else { Err("the relay ended".into()) }
    }

    fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Switchyard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

struct Quiet;

impl RelayListener for Quiet {
    fn event(&mut self, event: MediaEvent) {
        // Whoever waits for packets learns that there are none.
        if let MediaEvent::Failed { port } = event {
            panic!("port {port} is taken");
        }
    }

    fn passed(&mut self, _: &Passed) {}
}

/// The relay's process: a line for each call, an empty one when all are told; it ends with its input.
fn child() -> Outcome<()> {
    let (orders, relay) = relay(Quiet)?;
    let thread = thread::spawn(move || relay.run());
    let mut lines = std::io::stdin().lines();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let [one, one_peer, other, other_peer] = words[..] else { return Err("not a call".into()) };
        let ports: [u16; 2] = [one.parse()?, other.parse()?];
        for (port, peer) in ports.into_iter().zip([one_peer, other_peer]) {
            let rtp: SocketAddr = peer.parse()?;
            let peer = Some(Far { rtp, rtcp: SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1)) });
            orders.put(MediaOrder::Relay { at: AT.parse()?, port, peer, form: Form::Rtp });
        }
        orders.put(MediaOrder::Link { one: ports[0], other: ports[1] });
    }
    println!("ready");
    while lines.next().is_some() {}
    drop(orders);
    thread.join().map_err(|_| "the relay panicked")??;
    Ok(())
}

/// rtpengine, as Debian has it, without its kernel module.
struct RtpEngine {
    process: Child,
    control: UdpSocket,
}

impl RtpEngine {
    fn start() -> Outcome<Self> {
        let process = Command::new("rtpengine")
            .args(["--config-file=none", "--foreground", "--log-stderr", "--log-level=3", "--table=-1"])
            .arg(format!("--interface={AT}"))
            .arg(format!("--listen-ng={CONTROL}"))
            .args([format!("--port-min={FIRST_PORT}"), format!("--port-max={LAST_PORT}")])
            .stderr(Stdio::null())
            .spawn()?;
        let control = UdpSocket::bind((AT, 0))?;
        control.connect(CONTROL)?;
        control.set_read_timeout(Some(Duration::from_millis(200)))?;
        let engine = Self { process, control };
        let patience = Instant::now() + Duration::from_secs(10);
        while engine.asks("ping", "d7:command4:pinge").is_err() {
            if Instant::now() > patience {
                return Err("rtpengine does not answer".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(engine)
    }

    /// A request and its answer, both in bencode after a cookie.
    fn asks(&self, cookie: &str, request: &str) -> Outcome<String> {
        self.control.send(format!("{cookie} {request}").as_bytes())?;
        let mut answer = [0; 4_096];
        let length = self.control.recv(&mut answer)?;
        let answer = String::from_utf8(answer[..length].to_vec())?;
        let answer = answer.strip_prefix(cookie).ok_or("an answer to something else")?;
        if answer.contains("6:result5:error") { Err(answer.to_owned().into()) } else { Ok(answer.to_owned()) }
    }

    /// An offer or an answer with this description; the port in the one that comes back.
    fn told(&self, command: &str, call: usize, tags: &[(&str, &str)], at: SocketAddr) -> Outcome<SocketAddr> {
        let (ip, port) = (at.ip(), at.port());
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
        );
        let call = format!("call-{call}");
        let mut fields = vec![("call-id", call.as_str()), ("command", command)];
        fields.extend(tags);
        fields.push(("sdp", &sdp));
        // Keys of a dictionary are sorted.
        fields.sort_unstable();
        let mut request = String::from("d");
        for (key, value) in fields {
            write!(request, "{}:{key}{}:{value}", key.len(), value.len())?;
        }
        request.push('e');
        let answer = self.asks(&format!("{command}-{call}"), &request)?;
        let (_, media) = answer.split_once("m=audio ").ok_or("no stream")?;
        let port = media.split(' ').next().ok_or("no port")?.parse()?;
        Ok(SocketAddr::new(AT.parse()?, port))
    }
}

impl Peer for RtpEngine {
    fn connects(&mut self, call: usize, [one, other]: [SocketAddr; 2]) -> Outcome<[SocketAddr; 2]> {
        // What comes back is what the other side is told.
        let for_other = self.told("offer", call, &[("from-tag", "one")], one)?;
        let for_one = self.told("answer", call, &[("from-tag", "one"), ("to-tag", "other")], other)?;
        Ok([for_one, for_other])
    }

    fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for RtpEngine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
