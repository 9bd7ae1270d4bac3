//! Transfer: to a number, after a word with the target, and to one who does not want it (RFC 5589).
mod coming_back;
mod outside;

use crate::peers::{Pbx, Settings};
use crate::phones::{Baresip, Linphone};
use crate::story::{BARESIP, LINPHONE, SIPP, story_over_both};

/// Bob has called Alice, and she holds him.
fn alice_holds_bob(pbx: &Pbx, transport: &str) -> (Baresip, Baresip) {
    let [alice, bob] = ["1001", "1002"].map(|line| pbx.baresip_over(line, transport));
    bob.dials("1001");
    alice.rings();
    alice.answers();
    alice.talks();
    bob.talks();
    alice.holds();
    pbx.shows("pbx_calls state=held", 1);
    (alice, bob)
}

/// The same, and her phone is another.
fn linphone_holds_bob(pbx: &Pbx, transport: &str) -> (Linphone, Baresip) {
    let (alice, bob) = (pbx.linphone_over("1001", transport), pbx.baresip_over("1002", transport));
    bob.dials("1001");
    alice.rings();
    alice.answers();
    alice.talks();
    alice.holds();
    (alice, bob)
}

/// Carol's line has a telephone over each transport: both ring, and one of them has the call.
#[test]
fn baresip_transfers_a_call_to_a_colleague() {
    story_over_both(&[BARESIP], &Settings::default(), |pbx, transport| {
        let (alice, bob) = alice_holds_bob(pbx, transport);
        let [desk, mobile] = ["udp", "tcp"].map(|transport| pbx.baresip_over("1003", transport));
        alice.transfers_to("1003");
        let shown = [desk.rings(), mobile.rings()];
        assert_eq!(shown, ["Bob", "Bob"], "the caller's name, not the transferor's");
        mobile.answers();
        mobile.is_connected();
        desk.is_hung_up();
        alice.is_hung_up();
        pbx.shows("pbx_transfers_total kind=blind result=ok", 1);
        pbx.shows("pbx_calls state=answered", 1);
        // Each hears the other.
        mobile.hears_something();
        mobile.hangs_up();
        bob.is_hung_up();
    });
}

/// (Baresip hangs up when its transfer fails; linphone goes on holding.)
#[test]
fn a_colleague_who_refuses_gives_the_call_back() {
    story_over_both(&[BARESIP, LINPHONE], &Settings::default(), |pbx, transport| {
        let (alice, bob) = linphone_holds_bob(pbx, transport);
        let carol = pbx.baresip("1003");
        alice.transfers_to("1003");
        assert_eq!(carol.rings(), "Bob");
        carol.hangs_up();
        pbx.shows("pbx_transfers_total kind=blind result=busy", 1);
        alice.resumes();
        pbx.shows("pbx_calls state=answered", 1);
        bob.hangs_up();
        alice.is_hung_up();
        alice.understood_everything();
    });
}

/// Alice, who holds a call, has a word with Carol, and joins the two.
fn alice_joins_them_with_carol(pbx: &Pbx, alice: &Linphone, carol: &Baresip) {
    alice.dials("1003");
    assert_eq!(carol.rings(), "Alice");
    carol.answers();
    alice.talks();
    alice_joins_them(pbx, alice);
}

/// Her transfer is done, and her telephone free.
fn alice_joins_them(pbx: &Pbx, alice: &Linphone) {
    alice.transfers_the_first_to_the_second();
    alice.is_hung_up();
    alice.is_hung_up();
    pbx.shows("pbx_transfers_total kind=attended result=ok", 1);
    pbx.shows("pbx_calls state=answered", 1);
    alice.understood_everything();
}

#[test]
fn linphone_transfers_after_a_word_with_the_target() {
    story_over_both(&[BARESIP, LINPHONE], &Settings::default(), |pbx, transport| {
        let (alice, bob) = linphone_holds_bob(pbx, transport);
        let carol = pbx.baresip_over("1003", transport);
        alice_joins_them_with_carol(pbx, &alice, &carol);
        carol.hears_something();
        bob.hangs_up();
        carol.is_hung_up();
    });
}

/// Carol's phone still rings when Alice joins the two (RFC 5589 §7.6): she answers, and has Bob.
#[test]
fn linphone_transfers_while_the_target_rings() {
    story_over_both(&[BARESIP, LINPHONE], &Settings::default(), |pbx, transport| {
        let (alice, bob) = linphone_holds_bob(pbx, transport);
        let carol = pbx.baresip_over("1003", transport);
        alice.dials("1003");
        assert_eq!(carol.rings(), "Alice");
        alice.sees_ringing();
        alice.transfers_the_first_to_the_second();
        // Carol is not too quick for her.
        pbx.shows("pbx_sip_responses_total method=REFER direction=out status=200", 1);
        carol.answers();
        carol.is_connected();
        // Bob has a voice, Alice has none.
        carol.hears_something();
        pbx.shows("pbx_transfers_total kind=semi result=ok", 1);
        alice.is_hung_up();
        // The second of hers is over, too: a call out that was never answered, which linphone calls an error.
        pbx.shows("pbx_call_legs", 2);
        pbx.shows("pbx_calls state=answered", 1);
        alice.understood_everything();
        bob.hangs_up();
        carol.is_hung_up();
    });
}

/// Alice wants to hear nothing of her transfer (RFC 4488): it is accepted without a subscription, and nothing but the BYE
/// comes after that.
#[test]
fn a_transfer_that_nobody_wants_to_be_told_of() {
    story_over_both(&[BARESIP, SIPP], &Settings::default(), |pbx, transport| {
        let [bob, carol] = ["1002", "1003"].map(|line| pbx.baresip_over(line, transport));
        let alice = pbx.phone_over("1001", transport);
        let transferring = alice.plays("transferring/without_a_word", &[("to", "1002"), ("place", "1003")]);
        assert_eq!(bob.rings(), "Alice");
        bob.answers();
        assert_eq!(carol.rings(), "Bob");
        carol.answers();
        carol.is_connected();
        transferring.ends_well();
        carol.hears_something();
        pbx.shows("pbx_transfers_total kind=blind result=ok", 1);
        bob.hangs_up();
        carol.is_hung_up();
    });
}
