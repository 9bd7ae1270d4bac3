//! Forwarding, do not disturb, numbers hidden and called again: what people choose by code (RFC 5359 §§2.7–2.9).
mod circles;
mod taken_back;

use crate::peers::Settings;
use crate::phones::Baresip;
use crate::story::{BARESIP, SIPP, restarted, story_of_a_trunk, story_over_both};

/// Dials a code; two tones say that it is done.
fn chooses(phone: &Baresip, code: &str) {
    phone.dials(code);
    phone.is_connected();
    phone.is_hung_up();
}

/// By one phone's wish, over either transport: Carol's rings, with the caller's name; and Bob's again when he likes.
#[test]
fn all_calls_are_forwarded_until_they_are_not() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        let [alice, bob, carol] = ["1001", "1002", "1003"].map(|line| pbx.baresip_over(line, transport));
        chooses(&bob, "*721003");
        alice.dials("1002");
        assert_eq!(carol.rings(), "Alice");
        carol.answers();
        carol.talks();
        alice.is_connected();
        alice.hangs_up();
        carol.is_hung_up();
        pbx.shows("pbx_forwards_total kind=all result=ok", 1);
        chooses(&bob, "*73");
        alice.dials("1002");
        assert_eq!(bob.rings(), "Alice");
        alice.hangs_up();
    });
}

/// The server is killed, and knows it still.
#[test]
fn what_was_chosen_outlives_the_server() {
    restarted(
        &[BARESIP],
        |pbx| {
            let (bob, carol) = (pbx.baresip("1002"), pbx.baresip("1003"));
            chooses(&bob, "*901003");
            chooses(&carol, "*78");
            // Either is on disk before its phone has heard the second tone.
            pbx.shows("pbx_store_errors_total", 0);
        },
        |pbx| {
            let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
            let _carol = pbx.baresip("1003");
            alice.dials("1003");
            alice.is_hung_up();
            pbx.shows("pbx_calls_ended_total cause=busy", 1);
            alice.dials("1002");
            bob.rings();
            bob.hangs_up();
            alice.is_hung_up();
            pbx.shows("pbx_forwards_total kind=busy result=ok", 1);
        },
    );
}

/// After one ring; while the phone is off; and when it is busy: each to the carrier, who is told the way.
#[test]
fn calls_leave_by_a_trunk_with_the_way_that_they_took() {
    let settings = Settings { more: "[forward]\nrings = 1\nring_cycle = \"1s\"", ..Settings::default() };
    let ways = [("*92", "no-answer", "408"), ("*94", "unavailable", "404"), ("*72", "unconditional", "302")];
    for (code, reason, cause) in ways {
        story_of_a_trunk(&[BARESIP, SIPP], &settings, |pbx, phones| {
            let (trunk, alice) = (pbx.trunk(), pbx.baresip_over("1001", phones));
            let _rings = (code != "*94").then(|| pbx.baresip_over("1002", phones));
            let chosen = &[("to", &*format!("{code}85551")), ("answer", ".")];
            pbx.new_phone_over("1002", phones).does("calling/call_until_over", chosen);
            let diversion = format!("1002@pbx.test>;reason={reason}");
            let history = format!("85551@pbx.test;cause={cause}>;index=1.1;mp=1");
            let called = trunk.plays("forwarding/called", &[("diversion", &diversion), ("history", &history)]);
            alice.dials("1002");
            alice.is_hung_up();
            called.ends_well();
        });
    }
}

/// A key on a ringing phone sends the call to Carol.
#[test]
fn a_phone_sends_its_call_on() {
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let [alice, carol] = ["1001", "1003"].map(|line| pbx.baresip_over(line, transport));
        let bob = pbx.phone_over("1002", transport);
        let redirects = bob.plays("forwarding/redirect", &[("elsewhere", "1003")]);
        alice.dials("1002");
        assert_eq!(carol.rings(), "Alice");
        carol.answers();
        carol.talks();
        alice.is_connected();
        redirects.ends_well();
        carol.hangs_up();
        alice.is_hung_up();
        pbx.shows("pbx_redirects_total kind=ringing result=followed", 1);
    });
}

/// Who hides is nobody to the phone; whom the line called last, and who called it, need no number.
#[test]
fn numbers_are_hidden_and_called_again() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
        alice.dials("*671002");
        assert_eq!(bob.rings(), "Anonymous");
        alice.hangs_up();
        bob.is_hung_up();
        bob.dials("*69");
        bob.is_hung_up();
        // The same call again is hidden as it was; an ordinary one is not.
        for (dialled, shown) in [("*870", "Anonymous"), ("1002", "Alice")] {
            alice.dials(dialled);
            assert_eq!(bob.rings(), shown);
            alice.hangs_up();
            bob.is_hung_up();
        }
        bob.dials("*69");
        assert_eq!(alice.rings(), "Bob");
        alice.answers();
        bob.talks();
        bob.hangs_up();
        alice.is_hung_up();
        pbx.shows("pbx_feature_code_total code_name=call_back_last result=ok", 1);
    });
}

/// Nobody breaks into the call that was wished so, and the one after it is as any other; nor does a phone ring for whom it
/// does not wish to be disturbed by, until it may again.
#[test]
fn who_is_not_to_be_disturbed_is_not() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        let [alice, bob, carol] = ["1001", "1002", "1003"].map(|line| pbx.baresip_over(line, transport));
        let is_busy = || {
            carol.dials("1002");
            carol.is_hung_up();
        };
        chooses(&bob, "*70");
        bob.dials("1001");
        assert_eq!(alice.rings(), "Bob");
        alice.answers();
        bob.talks();
        is_busy();
        pbx.shows("pbx_calls_ended_total cause=busy", 1);
        bob.hangs_up();
        alice.is_hung_up();
        chooses(&bob, "*78");
        is_busy();
        pbx.shows("pbx_calls_ended_total cause=busy", 2);
        chooses(&bob, "*79");
        carol.dials("1002");
        assert_eq!(bob.rings(), "Carol");
        carol.hangs_up();
        bob.is_hung_up();
    });
}

/// Somebody outside calls Bob, whose phone sends the call on to Carol, who has all of hers forwarded to Alice; and Alice does
/// not wish to be disturbed afterwards.
#[test]
fn a_call_from_outside_is_sent_on_and_forwarded() {
    story_of_a_trunk(&[BARESIP, SIPP], &Settings::default(), |pbx, phones| {
        let [alice, carol] = ["1001", "1003"].map(|line| pbx.baresip_over(line, phones));
        let (bob, carrier) = (pbx.phone_over("1002", phones), pbx.trunk());
        chooses(&carol, "*721001");
        let redirects = bob.plays("forwarding/redirect", &[("elsewhere", "1003")]);
        let calling = carrier.calls_from_outside("1002");
        alice.rings();
        alice.answers();
        alice.is_connected();
        redirects.ends_well();
        pbx.shows("pbx_forwards_total kind=all result=ok", 1);
        alice.hangs_up();
        calling.ends_well();
        chooses(&alice, "*78");
        carrier.does("calling/trunk_refused", &[("to", "1001"), ("status", "486")]);
    });
}

#[test]
fn a_number_is_hidden_outside() {
    story_of_a_trunk(&[BARESIP, SIPP], &Settings::default(), |pbx, phones| {
        let alice = pbx.baresip_over("1001", phones);
        let hidden = "INVITE sip:8030123@.*From: .*anonymous.invalid.*Privacy: id";
        let answering = pbx.trunk().plays("calling/answer", &[("offer", hidden)]);
        alice.dials("*678030123");
        alice.is_connected();
        alice.hangs_up();
        answering.ends_well();
    });
}
