//! One thread for all ports: it binds them, keeps their peers' paths alive, and drops what arrives.
use super::rtp::{PACKET, Stream};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};
use switchyard_engine::wire::media::{MediaEvent, MediaOrder};

/// Between two packets to one peer.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// The eventfd's key; ports stand for themselves, and there is no port so high.
const WAKE: u64 = u64::MAX;
/// Packets dropped from one port before others have their turn.
const DRAIN: usize = 32;

/// Where orders are put for the worker. Dropping it ends the worker.
///
/// The queue is unbounded because the engine bounds it: a port is ordered open, redirected and closed by one call, and
/// there are no more ports than configured.
#[derive(Debug)]
pub struct Orders {
    queue: Option<Sender<MediaOrder>>,
    wake: Arc<EventFd>,
}

impl Orders {
    /// Puts an order; never blocks.
    pub fn put(&self, order: MediaOrder) {
        // The worker only ends before the loop when the server stops.
        if self.queue.as_ref().is_some_and(|queue| queue.send(order).is_ok()) {
            let _ = self.wake.write(1);
        }
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.queue = None;
        let _ = self.wake.write(1);
    }
}

/// The worker, not running yet.
pub struct Worker<F> {
    orders: Receiver<MediaOrder>,
    wake: Arc<EventFd>,
    epoll: Epoll,
    report: F,
    ports: HashMap<u16, Port>,
    /// When which port sends next: in order, since each waits equally long.
    beats: VecDeque<(Instant, u16, u64)>,
    opened: u64,
}

/// A port that is open.
#[derive(Debug)]
struct Port {
    /// Which opening of this number it is: beats of earlier ones are stale.
    opening: u64,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    peer: Option<SocketAddr>,
    stream: Stream,
}

/// A worker that reports to `report`.
///
/// # Errors
/// The system has no epoll or eventfd left.
pub fn worker<F: FnMut(MediaEvent)>(report: F) -> io::Result<(Orders, Worker<F>)> {
    let wake = Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&*wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
    let (sender, orders) = channel();
    let worker = Worker {
        orders,
        wake: Arc::clone(&wake),
        epoll,
        report,
        ports: HashMap::new(),
        beats: VecDeque::new(),
        opened: 0,
    };
    Ok((Orders { queue: Some(sender), wake }, worker))
}

impl<F: FnMut(MediaEvent)> Worker<F> {
    /// Works until nobody can give orders any more.
    ///
    /// # Errors
    /// The system refuses to wait on the sockets.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 256];
        loop {
            let count = match self.epoll.wait(&mut events, self.until_next_beat()) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                match u16::try_from(event.data()) {
                    Ok(port) => self.drain(port),
                    Err(_) => {
                        // Fails when nobody has written, and then there is nothing to undo.
                        let _ = self.wake.read();
                    }
                }
            }
            if !self.take_orders() {
                return Ok(());
            }
            self.beat(Instant::now());
        }
    }

    fn until_next_beat(&self) -> EpollTimeout {
        let Some((next, ..)) = self.beats.front() else { return EpollTimeout::NONE };
        // Rounded up, so that it does not spin through the last millisecond.
        let millis = next.saturating_duration_since(Instant::now()).as_millis() + 1;
        u16::try_from(millis).map_or(EpollTimeout::MAX, EpollTimeout::from)
    }

    /// Does what was ordered; false when there will be no more orders.
    fn take_orders(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(MediaOrder::Open { at, port, peer, payload_type }) => {
                    if let Err(error) = self.open(at, port, peer, payload_type) {
                        tracing::warn!(%at, port, %error, "an RTP port cannot be bound");
                        (self.report)(MediaEvent::Failed { port });
                    }
                }
                Ok(MediaOrder::Redirect { port, peer, payload_type }) => {
                    if let Some(open) = self.ports.get_mut(&port) {
                        open.peer = peer;
                        open.stream.change(payload_type);
                        open.keep_alive(Instant::now());
                    }
                }
                Ok(MediaOrder::Close { port }) => {
                    // Closing a socket takes it out of the epoll.
                    self.ports.remove(&port);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn open(&mut self, at: IpAddr, port: u16, peer: Option<SocketAddr>, payload_type: u8) -> io::Result<()> {
        // A port ordered open again starts afresh.
        self.ports.remove(&port);
        let rtcp_port = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        let (rtp, rtcp) = (UdpSocket::bind((at, port))?, UdpSocket::bind((at, rtcp_port))?);
        for socket in [&rtp, &rtcp] {
            socket.set_nonblocking(true)?;
            self.epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, u64::from(port)))?;
        }
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
        let now = Instant::now();
        self.opened += 1;
        let opening = self.opened;
        let mut open = Port { opening, rtp, rtcp, peer, stream: Stream::new(payload_type, random, now) };
        open.keep_alive(now);
        self.ports.insert(port, open);
        self.beats.push_back((now + KEEP_ALIVE, port, opening));
        Ok(())
    }

    /// Sends from every port whose time has come.
    fn beat(&mut self, now: Instant) {
        while let Some(&(due, port, opening)) = self.beats.front()
            && due <= now
        {
            self.beats.pop_front();
            let Some(open) = self.ports.get_mut(&port).filter(|open| open.opening == opening) else { continue };
            open.keep_alive(now);
            self.beats.push_back((now + KEEP_ALIVE, port, opening));
        }
    }

    fn drain(&mut self, port: u16) {
        // An event of a port closed in the same turn.
        if let Some(open) = self.ports.get_mut(&port) {
            open.drain();
        }
    }
}

impl Port {
    fn keep_alive(&mut self, now: Instant) {
        let Some(peer) = self.peer else { return };
        let mut packet = [0; PACKET];
        if self.stream.write(now, &mut packet) {
            // A peer that cannot be reached now is tried again in a second.
            let _ = self.rtp.send_to(&packet, peer);
        }
    }

    /// Drops what arrived; a peer that sends from elsewhere than it said (behind a translator) is answered there.
    fn drain(&mut self) {
        let mut head = [0; 12];
        for _ in 0..DRAIN {
            let Ok((_, source)) = self.rtp.recv_from(&mut head) else { break };
            // The version of RFC 3550 §5.1: anything else is no RTP.
            if head[0] >> 6 == 2 {
                self.peer = Some(source);
            }
        }
        for _ in 0..DRAIN {
            if self.rtcp.recv_from(&mut head).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::JoinHandle;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    struct Running {
        orders: Orders,
        events: Receiver<MediaEvent>,
        thread: JoinHandle<()>,
    }

    impl Running {
        fn start() -> Self {
            let (sender, events) = channel();
            let (orders, worker) = worker(move |event| sender.send(event).unwrap()).unwrap();
            let thread = std::thread::spawn(move || worker.run().unwrap());
            Self { orders, events, thread }
        }

        fn stop(self) {
            drop(self.orders);
            self.thread.join().unwrap();
        }
    }

    fn phone() -> UdpSocket {
        let phone = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        phone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        phone
    }

    /// A pair of ports that was free a moment ago.
    fn free_port() -> u16 {
        std::iter::repeat_with(|| phone().local_addr().unwrap().port() & !1)
            .find(|&port| UdpSocket::bind((LOOPBACK, port)).is_ok() && UdpSocket::bind((LOOPBACK, port + 1)).is_ok())
            .unwrap()
    }

    fn hear(phone: &UdpSocket) -> (u16, u8, u16) {
        let mut packet = [0; 500];
        let (length, source) = phone.recv_from(&mut packet).unwrap();
        assert_eq!(length, PACKET);
        (source.port(), packet[1] & 0x7F, u16::from_be_bytes([packet[2], packet[3]]))
    }

    #[test]
    fn a_peer_hears_silence_from_the_ordered_port_where_it_is() {
        let (running, port) = (Running::start(), free_port());
        let (told, real) = (phone(), phone());
        let peer = told.local_addr().ok();
        running.orders.put(MediaOrder::Open { at: LOOPBACK, port, peer, payload_type: 0 });
        let (from, payload_type, first) = hear(&told);
        assert_eq!((from, payload_type), (port, 0));
        // A second later the next one.
        assert_eq!(hear(&told).2, first.wrapping_add(1));
        // The peer shows itself elsewhere: it is answered there; something that is no RTP changes nothing.
        let mut rtp = [0; 172];
        rtp[0] = 0x80;
        real.send_to(&rtp, (LOOPBACK, port)).unwrap();
        told.send_to(b"hello", (LOOPBACK, port)).unwrap();
        assert_eq!(hear(&real).0, port);
        let peer = told.local_addr().ok();
        running.orders.put(MediaOrder::Redirect { port, peer, payload_type: 8 });
        assert_eq!(hear(&told).1, 8);
        running.stop();
        assert!(UdpSocket::bind((LOOPBACK, port)).is_ok());
    }

    #[test]
    fn a_port_that_is_taken_is_reported_and_a_closed_one_is_free() {
        let running = Running::start();
        let taken = phone();
        let port = taken.local_addr().unwrap().port();
        running.orders.put(MediaOrder::Open { at: LOOPBACK, port, peer: None, payload_type: 0 });
        assert_eq!(running.events.recv().unwrap(), MediaEvent::Failed { port });
        let port = free_port();
        let listener = phone();
        running.orders.put(MediaOrder::Open { at: LOOPBACK, port, peer: listener.local_addr().ok(), payload_type: 0 });
        hear(&listener);
        running.orders.put(MediaOrder::Close { port });
        running.orders.put(MediaOrder::Open { at: LOOPBACK, port, peer: listener.local_addr().ok(), payload_type: 8 });
        assert_eq!(hear(&listener).1, 8);
        running.stop();
    }
}
