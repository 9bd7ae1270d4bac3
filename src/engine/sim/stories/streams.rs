//! Phones and trunks over TCP, beside others over UDP.
use super::network::Weather;
use super::office::*;
use super::phone::Dial;
use super::world::{Who, World, address};
use crate::counters::{Direction, Kind, RegistrationEnd};
use crate::settings::{CallbackRights, Dtmf, LineSettings, Secret, Settings, Transport};

/// Retransmissions, of whatever and in either direction.
fn retransmits(world: &World) -> u64 {
    world.snapshot().counters.retransmits.iter().map(|(.., n)| n).sum()
}

/// Messages over TCP, both ways.
fn over_tcp(world: &World) -> u64 {
    world.snapshot().counters.messages[Transport::Tcp as usize].iter().map(|(.., n)| n).sum()
}

/// An INVITE too large for a datagram.
fn large() -> Dial {
    Dial { lines: format!("X-Ballast: {}\r\n", "x".repeat(1400)), ..Dial::default() }
}

#[test]
fn everybody_over_tcp() {
    let mut office = office_over_tcp(&[ALICE, BOB, CAROL, DAVE]);
    assert_eq!(office.snapshot().gauges.registrations, [0, 4]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    assert!(office.last(BOB, "INVITE").field("Via").starts_with("SIP/2.0/TCP 10.0.0.1:5060;"));
    assert_eq!(office.last(BOB, "INVITE").field("Contact"), "<sip:10.0.0.1:5060;transport=tcp>");
    office.holds(alice);
    office.resumes(alice);
    office.talk(alice, bob);
    office.passes(secs(40));
    office.hangs_up(bob);
    assert_eq!(office.ended(alice), "BYE ");
    assert_eq!(retransmits(&office), 0, "nothing is said twice");
    let udp = &office.snapshot().counters.messages[Transport::Udp as usize];
    assert_eq!(udp.iter().map(|(.., n)| n).sum::<u64>(), 0);
    office.ends();
}

/// Timers D, I, J and K are 0 over a stream; L and M are not (RFC 6026).
#[test]
fn what_is_refused_is_forgotten_at_once_and_what_is_accepted_is_not() {
    let mut office = office_over_tcp(&[ALICE, BOB, CAROL, DAVE]);
    office.phones[BOB.0].manners.answers = super::phone::Answer::Refuse(486);
    for (number, answer) in [("9999", "404 9999 does not exist"), ("1002", "486 Busy Here")] {
        let alice = office.dials(ALICE, number);
        assert_eq!(office.ended(alice), answer);
        assert_eq!(office.engine.exchange.legs.transactions.count(), [0; 4]);
    }
    office.phones[BOB.0].manners.answers = super::phone::Answer::WhenTold;
    let (alice, _) = office.connects(ALICE, BOB);
    office.hangs_up(alice);
    assert_eq!(office.engine.exchange.legs.transactions.count(), [1, 1, 0, 0], "one INVITE each way");
    office.ends();
}

#[test]
fn tcp_calls_udp_and_back() {
    for (from, to) in [(ALICE, BOB), (BOB, ALICE)] {
        let mut office = office_over_tcp(&[ALICE]);
        let (caller, callee) = office.connects(from, to);
        office.talk(caller, callee);
        office.holds(callee);
        office.resumes(callee);
        office.talk(caller, callee);
        office.hangs_up(caller);
        assert_eq!(office.ended(callee), "BYE ");
        office.ends();
    }
}

/// What is lost on the way to the one is of no concern on the way to the other.
#[test]
fn bad_weather_is_no_concern_of_a_stream() {
    for seed in 0..20 {
        let mut office = office_over_tcp(&[ALICE]);
        office.network = super::network::Network::new(seed, Weather::ROUGH);
        let alice = office.dials(ALICE, "1002");
        office.passes(secs(10));
        let bob = office.answers(BOB);
        office.passes(secs(10));
        office.talk(alice, bob);
        office.hangs_up(alice);
        office.passes(secs(40));
        assert!(office.call(bob).is_over());
        office.ends();
    }
}

#[test]
fn an_answer_is_repeated_until_its_ack_on_any_transport() {
    let mut office = office_over_tcp(&[ALICE, BOB]);
    office.phones[ALICE.0].manners.no_ack = true;
    let alice = office.dials(ALICE, "1002");
    office.answers(BOB);
    office.passes(secs(10));
    let answers = office.answers_to(ALICE, "INVITE").into_iter().filter(|answer| answer.status() == Some(200)).count();
    assert!(answers > 4, "RFC 3261 §13.3.1.4: {answers}");
    office.passes(secs(40));
    assert!(office.call(alice).is_over());
    office.phones[ALICE.0].manners.no_ack = false;
    office.ends();
}

#[test]
fn a_call_is_parked_and_fetched() {
    let mut office = office_over_tcp(&[ALICE, BOB, CAROL]);
    let alice = super::park::parked(&mut office, "701");
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.hangs_up(carol);
    assert!(office.call(alice).is_over());
    assert_eq!(retransmits(&office), 0);
    office.ends();
}

#[test]
fn a_lost_connection_takes_its_contact_along() {
    let mut office = office_over_tcp(&[BOB]);
    office.phones[BOB.0].outbound = true;
    office.with(BOB, |phone| phone.unregister());
    office.settles();
    office.with(BOB, |phone| phone.register());
    office.settles();
    office.loses_connection(BOB);
    office.settles();
    assert_eq!(office.snapshot().gauges.registrations, [3, 0]);
    assert_eq!(office.snapshot().counters.registrations_ended.count(RegistrationEnd::TransportLost, ()), 1);
    let alice = office.dials(ALICE, "1002");
    assert!(office.ended(alice).starts_with("480"), "{}", office.ended(alice));
    office.with(BOB, |phone| phone.register());
    office.settles();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    office.ends();
}

/// RFC 3261 knows nothing of connections that belong to a contact: it says where its phone listens.
#[test]
fn a_phone_that_says_where_it_listens_is_called_there() {
    let mut office = office_over_tcp(&[BOB]);
    office.loses_connection(BOB);
    office.settles();
    assert_eq!(office.snapshot().gauges.registrations, [3, 1]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk(alice, bob);
    assert_eq!(office.phones[BOB.0].connection, Some(address("10.0.1.2:5060")), "the server made it");
    office.hangs_up(alice);
    office.phones[BOB.0].listens = false;
    office.loses_connection(BOB);
    office.settles();
    let alice = office.dials(ALICE, "1002");
    assert!(office.call(alice).is_over(), "nobody is there: at once");
    office.ends();
}

/// In the middle of a call a phone loses its connection; it comes back by another, and the call knows.
fn bob_comes_back(office: &mut World) {
    comes_back(office, BOB);
}

fn comes_back(office: &mut World, who: Who) {
    office.loses_connection(who);
    office.settles();
    // Nobody can connect to it: it is behind a NAT.
    office.phones[who.0].listens = false;
    office.with(who, |phone| phone.register());
    office.settles();
}

/// A call is refreshed every quarter of an hour, and follows its party then: after an hour nobody need know the way from
/// the old place any more, and who comes back then has it forgotten.
#[test]
fn a_long_call_remembers_where_its_party_came_back() {
    for update in [true, false] {
        let mut office = office_over_tcp(&[BOB, CAROL]);
        office.phones[BOB.0].manners.update = update;
        let (alice, bob) = office.connects(ALICE, BOB);
        bob_comes_back(&mut office);
        office.passes(secs(3601));
        office.with(CAROL, |phone| phone.register());
        office.settles();
        comes_back(&mut office, CAROL);
        office.talk(alice, bob);
        office.hangs_up(alice);
        assert_eq!(office.ended(bob), "BYE ");
        office.ends();
    }
}

#[test]
fn a_phone_that_comes_back_can_be_told_that_the_call_is_over() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    bob_comes_back(&mut office);
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

#[test]
fn a_phone_that_comes_back_can_be_held_and_hangs_up() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    bob_comes_back(&mut office);
    office.holds(alice);
    assert!(!office.call(bob).media.is_open(), "Bob knows");
    office.resumes(alice);
    office.talk(alice, bob);
    office.hangs_up(bob);
    assert_eq!(office.ended(alice), "BYE ");
    office.ends();
}

#[test]
fn a_parker_that_comes_back_is_reminded_at_the_same_phone() {
    let mut office = office_over_tcp(&[BOB]);
    let second = office.add("1002", "Bob too", "10.0.1.98:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    let alice = office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    bob_comes_back(&mut office);
    office.ladder.clear();
    office.passes(secs(91));
    assert!(office.heard(second, "INVITE").is_empty(), "his other phone was not where it was parked");
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// The old connection seems open as long as nobody notices that it is not.
#[test]
fn a_phone_that_comes_back_before_its_connection_is_missed() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.phones[BOB.0].connection = None;
    office.phones[BOB.0].listens = false;
    office.with(BOB, |phone| phone.register());
    office.settles();
    assert_eq!(office.snapshot().gauges.registrations, [3, 1]);
    let before = office.connection(BOB);
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    let bye = office.ladder.to(before).filter_map(super::ladder::Rung::message).last();
    assert_eq!(bye.unwrap().method(), Some("BYE"), "by the new connection");
    office.ends();
}

/// Bob has two telephones on one host; both are behind the same NAT, or neither is. When the one is away, the other
/// registers for the first time: it is not the one that was away.
#[test]
fn who_comes_first_has_not_come_back() {
    for inside in [None, Some("192.168.1.2:5060")] {
        let mut office = office_over_tcp(&[]);
        office.with(BOB, |phone| phone.unregister());
        office.settles();
        (office.phones[BOB.0].stream, office.phones[BOB.0].listens) = (true, true);
        office.phones[BOB.0].inside = inside.map(address);
        office.with(BOB, |phone| phone.register());
        office.settles();
        let (alice, bob) = office.connects(ALICE, BOB);
        let second = office.add("1002", "Bob too", "10.0.1.2:5070");
        (office.phones[second.0].stream, office.phones[second.0].connections) = (true, 100);
        office.phones[second.0].inside = inside.map(|_| address("192.168.1.2:5070"));
        office.loses_connection(BOB);
        office.settles();
        office.with(second, |phone| phone.register());
        office.settles();
        assert_eq!(office.snapshot().gauges.registrations, [3, if inside.is_some() { 1 } else { 2 }]);
        if inside.is_some() {
            office.with(BOB, |phone| phone.register());
            office.settles();
        }
        office.hangs_up(alice);
        assert_eq!(office.ended(bob), "BYE ");
        office.ends();
    }
}

/// A telephone without a NAT that names its connection's own port, which is another each time.
#[test]
fn who_names_the_port_of_its_connection_comes_back() {
    let mut office = office_over_tcp(&[]);
    office.with(BOB, |phone| phone.unregister());
    office.settles();
    office.phones[BOB.0].stream = true;
    office.phones[BOB.0].inside = Some(address("10.0.1.2:40001"));
    office.with(BOB, |phone| phone.register());
    office.settles();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.loses_connection(BOB);
    office.settles();
    office.phones[BOB.0].inside = Some(address("10.0.1.2:40002"));
    office.with(BOB, |phone| phone.register());
    office.settles();
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

/// A proxy has several lines on one connection; one of them registers from elsewhere: the calls of the others stay.
#[test]
fn who_leaves_a_shared_connection_leaves_it_to_the_others() {
    let mut office = office_over_tcp(&[]);
    for who in [BOB, CAROL] {
        office.with(who, |phone| phone.unregister());
        office.settles();
        office.phones[who.0].stream = true;
        office.phones[who.0].inside = Some(address("192.168.1.2:5060"));
    }
    for number in ["1003", "1002"] {
        (office.phones[BOB.0].number, office.phones[BOB.0].password) =
            (number.into(), Some(format!("secret-{number}")));
        office.with(BOB, |phone| phone.register());
        office.settles();
    }
    assert_eq!(office.snapshot().gauges.registrations, [2, 2]);
    let (alice, bob) = office.connects(ALICE, BOB);
    // The Call-ID is the same: the first has too low a CSeq.
    for _ in 0..2 {
        office.with(CAROL, |phone| phone.register());
        office.settles();
    }
    assert_eq!(office.snapshot().gauges.registrations, [2, 2], "the same contact");
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

/// A connection must not be closed while somebody may still respond over it.
#[test]
fn a_connection_is_needed_while_a_response_is_awaited() {
    let mut office = office_over_tcp_with(&[CARRIER], tcp_trunk);
    let (flow, carrier) = (crate::base::Flow(1), address("10.0.9.1:5060"));
    assert!(!office.engine.needs(flow, carrier));
    office.phones[CARRIER.0].listens = true;
    let alice = office.dials(ALICE, "8030123");
    assert!(office.engine.needs(flow, carrier), "it rings");
    office.hangs_up(alice);
    assert!(!office.engine.needs(flow, carrier));
    office.ends();
}

#[test]
fn a_parked_phone_that_comes_back_is_fetched() {
    let mut office = office_over_tcp(&[ALICE, BOB]);
    let alice = super::park::parked(&mut office, "701");
    office.loses_connection(ALICE);
    office.settles();
    office.phones[ALICE.0].listens = false;
    office.with(ALICE, |phone| phone.register());
    office.settles();
    let carol = office.dials(CAROL, "701");
    office.talk(alice, carol);
    office.ends();
}

/// Without a word from the phone its Contact is what there is.
#[test]
fn a_phone_whose_connection_is_gone_is_called_at_its_contact() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.loses_connection(BOB);
    office.settles();
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    assert_eq!(office.phones[BOB.0].connection, Some(address("10.0.1.2:5060")), "the server made it");
    office.ends();
}

#[test]
fn who_cannot_be_reached_keeps_what_it_had() {
    let mut office = office_over_tcp(&[BOB]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.loses_connection(BOB);
    office.settles();
    office.phones[BOB.0].listens = false;
    office.holds(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|(status, _)| *status), Some(480), "now, not after 32 s");
    assert!(!office.call(alice).is_over(), "and the call is there");
    office.with(BOB, |phone| phone.register());
    office.settles();
    office.holds(alice);
    assert_eq!(office.call(alice).answered.as_ref().map(|(status, _)| *status), Some(200));
    office.hangs_up(bob);
    office.ends();
}

/// RFC 3261 §18.2.2: a response whose connection is gone goes where the Via says.
#[test]
fn a_response_makes_a_connection_of_its_own() {
    let mut office = office_over_tcp(&[ALICE]);
    let alice = office.dials(ALICE, "1002");
    office.loses_connection(ALICE);
    office.settles();
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.hangs_up(bob);
    assert_eq!(office.ended(alice), "BYE ");
    office.ends();
}

#[test]
fn a_phone_that_rings_may_answer_on_another_connection() {
    let mut office = office_over_tcp(&[BOB]);
    let alice = office.dials(ALICE, "1002");
    office.loses_connection(BOB);
    office.settles();
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// Its ringing is not waited for as long as that of one who is there.
#[test]
fn a_phone_that_rings_and_vanishes_is_given_up() {
    let mut office = office_over_tcp(&[BOB]);
    let alice = office.dials(ALICE, "1002");
    office.phones[BOB.0].crash();
    office.loses_connection(BOB);
    office.passes(secs(33));
    assert!(office.call(alice).is_over(), "not only after 60 s");
    office.ends();
}

fn tcp_trunk(settings: &mut Settings) {
    settings.trunks[0].transport = Transport::Tcp;
}

#[test]
fn a_trunk_over_tcp() {
    let mut office = office_over_tcp_with(&[CARRIER], tcp_trunk);
    office.phones[CARRIER.0].manners.answers = super::phone::Answer::After(millis(50));
    let alice = office.dials(ALICE, "8030123");
    assert!(office.last(CARRIER, "INVITE").start.starts_with("INVITE sip:030123@10.0.9.1:5060;transport=tcp "));
    let carrier = office.latest(CARRIER, super::phone::Stage::Up).unwrap();
    office.talk(alice, carrier);
    office.hangs_up(carrier);
    assert_eq!(office.ended(alice), "BYE ");
    let from_outside = office.dials(CARRIER, "1002");
    let bob = office.answers(BOB);
    office.talk(from_outside, bob);
    assert_eq!(retransmits(&office), 0);
    office.ends();
}

#[test]
fn a_trunk_that_takes_no_connection_has_failed_at_once() {
    let mut office = office_over_tcp_with(&[CARRIER], tcp_trunk);
    office.phones[CARRIER.0].listens = false;
    let alice = office.dials(ALICE, "8030123");
    assert!(office.call(alice).is_over(), "now, not after 32 s");
    assert!(office.ended(alice).starts_with("50"), "{}", office.ended(alice));
    office.ends();
}

#[test]
fn a_gateway_over_tcp() {
    let gate = LineSettings {
        number: "gate".into(),
        name: "Gate".into(),
        secret: Secret::None,
        groups: Vec::new(),
        trusted: Vec::new(),
        contact: Some("sip:gate@10.0.7.1:5070;transport=tcp".into()),
        max_contacts: None,
        busy_limit: None,
        media: None,
        dtmf: Dtmf::Auto,
        profile: None,
        music: None,
        digest: None,
        incall_features: false,
        callbacks: CallbackRights::default(),
    };
    let mut office = office_over_tcp_with(&[], |settings| settings.lines.push(gate));
    let gate: Who = office.add("gate", "Gate", "10.0.7.1:5070");
    (office.phones[gate.0].stream, office.phones[gate.0].listens) = (true, true);
    let (alice, gate) = office.connects(ALICE, gate);
    office.talk(alice, gate);
    office.hangs_up(alice);
    assert_eq!(office.ended(gate), "BYE ");
    office.ends();
}

/// RFC 3261 §18.1.1.
#[test]
fn what_is_too_large_for_a_datagram_goes_by_tcp() {
    let mut office = office_over_tcp(&[]);
    office.phones[BOB.0].listens = true;
    let alice = office.dials_so(ALICE, "1002", &large());
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert!(office.last(BOB, "INVITE").field("Via").starts_with("SIP/2.0/TCP 10.0.0.1:5060;"));
    assert!(office.last(BOB, "ACK").field("Via").starts_with("SIP/2.0/UDP"), "what is small does not");
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

#[test]
fn a_peer_that_takes_no_stream_gets_the_datagram_all_the_same() {
    let mut office = office_over_tcp(&[]);
    let alice = office.dials_so(ALICE, "1002", &large());
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    assert!(office.last(BOB, "INVITE").field("Via").starts_with("SIP/2.0/UDP 10.0.0.1:5060;"));
    let tried = over_tcp(&office);
    assert_eq!(tried, 1, "it was tried");
    office.hangs_up(alice);
    let alice = office.dials_so(ALICE, "1002", &large());
    office.answers(BOB);
    assert_eq!(over_tcp(&office), tried, "and not again");
    office.hangs_up(alice);
    office.ends();
}

#[test]
fn a_large_call_to_a_busy_line_and_one_that_is_given_up() {
    let mut office = office_over_tcp(&[]);
    office.phones[BOB.0].listens = true;
    office.phones[BOB.0].manners.answers = super::phone::Answer::Refuse(486);
    let alice = office.dials_so(ALICE, "1002", &large());
    assert_eq!(office.ended(alice), "486 Busy Here");
    assert_eq!(office.heard(BOB, "ACK").len(), 1);
    office.phones[BOB.0].manners.answers = super::phone::Answer::WhenTold;
    let alice = office.dials_so(ALICE, "1002", &large());
    office.hangs_up(alice);
    assert!(office.last(BOB, "CANCEL").field("Via").starts_with("SIP/2.0/TCP"), "the same way as its INVITE");
    office.ends();
}

/// Without a listener there is nothing to choose.
#[test]
fn without_tcp_everything_goes_by_datagram() {
    let mut office = office();
    office.dials_so(ALICE, "1002", &large());
    let bob = office.answers(BOB);
    let sent = office.snapshot().counters.messages[Transport::Tcp as usize].count(Direction::Out, Kind::Request);
    assert_eq!(sent, 0);
    office.hangs_up(bob);
    office.ends();
}
