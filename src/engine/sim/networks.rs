//! Networks as they are: several of them, of two families.
use super::office::*;
use super::world::{SERVER_V6, Who, World, address};
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
    assert_eq!(office.call(fetched).media.to, Some(office.call(parked).media.at));
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
