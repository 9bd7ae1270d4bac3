//! Two phones that are known: they call each other while the siege goes on, and look at the clock.
use crate::peers::{DOMAIN, PATIENCE, Pbx, password};
use md5::{Digest, Md5};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Until something is said again.
const AGAIN: Duration = Duration::from_millis(500);

/// A registered phone.
pub(super) struct Phone {
    line: String,
    socket: UdpSocket,
    server: SocketAddr,
    ids: u32,
    /// Nonces are good for many requests; a phone that keeps one is not challenged again.
    pub(super) last_register: String,
}

impl Phone {
    /// A phone of this line that has registered.
    pub(super) fn new(pbx: &Pbx, line: &str) -> Self {
        let socket = UdpSocket::bind((pbx.ground.ip, 0)).unwrap();
        socket.set_read_timeout(Some(AGAIN)).unwrap();
        let mut phone = Self { line: line.into(), socket, server: pbx.sip, ids: 0, last_register: String::new() };
        phone.registers();
        phone
    }

    fn at(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(super) fn registers(&mut self) {
        let call = format!("r{}-{}", self.at().port(), self.ids);
        let challenge = self.asks("REGISTER", DOMAIN, &call, 1, "", "").0;
        let credentials = credentials(&challenge, &self.line, &password(&self.line), "REGISTER", DOMAIN);
        let (answer, asked) = self.asks("REGISTER", DOMAIN, &call, 2, &credentials, "");
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        self.last_register = asked;
    }

    /// Calls the other, who answers; then it hangs up. How long it took until they could talk.
    pub(super) fn calls(&mut self, other: &Self) -> Duration {
        let (began, to) = (Instant::now(), format!("{}@{DOMAIN}", other.line));
        let call = format!("c{}-{}", self.at().port(), self.ids);
        let challenge = self.asks("INVITE", &to, &call, 1, "", &self.sdp()).0;
        let ack = |phone: &mut Self, number, answer: &str| {
            let (target, tag) = (uri(field(answer, "Contact"), &to), tag(field(answer, "To")));
            let text = phone.writes("ACK", &target, &to, &call, number, &tag, "", "");
            phone.sends(&text);
        };
        ack(self, 1, &challenge);
        let credentials = credentials(&challenge, &self.line, &password(&self.line), "INVITE", &to);
        let invite = self.writes("INVITE", &to, &to, &call, 2, "", &credentials, &self.sdp());
        let mut taken = false;
        let answer = self.until(&invite, |answer| {
            // The other side is on the same desk: it is looked at while we wait, and says again what got lost.
            taken |= other.takes("INVITE", Duration::from_millis(if taken { 1 } else { 20 }));
            answer.is_some_and(|text| text.contains("CSeq: 2 INVITE") && text.starts_with("SIP/2.0 2"))
        });
        let took = began.elapsed();
        ack(self, 2, &answer);
        let (target, tag) = (uri(field(&answer, "Contact"), &to), tag(field(&answer, "To")));
        let bye = self.writes("BYE", &target, &to, &call, 3, &tag, "", "");
        let mut left = false;
        self.until(&bye, |answer| {
            left |= other.takes("BYE", Duration::from_millis(if left { 1 } else { 20 }));
            left && answer.is_some_and(|text| text.contains("CSeq: 3 BYE"))
        });
        took
    }

    /// Answers a request of this method with 200, if one comes within so long.
    fn takes(&self, method: &str, within: Duration) -> bool {
        let mut buffer = [0; 4096];
        self.socket.set_read_timeout(Some(within)).unwrap();
        let heard = self.socket.recv(&mut buffer);
        self.socket.set_read_timeout(Some(AGAIN)).unwrap();
        let Ok(length) = heard else { return false };
        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if request.starts_with("ACK") || request.starts_with("SIP/2.0") {
            return false;
        }
        let body = if request.starts_with("INVITE") { self.sdp() } else { String::new() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let to = field(&request, "To");
        let tagged = if to.contains("tag=") { String::new() } else { ";tag=callee".to_owned() };
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tagged}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Contact: <sip:{}@{}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            field(&request, "Via"),
            field(&request, "From"),
            field(&request, "Call-ID"),
            field(&request, "CSeq"),
            self.line,
            self.at(),
            body.len()
        );
        self.sends(&answer);
        request.starts_with(method)
    }

    fn sends(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.server).unwrap();
    }

    fn sdp(&self) -> String {
        let ip = self.at().ip();
        format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
    }

    /// Asks for something, again and again until there is a final answer; that, and what was asked.
    fn asks(&mut self, method: &str, to: &str, call: &str, number: u32, lines: &str, body: &str) -> (String, String) {
        let text = self.writes(method, to, to, call, number, "", lines, body);
        let mark = format!("CSeq: {number} {method}");
        let is = |answer: &str| answer.contains(&mark) && answer.contains(call) && !answer.starts_with("SIP/2.0 1");
        (self.until(&text, |answer| answer.is_some_and(is)), text)
    }

    /// Says it until an answer pleases; it is asked about silence, too.
    fn until(&self, text: &str, mut pleases: impl FnMut(Option<&str>) -> bool) -> String {
        let mut buffer = [0; 4096];
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            self.sends(text);
            let again = Instant::now() + AGAIN;
            while Instant::now() < again {
                self.socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                if let Ok(length) = self.socket.recv(&mut buffer) {
                    let heard = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    // Provisional responses are no answers.
                    last = Some(heard).filter(|heard| !heard.starts_with("SIP/2.0 1")).or(last);
                }
                if pleases(last.as_deref()) {
                    return last.unwrap();
                }
            }
        }
        panic!("no answer that would do: {last:?} to {text}");
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a request")]
    fn writes(
        &mut self,
        method: &str,
        uri: &str,
        to: &str,
        call: &str,
        number: u32,
        tag: &str,
        lines: &str,
        body: &str,
    ) -> String {
        self.ids += 1;
        let (at, line) = (self.at(), &self.line);
        let to = if method == "REGISTER" { format!("{line}@{DOMAIN}") } else { to.to_owned() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:{uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};rport;branch=z9hG4bK{call}{method}{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{line}@{DOMAIN}>;tag=f{call}\r\nTo: <sip:{to}>{tag}\r\nCall-ID: {call}\r\n\
             CSeq: {number} {method}\r\nContact: <sip:{line}@{at}>\r\n{lines}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// The first field of this name.
pub(crate) fn field<'t>(text: &'t str, name: &str) -> &'t str {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default()
}

fn tag(value: &str) -> String {
    value.split_once(";tag=").map_or(String::new(), |(_, tag)| format!(";tag={tag}"))
}

/// What stands behind `sip:` in a Contact.
fn uri(contact: &str, otherwise: &str) -> String {
    let inner = contact.split_once("<sip:").and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(otherwise, |(uri, _)| uri).to_owned()
}

/// The answer to a challenge.
pub(crate) fn credentials(challenge: &str, user: &str, password: &str, method: &str, uri: &str) -> String {
    let nonce = field(challenge, "WWW-Authenticate").split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
    let nonce = nonce.unwrap_or_else(|| panic!("no challenge: {challenge}"));
    let hash = |text: String| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (secret, what) = (hash(format!("{user}:{DOMAIN}:{password}")), hash(format!("{method}:sip:{uri}")));
    let response = hash(format!("{secret}:{nonce}:00000001:c:auth:{what}"));
    format!(
        "Authorization: Digest username=\"{user}\", realm=\"{DOMAIN}\", nonce=\"{nonce}\", uri=\"sip:{uri}\", \
         response=\"{response}\", algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001\r\n"
    )
}
