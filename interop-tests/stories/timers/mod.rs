//! Session timers (RFC 4028): what is agreed on, what is refused, and who refreshes.
use crate::peers::Settings;
use crate::story::{SIPP, story, story_with};

const TO_BOB: (&str, &str) = ("to", "1002");

#[test]
fn too_short_an_interval_is_refused_and_the_least_is_told() {
    story(&[SIPP], |pbx| {
        let asks = ("more", "Supported: timer\nSession-Expires: 60");
        pbx.phone("1001").does("calling/refused", &[TO_BOB, asks, ("status", "422"), ("why", "Min-SE: *90")]);
    });
}

#[test]
fn the_answer_tells_the_interval_and_who_refreshes() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("calling/answer", &[("offer", "Session-Expires: *1800;refresher=uac")]);
        let asks = ("more", "Supported: timer\nSession-Expires: 90;refresher=uac");
        let calling = alice.plays("calling/call", &[TO_BOB, asks, ("answer", "Session-Expires: *90;refresher=uac")]);
        assert_eq!(calling.field("Require", ""), "timer");
        calling.ends_well();
        answering.ends_well();
    });
}

#[test]
fn a_phone_that_wants_a_longer_interval_is_asked_again_with_it() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("timers/callee", &[]);
        alice.does("calling/call", &[TO_BOB, ("answer", "m=audio")]);
        answering.ends_well();
    });
}

/// Half of the shortest interval there is: no story takes longer.
#[test]
fn both_sides_are_refreshed_each_in_its_way() {
    let settings = Settings { server: "session_expires = \"90s\"", ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let answering = bob.plays("timers/refreshed_callee", &[]);
        let asks =
            ("more", "Supported: timer\nAllow: INVITE, ACK, CANCEL, BYE, UPDATE\nSession-Expires: 90;refresher=uas");
        alice.does("timers/refreshed_caller", &[TO_BOB, asks]);
        answering.ends_well();
        assert_eq!(pbx.sum("pbx_calls_ended_total cause=normal"), 1);
    });
}
