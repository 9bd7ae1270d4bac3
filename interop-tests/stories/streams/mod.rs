//! TCP: SIPp and baresip over connections, and what peers do to connections that they should not.
mod raw;

use crate::story::{BARESIP, SIPP, story};

const TO_BOB: (&str, &str) = ("to", "1002");

/// Alice calls Bob, each over her and his transport.
fn calls(alice: &'static str, bob: &'static str) {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone_over("1001", alice), pbx.phone_over("1002", bob));
        let answering = bob.plays("calling/answer", &[("offer", "m=audio")]);
        alice.does("calling/call", &[TO_BOB, ("answer", "m=audio")]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_sip_retransmits_total direction=out"), 0);
    });
}

#[test]
fn both_over_tcp() {
    calls("tcp", "tcp");
}

#[test]
fn a_connection_for_each_call() {
    calls("tn", "tcp");
}

#[test]
fn tcp_calls_udp() {
    calls("tcp", "udp");
}

#[test]
fn udp_calls_tcp() {
    calls("udp", "tcp");
}

#[test]
fn a_call_is_parked_and_fetched_over_tcp() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone_over("1001", "tcp"), pbx.phone_over("1002", "tcp"));
        let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
        alice.does("streams/transfer", &[TO_BOB, ("place", "700"), ("orbit", "701")]);
        pbx.has_parked(1);
        pbx.phone("1003").does("calling/call", &[("to", "701"), ("answer", ".")]);
        waiting.ends_well();
    });
}

#[test]
fn softphones_talk_over_tcp() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = (pbx.baresip_over("1001", "tcp"), pbx.baresip_over("1002", "tcp"));
        assert_eq!(pbx.sum("pbx_registrations transport=tcp"), 2);
        alice.dials("1002");
        bob.rings();
        bob.answers();
        alice.talks();
        bob.talks();
        alice.holds();
        alice.resumes();
        bob.hangs_up();
        alice.is_hung_up();
        assert_eq!(pbx.sum("pbx_sip_messages_total transport=udp"), 0);
        assert_eq!(pbx.sum("pbx_sip_retransmits_total"), 0);
    });
}

#[test]
fn a_softphone_over_tcp_parks_one_over_udp() {
    story(&[BARESIP], |pbx| {
        let (alice, bob) = (pbx.baresip_over("1001", "tcp"), pbx.baresip("1002"));
        alice.dials("1002");
        bob.rings();
        bob.answers();
        alice.talks();
        bob.talks();
        alice.transfers_to("700");
        pbx.has_parked(1);
        alice.is_hung_up();
        alice.dials("701");
        alice.talks();
        alice.hangs_up();
        bob.is_hung_up();
    });
}
