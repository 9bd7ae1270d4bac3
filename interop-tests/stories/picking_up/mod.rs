//! Pickup: a colleague answers a line that rings (`**1002`, `*8`).
use crate::peers::{Settings, side_by_side};
use crate::story::{BARESIP, SIPP, story_of_a_trunk, story_over_both};

/// Both of Bob's telephones ring, one over each transport, and both learn that somebody else has answered.
#[test]
fn a_colleague_picks_a_ringing_call_up() {
    for (code, kind) in [("**1002", "directed"), ("*8", "group")] {
        story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
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

#[test]
fn a_colleague_picks_a_call_from_outside_up() {
    story_of_a_trunk(&[BARESIP, SIPP], &Settings::default(), |pbx, phones| {
        let [bob, carol] = ["1002", "1003"].map(|line| pbx.baresip_over(line, phones));
        let calling = pbx.trunk().calls_from_outside("1002");
        bob.rings();
        carol.dials("**1002");
        carol.is_connected();
        bob.is_hung_up();
        pbx.shows("pbx_pickups_total kind=directed result=ok", 1);
        pbx.shows("pbx_calls_answered_total direction=inbound trunk=carrier", 1);
        carol.hangs_up();
        calling.ends_well();
    });
}

/// Carol presses a key that blinks: her telephone calls with the Replaces that the lamp has shown (RFC 5359 §2.16).
#[test]
fn a_blinking_key_picks_up() {
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
        let [key, carol] = [(); 2].map(|()| pbx.new_phone_over("1003", transport));
        let lamp = key.plays("watching/blinks", &[("to", "1002"), ("event", "dialog"), ("who", "1001")]);
        lamp.sees("<state>terminated");
        alice.dials("1002");
        bob.rings();
        lamp.sees("<state>early");
        let [call, local, remote] = ["call-id", "local-tag", "remote-tag"].map(|name| lamp.attribute(name));
        let replaces = format!("Replaces: {call};to-tag={remote};from-tag={local};early-only");
        carol.does("calling/call", &[("to", "1002"), ("more", &replaces), ("answer", "m=audio")]);
        bob.is_hung_up();
        alice.is_hung_up();
        lamp.ends_well();
        pbx.shows("pbx_calls_answered_total direction=internal", 1);
    });
}
