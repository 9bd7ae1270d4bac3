use super::*;
use crate::report::{NetCounters, Report, SendError};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use switchyard_engine::base::limits::{CONNECTION_QUEUE_BYTES, LOOP_QUEUE, TRUNK_QUEUE_BYTES};
use switchyard_engine::counters::{Shed, Snapshot};
use switchyard_engine::session::News;
use switchyard_engine::wire::media::{MediaEvent, MediaOrder};
use switchyard_engine::{Command, Flow, Input, Outgoing, Output, Time};
use tokio::sync::oneshot;

/// A message over a connection.
const WORD: &[u8] = b"WORD sip:pbx.test SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1\r\nContent-Length: 0\r\n\r\n";
/// Bytes of each message of a flood.
const FLOOD: usize = 60_000;

/// Answers each datagram with the same; some words make it do more.
#[derive(Default)]
struct Echo {
    snapshot: Snapshot,
    deadline: Option<Time>,
    /// Whom a deadline is reported to.
    waiting: Option<SocketAddr>,
    /// Who sent the last message over a connection.
    caller: Option<SocketAddr>,
    /// All of them are trunks.
    trunks: bool,
}

impl Echo {
    fn say(out: &mut Output, to: SocketAddr, bytes: &[u8]) {
        let begin = out.bytes.len();
        out.bytes.extend_from_slice(bytes);
        out.datagrams.push(Outgoing { flow: Flow(0), to, range: begin..out.bytes.len() });
    }
}

impl Machine for Echo {
    fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Output) {
        match input {
            Input::Datagram { source, bytes, .. } if bytes.starts_with(WORD) => {
                self.caller = Some(source);
                Self::say(out, source, bytes);
            }
            Input::Media(MediaEvent::Failed { port }) if let Some(caller) = self.caller => {
                (0..port).for_each(|_| Self::say(out, caller, &[b'x'; FLOOD]));
            }
            Input::Datagram { source, bytes, .. } | Input::Excess { source, bytes, .. } => {
                Self::say(out, source, bytes);
                match bytes {
                    b"panic" => panic!("as asked"),
                    b"later" => (self.deadline, self.waiting) = (Some(now + Duration::from_millis(5)), Some(source)),
                    b"media" => out.media.push(MediaOrder::Close { port: 4000 }),
                    b"news" => out.news.push(News::HoldEnded { held: Duration::ZERO }),
                    _ => {}
                }
            }
            Input::Expired => {
                self.deadline = None;
                Self::say(out, self.waiting.unwrap(), b"expired");
            }
            Input::Garbled { bytes, source, .. } => Self::say(out, source, bytes),
            Input::Closed { .. } => self.snapshot.gauges.tombstones += 1,
            Input::Panicked => self.snapshot.counters.panics += 1,
            Input::Media(_) => self.snapshot.gauges.rtp_ports += 1,
            Input::Restored(restored) => self.snapshot.gauges.timers += restored.len() as u64,
            Input::Reload(_) => self.snapshot.gauges.draining = false,
            Input::Command(_) => self.snapshot.gauges.draining = true,
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn needs(&self, _flow: Flow, _peer: SocketAddr) -> bool {
        false
    }

    fn is_trunk(&self, _flow: Flow, _peer: SocketAddr) -> bool {
        self.trunks
    }

    fn snapshot(&self, _now: Time) -> Snapshot {
        self.snapshot.clone()
    }

    fn is_idle(&self) -> bool {
        true
    }
}

enum Handed {
    Media(MediaOrder),
    News(News),
    Lag,
}

impl Outlets for Sender<Handed> {
    fn media(&mut self, order: MediaOrder) {
        self.send(Handed::Media(order)).unwrap();
    }

    fn news(&mut self, news: &News) {
        self.send(Handed::News(news.clone())).unwrap();
    }

    fn reloaded(&mut self, _settings: &switchyard_engine::settings::Settings) {}

    fn keep(&mut self, _kept: switchyard_engine::keep::Kept) {}

    fn lag(&mut self, _late: Duration) {
        self.send(Handed::Lag).unwrap();
    }
}

struct Running {
    handle: Handle,
    handed: Receiver<Handed>,
    phone: UdpSocket,
    server: SocketAddr,
    thread: JoinHandle<()>,
}

impl Running {
    fn start() -> Self {
        Self::start_with(inbox().unwrap())
    }

    /// With connections and nothing else.
    fn over_tcp(trunks: bool) -> (Self, JoinHandle<()>) {
        let (handle, inbox) = inbox().unwrap();
        let (sender, handed) = channel();
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let server = listener.local_addr().unwrap();
        let (streams, exchange) = streams(handle.clone(), vec![(Flow(0), listener)], Patience::default());
        let connections = std::thread::spawn(move || exchange.run().unwrap());
        let thread = std::thread::spawn(move || {
            let echo = Echo { trunks, ..Echo::default() };
            Reactor::new(echo, sender, Clock::start(), inbox, streams).run(&[Port::Streams]).unwrap();
        });
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        (Self { handle, handed, phone, server, thread }, connections)
    }

    /// A peer that is heard, but has little room for what it is told.
    fn connect(&self) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&self.server.into()).unwrap();
        let mut peer = TcpStream::from(socket);
        peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        peer.write_all(WORD).unwrap();
        peer.read_exact(&mut [0; WORD.len()]).unwrap();
        peer
    }

    fn start_with((handle, inbox): (Handle, Inbox)) -> Self {
        let (sender, handed) = channel();
        let socket = Pair::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let server = socket.local_addr().unwrap();
        let (streams, _) = streams(handle.clone(), Vec::new(), Patience::default());
        let thread = std::thread::spawn(move || {
            let ports = [Port::Datagrams(socket)];
            Reactor::new(Echo::default(), sender, Clock::start(), inbox, streams).run(&ports).unwrap();
        });
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        phone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { handle, handed, phone, server, thread }
    }

    fn say(&self, bytes: &[u8]) {
        self.phone.send_to(bytes, self.server).unwrap();
    }

    fn hear(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_535];
        let (length, source) = self.phone.recv_from(&mut buffer).unwrap();
        assert_eq!(source, self.server);
        buffer.truncate(length);
        buffer
    }

    fn report(&self) -> Report {
        let (reply, answer) = oneshot::channel();
        self.handle.ask(Ask::Report(reply)).unwrap();
        answer.blocking_recv().unwrap()
    }

    fn stop(self) {
        self.handle.ask(Ask::Command(Command::Stop)).unwrap();
        self.thread.join().unwrap();
        assert_eq!(self.handle.ask(Ask::Command(Command::Stop)), Err(Full));
    }
}

#[test]
fn datagrams_of_any_size_are_answered_in_order() {
    let running = Running::start();
    let sizes = [1, 2, 1500, 9000, 65_000];
    for size in sizes {
        running.say(&vec![b'x'; size]);
        assert_eq!(running.hear().len(), size);
    }
    // More than a batch, all under way at once; each is small enough for the phone's own buffer to hold them all.
    for round in 0..200_u32 {
        running.say(&round.to_be_bytes());
    }
    for round in 0..200_u32 {
        assert_eq!(running.hear(), round.to_be_bytes());
    }
    assert!(running.report().net.batches > 0);
    running.stop();
}

#[test]
fn a_panic_is_counted_and_what_it_left_half_done_is_not_sent() {
    let running = Running::start();
    running.say(b"panic");
    running.say(b"after");
    assert_eq!(running.hear(), b"after");
    assert_eq!(running.report().snapshot.counters.panics, 1);
    running.stop();
}

#[test]
fn deadlines_media_and_news_reach_whom_they_concern() {
    let running = Running::start();
    running.say(b"later");
    assert_eq!((running.hear(), running.hear()), (b"later".to_vec(), b"expired".to_vec()));
    assert!(matches!(running.handed.recv().unwrap(), Handed::Lag));
    running.say(b"media");
    assert!(matches!(running.handed.recv().unwrap(), Handed::Media(MediaOrder::Close { port: 4000 })));
    running.say(b"news");
    assert!(matches!(running.handed.recv().unwrap(), Handed::News(News::HoldEnded { .. })));
    running.handle.ask(Ask::Media(MediaEvent::Failed { port: 4000 })).unwrap();
    running.handle.ask(Ask::Command(Command::Drain)).unwrap();
    let gauges = running.report().snapshot.gauges;
    assert_eq!((gauges.rtp_ports, gauges.draining), (1, true));
    running.stop();
}

#[test]
fn what_cannot_be_sent_is_counted_and_the_rest_goes_on() {
    let socket = udp::bind("127.0.0.1:0".parse().unwrap(), udp::BUFFER, false).unwrap();
    let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
    phone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut out = Output { bytes: vec![b'x'; 65_535], ..Output::default() };
    let to = phone.local_addr().unwrap();
    let ranges = [0..10, 0..65_535, 0..20];
    out.datagrams.extend(ranges.map(|range| Outgoing { flow: Flow(0), to, range }));
    let mut counters = NetCounters::default();
    outlet::Outlet::new().send(&socket, &out, &out.datagrams, &mut counters);
    let mut buffer = [0; 100];
    assert_eq!(phone.recv(&mut buffer).unwrap(), 10);
    assert_eq!(phone.recv(&mut buffer).unwrap(), 20);
    assert_eq!(counters.send_errors.count(SendError::TooLarge, ()), 1);
}

/// Whatever is sent as one: each peer hears what was said to it, message by message and in its order.
#[test]
fn equal_messages_in_a_row_arrive_one_by_one() {
    let socket = udp::bind("127.0.0.1:0".parse().unwrap(), udp::BUFFER, false).unwrap();
    let phones = [(); 3].map(|()| udp::bind("127.0.0.1:0".parse().unwrap(), udp::BUFFER, false).unwrap());
    let mut out = Output::default();
    let mut said = [(); 3].map(|()| Vec::new());
    // To one in turn with others, to one in a row, more than fits, too long, and nothing at all.
    let lengths =
        [(0, 300), (1, 300), (0, 300), (0, 301), (0, 301), (2, 0), (1, 300), (2, 1_300), (2, 1_300), (1, 299)];
    let many = std::iter::repeat_n((2, 1_190), 150).chain(std::iter::repeat_n((0, 20), 70));
    for (number, (phone, length)) in lengths.into_iter().chain(many).enumerate() {
        let begin = out.bytes.len();
        out.bytes.resize(begin + length, number as u8);
        let to = phones[phone].local_addr().unwrap();
        out.datagrams.push(Outgoing { flow: Flow(0), to, range: begin..begin + length });
        said[phone].push(vec![number as u8; length]);
    }
    let mut counters = NetCounters::default();
    outlet::Outlet::new().send(&socket, &out, &out.datagrams, &mut counters);
    for (phone, said) in phones.iter().zip(said) {
        let mut buffer = [0; 2_000];
        let heard: Vec<_> =
            said.iter().map(|_| phone.recv(&mut buffer).map(|length| buffer[..length].to_vec()).unwrap()).collect();
        assert!(heard == said, "{} messages", said.len());
        assert!(phone.recv(&mut buffer).is_err(), "and nothing else");
    }
    assert_eq!(counters.send_errors.iter().map(|(.., count)| count).sum::<u64>(), 0);
}

#[test]
fn a_full_queue_refuses_and_the_depth_stays_right() {
    let (handle, inbox) = inbox().unwrap();
    let accepted = (0..).take_while(|_| handle.ask(Ask::Command(Command::Drain)).is_ok()).count();
    assert_eq!(accepted, LOOP_QUEUE);
    assert_eq!(inbox.depth(), accepted);
    assert_eq!(inbox.refused(), 1);
    assert!(inbox.take().is_some());
    assert_eq!(inbox.depth(), accepted - 1);
    assert_eq!(handle.ask(Ask::Command(Command::Drain)), Ok(()), "there is room again");
    // A connection waits and tries again: nothing was refused.
    assert!(matches!(handle.offer(Ask::Command(Command::Drain)), Err(inbox::Unheard::Full(_))));
    assert_eq!(inbox.refused(), 1);
}

#[test]
fn who_found_the_queue_full_is_told_of_and_the_rest_is_done() {
    let (handle, inbox) = inbox().unwrap();
    let (reply, answer) = oneshot::channel();
    for _ in 1..LOOP_QUEUE {
        handle.ask(Ask::Command(Command::Drain)).unwrap();
    }
    handle.ask(Ask::Report(reply)).unwrap();
    assert_eq!(handle.ask(Ask::Command(Command::Drain)), Err(Full));
    let running = Running::start_with((handle, inbox));
    let report = answer.blocking_recv().unwrap();
    assert_eq!((report.snapshot.counters.shed.count(Shed::Queue, ()), report.queued), (1, 0));
    running.stop();
}

/// More is to be said than a peer takes: its connection is closed and the rest not kept, but a trunk has more time.
#[test]
fn who_does_not_listen_is_cut_off_and_a_trunk_later() {
    // The kernel takes some of it, on some days more.
    let (few, many) = (TRUNK_QUEUE_BYTES / FLOOD, TRUNK_QUEUE_BYTES / FLOOD * 2);
    assert!(few * FLOOD > CONNECTION_QUEUE_BYTES * 10);
    for (trunk, messages, cut) in [(false, few, true), (true, few, false), (true, many, true)] {
        let (running, connections) = Running::over_tcp(trunk);
        let mut peer = running.connect();
        running.handle.ask(Ask::Media(MediaEvent::Failed { port: messages as u16 })).unwrap();
        let lost = running.report().net.send_errors.count(SendError::Full, ());
        assert_eq!(lost > 0, cut, "{messages} for a trunk: {trunk}");
        if cut {
            let mut heard = Vec::new();
            let _ = peer.read_to_end(&mut heard);
            assert!(heard.len() < FLOOD * messages);
            let by = Instant::now() + Duration::from_secs(10);
            while running.report().net.connection_ends.count(End::SlowReader, ()) == 0 {
                assert!(Instant::now() < by, "{:?}", running.report().net.connection_ends);
                std::thread::yield_now();
            }
        } else {
            let mut heard = vec![0; FLOOD * messages];
            peer.read_exact(&mut heard).unwrap();
        }
        drop(peer);
        drop(running.connect());
        running.stop();
        connections.join().unwrap();
    }
}

#[test]
fn a_socket_has_an_inode_that_the_kernel_knows() {
    let socket = udp::bind("127.0.0.1:0".parse().unwrap(), udp::BUFFER, false).unwrap();
    let inode = udp::inode(&socket).unwrap().to_string();
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    assert!(table.lines().any(|line| line.split_whitespace().nth(9) == Some(&inode)));
}
