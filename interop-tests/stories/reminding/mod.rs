//! Reminders: the parker is rung while the call stays where anybody may fetch it.
use crate::peers::{Pbx, Playing, Settings, SippPhone};
use crate::story::{SIPP, story_with};

/// What a reminder of the call from outside says.
const REMINDER: [(&str, &str); 3] = [("orbit", "701"), ("waiting", ".49301234"), ("number", ".49301234")];

fn soon() -> Settings {
    Settings { lot: "first_reminder = \"1s\"\nreminder_ring = \"5s\"", ..Settings::default() }
}

/// A call comes in from outside; Alice holds it and parks it in 701.
fn alice_parks_a_call<'a>(pbx: &'a Pbx) -> (SippPhone<'a>, Playing) {
    let (alice, carrier) = (pbx.phone("1001"), pbx.trunk());
    let parking = alice.plays("reminding/park_incoming", &[("place", "701"), ("orbit", "701")]);
    let waiting = carrier.calls_from_outside("1001");
    parking.ends_well();
    (alice, waiting)
}

#[test]
fn the_parker_answers_the_reminder_and_has_the_call_back() {
    story_with(&[SIPP], &soon(), |pbx| {
        let (alice, waiting) = alice_parks_a_call(pbx);
        alice.does("reminding/answer_and_hang_up", &REMINDER);
        waiting.ends_well();
        assert_eq!(pbx.sum("pbx_park_end_total result=reclaimed"), 1);
        assert_eq!(pbx.sum("pbx_park_reminders_total target=device result=answered"), 1);
    });
}

#[test]
fn whoever_fetches_the_call_stops_the_reminder() {
    story_with(&[SIPP], &soon(), |pbx| {
        let (alice, waiting) = alice_parks_a_call(pbx);
        let carol = pbx.phone("1003");
        let elsewhere = ("reason", "Reason: SIP;cause=200;text=.Call completed elsewhere");
        let reminded = alice.plays("reminding/in_vain", &[&REMINDER[..], &[elsewhere]].concat());
        pbx.shows("pbx_parked_calls state=reminding", 1);
        reminded.sees("180 Ringing");
        carol.does("calling/call", &[("to", "701"), ("answer", "P-Asserted-Identity: .*sip:.49301234@")]);
        waiting.ends_well();
        reminded.ends_well();
        assert_eq!(pbx.sum("pbx_park_end_total result=retrieved"), 1);
        assert_eq!(pbx.sum("pbx_park_reminders_total result=superseded"), 1);
    });
}

#[test]
fn a_reminder_that_nobody_answers_loses_no_call() {
    let lot = "first_reminder = \"1s\"\nreminder_ring = \"1s\"\nreminder_chain = [\"parker_device\"]";
    let settings = Settings { lot, ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        let (alice, waiting) = alice_parks_a_call(pbx);
        let reminded = alice.plays("reminding/in_vain", &[&REMINDER[..], &[("reason", ".")]].concat());
        reminded.ends_well();
        pbx.shows("pbx_park_reminders_total target=device result=no_answer", 1);
        assert_eq!(pbx.sum("pbx_park_end_total"), 0);
        pbx.phone("1003").does("calling/call", &[("to", "701"), ("answer", ".")]);
        waiting.ends_well();
    });
}
