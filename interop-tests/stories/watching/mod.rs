//! Lamps: subscriptions of phones, and a thousand of them to one orbit.
mod crowd;

use crate::peers::{Pbx, Playing, Settings, side_by_side};
use crate::story::{BARESIP, SIPP, story, story_of_a_trunk, story_over_both};
use crowd::Crowd;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

/// What a lamp is promised, at 99 %, with a thousand watchers.
const PROMISED: Duration = Duration::from_millis(200);

#[test]
fn subscribed_refreshed_and_ended() {
    for (to, event, shown) in [
        ("701", "dialog", "entity=.sip:701@pbx.test.*state.terminated"),
        ("700", "dialog;id=key-3", "entity=.sip:700@pbx.test.*state.terminated"),
        ("1002", "dialog", "entity=.sip:1002@pbx.test.*state.terminated"),
        ("1001", "presence", "basic.open"),
        ("1002", "presence", "basic.closed"),
        ("1001", "message-summary", "Messages-Waiting: no.*Message-Account: sip:1001@pbx.test"),
    ] {
        story_over_both(&[SIPP], &Settings::default(), |pbx, transport| {
            pbx.phone_over("1001", transport).does("watching/watch", &[("to", to), ("event", event), ("shown", shown)]);
            pbx.shows("pbx_notify_total result=ok", 3);
            assert_eq!(pbx.sum("pbx_subscriptions"), 0);
        });
    }
}

#[test]
fn what_may_not_be_watched() {
    let settings = Settings { lot: "view_groups = [\"staff\"]", ..Settings::default() };
    for (line, to, event, expires, status, why) in [
        ("1001", "5555", "dialog", "600", "404", "There Is Nothing To Be Watched"),
        ("1004", "701", "dialog", "600", "403", "You May Not Watch This"),
        ("1001", "1002", "message-summary", "600", "403", "You May Not Watch This"),
        ("1001", "701", "dialog", "5", "423", "Min-Expires: 60"),
    ] {
        story_over_both(&[SIPP], &settings, |pbx, transport| {
            let words = [("to", to), ("event", event), ("expires", expires), ("status", status), ("why", why)];
            pbx.new_phone_over(line, transport).does("watching/refused", &words);
        });
    }
}

/// Bob's line has a telephone over each transport: its lamp blinks while both ring, is lit when one of them talks, and goes
/// out; each time it is told once, and who calls.
fn carols_lamp_shows_bobs_call(pbx: &Pbx, transport: &'static str, who: &str, call: impl FnOnce() -> Playing) {
    let [desk, mobile] = ["udp", transport].map(|transport| pbx.baresip_over("1002", transport));
    let carol = pbx.new_phone_over("1003", transport);
    let lamp = carol.plays("watching/lamp", &[("to", "1002"), ("event", "dialog"), ("who", who)]);
    lamp.sees("<state>terminated");
    let calling = call();
    desk.rings();
    mobile.rings();
    lamp.sees("<state>early");
    mobile.answers();
    desk.is_hung_up();
    lamp.sees("<state>confirmed");
    mobile.hangs_up();
    side_by_side([calling, lamp]);
}

#[test]
fn a_lamp_shows_who_calls_a_line_of_two_telephones() {
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let alice = pbx.phone("1001");
        let call = || alice.plays("calling/call_until_over", &[("to", "1002"), ("answer", ".")]);
        carols_lamp_shows_bobs_call(pbx, transport, "1001", call);
    });
}

#[test]
fn a_lamp_shows_who_calls_from_outside() {
    story_of_a_trunk(&[BARESIP, SIPP], &Settings::default(), |pbx, phones| {
        let carrier = pbx.trunk();
        carols_lamp_shows_bobs_call(pbx, phones, ".49301234", || carrier.calls_from_outside("1002"));
    });
}

/// Who takes lists is told a lot orbit by orbit, also when a call comes into one of them and leaves it (RFC 4662).
#[test]
fn a_lot_is_watched_as_a_list() {
    let takes = "Supported: eventlist\nAccept: application/dialog-info+xml, application/rlmi+xml, multipart/related";
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
        let words = [("to", "700"), ("event", "dialog"), ("more", takes)];
        let list = pbx.new_phone_over("1003", transport).plays("watching/list", &words);
        list.sees("switchyard-list");
        bob.dials("1001");
        alice.rings();
        alice.answers();
        alice.talks();
        alice.transfers_to("702");
        alice.is_hung_up();
        list.sees("<state>confirmed");
        bob.hangs_up();
        list.ends_well();
    });
}

/// baresip sees that a contact can be reached.
#[test]
fn a_softphone_watches_its_contact() {
    story(&[BARESIP], |pbx| {
        let bob = pbx.baresip("1002");
        let carol = pbx.baresip_watching("1003", "1002");
        pbx.shows("pbx_subscriptions package=presence", 1);
        carol.sees_online("1002");
        drop(bob);
    });
}

/// The last of the promises: a thousand phones watch one orbit; when it is taken, and when it is free again, all of them know
/// before anybody notices.
#[test]
fn a_thousand_watchers_of_one_orbit() {
    story(&[SIPP], |pbx| {
        let (alice, bob) = (pbx.phone("1001"), pbx.phone("1002"));
        let crowd = Crowd::gathers(pbx, 20, 50, "701");
        pbx.shows("pbx_subscriptions package=dialog", 1_000);
        let parking = alice.plays("reminding/park_incoming", &[("place", "701"), ("orbit", "701")]);
        let waiting = bob.plays("watching/is_parked", &[("to", "1001")]);
        parking.ends_well();
        crowd.sees("confirmed");
        // Nobody is told twice in a second, and this is about the first change after a quiet time.
        thread::sleep(Duration::from_millis(1_100));
        let began = Instant::now();
        bob.acts(&waiting);
        let mut took: Vec<Duration> = crowd.sees("terminated").into_iter().map(|at| at - began).collect();
        side_by_side([waiting]);
        took.sort_unstable();
        let (median, p99, last) = (took[499], took[989], took[999]);
        let figures = format!(
            "1 000 watchers, from the caller's wish to hang up: median {median:?}, 99 % {p99:?}, last {last:?}"
        );
        // Past the capture of the test runner.
        let _ = writeln!(io::stderr(), "{figures}");
        crowd.leaves();
        // Nobody was told anything twice.
        pbx.shows("pbx_notify_total result=ok", 4_000);
        // A machine that does other things as well may need longer, but never so long.
        assert!(p99 < 5 * PROMISED, "{p99:?}");
    });
}
