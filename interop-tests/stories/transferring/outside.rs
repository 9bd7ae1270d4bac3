//! Transfer where somebody is outside: who is transferred, or who it goes to.
use super::{alice_holds_bob, alice_joins_them, alice_joins_them_with_carol, linphone_holds_bob};
use crate::peers::{Pbx, Playing, Settings};
use crate::phones::Linphone;
use crate::story::{BARESIP, LINPHONE, SIPP, story_of_a_trunk};

/// Somebody outside has called Alice, and she holds them.
fn linphone_holds_a_call_from_outside(pbx: &Pbx, transport: &str) -> (Linphone, Playing) {
    let alice = pbx.linphone_over("1001", transport);
    let calling = pbx.trunk().calls_from_outside("1001");
    alice.rings();
    alice.answers();
    alice.talks();
    alice.holds();
    (alice, calling)
}

#[test]
fn a_call_from_outside_is_transferred_to_a_colleague() {
    story_of_a_trunk(&[BARESIP, LINPHONE, SIPP], &Settings::default(), |pbx, phones| {
        let (alice, calling) = linphone_holds_a_call_from_outside(pbx, phones);
        let carol = pbx.baresip_over("1003", phones);
        alice.transfers_to("1003");
        carol.rings();
        carol.answers();
        carol.is_connected();
        alice.is_hung_up();
        pbx.shows("pbx_transfers_total kind=blind result=ok", 1);
        pbx.shows("pbx_calls state=answered", 1);
        calling.sees("P-Asserted-Identity: \"Carol\" <sip:1003@");
        carol.hangs_up();
        calling.ends_well();
        alice.understood_everything();
    });
}

/// The carrier is shown who it is that calls there now: Bob, not Alice.
#[test]
fn a_colleague_is_transferred_to_a_number_outside() {
    story_of_a_trunk(&[BARESIP, SIPP], &Settings::default(), |pbx, phones| {
        let (alice, bob) = alice_holds_bob(pbx, phones);
        let answering = pbx.trunk().plays("calling/answer", &[("offer", "INVITE sip:8030123@.*From: .*sip:1002@")]);
        alice.transfers_to("8030123");
        alice.is_hung_up();
        pbx.shows("pbx_transfers_total kind=blind result=ok", 1);
        pbx.shows("pbx_calls state=answered", 1);
        bob.hangs_up();
        answering.ends_well();
    });
}

/// Alice holds Bob, has a word with somebody outside, and joins the two.
#[test]
fn a_colleague_is_transferred_outside_after_a_word() {
    story_of_a_trunk(&[BARESIP, LINPHONE, SIPP], &Settings::default(), |pbx, phones| {
        let (alice, bob) = linphone_holds_bob(pbx, phones);
        let answering = pbx.trunk().plays("calling/answer", &[("offer", "INVITE sip:8030123@.*From: .*sip:1001@")]);
        alice.dials("8030123");
        alice.talks();
        alice_joins_them(pbx, &alice);
        answering.sees("P-Asserted-Identity: \"Bob\" <sip:1002@");
        bob.hangs_up();
        answering.ends_well();
    });
}

#[test]
fn a_call_from_outside_is_transferred_after_a_word_with_a_colleague() {
    story_of_a_trunk(&[BARESIP, LINPHONE, SIPP], &Settings::default(), |pbx, phones| {
        let (alice, calling) = linphone_holds_a_call_from_outside(pbx, phones);
        let carol = pbx.baresip_over("1003", phones);
        alice_joins_them_with_carol(pbx, &alice, &carol);
        calling.sees("P-Asserted-Identity: \"Carol\" <sip:1003@");
        carol.hangs_up();
        calling.ends_well();
    });
}

/// What came over a trunk leaves by none: Alice has her call still.
#[test]
fn a_call_from_outside_goes_nowhere_outside() {
    story_of_a_trunk(&[LINPHONE, SIPP], &Settings::default(), |pbx, phones| {
        let (alice, calling) = linphone_holds_a_call_from_outside(pbx, phones);
        alice.transfers_to("8030123");
        pbx.shows("pbx_transfers_total kind=blind result=refused", 1);
        assert_eq!(pbx.sum("pbx_call_attempts_total direction=outbound"), 0);
        alice.resumes();
        alice.hangs_up();
        calling.ends_well();
    });
}

/// But where that is allowed, it does: Alice is out of it, and a carrier's call leaves by another's trunk, with the number of
/// who is transferred.
#[test]
fn a_call_from_outside_is_transferred_outside_where_it_may() {
    let more = "[transfer]\ntrunk_to_trunk = true\n[trunks.other]\naddress = \"{ip}:7082\"\nprefix = \"9\"";
    story_of_a_trunk(&[LINPHONE, SIPP], &Settings { more, ..Settings::default() }, |pbx, phones| {
        let other = pbx.trunk_at(7082);
        let (alice, calling) = linphone_holds_a_call_from_outside(pbx, phones);
        let words = [("offer", "INVITE sip:9030123@.*From: .*sip:.49301234@")];
        let answering = other.plays("calling/answer_until_told", &words);
        alice.transfers_to("9030123");
        alice.is_hung_up();
        answering.sees("ACK sip:");
        pbx.shows("pbx_transfers_total kind=blind result=ok", 1);
        pbx.shows("pbx_calls state=answered", 1);
        alice.understood_everything();
        other.acts(&answering);
        answering.ends_well();
        calling.ends_well();
    });
}
