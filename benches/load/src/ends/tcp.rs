//! Connections to the server and from it: messages cut out of the stream by their Content-Length.
use super::{Batch, Peer};
use memchr::memmem;
use nix::poll::{PollFd, PollFlags};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What may wait for one connection; over it messages are given up.
const WAITING: usize = 64 << 20;
/// The longest message read.
const LONGEST: usize = 64 << 10;
/// Connections of one end, those that ended included.
const CONNECTIONS: usize = 1024;
/// How long a new connection may take, and how long it is before one that ended is made again.
const PATIENCE: Duration = Duration::from_millis(500);
/// What is read at once.
const CHUNK: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Streams {
    listener: TcpListener,
    pub(super) address: SocketAddr,
    connections: Vec<Connection>,
    /// Read into first.
    scratch: Vec<u8>,
    /// Connections that ended, or could not be made.
    pub(super) lost: u64,
}

#[derive(Debug)]
struct Connection {
    /// None when it has ended.
    stream: Option<TcpStream>,
    peer: SocketAddr,
    /// When we made it; None: the server did.
    made: Option<Instant>,
    heard: Vec<u8>,
    unsent: Vec<u8>,
}

impl Streams {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            connections: Vec::new(),
            scratch: vec![0; CHUNK],
            lost: 0,
        })
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let open = self.connections.iter().filter_map(|connection| {
            let wanted =
                if connection.unsent.is_empty() { PollFlags::POLLIN } else { PollFlags::POLLIN | PollFlags::POLLOUT };
            connection.stream.as_ref().map(|stream| PollFd::new(stream.as_fd(), wanted))
        });
        std::iter::once(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)).chain(open)
    }

    /// The connection to this address; a new one if there is none. One that cannot be made loses what is sent on it.
    pub(super) fn connection(&mut self, to: SocketAddr) -> Peer {
        let same = |connection: &Connection| connection.peer == to && connection.stream.is_some();
        if let Some(place) = self.connections.iter().position(same) {
            return Peer::Connection(place as u32);
        }
        let stream = connect(self.address, to).ok();
        self.add(stream, to, Some(Instant::now()))
    }

    fn add(&mut self, stream: Option<TcpStream>, peer: SocketAddr, made: Option<Instant>) -> Peer {
        let connection = Connection { stream, peer, made, heard: Vec::new(), unsent: Vec::new() };
        if self.connections.len() < CONNECTIONS {
            self.connections.push(connection);
            return Peer::Connection((self.connections.len() - 1) as u32);
        }
        // The place of one that has ended; messages for that one would be lost anyway.
        let is_over = |connection: &Connection| connection.stream.is_none() && connection.made.is_none();
        let ended = self.connections.iter().position(is_over);
        match ended {
            Some(place) => {
                self.connections[place] = connection;
                Peer::Connection(place as u32)
            }
            None => Peer::Connection(u32::MAX),
        }
    }

    pub(super) fn send(&mut self, peer: Peer, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let Peer::Connection(place) = peer else { return 1 };
        let Some(connection) = self.connections.get_mut(place as usize) else { return 1 };
        if connection.stream.is_none() && connection.made.is_some_and(|made| made.elapsed() > PATIENCE) {
            // As any peer would: what was sent on the old one is lost, what comes now goes on a new one.
            connection.made = Some(Instant::now());
            connection.stream = connect(self.address, connection.peer).ok();
        }
        if connection.stream.is_none() || connection.unsent.len() > WAITING {
            return 1;
        }
        write(&mut connection.unsent);
        0
    }

    pub(super) fn flush(&mut self) -> u64 {
        for connection in self.connections.iter_mut().filter(|connection| !connection.unsent.is_empty()) {
            let Some(stream) = &mut connection.stream else { continue };
            match stream.write(&connection.unsent) {
                Ok(length) => drop(connection.unsent.drain(..length)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => {
                    self.lost += 1;
                    connection.end();
                }
            }
        }
        0
    }

    /// Takes what has come in.
    pub(super) fn receive(&mut self, batch: &mut Batch) -> io::Result<bool> {
        match self.listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                self.add(Some(stream), peer, None);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {}
            Err(error) => return Err(error),
        }
        batch.bytes.clear();
        let mut more = false;
        for (place, connection) in self.connections.iter_mut().enumerate() {
            let was_open = connection.stream.is_some();
            more |= connection.read(&mut self.scratch);
            let (base, mut taken) = (batch.bytes.len(), 0);
            while let Some(length) = whole(&connection.heard[taken..]) {
                let begin = base + taken;
                taken += length;
                batch.places.push((begin, begin + length, Peer::Connection(place as u32)));
            }
            batch.bytes.extend_from_slice(&connection.heard[..taken]);
            connection.heard.drain(..taken);
            if connection.heard.len() > LONGEST {
                connection.end();
            }
            self.lost += u64::from(was_open && connection.stream.is_none());
        }
        Ok(more)
    }
}

impl Connection {
    /// Reads once; whether there was as much as fits.
    fn read(&mut self, scratch: &mut [u8]) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        match stream.read(scratch) {
            Ok(0) => self.end(),
            Ok(length) => {
                self.heard.extend_from_slice(&scratch[..length]);
                return length == scratch.len();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.end(),
        }
        false
    }

    fn end(&mut self) {
        self.stream = None;
        self.heard.clear();
        self.unsent.clear();
    }
}

/// From our own address, so that the server knows who it is.
fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from.ip(), 0).into())?;
    socket.connect_timeout(&to.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The length of the message at the beginning, if it is all there. Line ends before it are keep-alives.
fn whole(heard: &[u8]) -> Option<usize> {
    let blank = heard.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let message = &heard[blank..];
    let head = memmem::find(message, b"\r\n\r\n")?;
    let lines = message[..head].split(|&byte| byte == b'\n');
    let body = lines
        .filter_map(|line| {
            let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
            let name = name.trim_ascii();
            let is_length = name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l");
            is_length.then(|| crate::glance::decimal(value.get(1..)?.trim_ascii()))?
        })
        .next()
        .unwrap_or(0);
    let length = blank + head + 4 + body as usize;
    (heard.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_of_the_stream() {
        let one = b"\r\n\r\nSIP/2.0 200 OK\r\nCONTENT-LENGTH : 3\r\n\r\nabc";
        let mut two = one.to_vec();
        two.extend_from_slice(b"ACK sip:h SIP/2.0\r\nl:0\r\n\r\n");
        assert_eq!(whole(&two), Some(one.len()));
        assert_eq!(whole(&two[one.len()..]), Some(two.len() - one.len()));
        assert_eq!((whole(&one[..one.len() - 1]), whole(b"\r\n\r\n"), whole(b"")), (None, None, None));
    }

    #[test]
    fn what_is_sent_comes_in_at_the_other_end() {
        let local = "127.0.0.1:0".parse().unwrap();
        let (mut one, mut other) = (Streams::bind(local).unwrap(), Streams::bind(local).unwrap());
        let peer = one.connection(other.address);
        assert_eq!(one.connection(other.address), peer, "the same connection again");
        for _ in 0..3 {
            assert_eq!(one.send(peer, |out| out.extend_from_slice(b"ACK sip:h SIP/2.0\r\nl:1\r\n\r\nx")), 0);
        }
        one.flush();
        let hear = |end: &mut Streams| {
            let (mut batch, mut heard) = (Batch::new(), 0);
            for _ in 0..100 {
                batch.places.clear();
                end.receive(&mut batch).unwrap();
                heard += batch.iter().filter(|(_, message)| message.ends_with(b"\r\n\r\nx")).count();
                std::thread::sleep(Duration::from_millis(1));
            }
            heard
        };
        assert_eq!(hear(&mut other), 3);
        // The connection is closed at the other end: it is made again when it is needed, but not at once.
        other.connections.clear();
        hear(&mut one);
        assert_eq!(one.lost, 1);
        std::thread::sleep(PATIENCE);
        assert_eq!(one.send(peer, |out| out.extend_from_slice(b"ACK sip:h SIP/2.0\r\nl:1\r\n\r\nx")), 0);
        one.flush();
        assert_eq!(hear(&mut other), 1);
    }
}
