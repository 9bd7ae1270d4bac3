//! What is counted of a trunk that a call reaches on its way: sent on by a line, or transferred.
use super::forward::chooses;
use super::office::*;
use super::phone::Stage;
use super::world::{End, World};
use crate::counters::{CallDirection, CallEnd};

/// The carrier's outbound calls: begun, answered, and how they ended.
fn outbound(office: &World) -> (u64, u64, Vec<&'static str>) {
    let snapshot = office.snapshot();
    let calls = &snapshot.counters.calls[0];
    let ended = calls.ended.iter().filter(|(class, ..)| *class == CallDirection::Outbound.as_str());
    let ended = ended.flat_map(|(_, end, n)| std::iter::repeat_n(end, n as usize)).collect();
    (calls.attempts.count(CallDirection::Outbound, ()), calls.answered.count(CallDirection::Outbound, ()), ended)
}

/// The calls that go through no trunk: begun, and how many of them ended so.
fn internal(office: &World, end: CallEnd) -> (u64, u64) {
    let calls = &office.snapshot().counters.calls[1];
    (calls.attempts.count(CallDirection::Internal, ()), calls.ended.count(CallDirection::Internal, end))
}

/// What the carrier does with the call that rings there: nothing at all, or what it answers.
fn ends(office: &mut World, status: Option<u16>) {
    match (status, office.latest(CARRIER, Stage::Ringing)) {
        (Some(status), rings) => office.with(CARRIER, |phone| phone.refuse(rings.unwrap().no, status)),
        (None, _) => office.passes(secs(61)),
    }
    office.settles();
}

const TO_TOWN: &str = "<sip:85551234@pbx.test>";

/// Bob's calls go to town: to the trunk that is a call like any other, and Alice's call is one of the house as before.
#[test]
fn a_call_that_a_line_sends_to_town_is_counted_there() {
    let mut office = office_with_choices(|_| {});
    chooses(&mut office, BOB, "*7285551");
    let alice = office.dials(ALICE, "1002");
    assert_eq!(outbound(&office), (1, 0, vec![]));
    let town = office.answers(CARRIER);
    office.talk(alice, town);
    assert_eq!(outbound(&office), (1, 1, vec![]));
    office.hangs_up(town);
    assert_eq!(outbound(&office), (1, 1, vec!["normal"]));
    assert_eq!(internal(&office, CallEnd::Normal), (1, 1));
    for (status, end) in [(Some(486), "busy"), (Some(603), "rejected"), (None, "no_answer")] {
        let before = outbound(&office).0;
        office.dials(ALICE, "1002");
        ends(&mut office, status);
        let (begun, answered, ended) = outbound(&office);
        assert_eq!((begun - before, answered), (1, 1), "{end}");
        assert!(ended.contains(&end), "{ended:?}");
    }
    let alice = office.dials(ALICE, "1002");
    office.hangs_up(alice);
    assert!(outbound(&office).2.contains(&"cancelled"));
    office.ends();
}

/// Bob and Alice talk; the one transferred to town, and whether she can be told of it.
fn transferred(office: &mut World) -> (End, End) {
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    assert_eq!(office.refers(bob, TO_TOWN), (200, "OK".into()));
    (alice, bob)
}

/// Alice is transferred to town.
#[test]
fn a_call_that_is_transferred_to_town_is_counted_there() {
    let mut office = office();
    let (alice, _) = transferred(&mut office);
    assert_eq!(outbound(&office), (1, 0, vec![]));
    let town = office.answers(CARRIER);
    office.talk(alice, town);
    assert_eq!(outbound(&office), (1, 1, vec![]));
    office.passes(secs(10));
    office.hangs_up(alice);
    assert_eq!(outbound(&office), (1, 1, vec!["normal"]));
    assert_eq!(internal(&office, CallEnd::Normal), (1, 1), "one call all the while");
    office.ends();
}

/// Nothing comes of it: that is how it ended for the trunk, and the call goes on.
#[test]
fn a_transfer_to_town_in_vain_is_counted_there() {
    for (status, end) in [(Some(486), "busy"), (Some(404), "unreachable"), (None, "no_answer")] {
        let mut office = office();
        let (alice, bob) = transferred(&mut office);
        ends(&mut office, status);
        assert_eq!(outbound(&office), (1, 0, vec![end]));
        assert_eq!(internal(&office, CallEnd::Normal), (1, 0));
        office.resumes(bob);
        office.talk(alice, bob);
        office.ends();
    }
    // She hangs up while it rings; or cannot be told of whoever answered.
    let mut office = office();
    let (alice, _) = transferred(&mut office);
    office.hangs_up(alice);
    assert_eq!(outbound(&office), (1, 0, vec!["cancelled"]));
    let (alice, bob) = transferred(&mut office);
    office.phones[ALICE.0].manners.refuses_changes = Some(488);
    office.answers(CARRIER);
    assert_eq!(outbound(&office), (2, 1, vec!["cancelled", "failure"]));
    office.phones[ALICE.0].manners.refuses_changes = None;
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// Whoever was reached in town sends Alice on, to Carol: the trunk's part is over, the call is not. It hangs up at once, or
/// when it learns that Carol is there.
#[test]
fn who_was_reached_in_town_transfers() {
    for at_once in [true, false] {
        let mut office = office_with(|settings| settings.transfers.from_trunks = true);
        let (alice, _) = transferred(&mut office);
        let town = office.answers(CARRIER);
        office.passes(secs(10));
        assert_eq!(office.refers(town, "<sip:1003@pbx.test>"), (200, "OK".into()));
        if at_once {
            office.hangs_up(town);
            assert_eq!(outbound(&office), (1, 1, vec!["normal"]));
        }
        let carol = office.answers(CAROL);
        office.talk(alice, carol);
        assert_eq!(outbound(&office), (1, 1, vec!["normal"]));
        assert_eq!(internal(&office, CallEnd::Normal), (1, 0));
        office.ends();
    }
}
