//! Hold and resume between two lines.
use crate::peers::Settings;
use crate::story::{BARESIP, LINPHONE, SIPP, story_over_both, story_with};

/// How the holder's offer is answered, what the held phone is offered, and how it answers.
fn a_call_is_held_and_resumed(more: &'static str, [back, theirs, ours]: [&str; 3]) {
    story_with(&[SIPP], &Settings { more, ..Settings::default() }, |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let held = bob.plays("holding/held", &[("theirs", theirs), ("ours", ours)]);
        alice.does("holding/hold", &[("to", "1002"), ("answer", "."), ("back", back)]);
        held.ends_well();
    });
}

/// The held phone comes to the server for its music, and goes back to the other one.
#[test]
fn the_server_plays_music_to_the_held_phone() {
    a_call_is_held_and_resumed("", ["inactive", "sendrecv", "sendrecv"]);
}

#[test]
fn without_music_the_other_side_learns_of_hold_and_resume() {
    a_call_is_held_and_resumed("[media]\nhold_music = false\n", ["recvonly", "sendonly", "recvonly"]);
}

/// RFC 5359 §2.2, Consultation Hold: Alice holds Bob, has a word with Carol, who hangs up, and talks to Bob again.
#[test]
fn a_word_with_somebody_else_while_holding() {
    story_over_both(&[BARESIP, LINPHONE], &Settings::default(), |pbx, transport| {
        let alice = pbx.linphone_over("1001", transport);
        let [bob, carol] = ["1002", "1003"].map(|line| pbx.baresip_over(line, transport));
        bob.dials("1001");
        alice.rings();
        alice.answers();
        alice.talks();
        alice.holds();
        pbx.shows("pbx_calls state=held", 1);
        alice.dials("1003");
        assert_eq!(carol.rings(), "Alice");
        carol.answers();
        alice.talks();
        pbx.shows("pbx_calls state=answered", 1);
        assert_eq!(pbx.sum("pbx_calls state=held"), 1, "Bob waits");
        carol.hangs_up();
        alice.is_hung_up();
        alice.resumes_the_first();
        pbx.shows("pbx_calls state=answered", 1);
        assert_eq!(pbx.sum("pbx_calls"), 1);
        bob.hangs_up();
        alice.is_hung_up();
        alice.understood_everything();
    });
}
