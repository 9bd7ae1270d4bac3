//! The phones' sockets: a datagram socket or a connection each.
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;

/// All of them.
pub(crate) struct Lines {
    lines: Vec<Line>,
    server: SocketAddr,
    buffer: Vec<u8>,
}

enum Line {
    Datagrams { socket: UdpSocket, on: bool },
    Connection { stream: Option<TcpStream>, heard: Vec<u8>, unsent: Vec<u8> },
}

impl Lines {
    /// Every other one is a connection to the server.
    pub(crate) fn new(count: usize, server: SocketAddr) -> io::Result<Self> {
        let line = |place: usize| {
            if place.is_multiple_of(2) {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.set_nonblocking(true)?;
                return Ok(Line::Datagrams { socket, on: true });
            }
            Ok(Line::Connection { stream: Some(connect(server)?), heard: Vec::new(), unsent: Vec::new() })
        };
        let lines = (0..count).map(line).collect::<io::Result<_>>()?;
        Ok(Self { lines, server, buffer: vec![0; 65_536] })
    }

    pub(crate) fn address(&self, phone: usize) -> SocketAddr {
        let address = match &self.lines[phone] {
            Line::Datagrams { socket, .. } => socket.local_addr().ok(),
            Line::Connection { stream, .. } => stream.as_ref().and_then(|stream| stream.local_addr().ok()),
        };
        address.unwrap_or(self.server)
    }

    pub(crate) fn is_stream(&self, phone: usize) -> bool {
        matches!(self.lines[phone], Line::Connection { .. })
    }

    /// A phone lost power, or has it again: its own address then.
    pub(crate) fn power(&mut self, phone: usize, power: bool) -> Option<SocketAddr> {
        let server = self.server;
        match &mut self.lines[phone] {
            Line::Datagrams { on, .. } => *on = power,
            Line::Connection { stream, heard, unsent } => {
                heard.clear();
                unsent.clear();
                *stream = if power { connect(server).ok() } else { None };
            }
        }
        power.then(|| self.address(phone))
    }

    /// Waits for a millisecond at the most, and takes what came in. How many connections have ended.
    pub(crate) fn receive(&mut self, mut message: impl FnMut(usize, &[u8])) -> io::Result<u64> {
        let ready = self.ready()?;
        let mut lost = 0;
        for phone in ready {
            match &mut self.lines[phone] {
                Line::Datagrams { socket, on } => {
                    while let Ok((length, _)) = socket.recv_from(&mut self.buffer) {
                        if *on {
                            message(phone, &self.buffer[..length]);
                        }
                    }
                }
                Line::Connection { stream, heard, unsent } => {
                    let Some(open) = stream else { continue };
                    let alive = pump(open, heard, unsent, &mut self.buffer);
                    while let Some(length) = whole(heard) {
                        let one: Vec<u8> = heard.drain(..length).collect();
                        message(phone, &one);
                    }
                    if !alive {
                        lost += 1;
                        *stream = None;
                    }
                }
            }
        }
        Ok(lost)
    }

    /// Sends; what does not fit goes later.
    pub(crate) fn send(&mut self, phone: usize, bytes: &[u8]) {
        let server = self.server;
        match &mut self.lines[phone] {
            Line::Datagrams { socket, on } => {
                if *on {
                    // A full buffer is a lost datagram: the phone says it again.
                    let _ = socket.send_to(bytes, server);
                }
            }
            Line::Connection { stream, unsent, .. } => {
                if let Some(stream) = stream {
                    unsent.extend_from_slice(bytes);
                    flush(stream, unsent);
                }
            }
        }
    }

    fn ready(&self) -> io::Result<Vec<usize>> {
        let mut places = Vec::with_capacity(self.lines.len());
        let mut polled = Vec::with_capacity(self.lines.len());
        for (place, line) in self.lines.iter().enumerate() {
            match line {
                Line::Datagrams { socket, .. } => polled.push(PollFd::new(socket.as_fd(), PollFlags::POLLIN)),
                Line::Connection { stream: Some(stream), unsent, .. } => {
                    let out = if unsent.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
                    polled.push(PollFd::new(stream.as_fd(), PollFlags::POLLIN | out));
                }
                Line::Connection { stream: None, .. } => continue,
            }
            places.push(place);
        }
        poll(&mut polled, PollTimeout::from(1_u8))?;
        let woken = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        Ok(places.into_iter().zip(&polled).filter(|(_, fd)| woken(fd)).map(|(place, _)| place).collect())
    }
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Reads and writes what goes. Whether the connection is still there.
fn pump(stream: &mut TcpStream, heard: &mut Vec<u8>, unsent: &mut Vec<u8>, buffer: &mut [u8]) -> bool {
    flush(stream, unsent);
    loop {
        match stream.read(buffer) {
            Ok(0) => return false,
            Ok(length) => heard.extend_from_slice(&buffer[..length]),
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn flush(stream: &mut TcpStream, unsent: &mut Vec<u8>) {
    while !unsent.is_empty() {
        match stream.write(unsent) {
            Ok(length) => drop(unsent.drain(..length)),
            Err(_) => return,
        }
    }
}

/// The length of the first message, if all of it is there.
fn whole(heard: &[u8]) -> Option<usize> {
    let end = heard.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&heard[..end]).ok()?;
    let length: usize = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    (heard.len() >= end + length).then_some(end + length)
}
