//! Keys pressed in a call, by INFO: codes of lines that have the right, and what the other party hears.
use crate::peers::{Pbx, Settings};
use crate::story::{SIPP, story_with};

/// A line whose keys do something.
const EVE: &str = "[lines.1005]\npassword = \"secret-1005\"\nincall_features = true\n";

fn story(tell: impl FnOnce(&Pbx)) {
    story_with(&[SIPP], &Settings { more: EVE, ..Settings::default() }, tell);
}

#[test]
fn three_keys_park() {
    story(|pbx| {
        let (eve, bob) = (pbx.phone("1005"), pbx.phone("1002"));
        let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
        eve.does("keys/park", &[("to", "1002")]);
        pbx.has_parked(1);
        assert_eq!(pbx.sum("pbx_park_total way=dtmf"), 1);
        assert_eq!(pbx.sum("pbx_dtmf_events_total method=info"), 3);
        pbx.phone("1003").does("calling/call", &[("to", "701"), ("answer", ".")]);
        waiting.ends_well();
    });
}

#[test]
fn keys_that_mean_nothing_reach_the_other_party() {
    story(|pbx| {
        let (eve, bob) = (pbx.phone("1005"), pbx.phone("1002"));
        let hearing = bob.plays("keys/hears", &[]);
        eve.does("keys/press", &[("to", "1002")]);
        hearing.ends_well();
    });
}

/// Carol has waited enough: she presses 0, and Dave's phone rings.
#[test]
fn a_key_leads_out_of_the_orbit() {
    let lot = "exit_destination = \"1004\"";
    story_with(&[SIPP], &Settings { lot, ..Settings::default() }, |pbx| {
        let (alice, carol, dave) = (pbx.phone("1001"), pbx.phone("1003"), pbx.phone("1004"));
        let waiting = carol.plays("keys/leaves", &[]);
        let talking = dave.plays("calling/answer", &[("offer", "m=audio")]);
        alice.does("parking/transfer", &[("to", "1003"), ("place", "700"), ("orbit", "701")]);
        waiting.ends_well();
        talking.ends_well();
        assert_eq!(pbx.sum("pbx_park_end_total result=fallback"), 1);
        assert_eq!(pbx.sum("pbx_park_reminders_total target=exit result=answered"), 1);
    });
}
