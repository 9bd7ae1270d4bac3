//! Park: by transfer to the lot or to an orbit, by a code; and when it is refused, the call stays.
use crate::peers::{Pbx, Playing, SippPhone};
use crate::story::{SIPP, story};
use std::time::Duration;

const TO_BOB: (&str, &str) = ("to", "1002");
/// Who is held is offered music.
const HELD: &[(&str, &str)] = &[("theirs", "sendrecv"), ("ours", "sendrecv")];

/// Alice calls Bob and parks him by transfer to `place`; he waits in `orbit`.
fn alice_parks_bob<'a>(pbx: &'a Pbx, place: &str, orbit: &str) -> (SippPhone<'a>, Playing) {
    let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
    let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
    alice.does("parking/transfer", &[TO_BOB, ("place", place), ("orbit", orbit)]);
    pbx.has_parked(1);
    (alice, waiting)
}

/// Carol fetches the call by dialling `number`, and hangs up.
fn carol_fetches(pbx: &Pbx, number: &str) {
    pbx.phone("1003").does("calling/call", &[("to", number), ("answer", ".")]);
}

#[test]
fn a_transfer_to_the_lot_parks_in_a_free_orbit() {
    story(&[SIPP], |pbx| {
        let (_alice, waiting) = alice_parks_bob(pbx, "700", "701");
        carol_fetches(pbx, "701");
        waiting.ends_well();
        assert_eq!(pbx.sum("pbx_park_total way=refer_blind"), 1);
        assert_eq!(pbx.sum("pbx_park_end_total result=retrieved"), 1);
    });
}

#[test]
fn a_transfer_to_an_orbit_parks_there() {
    story(&[SIPP], |pbx| {
        let (_alice, waiting) = alice_parks_bob(pbx, "702", "702");
        carol_fetches(pbx, "702");
        waiting.ends_well();
    });
}

#[test]
fn orbits_may_be_named_as_other_systems_do() {
    story(&[SIPP], |pbx| {
        let (_alice, waiting) = alice_parks_bob(pbx, "park+703", "703");
        carol_fetches(pbx, "park+703");
        waiting.ends_well();
    });
}

/// How long "Parked on seven zero one" is.
const ORBIT: Duration = Duration::from_millis(2_480);

/// Alice does not hold Bob when she parks him; `ours` is what her phone answers to the offer of the server's media.
fn alice_is_told(pbx: &Pbx, ours: &str) -> Duration {
    let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
    let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
    let words = [TO_BOB, ("place", "700"), ("orbit", "701"), ("ours", ours)];
    let telling = alice.plays("parking/transfer_told", &words);
    let [first, last] = ["\r\n\r\nSIP/2.0 100 Trying", "\r\n\r\nSIP/2.0 200 OK\r\nContact: <sip:701@"];
    telling.sees(last);
    let waited = telling.between(first, last);
    telling.ends_well();
    carol_fetches(pbx, "701");
    waiting.ends_well();
    waited
}

#[test]
fn a_transfer_ends_when_the_orbit_was_said() {
    story(&[SIPP], |pbx| {
        let waited = alice_is_told(pbx, "sendrecv");
        assert!((ORBIT..Duration::from_secs(6)).contains(&waited), "{waited:?}");
    });
}

#[test]
fn a_transfer_by_a_phone_that_will_not_listen_ends_at_once() {
    story(&[SIPP], |pbx| {
        let waited = alice_is_told(pbx, "inactive");
        assert!(waited < ORBIT, "{waited:?}");
    });
}

#[test]
fn an_occupied_orbit_is_refused_and_the_call_stays() {
    story(&[SIPP], |pbx| {
        let (alice, waiting) = alice_parks_bob(pbx, "701", "701");
        let dave = pbx.phone("1004");
        let talking = dave.plays("holding/held", HELD);
        let occupied = ("why", "SIP/2.0 486 Orbit 701 is occupied.*Warning: 399 .*Orbit 701 is occupied");
        let words = [("to", "1004"), ("place", "701"), ("status", "486"), occupied];
        alice.does("parking/transfer_refused", &words);
        talking.ends_well();
        assert_eq!(pbx.sum("pbx_park_rejected_total reason=occupied"), 1);
        carol_fetches(pbx, "701");
        waiting.ends_well();
    });
}

#[test]
fn a_transfer_to_a_code_is_refused_and_the_call_stays() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let talking = bob.plays("holding/held", HELD);
        alice.does("parking/transfer_refused", &[TO_BOB, ("place", "*43"), ("status", "403"), ("why", ".")]);
        talking.ends_well();
    });
}

/// Alice holds Bob and dials `code`; he waits in `orbit`.
fn a_code_parks(code: &str, orbit: &str) {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
        let told = format!("Parked {orbit}");
        alice.does("parking/code", &[TO_BOB, ("code", code), ("told", &told)]);
        pbx.has_parked(1);
        carol_fetches(pbx, orbit);
        waiting.ends_well();
        assert_eq!(pbx.sum("pbx_park_total way=code"), 1);
    });
}

#[test]
fn the_code_alone_parks_in_a_free_orbit() {
    a_code_parks("*68", "701");
}

#[test]
fn the_code_with_an_orbit_parks_there() {
    a_code_parks("*68702", "702");
}

#[test]
fn the_lot_tells_an_orbit_and_hanging_up_parks_there() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
        alice.does("parking/attended", &[TO_BOB, ("lot", "700"), ("told", "Parked 701")]);
        pbx.has_parked(1);
        carol_fetches(pbx, "701");
        waiting.ends_well();
        assert_eq!(pbx.sum("pbx_park_total way=refer_attended"), 1);
    });
}

/// The REFER names the call with the lot (RFC 3891), as phones do when the user transfers one call to the other.
#[test]
fn the_lot_tells_an_orbit_and_a_transfer_parks_there() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let waiting = bob.plays("calling/answer", &[("offer", "m=audio")]);
        let words = [TO_BOB, ("lot", "700"), ("told", "Parked 701"), ("orbit", "701")];
        alice.does("parking/attended_transfer", &words);
        pbx.has_parked(1);
        carol_fetches(pbx, "701");
        waiting.ends_well();
        assert_eq!(pbx.sum("pbx_park_total way=refer_attended"), 1);
    });
}

#[test]
fn who_holds_nobody_cannot_park() {
    story(&[SIPP], |pbx| {
        let why = ("why", "There is no call to park");
        pbx.phone("1001").does("calling/refused", &[("to", "*68"), ("status", "480"), why]);
        assert_eq!(pbx.sum("pbx_park_rejected_total reason=nothing_to_park"), 1);
    });
}

#[test]
fn who_hangs_up_in_an_orbit_leaves_it_empty() {
    story(&[SIPP], |pbx| {
        let (alice, carrier) = (pbx.phone("1001"), pbx.trunk());
        let waiting = carrier.plays("parking/park_and_leave", &[]);
        alice.does("parking/transfer", &[("to", "8030123"), ("place", "700"), ("orbit", "701")]);
        waiting.ends_well();
        pbx.shows("pbx_park_end_total result=abandoned", 1);
    });
}
