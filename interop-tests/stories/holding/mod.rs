//! Hold and resume between two lines.
use crate::story::{SIPP, story};

#[test]
fn the_other_side_learns_of_hold_and_resume() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let held = bob.plays("holding/held", &[]);
        alice.does("holding/hold", &[("to", "1002"), ("answer", ".")]);
        held.ends_well();
    });
}
