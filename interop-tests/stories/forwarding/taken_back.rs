//! What was chosen by code is taken back by code, and the phone rings at home as before.
use super::chooses;
use crate::peers::Settings;
use crate::story::{BARESIP, SIPP, story_over_both};

const MET_A_BUSY_LINE: &str = "pbx_calls_ended_total cause=busy";

/// Bob declines: Carol's phone rings while he wishes so, and afterwards Alice hears that he is busy.
#[test]
fn calls_are_forwarded_while_busy_until_they_are_not() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        let [alice, bob, carol] = ["1001", "1002", "1003"].map(|line| pbx.baresip_over(line, transport));
        let bob_is_called_and_declines = || {
            alice.dials("1002");
            assert_eq!(bob.rings(), "Alice");
            bob.hangs_up();
        };
        let forwarded = "pbx_forwards_total kind=busy result=ok";
        chooses(&bob, "*901003");
        bob_is_called_and_declines();
        assert_eq!(carol.rings(), "Alice");
        alice.hangs_up();
        carol.is_hung_up();
        pbx.shows(forwarded, 1);
        chooses(&bob, "*91");
        bob_is_called_and_declines();
        alice.is_hung_up();
        pbx.shows(MET_A_BUSY_LINE, 1);
        assert_eq!(pbx.sum(forwarded), 1, "the second went nowhere");
    });
}

/// After one ring Carol's phone rings; afterwards Bob's goes on until Alice is told that nobody answers.
#[test]
fn calls_that_nobody_answers_are_forwarded_until_they_are_not() {
    let (server, more) = ("no_answer = \"4s\"", "[forward]\nrings = 1\nring_cycle = \"1s\"");
    story_over_both(&[BARESIP], &Settings { server, more, ..Settings::default() }, |pbx, transport| {
        let [alice, bob, carol] = ["1001", "1002", "1003"].map(|line| pbx.baresip_over(line, transport));
        chooses(&bob, "*921003");
        alice.dials("1002");
        assert_eq!([bob.rings(), carol.rings()], ["Alice", "Alice"]);
        bob.is_hung_up();
        alice.hangs_up();
        carol.is_hung_up();
        pbx.shows("pbx_forwards_total kind=no_answer result=ok", 1);
        chooses(&bob, "*93");
        alice.dials("1002");
        assert_eq!(bob.rings(), "Alice");
        bob.is_hung_up();
        alice.is_hung_up();
        pbx.shows("pbx_calls_ended_total cause=no_answer", 1);
        assert_eq!(pbx.sum("pbx_forwards_total kind=no_answer"), 1, "the second went nowhere");
    });
}

/// Bob's phone is off, and dials all the same: whoever is not registered may call. Nobody is there afterwards, until his
/// phone is.
#[test]
fn calls_to_a_phone_that_is_off_are_forwarded_until_they_are_not() {
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let [alice, carol] = ["1001", "1003"].map(|line| pbx.baresip_over(line, transport));
        let bob = pbx.new_phone_over("1002", transport);
        let bob_chooses = |code| bob.does("calling/call_until_over", &[("to", code), ("answer", ".")]);
        bob_chooses("*941003");
        alice.dials("1002");
        assert_eq!(carol.rings(), "Alice");
        alice.hangs_up();
        carol.is_hung_up();
        pbx.shows("pbx_forwards_total kind=unregistered result=ok", 1);
        bob_chooses("*95");
        alice.dials("1002");
        alice.is_hung_up();
        assert_eq!(pbx.sum("pbx_forwards_total kind=unregistered"), 1, "the second went nowhere");
        let bob = pbx.baresip_over("1002", transport);
        alice.dials("1002");
        assert_eq!(bob.rings(), "Alice");
        alice.hangs_up();
        bob.is_hung_up();
    });
}

/// One code for both: dialled once it lets nobody through, dialled again everybody.
#[test]
fn one_code_turns_do_not_disturb_on_and_off() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
        chooses(&bob, "*76");
        alice.dials("1002");
        alice.is_hung_up();
        pbx.shows(MET_A_BUSY_LINE, 1);
        chooses(&bob, "*76");
        alice.dials("1002");
        assert_eq!(bob.rings(), "Alice");
        alice.hangs_up();
        bob.is_hung_up();
    });
}

/// Alice hides her number as a rule, and shows it when she likes.
#[test]
fn a_line_that_hides_its_number_shows_it_by_code() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        pbx.reads_again(|text| text.replace("[lines.1001]\n", "[lines.1001]\nhide_number = true\n"));
        let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
        for (dialled, shown) in [("1002", "Anonymous"), ("*821002", "Alice"), ("1002", "Anonymous")] {
            alice.dials(dialled);
            assert_eq!(bob.rings(), shown, "{dialled}");
            alice.hangs_up();
            bob.is_hung_up();
        }
    });
}
