//! REGISTERs and calls as they come in, and what is answered.
mod moving;
mod proving;

use super::*;
use crate::base::limits::Limits;
use crate::base::{Flow, Room};
use crate::counters::{AuthResult, Excess, RegistrationEnd};
use crate::ground::Hop;
use crate::leg::Identity;
use crate::settings::*;
use crate::transaction::TransactionEvent;
use crate::wire::Method;
use md5::Digest;
use std::time::Duration;

const PHONE: &str = "192.0.2.1:5062";

fn line(number: &str, secret: Secret) -> LineSettings {
    LineSettings {
        number: number.into(),
        name: String::new(),
        secret,
        groups: Vec::new(),
        trusted: Vec::new(),
        contact: None,
        max_contacts: None,
        busy_limit: None,
        media: None,
        dtmf: Dtmf::Auto,
        profile: None,
        music: None,
        digest: None,
        incall_features: false,
        callbacks: CallbackRights::default(),
    }
}

fn trusted(text: &str) -> TrustedAddress {
    let (address, prefix) = text.split_once('/').unwrap();
    TrustedAddress { address: address.parse().unwrap(), prefix: prefix.parse().unwrap(), port: None }
}

/// Lines of ranges are numbered from here.
const RANGES: u32 = 1 << 24;

pub(super) fn settings() -> Settings {
    let listener = Listener {
        transport: Transport::Udp,
        address: "0.0.0.0:5060".parse().unwrap(),
        prefix: None,
        advertise: Some("198.51.100.1:5060".parse().unwrap()),
    };
    let listener = Listener { address: "10.0.0.1:5060".parse().unwrap(), ..listener };
    Settings {
        listeners: vec![listener],
        digest: vec![Algorithm::Sha256, Algorithm::Md5],
        registrar: RegistrarSettings {
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3600),
            max_contacts: 3,
            keep_alive: Duration::ZERO,
        },
        lines: vec![
            LineSettings { name: "Alice".into(), groups: vec!["staff".into()], ..line("1001", password("one")) },
            LineSettings { digest: Some(vec![Algorithm::Md5]), ..line("1002", password("two")) },
            // MD5 of "alice:pbx.test:wonderland".
            line("alice", Secret::Ha1(md5("alice:pbx.test:wonderland"))),
            LineSettings {
                trusted: vec![trusted("203.0.113.0/24"), TrustedAddress { port: Some(9), ..trusted("203.0.113.8/32") }],
                contact: Some("sip:gate@203.0.113.7".into()),
                ..line("gate", Secret::None)
            },
            LineSettings { trusted: vec![trusted("203.0.113.9/32")], ..line("1005", password("five")) },
        ],
        line_ranges: vec![
            range("u", 0, 9_999, 5),
            range("", 200_000, 299_999, 6),
            range("u", 0, 99, 2),
            range("", 300_000, 300_000, 6),
        ],
        trunks: vec![TrunkSettings {
            name: "carrier".into(),
            address: "127.0.0.1:7062".parse().unwrap(),
            transport: Transport::Udp,
            trusted: vec![trusted("2001:db8::/32")],
            prefix: None,
            strip: 0,
            media: MediaWay::Direct,
            dtmf: Dtmf::Auto,
        }],
        seed: [5; 32],
        ..Settings::new("pbx.test")
    }
}

fn range(prefix: &str, first: u64, last: u64, width: usize) -> LineRange {
    LineRange {
        prefix: prefix.into(),
        first,
        last,
        width,
        secret: password("many"),
        groups: vec!["load".into()],
        music: None,
        incall_features: false,
        callbacks: CallbackRights::default(),
        media: None,
        dtmf: Dtmf::Auto,
    }
}

fn password(text: &str) -> Secret {
    Secret::Password(text.into())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5(text: &str) -> String {
    hexadecimal(&md5::Md5::digest(text))
}

fn sha256(text: &str) -> String {
    hexadecimal(&sha2::Sha256::digest(text))
}

/// The rooms under test, and the time.
struct World {
    lines: Lines,
    transactions: Transactions,
    branches: u32,
}

impl World {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let settings = settings();
        let mut ground = Ground::new(&settings);
        ground.limits = limits;
        let lines = Lines::new(&settings, &mut ground);
        let mut world = Self { lines, transactions: Transactions::new(ground, 0), branches: 0 };
        world.wait(1000);
        world
    }

    /// So many seconds pass.
    fn wait(&mut self, seconds: u64) {
        let then = self.transactions.ground.now + Duration::from_secs(seconds);
        while let Some(next) = self.transactions.ground.timers.deadline().filter(|&next| next <= then) {
            self.transactions.ground.now = next;
            while let Some(alarm) = self.transactions.ground.timers.expire(next) {
                if alarm.room == Room::Line {
                    self.lines.expired(&mut self.transactions, alarm);
                } else {
                    self.transactions.expired(alarm);
                }
            }
        }
        self.transactions.ground.now = then;
    }

    /// A request arrives: who may go on with it, and what was answered.
    fn receive(&mut self, source: &str, request: &str) -> (Option<Caller>, Option<String>) {
        let message = Message::parse(request.as_bytes()).unwrap();
        message.check().unwrap();
        let hop = Hop { flow: Flow(0), address: source.parse().unwrap() };
        let mut caller = None;
        match self.transactions.receive(&message, hop) {
            TransactionEvent::Request(arrival) if message.method() == Some(Method::Register) => {
                self.lines.register(&mut self.transactions, &message, arrival);
            }
            TransactionEvent::Request(arrival) => {
                caller = self.lines.admit(&mut self.transactions, &message, arrival);
            }
            TransactionEvent::Absorbed => {}
            TransactionEvent::Ack | TransactionEvent::Cancelled(_) | TransactionEvent::Response { .. } => {
                panic!("nothing of the kind was sent")
            }
        }
        let outbox = &mut self.transactions.ground.outbox;
        let mut sent = std::mem::take(&mut outbox.messages).into_iter();
        let answer = sent.next().map(|sent| String::from_utf8(outbox.bytes[sent.range].to_vec()).unwrap());
        assert!(sent.next().is_none(), "one answer to one request");
        outbox.bytes.clear();
        (caller, answer)
    }

    fn gauges(&self) -> (u64, u64, u64) {
        let mut gauges = Gauges::default();
        self.lines.gauge(&mut gauges);
        (gauges.registrations[0], gauges.registered_users, gauges.penalties)
    }

    fn forgotten(&self, what: Excess) -> u64 {
        let mut counters = Counters::default();
        self.lines.count(&mut counters);
        counters.excess.count(what, ())
    }

    fn ended(&self, end: RegistrationEnd) -> u64 {
        self.transactions.ground.counters.registrations_ended.count(end, ())
    }

    /// The URIs that a call to this number goes to, in order, with where they are sent and whether that is forced.
    fn reached(&self, number: &str) -> Vec<String> {
        let line = self.lines.directory.line(number).unwrap();
        let contacts =
            self.lines.locations.phones(line).map(|phone| self.lines.locations.contact(line, phone).unwrap());
        contacts
            .map(|contact| {
                let uri = std::str::from_utf8(contact.uri).unwrap();
                format!("{uri} at {}{}", contact.hop.address, if contact.pinned { " pinned" } else { "" })
            })
            .collect()
    }
}

/// A phone with its credentials.
#[derive(Clone)]
struct Phone {
    source: &'static str,
    user: &'static str,
    password: &'static str,
    /// Whom From and To name.
    named: &'static str,
    call_id: &'static str,
    cseq: u32,
    algorithm: Algorithm,
}

impl Phone {
    const fn new(user: &'static str, password: &'static str) -> Self {
        let algorithm = Algorithm::Md5;
        Self { source: PHONE, user, password, named: user, call_id: "call-1", cseq: 0, algorithm }
    }

    fn request(&mut self, world: &mut World, method: &str, more: &str) -> String {
        self.cseq += 1;
        world.branches += 1;
        let (branch, cseq, Self { named, call_id, .. }) = (world.branches, self.cseq, &self);
        let to = if method == "REGISTER" { named } else { "somebody" };
        let contact = if method == "REGISTER" { "" } else { "Contact: <sip:x@192.0.2.1>\r\n" };
        format!(
            "{method} sip:pbx.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{named}@pbx.test>;tag={branch}\r\nTo: <sip:{to}@pbx.test>\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{contact}{more}Content-Length: 0\r\n\r\n"
        )
    }

    /// The answer to a challenge.
    fn credentials(&self, method: &str, nonce: &str, count: u32) -> String {
        let Self { user, password, algorithm, .. } = self;
        let hash = |text: String| match algorithm {
            Algorithm::Md5 => md5(&text),
            Algorithm::Sha256 => sha256(&text),
        };
        let secret = hash(format!("{user}:pbx.test:{password}"));
        let asked = hash(format!("{method}:sip:pbx.test"));
        let response = hash(format!("{secret}:{nonce}:{count:08x}:c:auth:{asked}"));
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"pbx.test\", nonce=\"{nonce}\", uri=\"sip:pbx.test\", \
             response=\"{response}\", algorithm={}, cnonce=\"c\", qop=auth, nc={count:08x}\r\n",
            algorithm.as_str()
        )
    }

    /// A REGISTER with these header lines, challenged and sent again. The status, and the contacts listed.
    fn register(&mut self, world: &mut World, more: &str) -> (String, Vec<String>) {
        let answer = self.send(world, "REGISTER", more).1.unwrap();
        (status(&answer), fields(&answer, "Contact"))
    }

    fn send(&mut self, world: &mut World, method: &str, more: &str) -> (Option<Caller>, Option<String>) {
        let nonce = self.challenged(world, method);
        let again = self.request(world, method, &(self.credentials(method, &nonce, 1) + more));
        world.receive(self.source, &again)
    }

    fn challenged(&mut self, world: &mut World, method: &str) -> String {
        let first = self.request(world, method, "");
        nonce(&world.receive(self.source, &first).1.unwrap())
    }
}

fn status(answer: &str) -> String {
    answer.strip_prefix("SIP/2.0 ").unwrap().lines().next().unwrap().to_owned()
}

fn fields(answer: &str, name: &str) -> Vec<String> {
    let prefix = format!("{name}: ");
    answer.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

fn nonce(answer: &str) -> String {
    assert_eq!(status(answer), "401 Unauthorized");
    let field = &fields(answer, "WWW-Authenticate")[0];
    field.split_once("nonce=\"").unwrap().1[..32].to_owned()
}

/// Without To's tag, Via and the nonce: all that two answers may differ in.
fn outline(answer: &str) -> String {
    let lines = answer.lines().filter(|line| !["Via", "From", "To"].iter().any(|name| line.starts_with(name)));
    let mut text: String = lines.collect::<Vec<_>>().join("\n");
    if let Some((before, after)) = text.split_once("nonce=\"") {
        text = format!("{before}{}", &after[32..].split_once("nonce=\"").map_or("", |(_, after)| &after[32..]));
    }
    text
}

#[test]
fn registers_one_after_the_other() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    for (step, more, wanted, contacts) in [
        ("nothing yet", "", "200 OK", &[][..]),
        ("as long as possible", "Contact: <sip:a@192.0.2.1:5062>", "200 OK", &["<sip:a@192.0.2.1:5062>;expires=3600"]),
        (
            "shortened",
            "Contact: <sip:a@192.0.2.1:5062>;expires=7200",
            "200 OK",
            &["<sip:a@192.0.2.1:5062>;expires=3600"],
        ),
        (
            "the contact's own expires wins",
            "Expires: 100\r\nContact: <sip:a@192.0.2.1:5062>;expires=200;q=0.5;+sip.instance=\"<urn:uuid:1>\"",
            "200 OK",
            &["<sip:a@192.0.2.1:5062>;q=0.5;+sip.instance=\"<urn:uuid:1>\";expires=200"],
        ),
        ("too brief", "Expires: 59\r\nContact: <sip:a@192.0.2.1:5062>", "423 Interval Too Brief", &[]),
        ("all or nothing", "Contact: <sip:b@192.0.2.1>, <sip:c@192.0.2.1>;expires=1", "423 Interval Too Brief", &[]),
        ("no headers in it", "Contact: <sip:b@192.0.2.1?Route=x>", "400 Unusable Contact", &[]),
        ("no other scheme", "Contact: <mailto:b@192.0.2.1>", "400 Unusable Contact", &[]),
        ("* without Expires", "Contact: *", "400 Contact * Needs Expires 0", &[]),
        ("* with another Expires", "Contact: *\r\nExpires: 60", "400 Contact * Needs Expires 0", &[]),
        ("too many at once", "Contact: <sip:1@h>, <sip:2@h>, <sip:3@h>, <sip:4@h>", "403 Too Many Contacts", &[]),
        (
            "the same URI, written otherwise; a second one, and one that is not there taken back",
            "Expires: 60\r\nContact: <SIP:%61@192.0.2.1:5062>\r\nm: sip:b@pc.example;q=0.1, <sip:x@h>;expires=0",
            "200 OK",
            &["<SIP:%61@192.0.2.1:5062>;expires=60", "<sip:b@pc.example>;q=0.1;expires=60"],
        ),
        (
            "one taken back",
            "Contact: <sip:a@192.0.2.1:5062>;expires=0",
            "200 OK",
            &["<sip:b@pc.example>;q=0.1;expires=60"],
        ),
        ("asked", "", "200 OK", &["<sip:b@pc.example>;q=0.1;expires=60"]),
        ("all taken back", "Contact: *\r\nExpires: 0", "200 OK", &[]),
    ] {
        let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
        assert_eq!(
            phone.register(&mut world, &more),
            (wanted.to_owned(), contacts.iter().map(|&c| c.to_owned()).collect()),
            "{step}"
        );
    }
    assert_eq!(world.ended(RegistrationEnd::Unregister), 2);
    assert_eq!((world.gauges(), world.lines.locations.lines()), ((0, 0, 0), 0));
    let counters = &world.transactions.ground.counters;
    let register = |result| counters.register.count(result, ());
    assert_eq!([RegisterResult::Ok, RegisterResult::Challenge, RegisterResult::TooBrief].map(register), [8, 15, 2]);
    assert_eq!([RegisterResult::Refused, RegisterResult::Limit].map(register), [4, 1]);
    assert_eq!(counters.auth_register.count(Algorithm::Md5, AuthResult::Ok), 15);
    assert_eq!(counters.auth_register.count(Algorithm::Sha256, AuthResult::Missing), 15, "the first offered");
}

#[test]
fn too_brief_says_what_is_not() {
    let mut world = World::new();
    let answer =
        Phone::new("1001", "one").send(&mut world, "REGISTER", "Expires: 1\r\nContact: sip:a@h\r\n").1.unwrap();
    assert_eq!(fields(&answer, "Min-Expires"), ["60"]);
}

#[test]
fn out_of_order_changes_nothing() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    phone.cseq = 100;
    assert_eq!(phone.register(&mut world, "Contact: <sip:a@h>;expires=600\r\n").0, "200 OK");
    let mut late = phone.clone();
    late.cseq = 50;
    for more in ["Contact: <sip:b@h>, <sip:a@h>;expires=0\r\n", "Contact: *\r\nExpires: 0\r\n"] {
        assert_eq!(late.register(&mut world, more).0, "500 CSeq Out Of Order", "{more}");
    }
    assert_eq!(phone.register(&mut world, "").1, ["<sip:a@h>;expires=600"]);
    // Another Call-ID begins anew, as a phone does that was restarted.
    let mut restarted = Phone { call_id: "call-2", ..Phone::new("1001", "one") };
    assert_eq!(restarted.register(&mut world, "Contact: <sip:a@h>;expires=700\r\n").1, ["<sip:a@h>;expires=700"]);
    assert_eq!(world.gauges(), (1, 1, 0));
}

#[test]
fn a_contact_lasts_as_long_as_was_said() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    phone.register(&mut world, "Contact: <sip:a@h>;expires=100, <sip:b@h>;expires=60\r\n");
    world.wait(59);
    assert_eq!(phone.register(&mut world, "").1, ["<sip:b@h>;expires=1", "<sip:a@h>;expires=41"]);
    world.wait(1);
    assert_eq!((world.gauges(), world.ended(RegistrationEnd::Timeout)), ((1, 1, 0), 1));
    // Refreshed: the timer goes with it.
    phone.register(&mut world, "Contact: <sip:a@h>;expires=100\r\n");
    world.wait(99);
    assert_eq!(world.gauges(), (1, 1, 0));
    assert_eq!(world.transactions.ground.timers.armed(), 1, "one for the line, whatever was refreshed");
    world.wait(1);
    assert_eq!((world.gauges(), world.ended(RegistrationEnd::Timeout)), ((0, 0, 0), 2));
    world.wait(600);
    assert_eq!(world.transactions.ground.timers.armed(), 0, "nothing is left running");
}

#[test]
fn a_phone_that_always_comes_back_elsewhere_replaces_its_oldest_self() {
    let mut world = World::new();
    for (at, call_id) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let mut phone = Phone { call_id, ..Phone::new("1001", "one") };
        phone.register(&mut world, &format!("Contact: <sip:x@h:{}>\r\n", 6000 + at));
        if at == 2 {
            // Heard again: the second is the oldest now.
            phone.register(&mut world, "Contact: <sip:x@h:6000>\r\n");
        }
    }
    let listed = Phone::new("1001", "one").register(&mut world, "").1;
    assert_eq!(listed, ["<sip:x@h:6003>;expires=3600", "<sip:x@h:6000>;expires=3600", "<sip:x@h:6002>;expires=3600"]);
    assert_eq!((world.ended(RegistrationEnd::Evicted), world.gauges().0), (1, 3));
}

#[test]
fn calls_go_by_q_then_to_the_newest() {
    let mut world = World::new();
    for (source, contact) in [
        (PHONE, "<sip:second@192.0.2.1:5070>;q=0.5"),
        ("192.0.2.2:1024", "<sip:nat@10.1.1.1:5060>;q=0.5"),
        ("192.0.2.3:40000", "<sip:first@192.0.2.3>"),
        ("192.0.2.3:40000", "<sip:first@192.0.2.3;transport=udp>;q=0.2"),
    ] {
        let mut phone = Phone { source, call_id: contact, ..Phone::new("1001", "one") };
        phone.call_id = &contact[1..6];
        assert_eq!(phone.register(&mut world, &format!("Contact: {contact}\r\n")).0, "200 OK");
    }
    // Over the limit of three the oldest went; every contact is rung, also two of one source.
    assert_eq!(
        world.reached("1001"),
        [
            "sip:first@192.0.2.3 at 192.0.2.3:5060",
            "sip:nat@10.1.1.1:5060 at 192.0.2.2:1024 pinned",
            "sip:first@192.0.2.3;transport=udp at 192.0.2.3:5060"
        ]
    );
    let mut named = Phone { source: "192.0.2.4:1111", ..Phone::new("1001", "one") };
    named.register(&mut world, "Contact: <sip:name@phone.example>\r\n");
    assert_eq!(world.reached("1001")[0], "sip:name@phone.example at 192.0.2.4:1111 pinned");
    assert_eq!(world.reached("gate"), ["sip:gate@203.0.113.7 at 203.0.113.7:5060"]);
    let gone =
        super::Phone { device: Device(Hop { flow: Flow(0), address: "192.0.2.4:1111".parse().unwrap() }), contact: 1 };
    assert_eq!(world.lines.locations.contact(LineNo(0), gone), None, "replaced by a later one");
    assert!(world.reached("1002").is_empty());
}

#[test]
fn registers_for_others_and_elsewhere() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    // A third party registers for 1001, with 1001's password (RFC 3261 §10.2.1).
    let nonce = phone.challenged(&mut world, "REGISTER");
    let request = phone.request(&mut world, "REGISTER", &phone.credentials("REGISTER", &nonce, 1));
    let request = request.replace("From: <sip:1001@pbx.test>", "From: <sip:admin@else.where>");
    assert_eq!(status(&world.receive(PHONE, &request).1.unwrap()), "200 OK");
    for (from, to, wanted) in [
        ("REGISTER sip:pbx.test", "REGISTER sip:else.where", "404 Not Found"),
        ("REGISTER sip:pbx.test", "REGISTER sip:192.0.2.200", "404 Not Found"),
        ("REGISTER sip:pbx.test", "REGISTER sip:10.0.0.1:5060", "401 Unauthorized"),
        ("REGISTER sip:pbx.test", "REGISTER sip:198.51.100.1", "401 Unauthorized"),
        ("REGISTER sip:pbx.test", "REGISTER sip:PBX.test;transport=udp", "401 Unauthorized"),
        ("To: <sip:1001@pbx.test>", "To: <sip:1001@else.where>", "404 Not Found"),
        ("To: <sip:1001@pbx.test>", "To: <tel:1001>", "404 Not Found"),
        ("To: <sip:1001@pbx.test>", "To: <sip:pbx.test>", "401 Unauthorized"),
    ] {
        let request = phone.request(&mut world, "REGISTER", "").replace(from, to);
        assert_eq!(status(&world.receive(PHONE, &request).1.unwrap()), wanted, "{to}");
    }
}

#[test]
fn known_by_address() {
    let mut world = World::new();
    for (source, wanted) in [
        ("203.0.113.7:1", Some(Caller::Line(LineNo(3)))),
        ("[::ffff:203.0.113.7]:1", Some(Caller::Line(LineNo(3)))),
        ("203.0.113.9:1", Some(Caller::Line(LineNo(4)))),
        ("127.0.0.1:7062", Some(Caller::Trunk(0))),
        ("[2001:db8:1::1]:5", Some(Caller::Trunk(0))),
        ("127.0.0.1:7063", None),
        ("203.0.112.255:1", None),
        ("[2001:db9::1]:5", None),
    ] {
        let request = Phone::new("1001", "").request(&mut world, "INVITE", "");
        let (caller, answer) = world.receive(source, &request);
        assert_eq!((caller, answer.is_some()), (wanted, wanted.is_none()), "{source}");
    }
    // Its own registration needs no password; that of others does.
    for (source, named, wanted) in [
        ("203.0.113.9:1", "1005", "200 OK"),
        ("203.0.113.9:1", "1001", "401 Unauthorized"),
        ("127.0.0.1:7062", "1005", "401 Unauthorized"),
    ] {
        let request = Phone::new(named, "").request(&mut world, "REGISTER", "Contact: <sip:x@h>\r\n");
        assert_eq!(status(&world.receive(source, &request).1.unwrap()), wanted, "{named}");
    }
}

#[test]
fn a_repeated_register_gets_the_same_answer() {
    let mut world = World::new();
    let mut phone = Phone::new("1001", "one");
    let nonce = phone.challenged(&mut world, "REGISTER");
    let more = phone.credentials("REGISTER", &nonce, 1) + "Contact: <sip:a@h>\r\n";
    let request = phone.request(&mut world, "REGISTER", &more);
    let first = world.receive(PHONE, &request).1;
    world.wait(5);
    assert_eq!(world.receive(PHONE, &request).1, first);
    assert_eq!(fields(&first.unwrap(), "Contact"), ["<sip:a@h>;expires=3600"]);
}

#[test]
fn the_directory_finds_and_names_everybody() {
    let settings = settings();
    let ground = Ground::new(&settings);
    let directory = Directory::new(&settings, ground.hasher.clone());
    for (number, place) in [
        ("1001", 0),
        ("alice", 2),
        ("u00000", RANGES),
        ("u09999", RANGES + 9_999),
        ("200000", RANGES + 10_000),
        ("299999", RANGES + 109_999),
        ("u00", RANGES + 110_000),
        ("u99", RANGES + 110_099),
        ("300000", RANGES + 110_100),
    ] {
        assert_eq!(directory.line(number), Some(LineNo(place)), "{number}");
        assert_eq!(&*directory.number(LineNo(place)), number);
    }
    for nobody in [
        "",
        "1003",
        "Alice",
        "u10000",
        "u0000",
        "v00000",
        "199999",
        "300001",
        "+200000",
        "u+0001",
        "u-1",
        "20000é",
        "200000x",
        "99999999999999999999999",
    ] {
        assert_eq!(directory.line(nobody), None, "{nobody}");
    }
    assert_eq!(&*directory.number(LineNo(RANGES + 110_101)), "", "after the last");
    assert_eq!(directory.identity(LineNo(0)), Identity::new("1001", "Alice"));
    assert_eq!(directory.identity(LineNo(RANGES)), Identity::new("u00000", ""));
    let member = [(0, "staff"), (0, "load"), (RANGES, "load"), (RANGES, "staff"), (999_999, "load")];
    let member = member.map(|(line, group)| directory.is_member(LineNo(line), group));
    assert_eq!(member, [true, false, true, false, false]);
    for (uri, wanted) in [
        ("sip:1001@pbx.test", Some(LineNo(0))),
        ("sip:%31001;phone-context=x@10.0.0.1:5060", Some(LineNo(0))),
        ("sip:1001@else.where", None),
        ("tel:1001", None),
        ("sip:pbx.test", None),
    ] {
        assert_eq!(directory.named(&Uri::parse(uri.as_bytes()).unwrap(), &ground), wanted, "{uri}");
    }
}
