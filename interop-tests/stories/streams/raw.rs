//! Connections with bytes of our own on them.
use crate::peers::{Pbx, eventually};
use crate::story::{SIPP, story};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A connection to the server.
struct Raw(TcpStream);

/// A request that anybody may send, and that is answered 200.
fn options(number: usize) -> String {
    request(number, "Content-Length: 0\r\n")
}

fn request(number: usize, length: &str) -> String {
    format!(
        "OPTIONS sip:pbx.test SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK{number};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a@pbx.test>;tag=1\r\nTo: <sip:b@pbx.test>\r\nCall-ID: raw-{number}\r\nCSeq: 1 OPTIONS\r\n{length}\r\n"
    )
}

impl Raw {
    fn connect(pbx: &Pbx) -> Self {
        let stream = TcpStream::connect(pbx.sip).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn says(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Reads until these words have come so many times.
    fn hears(&mut self, words: &str, times: usize) -> String {
        let (mut text, mut piece) = (String::new(), [0; 65_536]);
        while text.matches(words).count() < times {
            let length = self.0.read(&mut piece).unwrap();
            assert!(length > 0, "closed after {text:?}");
            text += std::str::from_utf8(&piece[..length]).unwrap();
        }
        text
    }

    /// Everything until the server closes the connection.
    fn hears_out(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("not closed: {error}"),
        }
        String::from_utf8(bytes).unwrap()
    }
}

/// An ordinary call, while something else goes on.
fn a_call_goes_through(pbx: &Pbx) {
    let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
    let answering = bob.plays("calling/answer", &[("offer", "m=audio")]);
    alice.does("calling/call", &[("to", "1002"), ("answer", "m=audio")]);
    answering.ends_well();
}

#[test]
fn bytes_come_one_by_one() {
    story(&[], |pbx| {
        let mut raw = Raw::connect(pbx);
        for byte in options(1).bytes() {
            raw.says(&[byte]);
        }
        raw.hears("SIP/2.0 200 OK", 1);
    });
}

#[test]
fn many_messages_come_at_once() {
    story(&[], |pbx| {
        let mut raw = Raw::connect(pbx);
        let all: String = (0..50).map(options).collect();
        raw.says(all.as_bytes());
        let text = raw.hears("SIP/2.0 200 OK", 50);
        let at = |number: usize| text.find(&format!("raw-{number}\r\n")).unwrap();
        assert!((1..50).all(|number| at(number - 1) < at(number)), "in their order");
        assert_eq!(pbx.sum("pbx_sip_connections transport=tcp"), 1);
    });
}

/// RFC 5626 §3.5.1.
#[test]
fn a_ping_is_answered_and_line_ends_are_not() {
    story(&[], |pbx| {
        let mut raw = Raw::connect(pbx);
        raw.says(b"\r\n\r\n");
        raw.hears("\r\n", 1);
        raw.says(b"\r\n");
        raw.says(options(1).as_bytes());
        assert!(raw.hears("raw-1\r\n", 1).starts_with("SIP/2.0 200 OK"));
    });
}

#[test]
fn a_message_without_a_length_is_the_last_one() {
    story(&[], |pbx| {
        let mut raw = Raw::connect(pbx);
        raw.says(request(1, "").as_bytes());
        assert!(raw.hears_out().starts_with("SIP/2.0 400 Missing Content-Length\r\n"));
        assert_eq!(pbx.sum("pbx_sip_parse_errors_total transport=tcp reason=no_content_length"), 1);
    });
}

#[test]
fn a_message_too_large_is_the_last_one() {
    story(&[], |pbx| {
        let mut raw = Raw::connect(pbx);
        raw.says(request(1, "Content-Length: 70000\r\n").as_bytes());
        assert!(raw.hears_out().starts_with("SIP/2.0 513 "));
        let mut raw = Raw::connect(pbx);
        raw.says("x".repeat(64_001).as_bytes());
        assert_eq!(raw.hears_out(), "");
    });
}

#[test]
fn garbage_ends_the_connection_and_is_counted() {
    story(&[], |pbx| {
        let mut raw = Raw::connect(pbx);
        raw.says(b"GET / HTTP/1.1\r\nHost: pbx\r\n\r\n");
        assert_eq!(raw.hears_out(), "");
        pbx.shows("pbx_sip_connections_ended_total transport=tcp reason=garbage", 1);
        assert_eq!(pbx.sum("pbx_sip_parse_errors_total transport=tcp"), 1);
        pbx.shows("pbx_sip_connections transport=tcp", 0);
    });
}

/// Whoever begins messages and does not end them holds up nobody, and not for long.
#[test]
fn those_who_never_finish_are_shown_out() {
    story(&[SIPP], |pbx| {
        let begun = Instant::now();
        let mut slow: Vec<Raw> = (0..300).map(|_| Raw::connect(pbx)).collect();
        slow.iter_mut().for_each(|raw| raw.says(b"OPTIONS sip:pbx.test SIP/2.0\r\nVia: "));
        pbx.shows("pbx_sip_connections transport=tcp", 300);
        a_call_goes_through(pbx);
        // A byte now and then does not make it last.
        while begun.elapsed() < Duration::from_secs(9) {
            std::thread::sleep(Duration::from_secs(1));
            slow.iter_mut().for_each(|raw| raw.says(b"x"));
        }
        pbx.shows("pbx_sip_connections_ended_total transport=tcp reason=late", 300);
        pbx.shows("pbx_sip_connections transport=tcp", 0);
        drop(slow);
    });
}

/// More connections that have said nothing than may be: the oldest of them goes, and who has something to say is heard.
#[test]
fn of_too_many_that_say_nothing_the_oldest_is_shown_out() {
    const MOST: usize = 1_024;
    story(&[SIPP], |pbx| {
        let mut silent: Vec<Raw> = (0..MOST).map(|_| Raw::connect(pbx)).collect();
        pbx.shows("pbx_sip_connections transport=tcp", MOST as u64);
        silent.push(Raw::connect(pbx));
        assert_eq!(silent[0].hears_out(), "");
        pbx.shows("pbx_sip_connections_ended_total transport=tcp reason=half_open", 1);
        silent[MOST].says(options(1).as_bytes());
        silent[MOST].hears("SIP/2.0 200 OK", 1);
        drop(silent);
        pbx.shows("pbx_sip_connections transport=tcp", 0);
        a_call_goes_through(pbx);
    });
}

/// It asks and asks, and never listens to the answers: the server keeps no more of them than it must.
#[test]
fn whoever_never_reads_is_cut_off() {
    story(&[SIPP], |pbx| {
        let mut raw = Raw::connect(pbx);
        raw.0.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let many: String = (0..100).map(options).collect();
        let cut = (0..1000).find(|_| raw.0.write_all(many.as_bytes()).is_err());
        assert!(cut.is_some(), "100 000 answers");
        pbx.shows("pbx_sip_connections_ended_total transport=tcp reason=slow_reader", 1);
        a_call_goes_through(pbx);
    });
}

/// More connections from one source than may be: the next one is not taken, until one of them goes.
#[test]
fn one_source_has_so_many_connections_and_no_more() {
    const MOST: usize = 4_096;
    story(&[], |pbx| {
        let [.., d] = match pbx.ground.ip {
            IpAddr::V4(v4) => v4.octets(),
            IpAddr::V6(_) => panic!("stories stand on IPv4"),
        };
        // Another source than the phones', on the way to the same server.
        let source: SocketAddr = format!("127.99.{d}.1:0").parse().unwrap();
        let connect = || {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.bind(&source.into()).unwrap();
            socket.connect(&pbx.sip.into()).unwrap();
            let raw = Raw(socket.into());
            raw.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            raw
        };
        let speak = |mut raw: Raw, number: usize| {
            raw.says(options(number).as_bytes());
            raw.hears("SIP/2.0 200 OK", 1);
            raw
        };
        let mut all: Vec<Raw> = (0..MOST).map(|number| speak(connect(), number)).collect();
        let mut one_more = connect();
        assert_eq!(one_more.hears_out(), "");
        assert_eq!(pbx.sum("pbx_sip_connections_ended_total transport=tcp reason=source_limit"), 1);
        assert_eq!(speak(Raw::connect(pbx), MOST).0.peer_addr().unwrap(), pbx.sip, "others are taken");
        all.pop();
        eventually("there is room again", || {
            let mut raw = connect();
            let _ = raw.0.write_all(options(MOST + 1).as_bytes());
            let mut piece = [0; 1000];
            raw.0.read(&mut piece).ok().filter(|length| *length > 0)
        });
    });
}
