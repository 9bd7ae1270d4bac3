//! Many phones that only watch: each desk has a socket, a thread and many keys.
use crate::peers::{DOMAIN, PATIENCE, Pbx};
use crate::siege::phone::{credentials, field};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Until something is said again, and as long a desk looks at its socket before it looks up.
const AGAIN: Duration = Duration::from_millis(500);
const GLANCE: Duration = Duration::from_millis(20);

/// All of them.
pub(super) struct Crowd {
    desks: Vec<(JoinHandle<()>, Sender<()>)>,
    /// What a key shows, and since when.
    told: Receiver<(String, Instant)>,
    keys: usize,
}

/// A key: its To tag, and when something was last said of it.
#[derive(Default)]
struct Key {
    tag: String,
    proof: String,
    number: u32,
    told: bool,
    over: bool,
}

struct Desk {
    line: String,
    number: String,
    socket: UdpSocket,
    server: SocketAddr,
    keys: BTreeMap<String, Key>,
    told: Sender<(String, Instant)>,
}

impl Crowd {
    /// So many desks with so many keys each watch a number; returns when all of them are told what there is.
    pub(super) fn gathers(pbx: &Pbx, desks: usize, keys: usize, number: &str) -> Self {
        let (tell, told) = mpsc::channel();
        let desk = |place: usize| {
            let socket = UdpSocket::bind((pbx.ground.ip, 0)).unwrap();
            socket.set_read_timeout(Some(GLANCE)).unwrap();
            let (line, server, told) = (format!("{}", 3000 + place), pbx.sip, tell.clone());
            let (leave, left) = mpsc::channel();
            let mut desk = Desk { line, number: number.to_owned(), socket, server, keys: BTreeMap::new(), told };
            let thread = thread::spawn(move || {
                (0..keys).for_each(|key| desk.subscribes(&format!("key{key}-{}", desk.at().port())));
                while left.try_recv().is_err() {
                    desk.hears(None);
                }
                desk.leaves();
            });
            (thread, leave)
        };
        let crowd = Self { desks: (0..desks).map(desk).collect(), told, keys: desks * keys };
        crowd.sees("terminated");
        crowd
    }

    /// Waits until every key shows that, and when each did.
    pub(super) fn sees(&self, state: &str) -> Vec<Instant> {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while seen.len() < self.keys {
            let left = deadline.saturating_duration_since(Instant::now());
            let (shown, at) = self.told.recv_timeout(left).unwrap_or_else(|_| panic!("{state}: only {}", seen.len()));
            assert_eq!(shown, state);
            seen.push(at);
        }
        seen
    }

    /// Nobody watches any more.
    pub(super) fn leaves(self) {
        for (_, leave) in &self.desks {
            leave.send(()).unwrap();
        }
        for (desk, _) in self.desks {
            desk.join().unwrap();
        }
    }
}

impl Desk {
    fn at(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn subscribes(&mut self, call: &str) {
        self.keys.insert(call.to_owned(), Key::default());
        let challenge = self.asks(call, 600);
        let uri = format!("{}@{DOMAIN}", self.number);
        let proof = credentials(&challenge, &self.line, "secret-crowd", "SUBSCRIBE", &uri);
        self.keys.get_mut(call).unwrap().proof = proof;
        let answer = self.asks(call, 600);
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        let tag = field(&answer, "To").split_once(";tag=").unwrap().1.to_owned();
        let key = self.keys.get_mut(call).unwrap();
        (key.tag, key.proof) = (format!(";tag={tag}"), String::new());
        self.waits(call, |key| key.told);
    }

    fn leaves(&mut self) {
        for call in self.keys.keys().cloned().collect::<Vec<_>>() {
            let answer = self.asks(&call, 0);
            assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
            self.waits(&call, |key| key.over);
        }
    }

    fn waits(&mut self, call: &str, is_done: impl Fn(&Key) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_done(&self.keys[call]) {
            assert!(Instant::now() < deadline, "{call}: nothing is told");
            self.hears(None);
        }
    }

    /// Subscribes until there is an answer.
    fn asks(&mut self, call: &str, expires: u32) -> String {
        let (at, line, to) = (self.at(), self.line.clone(), self.number.clone());
        let key = self.keys.get_mut(call).unwrap();
        key.number += 1;
        let Key { tag, proof, number, .. } = key;
        let text = format!(
            "SUBSCRIBE sip:{to}@{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP {at};rport;branch=z9hG4bK{call}-{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{line}@{DOMAIN}>;tag=f{call}\r\nTo: <sip:{to}@{DOMAIN}>{tag}\r\n\
             Call-ID: {call}\r\nCSeq: {number} SUBSCRIBE\r\nContact: <sip:{line}@{at}>\r\nEvent: dialog\r\n\
             Expires: {expires}\r\n{proof}Content-Length: 0\r\n\r\n"
        );
        let mark = format!("Call-ID: {call}\r\nCSeq: {number} SUBSCRIBE");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            self.socket.send_to(text.as_bytes(), self.server).unwrap();
            let again = Instant::now() + AGAIN;
            while Instant::now() < again {
                if let Some(answer) = self.hears(Some(&mark)) {
                    return answer;
                }
            }
        }
        panic!("no answer to {text}");
    }

    /// One message: a NOTIFY is answered and told, and what was waited for is returned.
    fn hears(&mut self, waits_for: Option<&str>) -> Option<String> {
        let mut buffer = [0; 8192];
        let length = self.socket.recv(&mut buffer).ok()?;
        let at = Instant::now();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if !text.starts_with("NOTIFY ") {
            return Some(text).filter(|text| waits_for.is_some_and(|mark| text.contains(mark)));
        }
        let lines: String =
            ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}\r\n", field(&text, name))).concat();
        let answer = format!("SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n");
        self.socket.send_to(answer.as_bytes(), self.server).unwrap();
        let key = self.keys.get_mut(field(&text, "Call-ID")).unwrap();
        key.told = true;
        key.over = field(&text, "Subscription-State").starts_with("terminated");
        let state = text.split_once("<state>").and_then(|(_, rest)| rest.split_once("</state>")).unwrap().0;
        if !key.over {
            self.told.send((state.to_owned(), at)).unwrap();
        }
        None
    }
}
