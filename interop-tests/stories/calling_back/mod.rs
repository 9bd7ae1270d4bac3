//! Callbacks: `*66` and `*86`, a key while it is said why a call failed, and waiting on the line.
use crate::peers::Settings;
use crate::phones::Baresip;
use crate::story::{BARESIP, SIPP, restarted, story_of_a_trunk, story_over_both, story_with};

/// Eve has one call at a time, and is free a moment after it.
const EVE: &str = "[callback]\ntarget_guard = \"1s\"\n\
                   [lines.1005]\nname = \"Eve\"\npassword = \"secret-1005\"\nbusy_limit = 1\n";

fn soon(more: &'static str) -> Settings {
    Settings { more, ..Settings::default() }
}

/// Bob is not there when Alice calls him; when he signs in both phones ring, hers first.
fn is_called_back(alice: &'static str, bob: &'static str) {
    story_with(&[SIPP], &soon("[callback]\ntarget_guard = \"2s\"\nannounce = false\n"), |pbx| {
        let alice = pbx.phone_over("1001", alice);
        alice.does("calling/refused", &[("to", "1002"), ("status", "480"), ("why", "1002 is not registered")]);
        alice.does("calling/call_until_over", &[("to", "*66"), ("answer", "You will be called back.*sip:1002@")]);
        pbx.shows("pbx_callback_requests type=not_registered state=queued", 1);
        let called_back = alice.plays("calling_back/called_back", &[("name", "Bob"), ("number", "1002")]);
        let bob = pbx.phone_over("1002", bob);
        let answering = bob.plays("calling/answer", &[("offer", "m=audio")]);
        called_back.ends_well();
        answering.ends_well();
        pbx.shows("pbx_callback_recalls_total type=not_registered result=connected", 1);
        pbx.shows("pbx_callback_end_total type=not_registered result=done", 1);
    });
}

#[test]
fn phones_are_called_back_over_udp() {
    is_called_back("udp", "udp");
}

#[test]
fn phones_are_called_back_over_tcp() {
    is_called_back("tcp", "tcp");
}

/// The server is killed while Alice waits for Bob, who is not there: the next one calls her back.
#[test]
fn what_was_asked_for_outlives_the_server() {
    restarted(
        &[BARESIP],
        |pbx| {
            let alice = pbx.baresip("1001");
            alice.dials("1002");
            alice.is_hung_up();
            alice.dials("*66");
            alice.talks();
            alice.is_hung_up();
            pbx.shows("pbx_callback_requests type=not_registered state=queued", 1);
            pbx.shows("pbx_store_errors_total", 0);
        },
        |pbx| {
            pbx.shows("pbx_callback_requests type=not_registered state=queued", 1);
            let (alice, bob) = (pbx.baresip("1001"), pbx.baresip("1002"));
            assert_eq!(alice.rings(), "Callback: Bob");
            alice.answers();
            assert_eq!(bob.rings(), "Alice");
            bob.answers();
            bob.talks();
            pbx.shows("pbx_callback_end_total type=not_registered result=done", 1);
            alice.hangs_up();
            bob.is_hung_up();
        },
    );
}

/// Eve talks to Carol.
fn eve_talks(eve: &Baresip, carol: &Baresip) {
    carol.dials("1005");
    assert_eq!(eve.rings(), "Carol");
    eve.answers();
    eve.talks();
    carol.talks();
}

#[test]
fn softphones_are_called_back_when_a_busy_line_is_free() {
    story_over_both(&[BARESIP], &soon(EVE), |pbx, transport| {
        let [alice, carol, eve] = ["1001", "1003", "1005"].map(|line| pbx.baresip_over(line, transport));
        eve_talks(&eve, &carol);
        alice.dials("1005");
        alice.is_hung_up();
        alice.dials("*66");
        alice.talks();
        alice.is_hung_up();
        pbx.shows("pbx_callback_requests_total type=busy via=code result=accepted", 1);
        eve.hangs_up();
        carol.is_hung_up();
        assert_eq!(alice.rings(), "Callback: Eve");
        alice.answers();
        assert_eq!(eve.rings(), "Alice");
        eve.answers();
        eve.talks();
        alice.talks();
        pbx.shows("pbx_callback_end_total type=busy result=done", 1);
        pbx.shows("pbx_calls state=answered", 1);
        alice.hangs_up();
        eve.is_hung_up();
    });
}

/// Alice and Eve have a telephone over each transport. The one that Alice asked from rings, after 8 s her other one too; when
/// she answers there, both of Eve's ring.
#[test]
fn lines_of_two_telephones_are_called_back() {
    story_with(&[BARESIP], &soon(EVE), |pbx| {
        let two = |line| ["udp", "tcp"].map(|transport| pbx.baresip_over(line, transport));
        let ([desk, mobile], [eve, eves_mobile], carol) = (two("1001"), two("1005"), pbx.baresip("1003"));
        eve_talks(&eve, &carol);
        eves_mobile.is_hung_up();
        desk.dials("1005");
        desk.is_hung_up();
        desk.dials("*66");
        desk.talks();
        desk.is_hung_up();
        eve.hangs_up();
        carol.is_hung_up();
        assert_eq!(desk.rings(), "Callback: Eve");
        assert_eq!(pbx.sum("pbx_call_legs"), 1, "no other telephone rings yet");
        assert_eq!(mobile.rings(), "Callback: Eve");
        mobile.answers();
        desk.is_hung_up();
        assert_eq!([&eve, &eves_mobile].map(Baresip::rings), ["Alice", "Alice"]);
        eves_mobile.answers();
        eve.is_hung_up();
        eves_mobile.talks();
        mobile.talks();
        pbx.shows("pbx_callback_end_total type=busy result=done", 1);
        mobile.hangs_up();
        eves_mobile.is_hung_up();
    });
}

/// Nobody knows when a number outside is free.
#[test]
fn nobody_is_called_back_from_outside() {
    story_of_a_trunk(&[SIPP], &Settings::default(), |pbx, phones| {
        let alice = pbx.phone_over("1001", phones);
        let refuses = |number, status, why| {
            alice.does("calling/refused", &[("to", number), ("status", status), ("why", why)]);
        };
        let busy = pbx.trunk().plays("calling/refuse", &[("status", "486"), ("phrase", "Busy Here")]);
        refuses("8030123", "486", "Busy Here");
        busy.ends_well();
        refuses("*66", "403", "There are no callbacks for that number");
        pbx.shows("pbx_callback_requests_total result=accepted", 0);
    });
}

#[test]
fn a_callback_is_taken_back() {
    story_over_both(&[BARESIP], &soon(EVE), |pbx, transport| {
        let [alice, carol, eve] = ["1001", "1003", "1005"].map(|line| pbx.baresip_over(line, transport));
        eve_talks(&eve, &carol);
        alice.dials("1005");
        alice.is_hung_up();
        for code in ["*66", "*86"] {
            alice.dials(code);
            alice.talks();
            alice.is_hung_up();
        }
        pbx.shows("pbx_callback_end_total type=busy result=cancelled", 1);
        eve.hangs_up();
        carol.is_hung_up();
    });
}

#[test]
fn a_key_asks_for_a_callback() {
    let more = "[callback]\ntarget_guard = \"1s\"\noffer = \"answer\"\n\
                [lines.1005]\nname = \"Eve\"\npassword = \"secret-1005\"\nbusy_limit = 1\n";
    story_over_both(&[BARESIP], &soon(more), |pbx, transport| {
        let [alice, carol, eve] = ["1001", "1003", "1005"].map(|line| pbx.baresip_over(line, transport));
        eve_talks(&eve, &carol);
        alice.dials("1005");
        alice.talks();
        alice.presses('5');
        pbx.shows("pbx_callback_requests_total type=busy via=digit result=accepted", 1);
        alice.is_hung_up();
        eve.hangs_up();
        assert_eq!(alice.rings(), "Callback: Eve");
        alice.answers();
        assert_eq!(eve.rings(), "Alice");
        eve.answers();
        eve.talks();
        eve.hangs_up();
        alice.is_hung_up();
    });
}

#[test]
fn who_stays_on_the_line_is_connected() {
    let more = "[callback]\ncamp_on = true\n\
                [lines.1005]\nname = \"Eve\"\npassword = \"secret-1005\"\nbusy_limit = 1\n";
    story_over_both(&[BARESIP], &soon(more), |pbx, transport| {
        let [alice, carol, eve] = ["1001", "1003", "1005"].map(|line| pbx.baresip_over(line, transport));
        eve_talks(&eve, &carol);
        alice.dials("1005");
        alice.talks();
        eve.hangs_up();
        assert_eq!(eve.rings(), "Alice");
        eve.answers();
        eve.talks();
        pbx.shows("pbx_callback_recalls_total type=busy result=connected", 1);
        alice.hangs_up();
        eve.is_hung_up();
    });
}

/// A telephone that knows RFC 6910 watches, is told that it may, and calls by itself. Nobody calls it.
#[test]
fn a_telephone_that_watches_calls_by_itself() {
    story_over_both(&[BARESIP, SIPP], &soon(EVE), |pbx, transport| {
        let [alice, carol, eve] = ["1001", "1003", "1005"].map(|line| pbx.baresip_over(line, transport));
        eve_talks(&eve, &carol);
        let watcher = pbx.new_phone_over("1001", transport);
        let watching = watcher.plays("calling_back/watches", &[("to", "1005"), ("event", "call-completion")]);
        pbx.shows("pbx_callback_requests_total type=busy via=rfc6910 result=accepted", 1);
        eve.hangs_up();
        carol.is_hung_up();
        watching.sees("cc-state: ready");
        alice.dials("1005");
        assert_eq!(eve.rings(), "Alice");
        eve.answers();
        eve.talks();
        alice.talks();
        watching.ends_well();
        pbx.shows("pbx_callback_end_total type=busy result=done", 1);
        alice.hangs_up();
        eve.is_hung_up();
    });
}
