//! Networks: several addresses, both families, and phones behind a NAT.
use crate::peers::{Pbx, Settings, SippPhone, in_a_network_of_its_own};
use crate::story::{IP, SIPP, story, story_with};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const AUDIO: (&str, &str) = ("offer", "m=audio");
/// Where a phone believes to be that nobody reaches there.
const INSIDE: (&str, &str) = ("here", "192.168.7.7:5060");
const TO_BOB: (&str, &str) = ("to", "1002");

/// A call between two phones that know the server by these addresses: each hears from that one, and is told that one.
fn talk(caller: &SippPhone<'_>, at: SocketAddr, called: &SippPhone<'_>, number: &str, there: SocketAddr) {
    let answering = called.plays("calling/answer", &[AUDIO]);
    let calling = caller.plays("calling/call", &[("to", number), ("answer", "m=audio")]);
    assert_eq!(calling.field("Contact", &format!("<sip:{at}>")), format!("<sip:{at}>"));
    assert_eq!(answering.field("Contact", "").as_str(), format!("<sip:{there}>"));
    assert!(answering.field("Via", "").starts_with(&format!("SIP/2.0/UDP {there};")), "his first is the server's");
    calling.ends_well();
    answering.ends_well();
}

/// Alice knows the server by one of its addresses, Bob by another.
fn each_is_answered_from_the_address_it_called(pbx: &Pbx, one: SocketAddr, other: SocketAddr, of_bob: IpAddr) {
    let alice = pbx.new_phone("1001").at(pbx.ground.ip, one).registered();
    let bob = pbx.new_phone("1002").at(of_bob, other).registered();
    talk(&alice, one, &bob, "1002", other);
    talk(&bob, other, &alice, "1001", one);
}

#[test]
fn a_server_at_two_addresses() {
    let listen = "[[listen]]\naddress = \"{ip}:0\"\n[[listen]]\naddress = \"{also}:0\"\n";
    story_with(&[SIPP], &Settings { listen, ..Settings::default() }, |pbx| {
        each_is_answered_from_the_address_it_called(pbx, pbx.listens[0], pbx.listens[1], pbx.ground.ip);
    });
}

/// The server on all addresses of a machine with a leg in two networks, and IPv6 in the second: whoever calls it at one
/// of them is answered from there, and told that one.
#[test]
fn a_server_at_all_addresses() {
    let listen = "[[listen]]\naddress = \"0.0.0.0:5060\"\n[[listen]]\naddress = \"[::]:5060\"\n\
                  [[listen]]\ntransport = \"tcp\"\naddress = \"0.0.0.0:5060\"\n";
    in_a_network_of_its_own(&["10.77.0.1/24", "10.78.0.1/24", "fd00:78::1/64"], || {
        story_with(&[SIPP, IP], &Settings { listen, ..Settings::default() }, |pbx| {
            let all = ["10.77.0.1:5060", "10.78.0.1:5060", "[fd00:78::1]:5060"].map(|at| at.parse().unwrap());
            let [inner, outer, six]: [SocketAddr; 3] = all;
            assert!(all.iter().all(|at| pbx.listens.contains(at)), "{:?}", pbx.listens);
            assert!(!pbx.listens.iter().any(|at| at.ip().is_unspecified()), "{:?}", pbx.listens);
            let alice = pbx.new_phone("1001").at(inner.ip(), inner).registered();
            let bob = pbx.new_phone("1002").at(outer.ip(), outer).registered();
            let carol = pbx.new_phone("1003").at(six.ip(), six).registered();
            talk(&alice, inner, &bob, "1002", outer);
            talk(&bob, outer, &carol, "1003", six);
            talk(&carol, six, &alice, "1001", inner);
            let listens = pbx.listens.iter().filter(|at| **at == inner).count();
            assert_eq!(listens, 2, "UDP and TCP: {:?}", pbx.listens);
            // Music comes from the address that the parker's call is spoken to at.
            let waiting = bob.plays("calling/answer", &[AUDIO]);
            alice.does("parking/transfer", &[TO_BOB, ("place", "701"), ("orbit", "701")]);
            pbx.has_parked(1);
            carol.does("calling/call", &[("to", "701"), ("answer", "m=audio")]);
            waiting.ends_well();
        });
    });
}

/// Behind a NAT of its own, one of the listeners is known by another address: there, and only there, it is told.
#[test]
fn a_listener_may_be_known_by_another_address() {
    let listen = "[[listen]]\naddress = \"10.77.0.1:5060\"\n\
                  [[listen]]\naddress = \"10.78.0.1:5060\"\nadvertise = \"203.0.113.7:5060\"\n";
    in_a_network_of_its_own(&["10.77.0.1/24", "10.78.0.1/24"], || {
        story_with(&[SIPP, IP], &Settings { listen, ..Settings::default() }, |pbx| {
            let [inner, outer]: [SocketAddr; 2] = ["10.77.0.1:5060", "10.78.0.1:5060"].map(|at| at.parse().unwrap());
            let known: SocketAddr = "203.0.113.7:5060".parse().unwrap();
            let alice = pbx.new_phone("1001").at(inner.ip(), inner).registered();
            let bob = pbx.new_phone("1002").at(outer.ip(), outer).registered();
            let answering = bob.plays("calling/answer", &[AUDIO]);
            let calling = alice.plays("calling/call", &[TO_BOB, ("answer", "m=audio")]);
            assert_eq!(calling.field("Contact", &format!("<sip:{inner}>")), format!("<sip:{inner}>"));
            assert_eq!(answering.field("Contact", ""), format!("<sip:{known}>"));
            assert!(answering.field("Via", "").starts_with(&format!("SIP/2.0/UDP {known};")));
            calling.ends_well();
            answering.ends_well();
        });
    });
}

#[test]
fn ipv4_and_ipv6_call_and_park_each_other() {
    let listen = "[[listen]]\naddress = \"{ip}:0\"\n[[listen]]\naddress = \"[::1]:0\"\n";
    story_with(&[SIPP], &Settings { listen, ..Settings::default() }, |pbx| {
        let [four, six] = pbx.listens[..] else { panic!("two listeners") };
        let alice = pbx.phone("1001");
        let bob = pbx.new_phone("1002").at(Ipv6Addr::LOCALHOST.into(), six).registered();
        talk(&alice, four, &bob, "1002", six);
        talk(&bob, six, &alice, "1001", four);
        for (parker, parked, number, orbit) in [(&alice, &bob, "1002", "701"), (&bob, &alice, "1001", "702")] {
            let waiting = parked.plays("calling/answer", &[AUDIO]);
            parker.does("parking/transfer", &[("to", number), ("place", orbit), ("orbit", orbit)]);
            pbx.has_parked(1);
            parker.does("calling/call", &[("to", orbit), ("answer", "m=audio")]);
            waiting.ends_well();
        }
    });
}

#[test]
fn a_phone_behind_a_nat_is_reached_where_it_was_heard() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.new_phone("1002"));
        bob.does("networks/register_from_inside", &[INSIDE]);
        let answering = bob.plays("calling/answer", &[AUDIO, INSIDE]);
        alice.does("calling/call", &[TO_BOB, ("answer", "m=audio")]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_sip_retransmits_total"), 0, "the ACK and the BYE as well");
    });
}

#[test]
fn a_phone_behind_a_nat_is_asked_whether_it_is_there() {
    let settings = Settings { registrar: "keep_alive = \"1s\"", ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        pbx.phone("1001");
        let bob = pbx.new_phone("1002");
        bob.does("networks/register_from_inside", &[INSIDE]);
        bob.does("networks/is_asked", &[INSIDE]);
        pbx.shows("pbx_registration_rtt_seconds_count", 1);
    });
}

/// Its NAT has another port for it: what it registers anew (RFC 5626: the same instance) is the same phone.
#[test]
fn a_phone_that_comes_back_from_another_port_is_reached_there() {
    story(&[SIPP], |pbx| {
        let (alice, before, now) = (pbx.phone("1001"), pbx.new_phone("1002"), pbx.new_phone("1002"));
        before.does("networks/register_from_inside", &[INSIDE]);
        now.does("networks/register_from_inside", &[INSIDE]);
        assert_eq!(pbx.sum("pbx_registrations"), 2, "Alice's and one of his");
        let answering = now.plays("calling/answer", &[AUDIO, INSIDE]);
        alice.does("calling/call", &[TO_BOB, ("answer", "m=audio")]);
        answering.ends_well();
    });
}
