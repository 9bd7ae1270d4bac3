//! What people choose by dialling: do not disturb, call waiting, hidden numbers, the last number again.
use super::forward::chooses;
use super::office::*;
use super::phone::Stage;
use crate::settings::{Destination, ForwardKind, ForwardRule};

/// Bob is not to be disturbed: he is busy. Whom he lets through disturbs him all the same.
#[test]
fn nobody_disturbs() {
    let mut office = office_with_choices(|settings| {
        settings.lines[1].profile.get_or_insert_default().disturbed_by = vec!["1004".into()];
    });
    assert!(chooses(&mut office, BOB, "*78").contains("Do not disturb on"));
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "486 1002 is not to be disturbed");
    let dave = office.dials(DAVE, "1002");
    assert!(office.latest(BOB, Stage::Ringing).is_some());
    office.hangs_up(dave);
    for (code, shown) in [("*79", "off"), ("*76", "on"), ("*76", "off")] {
        assert!(chooses(&mut office, BOB, code).contains(&format!("Do not disturb {shown}")), "{code}");
    }
    office.dials(ALICE, "1002");
    assert!(office.latest(BOB, Stage::Ringing).is_some());
    office.ends();
}

/// Busy is what calls are forwarded from; unless who is not to be disturbed counts as not there.
#[test]
fn who_is_not_disturbed_is_busy_or_not_there() {
    let rule = || ForwardRule { anybody: Some(Destination::Number("1003".into())), ..ForwardRule::default() };
    for (dnd_is_busy, told) in [(true, None), (false, Some("480 1002 is not to be disturbed"))] {
        let mut office = office_with(|settings| {
            let profile = settings.lines[1].profile.get_or_insert_default();
            profile.do_not_disturb = true;
            profile.forwards[ForwardKind::Busy as usize] = rule();
            settings.forwards.dnd_is_busy = dnd_is_busy;
        });
        let alice = office.dials(ALICE, "1002");
        match told {
            Some(told) => assert_eq!(office.ended(alice), told),
            None => assert!(office.latest(CAROL, Stage::Ringing).is_some()),
        }
        office.ends();
    }
}

/// What was chosen outlives the server; what it knew of calls does not.
#[test]
fn choices_outlive_the_server() {
    let choose = |settings: &mut crate::settings::Settings| {
        with_choices(settings);
        settings.lines[2].profile.get_or_insert_default().do_not_disturb = true;
    };
    let mut office = office_with(choose);
    chooses(&mut office, BOB, "*721004");
    chooses(&mut office, CAROL, "*79");
    chooses(&mut office, DAVE, "*78");
    let mut settings = settings();
    choose(&mut settings);
    office.restarts(settings, secs(20));
    for who in [ALICE, BOB, CAROL, DAVE] {
        office.with(who, |phone| phone.register());
    }
    office.settles();
    let alice = office.dials(ALICE, "1003");
    assert!(office.latest(CAROL, Stage::Ringing).is_some(), "what she dialled goes before what is written");
    office.hangs_up(alice);
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "486 1004 is not to be disturbed");
    chooses(&mut office, DAVE, "*79");
    office.dials(ALICE, "1002");
    assert!(office.latest(DAVE, Stage::Ringing).is_some());
    office.ends();
}

/// What is chosen stays when the configuration is read again; a line that is gone from it has chosen nothing.
#[test]
fn choices_survive_a_reload() {
    let mut office = office_with_choices(|_| {});
    chooses(&mut office, BOB, "*721003");
    let mut other = settings();
    with_choices(&mut other);
    other.lines[2].name = "Caroline".into();
    let mut before = settings();
    with_choices(&mut before);
    office.input(crate::Input::Reload(Box::new(other.aligned(&before))));
    office.dials(ALICE, "1002");
    assert!(office.latest(CAROL, Stage::Ringing).is_some());
    office.ends();
}

/// No second call while this one lasts; the next one may have company again.
#[test]
fn a_call_that_nobody_breaks_into() {
    let mut office = office_with_choices(|_| {});
    assert!(chooses(&mut office, BOB, "*70").contains("No call waiting"));
    let (bob, carol) = office.connects(BOB, CAROL);
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "486 1002 is busy");
    office.talk(bob, carol);
    office.hangs_up(bob);
    office.connects(BOB, CAROL);
    office.dials(ALICE, "1002");
    assert!(office.latest(BOB, Stage::Ringing).is_some(), "calls wait again");
    office.ends();
}

/// For one call, or for all but one.
#[test]
fn numbers_are_hidden_and_shown() {
    let mut office = office_with_choices(|settings| {
        settings.lines[3].profile.get_or_insert_default().hide_number = true;
    });
    for (who, dialled, hidden) in [
        (ALICE, "*671002", true),
        (ALICE, "1002", false),
        (DAVE, "1002", true),
        (DAVE, "*821002", false),
        (DAVE, "*671002", true),
    ] {
        let call = office.dials(who, dialled);
        let invite = office.last(BOB, "INVITE");
        assert_eq!(invite.field("From").contains("anonymous@anonymous.invalid"), hidden, "{dialled}");
        assert_eq!(invite.field("Privacy"), if hidden { "id" } else { "" });
        assert_eq!(invite.field("P-Asserted-Identity").is_empty(), hidden, "a phone is not told");
        office.hangs_up(call);
    }
    // The carrier has to know; who needs help is shown to everybody.
    let call = office.dials(DAVE, "*678123");
    let invite = office.last(CARRIER, "INVITE");
    assert!(invite.field("P-Asserted-Identity").contains("1004") && invite.field("Privacy") == "id");
    office.hangs_up(call);
    for dialled in ["112", "*67112"] {
        let call = office.dials(DAVE, dialled);
        let invite = office.last(CARRIER, "INVITE");
        assert!(invite.field("From").contains("1004") && invite.field("Privacy").is_empty(), "{dialled}");
        office.hangs_up(call);
    }
    for dialled in ["*67701", "*675555", "*67*69"] {
        let call = office.dials(ALICE, dialled);
        assert!(office.ended(call).starts_with("404 "), "{dialled}: {}", office.ended(call));
    }
    office.ends();
}

/// Whom Bob called last, and who called him.
#[test]
fn the_last_number_is_called_again() {
    let mut office = office_with_choices(|_| {});
    for (code, told) in [("*870", "480 No number was dialled before"), ("*69", "480 Nobody has called")] {
        let call = office.dials(BOB, code);
        assert_eq!(office.ended(call), told);
    }
    let call = office.dials(BOB, "1003");
    office.hangs_up(call);
    let call = office.dials(BOB, "*870");
    let carol = office.answers(CAROL);
    office.talk(call, carol);
    office.hangs_up(carol);
    let call = office.dials(CAROL, "*69");
    let bob = office.answers(BOB);
    office.talk(call, bob);
    office.hangs_up(call);
    // From outside: the number is the carrier's, and needs no prefix.
    let town = office.dials(CARRIER, "1002");
    office.hangs_up(town);
    let call = office.dials(BOB, "*69");
    assert!(office.last(CARRIER, "INVITE").field("To").contains("4930123"));
    office.hangs_up(call);
    let hidden = office.dials(ALICE, "*671002");
    office.hangs_up(hidden);
    let call = office.dials(BOB, "*69");
    assert_eq!(office.ended(call), "480 The last caller's number is not known");
    office.ends();
}
