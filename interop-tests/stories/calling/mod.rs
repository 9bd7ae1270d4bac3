//! Calls: between lines, to and from a trunk, and the ways in which they do not come about.
use crate::peers::{Settings, side_by_side};
use crate::story::{BARESIP, SIPP, story, story_of_a_trunk, story_with};

const ANY: (&str, &str) = ("answer", ".");
const AUDIO: (&str, &str) = ("offer", "m=audio");
const TO_BOB: (&str, &str) = ("to", "1002");

#[test]
fn one_line_calls_another() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("calling/answer", &[AUDIO]);
        alice.does("calling/call", &[TO_BOB, ANY]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_calls_answered_total direction=internal"), 1);
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=normal"), 1);
    });
}

#[test]
fn the_called_side_hangs_up() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("calling/answer_and_hang_up", &[]);
        alice.does("calling/call_until_over", &[TO_BOB, ANY]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=normal"), 1);
    });
}

#[test]
fn a_busy_phone_is_told_as_busy() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let refusing = bob.plays("calling/refuse", &[("status", "486"), ("phrase", "Busy Here")]);
        alice.does("calling/refused", &[TO_BOB, ("status", "486"), ("why", ".")]);
        refusing.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=busy"), 1);
    });
}

#[test]
fn a_phone_that_declines_is_told_so() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let refusing = bob.plays("calling/refuse", &[("status", "603"), ("phrase", "Decline")]);
        alice.does("calling/refused", &[TO_BOB, ("status", "603"), ("why", ".")]);
        refusing.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=rejected"), 1);
    });
}

#[test]
fn nobody_answers() {
    let settings = Settings { server: "no_answer = \"1s\"", ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let ringing = bob.plays("calling/ring_in_vain", &[("reason", ".")]);
        alice.does("calling/refused", &[TO_BOB, ("status", "480"), ("why", ".")]);
        ringing.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=no_answer"), 1);
    });
}

#[test]
fn the_caller_gives_up() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let ringing = bob.plays("calling/ring_in_vain", &[("reason", ".")]);
        alice.does("calling/give_up", &[TO_BOB]);
        ringing.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=cancelled"), 1);
    });
}

#[test]
fn both_phones_of_a_line_ring_and_the_slower_learns_why_it_stops() {
    story(&[SIPP], |pbx| {
        let (alice, desk, mobile) = (pbx.phone("1001"), pbx.phone("1002"), pbx.phone("1002"));
        let elsewhere = ("reason", "Reason: SIP;cause=200;text=.Call completed elsewhere");
        let slow = mobile.plays("calling/ring_in_vain", &[elsewhere]);
        let quick = desk.plays("calling/answer", &[AUDIO]);
        alice.does("calling/call", &[TO_BOB, ANY]);
        side_by_side([quick, slow]);
        assert_eq!(pbx.sum("pbx_calls_answered_total"), 1);
    });
}

#[test]
fn a_line_without_a_phone_is_unreachable() {
    story(&[SIPP], |pbx| {
        pbx.phone("1001").does("calling/refused", &[TO_BOB, ("status", "480"), ("why", ".")]);
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=unreachable"), 1);
    });
}

#[test]
fn a_number_that_nobody_has_does_not_exist() {
    story(&[SIPP], |pbx| {
        pbx.phone("1001").does("calling/refused", &[("to", "4711"), ("status", "404"), ("why", ".")]);
    });
}

#[test]
fn a_code_that_is_not_built_yet_says_so() {
    story(&[SIPP], |pbx| {
        let told = ("why", "Warning: 399 ");
        pbx.phone("1001").does("calling/refused", &[("to", "*60"), ("status", "501"), told]);
        assert_eq!(pbx.sum("pbx_feature_code_total result=not_built"), 1);
    });
}

#[test]
fn an_offer_may_come_late() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("calling/late_callee", &[]);
        alice.does("calling/late_caller", &[TO_BOB]);
        answering.ends_well();
    });
}

#[test]
fn an_update_changes_the_call() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("calling/answer", &[AUDIO]);
        alice.does("calling/update", &[TO_BOB, ANY]);
        answering.ends_well();
    });
}

#[test]
fn a_call_goes_out_over_the_trunk() {
    story(&[SIPP], |pbx| {
        let (alice, carrier) = (pbx.phone("1001"), pbx.trunk());
        let answering = carrier.plays("calling/answer", &[("offer", "INVITE sip:8030123@")]);
        alice.does("calling/call", &[("to", "8030123"), ANY]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_calls_answered_total direction=outbound trunk=carrier"), 1);
    });
}

/// Eve, who has one call at a time, is busy for somebody outside as for a colleague; and when she has hung up, she is there.
#[test]
fn a_busy_line_is_busy_for_a_call_from_outside() {
    let more = "[lines.1005]\nname = \"Eve\"\npassword = \"secret-1005\"\nbusy_limit = 1\n";
    story_of_a_trunk(&[BARESIP, SIPP], &Settings { more, ..Settings::default() }, |pbx, phones| {
        let ([bob, eve], carrier) = (["1002", "1005"].map(|line| pbx.baresip_over(line, phones)), pbx.trunk());
        eve.dials("1002");
        bob.rings();
        bob.answers();
        eve.talks();
        carrier.does("calling/trunk_refused", &[("to", "1005"), ("status", "486")]);
        pbx.shows("pbx_calls_ended_total cause=busy", 1);
        eve.hangs_up();
        bob.is_hung_up();
        let calling = carrier.calls_from_outside("1005");
        eve.rings();
        eve.answers();
        eve.is_connected();
        eve.hangs_up();
        calling.ends_well();
    });
}

#[test]
fn a_call_comes_in_over_the_trunk() {
    story(&[SIPP], |pbx| {
        let (bob, carrier) = (pbx.phone("1002"), pbx.trunk());
        let answering = bob.plays("calling/answer", &[("offer", "From: .*sip:.49301234@pbx.test")]);
        carrier.does("calling/trunk_caller", &[TO_BOB, ANY, ("then", "hang_up")]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_calls_answered_total direction=inbound trunk=carrier"), 1);
    });
}
