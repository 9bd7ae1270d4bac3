//! What a plain call costs: once everything has been used before, [`Engine::handle`] makes no call to the allocator.
use super::office::{secs, settings};
use super::sip::Sip;
use super::world::address;
use crate::base::Time;
use crate::settings::{Dtmf, MediaWay, Transport, TrunkSettings};
use crate::{Engine, Flow, Input, Output};
use std::net::SocketAddr;
use std::time::Duration;

const CALLER: &str = "10.0.9.1:5060";
const CALLED: &str = "10.0.9.2:5060";
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.9.1\r\ns=-\r\nc=IN IP4 10.0.9.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
                   a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

/// Two trunks and the engine between them; every input is counted by itself.
struct Bench {
    engine: Engine,
    now: Time,
    out: Output,
    /// By step of the call: how many calls to the allocator.
    counted: Vec<(&'static str, u64)>,
    calls: u32,
}

impl Bench {
    fn new() -> Self {
        let mut settings = settings();
        let trunk = |name: &str, at: &str, prefix: &str| TrunkSettings {
            name: name.into(),
            address: address(at),
            transport: Transport::Udp,
            trusted: Vec::new(),
            prefix: Some(prefix.into()),
            strip: 0,
            media: MediaWay::Direct,
            dtmf: Dtmf::Auto,
        };
        settings.trunks = vec![trunk("one", CALLER, "7"), trunk("other", CALLED, "8")];
        let engine = Engine::new(settings);
        Self { engine, now: Time::from_micros(1_000_000), out: Output::default(), counted: Vec::new(), calls: 0 }
    }

    /// One input; what went to this address because of it.
    fn input(&mut self, step: &'static str, source: SocketAddr, bytes: &[u8]) -> Vec<(SocketAddr, String)> {
        self.now = self.now + Duration::from_millis(1);
        let (engine, out, now) = (&mut self.engine, &mut self.out, self.now);
        let input = Input::Datagram { flow: Flow(0), source, bytes };
        let count = allocation_counter::measure(|| engine.handle(now, input, out)).count_total;
        self.counted.push((step, count));
        let text = |message: &[u8]| String::from_utf8(message.to_vec()).unwrap();
        let sent = self.out.datagrams.iter().map(|sent| (sent.to, text(self.out.message(sent)))).collect();
        self.out.clear();
        sent
    }

    /// Time passes; what must be done meanwhile is done.
    fn pause(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.engine.deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            let (engine, out, now) = (&mut self.engine, &mut self.out, self.now);
            let count = allocation_counter::measure(|| engine.handle(now, Input::Expired, out)).count_total;
            self.counted.push(("timer", count));
            self.out.clear();
        }
        self.now = end;
    }

    /// A whole call: INVITE, 100, 180, 200, ACK, BYE, 200, on both sides.
    fn call(&mut self) {
        self.calls += 1;
        let (id, caller, called) = (self.calls, address(CALLER), address(CALLED));
        let request = |method: &str, uri: &str, to_tag: &str, cseq: u32, body: &str| {
            let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
            format!(
                "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER};rport;branch=z9hG4bK-{id:06}-{cseq}{method}\r\n\
                 Max-Forwards: 70\r\nFrom: \"One\" <sip:71@{CALLER}>;tag=f{id:06}\r\nTo: <sip:81@pbx.test>{to_tag}\r\n\
                 Call-ID: {id:06}@{CALLER}\r\nCSeq: {cseq} {method}\r\nContact: <sip:71@{CALLER}>\r\n\
                 Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n{kind}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let invite = request("INVITE", "sip:81@pbx.test", "", 1, SDP);
        let sent = self.input("INVITE", caller, invite.as_bytes());
        let out = find(&sent, called, "INVITE");
        self.input("180", called, answer(&out, "180 Ringing", id, "").as_bytes());
        let sent = self.input("200", called, answer(&out, "200 OK", id, SDP).as_bytes());
        assert!(sent.iter().any(|(to, text)| *to == called && text.starts_with("ACK ")), "{sent:?}");
        let accepted = find(&sent, caller, "SIP/2.0 200");
        let to_tag = format!(";tag={}", accepted.tag("To"));
        let ack = request("ACK", "sip:10.0.0.1:5060", &to_tag, 1, "");
        self.input("ACK", caller, ack.as_bytes());
        self.pause(Duration::from_millis(700));
        let bye = request("BYE", "sip:10.0.0.1:5060", &to_tag, 2, "");
        let sent = self.input("BYE", caller, bye.as_bytes());
        assert_eq!(find(&sent, caller, "SIP/2.0 200").cseq(), (2, "BYE"));
        let out = find(&sent, called, "BYE");
        self.input("200 to BYE", called, answer(&out, "200 OK", id, "").as_bytes());
        assert!(self.engine.is_idle());
        self.pause(Duration::from_millis(300));
    }
}

fn find(sent: &[(SocketAddr, String)], to: SocketAddr, begins: &str) -> Sip {
    let found = sent.iter().find(|(at, text)| *at == to && text.starts_with(begins));
    let (_, text) = found.unwrap_or_else(|| panic!("no {begins} among {sent:?}"));
    Sip::read(text.as_bytes()).unwrap()
}

fn answer(request: &Sip, status: &str, id: u32, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=t{id:06}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:81@{CALLED}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        request.field("Via"),
        request.field("From"),
        super::sip::bare(request.field("To")),
        request.field("Call-ID"),
        request.field("CSeq"),
        body.len()
    )
}

#[test]
fn a_plain_call_makes_no_call_to_the_allocator() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        bench.call();
    }
    bench.pause(secs(1));
    bench.counted.clear();
    for _ in 0..50 {
        bench.call();
    }
    let mut by_step: Vec<(&str, u64)> = Vec::new();
    for (step, count) in bench.counted {
        match by_step.iter_mut().find(|(known, _)| *known == step) {
            Some((_, sum)) => *sum += count,
            None => by_step.push((step, count)),
        }
    }
    assert!(by_step.len() >= 7, "{by_step:?}");
    assert!(by_step.iter().all(|(_, count)| *count == 0), "calls to the allocator in 50 calls: {by_step:?}");
}
