//! What crosses on the way: changes from both sides, and the end of a call with its beginning.
use crate::peers::Settings;
use crate::story::{SIPP, story, story_with};

const TO_BOB: (&str, &str) = ("to", "1002");

/// Alice plays one, Bob the other, and both see it through.
fn cross(caller: &str, callee: &str, cause: &str) {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let called = bob.plays(callee, &[("offer", "m=audio")]);
        alice.does(caller, &[TO_BOB]);
        called.ends_well();
        assert_eq!(pbx.sum(&format!("pbx_calls_ended_total cause={cause}")), 1);
    });
}

/// Either is told 491, and what both wanted comes true one after the other (RFC 3261 §14.1).
#[test]
fn both_hold_at_once() {
    // With music the one who holds would be answered by the server.
    let settings = Settings { more: "[media]\nhold_music = false\n", ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let called = bob.plays("colliding/callee", &[]);
        let calling = alice.plays("colliding/caller", &[TO_BOB]);
        called.sees("Subject: Held");
        alice.acts(&calling);
        calling.ends_well();
        called.ends_well();
        assert_eq!(pbx.sum("pbx_sip_responses_total method=INVITE direction=in status=491"), 1);
        assert_eq!(pbx.sum("pbx_sip_responses_total method=INVITE direction=out status=491"), 2);
    });
}

#[test]
fn who_is_answered_hangs_up_without_a_word() {
    cross("colliding/hang_up_unacknowledged", "calling/answer", "normal");
}

#[test]
fn giving_up_after_the_answer_comes_too_late() {
    cross("colliding/cancel_too_late", "calling/answer", "normal");
}

/// The answer meets the CANCEL: he has a call for a moment, she none.
#[test]
fn an_answer_after_giving_up_comes_too_late() {
    cross("calling/give_up", "colliding/answer_cancelled", "cancelled");
}
