//! Somebody on the network who sends what they like, and sees everything that comes back.
use crate::peers::{Ground, PATIENCE};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
use switchyard_engine::wire::Message;

/// The address, and a socket for every port that answers may come back to.
pub(super) struct Stranger {
    server: SocketAddr,
    ground: Ground,
    sockets: BTreeMap<u16, UdpSocket>,
    /// What is said goes out here.
    mouth: UdpSocket,
    /// Asks whether all before has been handled; nothing else comes back to it.
    probe: UdpSocket,
    probes: u32,
}

impl Stranger {
    pub(super) fn new(server: SocketAddr) -> Self {
        let ground = Ground::claim();
        let open = || UdpSocket::bind((ground.ip, 0)).unwrap();
        let (mouth, probe) = (open(), open());
        mouth.set_nonblocking(true).unwrap();
        probe.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        Self { server, ground, sockets: BTreeMap::new(), mouth, probe, probes: 0 }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.mouth.local_addr().unwrap()
    }

    pub(super) fn says(&self, bytes: &[u8]) {
        while let Err(error) = self.mouth.send_to(bytes, self.server) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
            std::thread::yield_now();
        }
    }

    /// Says it; every answer to it, and to nothing that was said later.
    pub(super) fn asks(&mut self, bytes: &[u8]) -> Vec<String> {
        // Without rport an answer goes to the port that the Via names (RFC 3261 §18.2.2).
        let via = Message::parse(bytes).ok().and_then(|message| message.via().ok().map(|via| (via.rport(), via.port)));
        if let Some((None, port)) = via {
            let port = port.unwrap_or(5060);
            self.sockets.entry(port).or_insert_with(|| {
                let socket = UdpSocket::bind((self.ground.ip, port)).unwrap();
                socket.set_nonblocking(true).unwrap();
                socket
            });
        }
        self.says(bytes);
        self.is_heard();
        self.hears()
    }

    /// Whatever has come back by now.
    pub(super) fn hears(&self) -> Vec<String> {
        let mut heard = Vec::new();
        let mut buffer = vec![0; 65_536];
        for socket in self.sockets.values().chain([&self.mouth]) {
            while let Ok(length) = socket.recv(&mut buffer) {
                heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
        }
        heard
    }

    /// Waits until the server has handled all that was said: it answers in order.
    pub(super) fn is_heard(&mut self) {
        self.probes += 1;
        let mark = format!("probe-{}", self.probes);
        let text = format!(
            "OPTIONS sip:pbx.test SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bK{mark}\r\nMax-Forwards: 70\r\n\
             From: <sip:probe@pbx.test>;tag=p\r\nTo: <sip:pbx.test>\r\nCall-ID: {mark}\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n",
            self.probe.local_addr().unwrap()
        );
        let deadline = std::time::Instant::now() + PATIENCE;
        let mut buffer = vec![0; 65_536];
        while std::time::Instant::now() < deadline {
            self.probe.send_to(text.as_bytes(), self.server).unwrap();
            // A datagram may be lost in a flood: then it is asked again.
            while let Ok(length) = self.probe.recv(&mut buffer) {
                if String::from_utf8_lossy(&buffer[..length]).contains(&format!("Call-ID: {mark}\r\n")) {
                    return;
                }
            }
        }
        panic!("the server no longer answers");
    }
}

/// The status of an answer.
pub(super) fn status(answer: &str) -> &str {
    answer.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).unwrap_or(answer)
}
