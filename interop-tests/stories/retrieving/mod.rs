//! Retrieval: by orbit, by code, by park id; one of many gets the call; an empty orbit never parks its dialler.
use crate::peers::{Pbx, Playing, Settings};
use crate::story::{SIPP, story, story_with};

/// A call from outside comes to Alice's desk; she parks it in 701.
fn a_call_waits_in_701(pbx: &Pbx) -> Playing {
    let (alice, carrier) = (pbx.phone("1001"), pbx.trunk());
    let outside = carrier.plays("calling/answer", &[("offer", "m=audio")]);
    alice.does("parking/transfer", &[("to", "8030123"), ("place", "701"), ("orbit", "701")]);
    pbx.has_parked(1);
    outside
}

fn fetched_by_dialling(number: &str) {
    story(&[SIPP], |pbx| {
        let outside = a_call_waits_in_701(pbx);
        // Whoever fetches sees whom, not where.
        let shown = ("answer", "P-Asserted-Identity: .*sip:8030123@");
        pbx.phone("1003").does("calling/call", &[("to", number), shown]);
        outside.ends_well();
        assert_eq!(pbx.sum("pbx_park_retrieve_attempts_total result=ok"), 1);
        assert_eq!(pbx.sum("pbx_park_end_total result=retrieved"), 1);
    });
}

#[test]
fn the_orbit_dialled_fetches_the_call() {
    fetched_by_dialling("701");
}

#[test]
fn the_code_with_the_orbit_fetches_the_call() {
    fetched_by_dialling("*88701");
}

#[test]
fn the_code_alone_fetches_the_call_that_waits_longest() {
    fetched_by_dialling("*88");
}

#[test]
fn another_call_than_the_one_meant_is_not_fetched() {
    story(&[SIPP], |pbx| {
        let outside = a_call_waits_in_701(pbx);
        let carol = pbx.phone("1003");
        let why = ("why", "Stale: another call is parked on 701 now");
        carol.does("calling/refused", &[("to", "701;pid=0123456789abcdef0123456789abcdef"), ("status", "480"), why]);
        assert_eq!(pbx.sum("pbx_park_retrieve_attempts_total result=stale"), 1);
        carol.does("calling/call", &[("to", "701"), ("answer", ".")]);
        outside.ends_well();
    });
}

#[test]
fn an_empty_orbit_says_so_and_parks_nobody() {
    story(&[SIPP], |pbx| {
        let why = ("why", "Nothing is parked on 702");
        pbx.phone("1003").does("calling/refused", &[("to", "702"), ("status", "480"), why]);
        assert_eq!(pbx.sum("pbx_park_retrieve_attempts_total result=empty"), 1);
        assert_eq!(pbx.sum("pbx_park_total"), 0);
    });
}

#[test]
fn who_comes_from_outside_fetches_nothing() {
    story(&[SIPP], |pbx| {
        let outside = a_call_waits_in_701(pbx);
        let guest = pbx.new_phone("1009");
        guest.does("retrieving/guest", &[("to", "701")]);
        assert_eq!(pbx.sum("pbx_parked_calls"), 1);
        pbx.phone("1003").does("calling/call", &[("to", "701"), ("answer", ".")]);
        outside.ends_well();
    });
}

#[test]
fn one_of_fifty_gets_the_call_and_the_others_are_told_at_once() {
    let lot = "announce_refusals = false";
    story_with(&[SIPP], &Settings { lot, ..Settings::default() }, |pbx| {
        let outside = a_call_waits_in_701(pbx);
        let line = |line| format!("{line};[authentication username={line} password=secret-crowd]");
        let lines: Vec<String> = (3000..3050).map(line).collect();
        let words = [("to", "701"), ("line", "[field0]"), ("credentials", "[field1]")];
        pbx.new_phone("crowd").plays_for_all("retrieving/crowd", &words, &lines).ends_well();
        outside.ends_well();
        assert_eq!(pbx.sum("pbx_park_retrieve_attempts_total result=ok"), 1);
        assert_eq!(pbx.sum("pbx_park_retrieve_attempts_total"), 50);
        assert_eq!(pbx.sum("pbx_sip_responses_total method=INVITE direction=out status=480"), 49);
    });
}
