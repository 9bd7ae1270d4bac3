//! Hold and resume between two lines.
use crate::peers::Settings;
use crate::story::{SIPP, story_with};

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
