//! Networks as they are: several of them, of two families.
use super::office::*;
use super::phone::{Call, Stage};
use super::world::{SERVER_V6, Who, World, address};
use crate::session::News;
use crate::settings::{Listener, Settings, TrunkSettings};

/// An office that is on IPv6 too; Carol's phone is on nothing else.
fn office_of_both() -> (World, Who) {
    let both = |settings: &mut Settings| {
        let listener = Listener { address: address(SERVER_V6), ..settings.listeners[0].clone() };
        settings.listeners.push(listener);
    };
    let mut office = office_with(both);
    let carol = office.add("1003", "Carol", "[2001:db8::1003]:5060");
    office.with(CAROL, |phone| phone.unregister());
    office.with(carol, |phone| phone.register());
    office.settles();
    assert!(office.phones[carol.0].registered);
    (office, carol)
}

#[test]
fn ipv4_calls_ipv6_and_back() {
    for back in [false, true] {
        let (mut office, carol) = office_of_both();
        let (from, to) = if back { (carol, ALICE) } else { (ALICE, carol) };
        let (caller, callee) = office.connects(from, to);
        let invite = office.last(to, "INVITE");
        let told = office.phones[to.0].server.to_string();
        assert!(invite.field("Via").starts_with(&format!("SIP/2.0/UDP {told};")), "{}", invite.field("Via"));
        assert_eq!(invite.field("Contact"), format!("<sip:{told}>"));
        office.hangs_up(caller);
        assert_eq!(office.ended(callee), "BYE ");
        office.ends();
    }
}

/// Each is told an address of the server's media that it can reach.
#[test]
fn ipv6_is_parked_on_ipv6_and_ipv4_on_ipv4() {
    let (mut office, carol) = office_of_both();
    let (parked, parker) = office.connects(carol, BOB);
    assert_eq!(office.refers(parker, "<sip:701@pbx.test>").0, 200);
    office.hears_music(parked);
    let (other, parker) = office.connects(ALICE, carol);
    assert_eq!(office.refers(parker, "<sip:702@pbx.test>").0, 200);
    office.hears_music(other);
    let fetched = office.dials(DAVE, "701");
    assert_eq!(office.sends_to(fetched), Some(office.call(parked).media.at));
    office.ends();
}

/// With several interfaces a peer is called from the one that stands in its network.
#[test]
fn a_peer_is_called_from_its_own_network() {
    for (peer, from) in
        [("10.0.9.1:5060", "10.0.0.1"), ("192.168.5.77:5060", "192.168.5.1"), ("203.0.113.9:5060", "10.0.0.1")]
    {
        let mut office = office_with(|settings| {
            settings.listeners[0].prefix = Some(8);
            let inner =
                Listener { address: address("192.168.5.1:5060"), prefix: Some(24), ..settings.listeners[0].clone() };
            settings.listeners.push(inner);
            let other = TrunkSettings {
                name: "other".into(),
                address: address(peer),
                prefix: Some("9".into()),
                ..settings.trunks[0].clone()
            };
            if address(peer) == settings.trunks[0].address {
                settings.trunks.clear();
            }
            settings.trunks.insert(0, other);
        });
        let gate = if peer == "10.0.9.1:5060" { CARRIER } else { office.add("9", "Other", peer) };
        office.dials(ALICE, "9123");
        assert_eq!(office.last(gate, "INVITE").field("Contact"), format!("<sip:{from}:5060>"), "{peer}");
        office.phones[gate.0].manners.answers = super::phone::Answer::WhenTold;
        office.ends();
    }
}

/// Bob's phone is behind a NAT, and keep-alives are sent.
fn office_with_bob_behind_a_nat() -> World {
    let mut office = office_with(|settings| settings.registrar.keep_alive = secs(30));
    office.with(BOB, |phone| phone.unregister());
    office.settles();
    office.phones[BOB.0].inside = Some(address("192.168.1.2:5060"));
    office.with(BOB, |phone| phone.register());
    office.settles();
    office.ladder.clear();
    office
}

#[test]
fn a_phone_behind_a_nat_is_asked_whether_it_is_there() {
    let mut office = office_with_bob_behind_a_nat();
    office.passes(secs(95));
    assert_eq!(office.heard(BOB, "OPTIONS").len(), 3);
    assert!(office.heard(ALICE, "OPTIONS").is_empty(), "only who is behind one");
    assert!(office.last(BOB, "OPTIONS").start.starts_with("OPTIONS sip:1002@192.168.1.2:5060 "));
    let trips: Vec<_> = office.news.iter().filter(|news| matches!(news, News::PhoneAnswered { .. })).collect();
    assert_eq!(trips, vec![&News::PhoneAnswered { took: millis(10) }; 3]);
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
}

#[test]
fn a_phone_that_does_not_answer_is_not_called_until_it_is_heard() {
    let mut office = office_with_bob_behind_a_nat();
    office.phones[BOB.0].crashed = true;
    office.passes(secs(240));
    assert_eq!(office.snapshot().gauges.registrations[0], 4, "it is registered all the same");
    let alice = office.dials(ALICE, "1002");
    assert!(office.ended(alice).starts_with("480"), "{}", office.ended(alice));
    office.phones[BOB.0].boot();
    office.passes(secs(70));
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
}

#[test]
fn a_phone_that_there_was_no_room_to_ask_is_asked_later() {
    let mut office = office_with_bob_behind_a_nat();
    let most = std::mem::replace(&mut office.engine.exchange.legs.transactions.ground.limits.transactions, 0);
    office.passes(secs(45));
    assert!(office.heard(BOB, "OPTIONS").is_empty());
    office.engine.exchange.legs.transactions.ground.limits.transactions = most;
    office.passes(secs(2));
    assert_eq!(office.heard(BOB, "OPTIONS").len(), 1);
    office.passes(secs(30));
    assert_eq!(office.heard(BOB, "OPTIONS").len(), 2);
}

/// Its NAT has given it another address: what it registers anew is reached there, and only there.
#[test]
fn a_phone_that_comes_back_from_elsewhere_is_called_there() {
    let mut office = office_with_bob_behind_a_nat();
    office.moves(BOB, "10.0.1.99:7777");
    office.with(BOB, |phone| phone.register());
    office.settles();
    assert_eq!(office.snapshot().gauges.registrations[0], 4, "it is the same contact");
    let (alice, bob) = office.connects(ALICE, BOB);
    office.talk_through_us(alice, bob);
    office.moves(BOB, "10.0.1.99:8888");
    office.holds(bob);
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ", "requests follow it in a call as well");
}

/// It registers anew after its NAT gave it another address, and says nothing in its call: the call follows all the same.
#[test]
fn a_call_follows_a_phone_that_only_registers_from_elsewhere() {
    let mut office = office_with_bob_behind_a_nat();
    let (alice, bob) = office.connects(ALICE, BOB);
    for at in ["10.0.1.99:7777", "10.0.1.99:8888", "10.0.1.99:7777"] {
        office.moves(BOB, at);
        office.with(BOB, |phone| phone.register());
        office.settles();
        office.holds(alice);
        assert!(!office.call(bob).media.is_open(), "Bob hears of it at {at}");
        office.resumes(alice);
        office.talk_through_us(alice, bob);
    }
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

/// Another phone of the line, behind the same NAT, is given the address that the first one had.
#[test]
fn who_is_given_anothers_address_does_not_get_its_calls_and_keeps_its_own() {
    let mut office = office_with_bob_behind_a_nat();
    let before = office.phones[BOB.0].address.to_string();
    office.moves(BOB, "10.0.1.99:7777");
    office.with(BOB, |phone| phone.register());
    office.settles();
    office.passes(secs(40));
    let second = office.add("1002", "Bob too", &before);
    office.phones[second.0].inside = Some(address("192.168.1.3:5060"));
    office.with(second, |phone| phone.register());
    office.settles();
    let (call, alice) = office.connects(second, ALICE);
    office.hangs_up(alice);
    assert_eq!(office.ended(call), "BYE ");
    office.ends();
}

/// The first phone has moved on from there: its call finds it all the same.
#[test]
fn who_is_given_an_address_in_between_does_not_get_the_calls_of_who_went_on() {
    let mut office = office_with_bob_behind_a_nat();
    let (alice, bob) = office.connects(ALICE, BOB);
    for at in ["10.0.1.99:7777", "10.0.1.99:8888"] {
        office.moves(BOB, at);
        office.with(BOB, |phone| phone.register());
        office.settles();
    }
    let second = office.add("1002", "Bob too", "10.0.1.99:7777");
    office.phones[second.0].inside = Some(address("192.168.1.3:5060"));
    office.with(second, |phone| phone.register());
    office.settles();
    office.holds(alice);
    assert!(!office.call(bob).media.is_open(), "Bob hears of it");
    office.hangs_up(alice);
    assert_eq!(office.ended(bob), "BYE ");
    office.ends();
}

/// Two lines whose phones stand behind one address, an SBC's: each is reminded when it is time, but of one call at a time,
/// even if it registers anew while it rings.
#[test]
fn phones_behind_one_address_are_reminded_at_once() {
    let mut office = office_with_bob_behind_a_nat();
    office.with(CAROL, |phone| phone.unregister());
    let register = |office: &mut World, number: &str| {
        let phone = &mut office.phones[BOB.0];
        (phone.number, phone.password) = (number.into(), Some(format!("secret-{number}")));
        office.with(BOB, |phone| phone.register());
        office.settles();
    };
    register(&mut office, "1003");
    let mut parked = Vec::new();
    for (who, number, orbit) in [(ALICE, "1002", "701"), (DAVE, "1002", "702"), (CARRIER, "1003", "703")] {
        let party = office.dials(who, number);
        let parker = office.answers(BOB);
        assert_eq!(office.refers(parker, &format!("<sip:{orbit}@pbx.test>")).0, 200);
        parked.push(party);
    }
    let ringing = |office: &World| {
        let rings = |call: &&Call| call.stage == Stage::Ringing;
        office.phones[BOB.0].calls.values().filter(rings).count()
    };
    office.ladder.clear();
    office.passes(secs(91));
    let invited: Vec<_> = office.heard(BOB, "INVITE").iter().map(|invite| invite.start[..20].to_owned()).collect();
    assert_eq!(invited, ["INVITE sip:1002@192.", "INVITE sip:1003@192."]);
    register(&mut office, "1002");
    office.passes(secs(6));
    assert_eq!(ringing(&office), 2);
    office.hangs_up(parked[0]);
    office.passes(secs(6));
    assert_eq!((ringing(&office), office.heard(BOB, "INVITE").len()), (2, 3), "the next, when the first is over");
    office.ends();
}

#[test]
fn a_parker_whose_nat_gave_it_another_address_is_reminded_at_the_same_phone() {
    let mut office = office_with_bob_behind_a_nat();
    let second = office.add("1002", "Bob too", "10.0.1.98:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    let alice = office.dials(ALICE, "1002");
    let bob = office.answers(BOB);
    office.talk_through_us(alice, bob);
    assert_eq!(office.refers(bob, "<sip:701@pbx.test>").0, 200);
    office.moves(BOB, "10.0.1.99:7777");
    office.with(BOB, |phone| phone.register());
    office.settles();
    office.ladder.clear();
    office.passes(secs(91));
    assert_eq!(office.heard(BOB, "INVITE").len(), 1);
    assert!(office.heard(second, "INVITE").is_empty(), "his other phone was not where it was parked");
    let bob = office.answers(BOB);
    office.talk_through_us(alice, bob);
    office.ends();
}
