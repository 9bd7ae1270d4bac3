//! Pickup: a colleague answers a phone that rings (`**1002`, `*8`).
use crate::story::{BARESIP, story};

#[test]
fn a_colleague_picks_a_ringing_call_up() {
    for (code, kind) in [("**1002", "directed"), ("*8", "group")] {
        story(&[BARESIP], |pbx| {
            let (alice, bob, carol) = (pbx.baresip("1001"), pbx.baresip("1002"), pbx.baresip("1003"));
            alice.dials("1002");
            assert_eq!(bob.rings(), "Alice");
            carol.dials(code);
            carol.talks();
            alice.is_connected();
            bob.is_hung_up();
            pbx.shows(&format!("pbx_pickups_total kind={kind} result=ok"), 1);
            pbx.shows("pbx_calls state=answered", 1);
            carol.hangs_up();
            alice.is_hung_up();
        });
    }
}
