//! A gateway with a media socket or two of its own, which says and hears just what a story wants.
use crate::peers::{DOMAIN, PATIENCE, Pbx};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Until something is said again.
const AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Gateway {
    socket: UdpSocket,
    server: SocketAddr,
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
    /// Where it says that its media is to be sent.
    pub(super) said: IpAddr,
    /// It says that it receives keys as events, by the number 101.
    pub(super) events: bool,
    /// Where it is to send its own, as it was told last.
    pub(super) told: Option<SocketAddr>,
    /// The dialog that it is in: From, To, Call-ID and target as its own requests have them.
    dialog: [String; 4],
    number: u32,
}

impl Gateway {
    /// A gateway on this port.
    pub(super) fn new(pbx: &Pbx, port: u16) -> Self {
        let bind = |port| {
            let socket = UdpSocket::bind((pbx.ground.ip, port)).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        };
        let socket = bind(port);
        socket.set_read_timeout(Some(AGAIN)).unwrap();
        Self {
            socket,
            server: pbx.sip,
            rtp: bind(0),
            rtcp: bind(0),
            said: pbx.ground.ip,
            events: false,
            told: None,
            dialog: Default::default(),
            number: 0,
        }
    }

    /// Where RTCP goes.
    pub(super) fn told_rtcp(&self) -> SocketAddr {
        let told = self.told.unwrap();
        SocketAddr::new(told.ip(), told.port() + 1)
    }

    /// Calls a number, and has the other answer.
    pub(super) fn calls(&mut self, number: &str, other: &mut Self) {
        let own = self.socket.local_addr().unwrap();
        self.dialog = [
            format!("<sip:gateway@{own}>;tag=a{}", own.port()),
            format!("<sip:{number}@{DOMAIN}>"),
            format!("{}-{number}", own.port()),
            format!("sip:{number}@{DOMAIN}"),
        ];
        let sdp = self.sdp();
        let invite = self.asks("INVITE", &sdp);
        other.takes("INVITE");
        let answer = self.answer(&invite);
        self.dialog[1] = field(&answer, "To").into();
        self.dialog[3] = uri(&answer);
        self.hears_description(&answer);
        self.writes("ACK", self.number, "");
        other.takes("ACK");
    }

    /// Waits for a request, and answers it.
    pub(super) fn takes(&mut self, method: &str) -> String {
        let request = self.hears(|text| text.starts_with(method));
        self.hears_description(&request);
        if method == "ACK" {
            return request;
        }
        let tag = format!(";tag=b{}", self.socket.local_addr().unwrap().port());
        let to = field(&request, "To").to_owned();
        let to = if to.contains(";tag=") { to } else { to + &tag };
        let body = if method == "INVITE" { self.sdp() } else { String::new() };
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:gateway@{}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            field(&request, "Via"),
            field(&request, "From"),
            field(&request, "Call-ID"),
            field(&request, "CSeq"),
            self.socket.local_addr().unwrap(),
            body.len()
        );
        self.socket.send_to(answer.as_bytes(), self.server).unwrap();
        request
    }

    /// Tells of a key by INFO.
    pub(super) fn presses(&mut self, key: char) {
        let info = self.asks("INFO", &format!("Signal={key}\r\nDuration=100\r\n"));
        self.answer(&info);
    }

    /// Hangs up on the other.
    pub(super) fn hangs_up(&mut self, other: &mut Self) {
        let bye = self.asks("BYE", "");
        self.answer(&bye);
        other.takes("BYE");
    }

    fn sdp(&self) -> String {
        let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
        let (ip, rtp, rtcp) = (self.said, port(&self.rtp), port(&self.rtcp));
        let (number, events) =
            if self.events { (" 101", "a=rtpmap:101 telephone-event/8000\r\n") } else { Default::default() };
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {rtp} RTP/AVP 8{number}\r\n\
             a=rtcp:{rtcp}\r\n{events}a=sendrecv\r\n"
        )
    }

    fn hears_description(&mut self, message: &str) {
        let line = |begin| message.lines().find_map(|line| line.strip_prefix(begin));
        if let (Some(ip), Some(audio)) = (line("c=IN IP4 "), line("m=audio ")) {
            let port = audio.split(' ').next().unwrap().parse().unwrap();
            self.told = Some(SocketAddr::new(ip.parse().unwrap(), port));
        }
    }

    fn asks(&mut self, method: &str, body: &str) -> String {
        self.number += 1;
        self.writes(method, self.number, body)
    }

    fn writes(&self, method: &str, number: u32, body: &str) -> String {
        let own = self.socket.local_addr().unwrap();
        let [from, to, call, target] = &self.dialog;
        let kind = if method == "INFO" { "application/dtmf-relay" } else { "application/sdp" };
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{call}{method}{number}\r\nFrom: {from}\r\nTo: {to}\r\n\
             Call-ID: {call}\r\nCSeq: {number} {method}\r\nContact: <sip:gateway@{own}>\r\nMax-Forwards: 70\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(text.as_bytes(), self.server).unwrap();
        text
    }

    /// The answer to a request, which is 200.
    fn answer(&self, request: &str) -> String {
        let mark = field(request, "CSeq");
        let is = |text: &str| text.starts_with("SIP/2.0 ") && !text.starts_with("SIP/2.0 1") && text.contains(mark);
        let answer = self.hears(is);
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        answer
    }

    /// Waits for a message, past others.
    fn hears(&self, is: impl Fn(&str) -> bool) -> String {
        let mut buffer = [0; 4096];
        let (deadline, mut past) = (Instant::now() + PATIENCE, Vec::new());
        while Instant::now() < deadline {
            let Ok(length) = self.socket.recv(&mut buffer) else { continue };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if is(&text) {
                return text;
            }
            past.push(text);
        }
        panic!("only {past:?}");
    }
}

fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ");
    message.lines().find_map(value).unwrap_or_else(|| panic!("no {name} in {message}"))
}

fn uri(message: &str) -> String {
    field(message, "Contact").split(['<', '>']).nth(1).unwrap().to_owned()
}
