//! linphone, a second SIP stack: alone, and with baresip on the other side.
use crate::peers::{Pbx, Settings};
use crate::phones::{Baresip, Linphone};
use crate::story::{BARESIP, LINPHONE, Program, story, story_with};

const BOTH: [Program; 2] = [BARESIP, LINPHONE];

/// Bob's baresip has called Alice's linphone, and they are connected. She has no microphone here: he hears nothing.
fn bob_talks_to_alice(pbx: &Pbx) -> (Linphone, Baresip) {
    let (alice, bob) = (pbx.linphone("1001"), pbx.baresip("1002"));
    bob.dials("1001");
    assert_eq!(alice.rings(), "\"Bob\" <sip:1002@pbx.test>");
    alice.answers();
    alice.talks();
    bob.is_connected();
    (alice, bob)
}

#[test]
fn linphone_calls_linphone_and_holds() {
    // With music the held phone would see no more of it than a change of its call.
    let settings = Settings { more: "[media]\nhold_music = false\n", ..Settings::default() };
    story_with(&[LINPHONE], &settings, |pbx| {
        let (alice, bob) = (pbx.linphone("1001"), pbx.linphone("1002"));
        alice.dials("1002");
        bob.rings();
        bob.answers();
        bob.talks();
        alice.talks();
        alice.holds();
        bob.is_held();
        pbx.shows("pbx_calls state=held", 1);
        alice.resumes();
        pbx.shows("pbx_calls state=answered", 1);
        bob.hangs_up();
        alice.is_hung_up();
        alice.understood_everything();
        bob.understood_everything();
    });
}

#[test]
fn linphone_calls_baresip() {
    story(&BOTH, |pbx| {
        let (alice, bob) = (pbx.linphone("1001"), pbx.baresip("1002"));
        alice.dials("1002");
        assert_eq!(bob.rings(), "Alice");
        bob.answers();
        alice.talks();
        bob.is_connected();
        alice.hangs_up();
        bob.is_hung_up();
    });
}

#[test]
fn baresip_calls_linphone_which_holds_and_resumes() {
    story(&BOTH, |pbx| {
        let (alice, bob) = bob_talks_to_alice(pbx);
        alice.holds();
        pbx.shows("pbx_calls state=held", 1);
        alice.resumes();
        pbx.shows("pbx_calls state=answered", 1);
        bob.hangs_up();
        alice.is_hung_up();
    });
}

#[test]
fn linphone_parks_by_transfer_and_fetches() {
    story(&BOTH, |pbx| {
        let (alice, bob) = bob_talks_to_alice(pbx);
        alice.holds();
        alice.transfers_to("701");
        alice.is_hung_up();
        pbx.has_parked(1);
        // The music of the lot: the only sound there is in this story.
        bob.hears_something();
        alice.dials("701");
        alice.talks();
        pbx.shows("pbx_park_end_total result=retrieved", 1);
        alice.hangs_up();
        bob.is_hung_up();
        alice.understood_everything();
    });
}

/// She asks the lot for an orbit, is told one, and joins the two calls as with any colleague.
#[test]
fn linphone_parks_by_attended_transfer() {
    story(&BOTH, |pbx| {
        let (alice, bob) = bob_talks_to_alice(pbx);
        alice.holds();
        alice.dials("700");
        alice.talks();
        pbx.shows("pbx_park_orbits state=reserved", 1);
        alice.transfers_the_first_to_the_second();
        pbx.has_parked(1);
        alice.is_hung_up();
        alice.is_hung_up();
        assert_eq!(pbx.sum("pbx_park_total way=refer_attended"), 1);
        bob.hears_something();
        bob.hangs_up();
        pbx.shows("pbx_park_end_total result=abandoned", 1);
        alice.understood_everything();
    });
}

#[test]
fn linphone_is_reminded_and_takes_the_call_back() {
    // Not before it has heard where the call is, and hung up.
    let settings = Settings { lot: "first_reminder = \"5s\"", ..Settings::default() };
    story_with(&BOTH, &settings, |pbx| {
        let (alice, bob) = bob_talks_to_alice(pbx);
        alice.transfers_to("700");
        alice.is_hung_up();
        assert_eq!(alice.rings(), "\"Park 701: Bob\" <sip:1002@pbx.test>");
        alice.answers();
        alice.talks();
        pbx.shows("pbx_park_end_total result=reclaimed", 1);
        alice.hangs_up();
        bob.is_hung_up();
    });
}
