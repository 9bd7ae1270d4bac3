//! Pickup: a colleague answers a line that rings (`**1002`, `*8`).
use crate::peers::side_by_side;
use crate::story::{BARESIP, SIPP, story};

/// Both of Bob's telephones ring, one over each transport, and both learn that somebody else has answered.
#[test]
fn a_colleague_picks_a_ringing_call_up() {
    let ways =
        [("**1002", "directed", "udp"), ("*8", "group", "udp"), ("**1002", "directed", "tcp"), ("*8", "group", "tcp")];
    for (code, kind, transport) in ways {
        story(&[BARESIP, SIPP], |pbx| {
            let [alice, carol] = ["1001", "1003"].map(|line| pbx.baresip_over(line, transport));
            let elsewhere = ("reason", "Reason: SIP;cause=200;text=.Call completed elsewhere");
            let bob = ["udp", "tcp"].map(|transport| pbx.phone_over("1002", transport));
            let ringing = bob.each_ref().map(|phone| phone.plays("calling/ring_in_vain", &[elsewhere]));
            alice.dials("1002");
            ringing.iter().for_each(|phone| phone.sees("180 Ringing"));
            carol.dials(code);
            carol.talks();
            alice.is_connected();
            side_by_side(ringing);
            pbx.shows(&format!("pbx_pickups_total kind={kind} result=ok"), 1);
            pbx.shows("pbx_calls state=answered", 1);
            carol.hangs_up();
            alice.is_hung_up();
        });
    }
}
