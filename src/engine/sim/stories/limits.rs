//! Every limit, reached: what is refused, what is counted, and that all is well again afterwards.
//!
//! Those of millions are lowered; the rest are reached as they are. (Tables of the registrar, lines and orbits in the
//! configuration, and the loop's queue have their tests where they are.)
use super::office::*;
use super::phone::{Dial, Stage, Subscribe};
use super::sip::Sip;
use super::world::{SERVER, Who, World, address};
use crate::base::Flow;
use crate::base::limits::*;
use crate::counters::{Excess, ParkRefusal, Shed};
use crate::ground::Hop;
use crate::settings::{LineNo, LotSettings, Transport};
use std::net::Ipv4Addr;

fn shed(office: &World, why: Shed) -> u64 {
    office.snapshot().counters.shed.count(why, ())
}

/// With so many of something, a call of Alice's is refused with 503 and counted; without the limit it is not.
fn is_shed(why: Shed, lower: impl Fn(&mut Limits, &World)) {
    let mut office = office();
    let (carol, dave) = office.connects(CAROL, DAVE);
    let mut limits = Limits::default();
    lower(&mut limits, &office);
    office.engine.exchange.legs.ground().limits = limits;
    let refused = office.dials(ALICE, "1002");
    assert!(office.ended(refused).starts_with("503 "), "{why:?}: {}", office.ended(refused));
    let answer = office.answers_to(ALICE, "INVITE").pop().unwrap();
    assert_eq!(answer.field("Retry-After"), "5", "{why:?}");
    assert_eq!(shed(&office, why), 1, "{why:?}");
    office.talk(carol, dave);
    office.engine.exchange.legs.ground().limits = Limits::default();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn legs() {
    is_shed(Shed::Legs, |limits, _| limits.legs = 2);
}

/// There is room for the calling side, and none for the called.
#[test]
fn the_leg_that_would_ring() {
    is_shed(Shed::Legs, |limits, _| limits.legs = 3);
}

#[test]
fn transactions() {
    is_shed(Shed::Transactions, |limits, office| {
        let [_, servers, ..] = office.engine.exchange.legs.transactions.count();
        limits.transactions = servers;
    });
}

#[test]
fn timers() {
    is_shed(Shed::Timers, |limits, office| {
        limits.timers = office.engine.exchange.legs.transactions.ground.timers.armed();
    });
}

/// A line has more phones than are rung at once.
#[test]
fn forks() {
    let mut office = office_with(|settings| settings.registrar.max_contacts = FORKS + 3);
    for n in 0..FORKS + 2 {
        let who = office.add("1002", "Bob's", &format!("10.0.3.{}:5060", n + 1));
        office.with(who, |phone| phone.register());
    }
    office.settles();
    let alice = office.dials(ALICE, "1002");
    let ringing = (0..office.phones.len()).filter(|place| office.latest(Who(*place), Stage::Ringing).is_some());
    assert_eq!(ringing.count(), FORKS);
    office.hangs_up(alice);
    office.ends();
}

#[test]
fn numbers() {
    let mut office = office();
    for (length, told) in [(NUMBER_BYTES, "404 "), (NUMBER_BYTES + 1, "484 ")] {
        let call = office.dials(ALICE, &"7".repeat(length));
        assert!(office.ended(call).starts_with(told), "{length}: {}", office.ended(call));
    }
    assert_eq!(excess(&office, Excess::Number), 1);
    office.ends();
}

/// Cut, between two characters, and the call goes on.
#[test]
fn names() {
    let mut office = office();
    let name = format!("{}öö", "x".repeat(NAME_BYTES - 1));
    let dial = Dial { from: Some(format!("\"{name}\" <sip:+49@carrier.test>")), ..Dial::default() };
    let carrier = office.dials_so(CARRIER, "1002", &dial);
    let shown = office.last(BOB, "INVITE").field("From").to_owned();
    assert!(shown.starts_with(&format!("\"{}\" <", "x".repeat(NAME_BYTES - 1))), "{shown}");
    office.hangs_up(carrier);
    office.ends();
}

/// Says it to the server; what comes back.
fn asks(office: &mut World, from: Who, method: &str, text: String) -> Vec<Sip> {
    office.ladder.clear();
    let at = office.phones[from.0].address;
    office.send(at, address(SERVER), text.into_bytes());
    office.settles();
    office.answers_to(from, method)
}

fn request(method: &str, uri: &str, lines: &str, body: &str) -> String {
    format!(
        "{method} sip:{uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.9.1:5060;rport;branch=z9hG4bK{}\r\nMax-Forwards: 70\r\n\
         From: <sip:+49@carrier.test>;tag=l\r\nTo: <sip:{uri}>\r\nCall-ID: limit{}\r\nCSeq: 1 {method}\r\n{lines}\
         Content-Length: {:06}\r\n\r\n{body}",
        lines.len() + body.len(),
        lines.len() + body.len(),
        body.len()
    )
}

/// What was too long or too many, and counted.
fn excess(office: &World, what: Excess) -> u64 {
    office.snapshot().counters.excess.count(what, ())
}

/// As many Record-Routes as a dialog keeps, and one more.
#[test]
fn routes() {
    let mut office = office();
    for (count, told) in [(ROUTES, 180), (ROUTES + 1, 400)] {
        let routes: String = (0..count).map(|n| format!("Record-Route: <sip:10.0.9.1:5060;lr;n={n}>\r\n")).collect();
        let lines = format!("{routes}Contact: <sip:c@10.0.9.1>\r\n");
        let answers = asks(&mut office, CARRIER, "INVITE", request("INVITE", "1002@pbx.test", &lines, ""));
        assert_eq!(answers.last().unwrap().status(), Some(told), "{count}");
    }
    assert_eq!(excess(&office, Excess::Routes), 1);
    let bob = office.latest(BOB, Stage::Ringing).unwrap();
    office.hangs_up(bob);
    office.ends();
}

/// 64 000 bytes are read; one more is told so, and nothing else happens.
#[test]
fn messages() {
    let mut office = office();
    for (length, told) in [(MESSAGE_BYTES, 200), (MESSAGE_BYTES + 1, 513)] {
        let of = |body: usize| request("OPTIONS", "pbx.test", "", &"x".repeat(body));
        let text = of(length - (of(60_000).len() - 60_000));
        assert_eq!(text.len(), length);
        let answers = asks(&mut office, CARRIER, "OPTIONS", text);
        assert_eq!(answers.iter().map(Sip::status).collect::<Vec<_>>(), [Some(told)], "{length}");
    }
    let counted = office.snapshot().counters.parse_errors;
    let told: u64 = counted.iter().map(|errors| errors.count(crate::wire::Malformed::TooLarge, ())).sum();
    assert_eq!(told, 1);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    office.ends();
}

/// As large as goes by datagram, and one byte more: that goes by a stream (RFC 3261 §18.1.1), and the call as well.
#[test]
fn requests_by_datagram() {
    let mut office = office_over_tcp(&[]);
    office.phones[BOB.0].listens = true;
    let mut ballast = 500;
    for (more, transport) in [(0, "UDP"), (0, "UDP"), (1, "TCP")] {
        let dial = Dial { lines: format!("X-Ballast: {}\r\n", "x".repeat(ballast + more)), ..Dial::default() };
        let alice = office.dials_so(ALICE, "1002", &dial);
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        let invite = office.last(BOB, "INVITE");
        assert!(invite.field("Via").starts_with(&format!("SIP/2.0/{transport} ")), "{}", invite.length());
        office.hangs_up(alice);
        assert_eq!(office.ended(bob), "BYE ");
        if transport == "UDP" {
            ballast += DATAGRAM_REQUEST_BYTES - invite.length();
        }
    }
    assert!(office.snapshot().counters.messages[Transport::Tcp as usize].iter().any(|(.., count)| count > 0));
    office.ends();
}

/// A gateway's contact may be so long, and no longer; what it had stays.
#[test]
fn contacts() {
    let mut office = office_with(|settings| {
        let gateway = crate::settings::TrustedAddress { address: [10, 0, 9, 9].into(), prefix: 32, port: None };
        settings.lines[1].trusted = vec![gateway];
    });
    let gateway = office.add("1002", "Gateway", "10.0.9.9:5060");
    let registered = |office: &World| office.snapshot().gauges.registrations.iter().sum::<u64>();
    let before = registered(&office);
    let room = CONTACT_BYTES - "sip:@10.0.9.9".len();
    for (length, told) in [(room, 200), (room + 1, 400)] {
        let lines = format!("Contact: <sip:{}@10.0.9.9>\r\n", "g".repeat(length));
        let text = request("REGISTER", "pbx.test", &lines, "").replace("To: <sip:", "To: <sip:1002@");
        let answers = asks(&mut office, gateway, "REGISTER", text);
        assert_eq!(answers.last().unwrap().status(), Some(told), "{length}");
        assert_eq!(registered(&office), before + 1);
    }
    assert_eq!(excess(&office, Excess::Contact), 1);
    office.ends();
}

/// A full table forgets what is oldest; that is counted, and nobody notices but who is concerned.
#[test]
fn phones_that_moved_and_peers_that_take_no_streams() {
    let mut office = office();
    let at = |n: u32| Hop { flow: Flow(0), address: (Ipv4Addr::from_bits(n), 5060).into() };
    let (line, now) = (LineNo(9), |n: u32| at(u32::MAX - n));
    let ground = office.engine.exchange.legs.ground();
    (0..=MOVES as u32).for_each(|n| ground.strayed(line, at(n), now(n)));
    assert_eq!([0, 1].map(|n| ground.way_back_to(at(n), Some(line))), [at(0), now(1)]);
    (0..=REFUSING_PEERS as u32).for_each(|n| ground.refused(at(n).address));
    assert_eq!([0, REFUSING_PEERS as u32].map(|n| ground.refuses(at(n).address)), [false, true]);
    let counted = [Excess::Moves, Excess::RefusingPeers].map(|what| excess(&office, what));
    assert_eq!(counted, [1, REFUSING_PEERS as u64]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    office.ends();
}

/// As many subscriptions as there may be: the next is refused, and comes through when one has gone.
#[test]
fn subscriptions() {
    let mut office = office();
    office.engine.exchange.legs.ground().limits = Limits { subscriptions: 2, ..Limits::default() };
    let lamps = ["701", "702"].map(|number| office.watches(CAROL, number));
    let refused = office.watches(DAVE, "703");
    assert_eq!(office.lamp(refused).answered.as_ref().unwrap().0, 503);
    assert_eq!(office.answers_to(DAVE, "SUBSCRIBE").pop().unwrap().field("Retry-After"), "5");
    assert_eq!(shed(&office, Shed::Subscriptions), 1);
    office.watches_on(lamps[0], 0);
    let lamp = office.watches(DAVE, "703");
    assert!(office.lamp(lamp).is_on());
    office.ends();
}

#[test]
fn subscriptions_of_one_line() {
    let mut office = office();
    let watch = |office: &mut World| office.watches(CAROL, "701");
    let lamps: Vec<_> = (0..SUBSCRIPTIONS_OF_ONE_LINE).map(|_| watch(&mut office)).collect();
    assert!(lamps.iter().all(|lamp| office.lamp(*lamp).is_on()));
    let refused = watch(&mut office);
    assert_eq!(office.lamp(refused).answered.as_ref().unwrap().0, 480);
    assert_eq!(office.answers_to(CAROL, "SUBSCRIBE").pop().unwrap().field("Retry-After"), "5");
    assert_eq!(shed(&office, Shed::Subscriptions), 1);
    office.watches_on(lamps[0], 0);
    let again = watch(&mut office);
    assert!(office.lamp(again).is_on());
    office.ends();
}

/// A line with more calls than a lamp tells of shows the newest; a lot of more orbits is no list.
#[test]
fn calls_that_a_lamp_tells_of() {
    let mut office = office_with(|settings| {
        let orbits = (0..=CALLS_SHOWN).map(|n| (7200 + n).to_string());
        settings.lots.push(LotSettings::new("wide", "7199", orbits));
    });
    let lamp = office.watches(BOB, "1004");
    let list = Subscribe { lines: "Supported: eventlist\r\n".into(), ..Subscribe::default() };
    let wide = office.watches_so(BOB, "7199", list);
    assert_eq!(office.lamp(wide).told[0].field("Require"), "");
    for n in 0..=CALLS_SHOWN {
        office.dials(DAVE, "1001");
        let shown = if n % 16 == 0 || n >= CALLS_SHOWN - 1 { Some((n + 1).min(CALLS_SHOWN)) } else { None };
        if let Some(shown) = shown {
            office.passes(secs(2));
            assert_eq!(office.lamp(lamp).shows().lights.len(), shown);
        }
    }
    office.ends();
}

/// No port for the music: the call is not parked, and those who talked go on.
#[test]
fn rtp_ports() {
    let mut office = office_with(|settings| settings.media.ports = 30_000..=30_001);
    let (carol, dave) = office.connects(CAROL, DAVE);
    assert_eq!(office.refers(dave, "<sip:701@pbx.test>").0, 200);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:702@pbx.test>");
    assert!(shed(&office, Shed::Ports) > 0);
    assert_eq!(office.snapshot().counters.park[0].rejected.count(ParkRefusal::Media, ()), 1);
    office.talk(alice, bob);
    office.hears_music(carol);
    // One goes, and there is room again.
    office.hangs_up(carol);
    assert_eq!(office.refers(bob, "<sip:702@pbx.test>").0, 200);
    office.hears_music(alice);
    office.ends();
}

/// More comes in than can be answered: who talks goes on, who waits is fetched, nobody new is called.
#[test]
fn time() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    let (carrier, dave) = office.connects(CARRIER, DAVE);
    office.overloaded = true;
    for refused in [ALICE, CARRIER] {
        office.ladder.clear();
        let call = office.dials(refused, if refused == ALICE { "1002" } else { "1003" });
        assert!(office.ended(call).starts_with("503 "), "{}", office.ended(call));
        let answers = office.answers_to(refused, "INVITE");
        assert_eq!(answers.len(), 1, "not even asked who it is");
        assert_eq!(answers[0].field("Retry-After"), "5");
    }
    assert_eq!(shed(&office, Shed::Overload), 2);
    office.holds(dave);
    office.resumes(dave);
    office.talk(carrier, dave);
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.hangs_up(carrier);
    assert_eq!(office.ended(dave), "BYE ");
    office.overloaded = false;
    office.hangs_up(carol);
    office.ends();
}
