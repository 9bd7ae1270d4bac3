//! One socket, read and written by the batch as the server's are, and as little as can be between reading and writing.
//!
//! ```text
//!   caller ── INVITE, ACK, BYE ──► forwarder ── the same ──► callee
//!          ◄── 100, and what ────            ◄── 180, 200 ──
//!              the callee says
//!   phone  ── REGISTER ──► forwarder: 401, or 200 to one with credentials
//! ```
//! Each datagram goes out by itself, as from most servers. Never: parses a message, keeps a transaction, knows a call.
use memchr::memmem;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use nix::sys::time::TimeSpec;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::{Duration, Instant};

// The same as the server's (src/net/udp.rs, src/net/reactor.rs).
const BATCH: usize = 64;
const STRIDE: usize = 65_535 + 1 + 2048;
const BATCHES: usize = 8;

const TRYING: &[u8] = b"SIP/2.0 100 Trying\r\n";
const CHALLENGE: &[u8] = b"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"floor\", \
    nonce=\"0123456789abcdef\", algorithm=MD5, qop=\"auth\"\r\n";
const REGISTERED: &[u8] = b"SIP/2.0 200 OK\r\n";

/// When it looks for datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rhythm {
    /// Each wakes it.
    AtOnce,
    /// After some have come it sleeps so long, and takes what has gathered.
    Gathered(Duration),
}

/// The forwarder.
#[derive(Debug)]
pub(crate) struct Forwarder {
    socket: UdpSocket,
    caller: SockaddrStorage,
    callee: SockaddrStorage,
    intake: MultiHeaders<SockaddrStorage>,
    outlet: MultiHeaders<SockaddrStorage>,
    memory: Vec<u8>,
    out: Out,
    /// When datagrams last came.
    arrived: Option<Instant>,
}

/// What goes out after a batch: one message behind the other, where each ends, and to whom it goes.
#[derive(Debug, Default)]
struct Out {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    to: Vec<Option<SockaddrStorage>>,
}

impl Out {
    fn add(&mut self, to: SockaddrStorage, parts: [&[u8]; 3]) {
        parts.into_iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.ends.push(self.bytes.len());
        self.to.push(Some(to));
    }
}

impl Forwarder {
    pub(crate) fn bind(address: SocketAddr, caller: SocketAddr, callee: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            socket: crate::socket::bind(address)?,
            caller: caller.into(),
            callee: callee.into(),
            intake: MultiHeaders::preallocate(BATCH, None),
            outlet: MultiHeaders::preallocate(BATCH, None),
            memory: vec![0; BATCH * STRIDE],
            out: Out::default(),
            arrived: None,
        })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits in this rhythm, and passes on what has come.
    pub(crate) fn turn(&mut self, rhythm: Rhythm) -> io::Result<()> {
        self.wait(rhythm)?;
        self.arrived = None;
        for _ in 0..BATCHES {
            let count = self.pass_on()?;
            if count > 0 {
                self.arrived = Some(Instant::now());
            }
            if count < BATCH {
                break;
            }
        }
        Ok(())
    }

    fn wait(&self, rhythm: Rhythm) -> io::Result<()> {
        let mut readable = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let result = match (rhythm, self.arrived) {
            (Rhythm::Gathered(time), Some(arrived)) => {
                ppoll(&mut [], Some(TimeSpec::from_duration(time.saturating_sub(arrived.elapsed()))), None)
            }
            (Rhythm::Gathered(_), None) | (Rhythm::AtOnce, _) => ppoll(&mut readable, None, None),
        };
        match result {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a batch and passes it on: how many it were.
    fn pass_on(&mut self) -> io::Result<usize> {
        let Self { socket, caller, callee, intake, memory, out, .. } = self;
        let mut chunks = memory.chunks_exact_mut(STRIDE);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let received = match recvmmsg(socket.as_raw_fd(), intake, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let mut count = 0;
        for message in received {
            count += 1;
            let (Some(source), Some(bytes)) = (message.address, message.iovs().next()) else { continue };
            if source == *callee {
                // A 100 goes no further than to whom it is said (RFC 3261 §16.7).
                if !bytes.starts_with(b"SIP/2.0 100") {
                    out.add(*caller, [bytes, b"", b""]);
                }
            } else if source == *caller {
                if bytes.starts_with(b"INVITE") {
                    out.add(source, [TRYING, repeated(bytes), b""]);
                }
                out.add(*callee, [bytes, b"", b""]);
            } else if bytes.starts_with(b"REGISTER") {
                out.add(source, registered(bytes));
            }
        }
        self.send();
        Ok(count)
    }

    fn send(&mut self) {
        let Self { socket, outlet, out, .. } = self;
        let mut begin = 0;
        let slices: Vec<[IoSlice<'_>; 1]> =
            out.ends.iter().map(|&end| [IoSlice::new(&out.bytes[std::mem::replace(&mut begin, end)..end])]).collect();
        for (slices, to) in slices.chunks(BATCH).zip(out.to.chunks(BATCH)) {
            let mut sent = 0;
            while sent < slices.len() {
                let none: [ControlMessage<'_>; 0] = [];
                let flags = MsgFlags::MSG_DONTWAIT;
                let result = sendmmsg(socket.as_raw_fd(), outlet, slices[sent..].iter(), &to[sent..], none, flags);
                // What does not go is lost, as on any network: whoever misses it sends again, and that is counted.
                sent += result.map_or(1, |sent| sent.count().max(1));
            }
        }
        out.bytes.clear();
        out.ends.clear();
        out.to.clear();
    }
}

/// 401 to a REGISTER, or 200 to one with credentials, which are not repeated.
fn registered(request: &[u8]) -> [&[u8]; 3] {
    let Some(at) = memmem::find(request, b"\r\nAuthorization:") else { return [CHALLENGE, repeated(request), b""] };
    let (before, credentials) = request.split_at(at + 2);
    let before = memmem::find(before, b"\r\n").and_then(|end| before.get(end + 2..));
    [REGISTERED, before.unwrap_or_default(), repeated(credentials)]
}

/// What a response may have of its request: all between the first line and the body.
fn repeated(request: &[u8]) -> &[u8] {
    let begin = memmem::find(request, b"\r\n").map_or(0, |at| at + 2);
    let end = memmem::find(request, b"\r\n\r\n").map_or(request.len(), |at| at + 4);
    request.get(begin..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn heard(socket: &UdpSocket) -> Vec<String> {
        let mut buffer = [0; 1000];
        std::iter::from_fn(|| {
            let length = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        })
        .collect()
    }

    #[test]
    fn a_call_goes_from_end_to_end_and_a_phone_is_challenged_once() {
        let (caller, callee, phone) = (end(), end(), end());
        let local = |socket: &UdpSocket| socket.local_addr().unwrap();
        let mut forwarder = Forwarder::bind("127.0.0.1:0".parse().unwrap(), local(&caller), local(&callee)).unwrap();
        let address = forwarder.address().unwrap();
        let gathered = Rhythm::Gathered(Duration::from_millis(1));
        let mut say = |from: &UdpSocket, text: &str, rhythm| {
            from.send_to(text.as_bytes(), address).unwrap();
            forwarder.turn(rhythm).unwrap();
        };
        say(&caller, "INVITE sip:u@h SIP/2.0\r\nCall-ID: 1\r\n\r\nv=0", Rhythm::AtOnce);
        assert_eq!(heard(&caller), ["SIP/2.0 100 Trying\r\nCall-ID: 1\r\n\r\n"]);
        assert_eq!(heard(&callee), ["INVITE sip:u@h SIP/2.0\r\nCall-ID: 1\r\n\r\nv=0"]);
        for text in ["SIP/2.0 100 Trying\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"] {
            say(&callee, text, gathered);
        }
        assert_eq!(heard(&caller), ["SIP/2.0 200 OK\r\n\r\n"]);
        say(&caller, "BYE sip:u@h SIP/2.0\r\n\r\n", gathered);
        assert_eq!(heard(&callee), ["BYE sip:u@h SIP/2.0\r\n\r\n"]);
        say(&phone, "REGISTER sip:h SIP/2.0\r\nTo: a\r\n\r\n", gathered);
        say(&phone, "REGISTER sip:h SIP/2.0\r\nAuthorization: Digest x\r\nTo: a\r\n\r\n", gathered);
        let answers = heard(&phone);
        assert!(answers[0].starts_with("SIP/2.0 401 ") && answers[0].ends_with("\r\nTo: a\r\n\r\n"), "{answers:?}");
        assert!(answers.len() == 2 && answers[1] == "SIP/2.0 200 OK\r\nTo: a\r\n\r\n", "{answers:?}");
        assert_eq!(heard(&caller).len() + heard(&callee).len(), 0);
    }
}
