//! Networks: several addresses, both families, and phones behind a NAT.
use crate::peers::{Pbx, Settings, SippPhone};
use crate::story::{SIPP, story, story_with};
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
