//! Before the answer: reliable provisional responses (RFC 3262), each leg by itself, and offers that go through them.
use crate::story::{LINPHONE, SIPP, story};

const ABLE: (&str, &str) = ("more", "Supported: 100rel");
const BARE: &str = "Content-Length: *0";
const TO_BOB: (&str, &str) = ("to", "1002");

#[test]
fn each_leg_has_its_own_acknowledgements() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("early/callee", &[("offer", "m=audio"), ("prack", BARE)]);
        let calling = alice.plays("early/caller", &[TO_BOB, ABLE, ("early", "183"), ("early_body", "m=audio")]);
        assert_ne!(calling.field("RSeq", ""), "4711", "hers is not his");
        calling.ends_well();
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_sip_responses_total method=PRACK direction=in"), 1);
        assert_eq!(pbx.sum("pbx_sip_responses_total method=PRACK direction=out status=200"), 1);
    });
}

/// What he sends unreliably she gets reliably, and the answer waits for her.
///
/// The PRACK has its answer before the call is answered: a 180 without a description would not have to wait for that (RFC 3262
/// §3), and this SIPp would take the one 200 for the other.
#[test]
fn who_requires_it_has_even_ringing_acknowledged() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("early/answers_in_a_while", &[("offer", "m=audio")]);
        alice.does("early/caller", &[TO_BOB, ("more", "Require: 100rel"), ("early", "180"), ("early_body", BARE)]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_sip_requests_total method=PRACK direction=out"), 0);
    });
}

#[test]
fn a_late_offer_is_agreed_on_before_the_answer() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("early/callee", &[("offer", BARE), ("prack", "m=audio")]);
        alice.does("early/late_caller", &[TO_BOB, ABLE]);
        answering.ends_well();
    });
}

#[test]
fn linphone_acknowledges() {
    story(&[LINPHONE, SIPP], |pbx| {
        let (alice, bob) = (pbx.linphone_that("1001", "100rel_support_level=1"), pbx.phone("1002"));
        let answering = bob.plays("early/callee", &[("offer", "m=audio"), ("prack", BARE)]);
        alice.dials("1002");
        pbx.shows("pbx_sip_requests_total method=PRACK direction=in", 1);
        alice.talks();
        alice.hangs_up();
        answering.ends_well();
        alice.understood_everything();
    });
}

/// It answers the PRACK that it wants with 501 (liblinphone 5.1); the call comes about all the same.
#[test]
fn linphone_is_acknowledged() {
    story(&[LINPHONE], |pbx| {
        let (alice, bob) = (pbx.linphone("1001"), pbx.linphone_that("1002", "100rel_support_level=2"));
        alice.dials("1002");
        bob.rings();
        pbx.shows("pbx_sip_requests_total method=PRACK direction=out", 1);
        bob.answers();
        bob.talks();
        alice.talks();
        alice.hangs_up();
        bob.is_hung_up();
        assert_eq!(pbx.sum("pbx_sip_responses_total method=PRACK direction=in"), 1);
        bob.understood_everything();
    });
}
