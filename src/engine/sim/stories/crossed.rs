//! What crosses forwarding, callbacks, lamps, pull and push: found by fresh eyes.
use super::completion::{asks, bob_is_busy, dials_code, recalls, rings, states};
use super::completion_watched::{told, watches};
use super::forward::chooses;
use super::lamps::light;
use super::office::*;
use super::phone::{Dial, Stage};
use super::world::{End, Who, World};
use crate::settings::{Destination, ForwardKind, ForwardRule, Settings};

pub(super) fn hides(settings: &mut Settings, place: usize) {
    settings.lines[place].profile.get_or_insert_default().hide_number = true;
}

pub(super) fn forwards(settings: &mut Settings, place: usize, kind: ForwardKind, to: &str) {
    let rule = ForwardRule { anybody: Some(Destination::Number(to.into())), ..ForwardRule::default() };
    settings.lines[place].profile.get_or_insert_default().forwards[kind as usize] = rule;
}

pub(super) fn second_phone(office: &mut World) -> Who {
    let second = office.add("1002", "Bob's second", "10.0.1.22:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    second
}

/// Bob hangs up, and Alice answers her callback: his phone does not show that it is hers.
fn alice_is_called_back_unseen(office: &mut World, bob: End) {
    office.hangs_up(bob);
    office.passes(secs(6));
    office.answers(ALICE);
    let invite = office.last(BOB, "INVITE");
    assert!(!invite.field("From").contains("1001"), "{}", invite.field("From"));
}

/// A line with `hide_number` is anonymous when its callback rings the target, as when it dials.
#[test]
fn a_hidden_line_stays_hidden_when_it_is_called_back() {
    let (mut office, bob) = bob_is_busy(|settings| hides(settings, 0));
    asks(&mut office, ALICE, "1002");
    alice_is_called_back_unseen(&mut office, bob);
    office.ends();
}

/// Who dialled `*67` and asked for a callback does not show its number when that is made.
#[test]
fn a_number_hidden_for_one_call_stays_hidden_when_it_is_completed() {
    let (mut office, bob) = bob_is_busy(with_choices);
    let failed = office.dials(ALICE, "*671002");
    assert!(office.call(failed).is_over());
    dials_code(&mut office, ALICE, "*66");
    alice_is_called_back_unseen(&mut office, bob);
    office.ends();
}

/// The way in the refusal leaves out, or calls anonymous, a line that hides its number; it is told to anybody outside.
#[test]
fn the_way_of_a_loop_names_nobody_who_hides() {
    let mut office = office_with_choices(|settings| hides(settings, 2));
    chooses(&mut office, BOB, "*721003");
    chooses(&mut office, CAROL, "*721002");
    let town = office.dials(CARRIER, "1002");
    assert!(!office.ended(town).contains("1003"), "{}", office.ended(town));
    office.ends();
}

/// While Bob's phone rings for who waited on the line and hides, his lamp says "Anonymous", as his phone does.
#[test]
fn a_lamp_names_nobody_who_hides_and_waits_on_the_line() {
    let (mut office, bob) = bob_is_busy(|settings| {
        hides(settings, 0);
        settings.completion.camp_on = true;
    });
    let lamp = office.watches(CAROL, "1002");
    let _alice = office.dials(ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(3));
    assert!(rings(&office, BOB));
    assert!(!office.last(BOB, "INVITE").field("From").contains("1001"), "his phone does not show her");
    let remote = light(&office, lamp).remote.unwrap();
    assert!(!remote.identity.contains("1001") && !remote.display.contains("Alice"), "{remote:?}");
    office.ends();
}

/// Redial hides the number if the call that it repeats hid it (`*67`); or at least README says that it does not.
#[test]
fn a_redialled_number_is_dialled_as_it_was() {
    let mut office = office_with_choices(|_| {});
    let call = office.dials(ALICE, "*671002");
    office.hangs_up(call);
    office.dials(ALICE, "*870");
    let invite = office.last(BOB, "INVITE");
    assert!(!invite.field("From").contains("1001"), "{}", invite.field("From"));
    office.ends();
}

/// A callback put off because who asked is not to be disturbed is resumed when a reload ends that. It never is: not even by `*79` afterwards.
#[test]
fn a_reload_that_ends_do_not_disturb_lets_who_asked_be_called_back() {
    let quiet = |settings: &mut Settings| {
        with_callbacks(settings);
        settings.lines[1].busy_limit = Some(1);
    };
    let before = |settings: &mut Settings| {
        quiet(settings);
        settings.lines[0].profile.get_or_insert_default().do_not_disturb = true;
    };
    let mut office = office_with(before);
    let mut old = settings();
    before(&mut old);
    let (bob, _) = office.connects(BOB, CAROL);
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(30));
    assert_eq!(states(&office), [("busy", "suspended", 1)]);
    super::reload::reload(&mut office, &old, quiet);
    office.passes(secs(30));
    assert!(rings(&office, ALICE) || !recalls(&office).is_empty(), "{:?}", states(&office));
    office.ends();
}

/// A line whose do-not-disturb is taken out of the configuration is free, and its queue served after the guard.
#[test]
fn a_reload_that_ends_do_not_disturb_lets_the_line_be_free() {
    let quiet = |settings: &mut Settings| with_callbacks(settings);
    let before = |settings: &mut Settings| {
        quiet(settings);
        settings.lines[1].profile.get_or_insert_default().do_not_disturb = true;
    };
    let mut office = office_with(before);
    let mut old = settings();
    before(&mut old);
    asks(&mut office, ALICE, "1002");
    office.passes(secs(30));
    super::reload::reload(&mut office, &old, quiet);
    office.passes(secs(8));
    assert!(rings(&office, ALICE), "{:?}", states(&office));
    office.ends();
}

/// The call is pulled; what is no call (echo test, an announcement, waiting on a line) on a third phone is passed over.
#[test]
fn a_real_call_is_pulled_though_another_telephone_hears_an_echo() {
    let mut office = office_with_choices(|_| {});
    let workshop = second_phone(&mut office);
    let third = office.add("1002", "Bob's third", "10.0.1.23:5060");
    office.with(third, |phone| phone.register());
    office.settles();
    let (_, alice) = office.connects(BOB, ALICE);
    office.dials(workshop, "*43");
    let moved = office.dials(third, "*59");
    assert_eq!(office.ended(moved), "");
    office.talk(alice, moved);
    office.ends();
}

/// `*70` holds for the call, also after it was pulled to another of the line's phones (so too after a takeover).
#[test]
fn a_pulled_call_is_broken_into_by_nobody() {
    let mut office = office_with_choices(|_| {});
    let workshop = second_phone(&mut office);
    chooses(&mut office, BOB, "*70");
    let (_, alice) = office.connects(BOB, ALICE);
    let moved = office.dials(workshop, "*59");
    office.talk(alice, moved);
    let carol = office.dials(CAROL, "1002");
    assert_eq!(office.ended(carol), "486 1002 is busy");
    office.ends();
}

/// `*70` for the next call takes nothing from the present one.
#[test]
fn who_wishes_it_again_is_not_disturbed_meanwhile() {
    let mut office = office_with_choices(|_| {});
    let workshop = second_phone(&mut office);
    chooses(&mut office, BOB, "*70");
    office.connects(BOB, ALICE);
    chooses(&mut office, workshop, "*70");
    let carol = office.dials(CAROL, "1002");
    assert_eq!(office.ended(carol), "486 1002 is busy");
    office.ends();
}

/// Somebody else has taken the call, Bob is free: the next in his queue is called.
#[test]
fn a_call_that_a_telephone_made_by_itself_is_picked_up() {
    let (mut office, bob) = bob_is_busy(with_pickup);
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    asks(&mut office, DAVE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let alice = office.dials(ALICE, &told(&office, ALICE, lamp).1);
    let carol = office.dials(CAROL, "**1002");
    office.talk(alice, carol);
    office.passes(secs(10));
    assert!(rings(&office, DAVE), "Bob is free: {:?}", states(&office));
    office.ends();
}

/// A completing call is sent on nowhere, by a 302 as little as by forwarding (our own callbacks are not).
#[test]
fn a_call_that_a_telephone_made_by_itself_is_sent_on_nowhere() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    office.hangs_up(bob);
    office.passes(secs(6));
    office.dials(ALICE, &told(&office, ALICE, lamp).1);
    let rung = office.latest(BOB, Stage::Ringing).unwrap();
    office.with(BOB, |phone| phone.redirect(rung.no, "<sip:1004@pbx.test>"));
    office.settles();
    assert!(!rings(&office, DAVE));
    office.ends();
}

/// A phone whose 302 leads nowhere has failed, alone: the line's other phones ring on and can answer.
#[test]
fn a_redirection_that_leads_nowhere_leaves_the_other_telephone_ringing() {
    for to in
        ["<sip:5555@pbx.test>", "<sip:1002@pbx.test>", "<sip:pbx.test>", "<sip:112@pbx.test>", "<sip:x@elsewhere.test>"]
    {
        let mut office = office_with_choices(|_| {});
        let workshop = second_phone(&mut office);
        let alice = office.dials(ALICE, "1002");
        let rung = office.latest(workshop, Stage::Ringing).unwrap();
        office.with(workshop, |phone| phone.redirect(rung.no, to));
        office.settles();
        assert!(office.latest(BOB, Stage::Ringing).is_some(), "{to}: {}", office.ended(alice));
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

/// What is refused as the target of a REFER (a party of the call) is no target of a 302 or a forward on the way either.
#[test]
fn who_is_transferred_is_not_rung_for_itself() {
    let mut office = office_with_choices(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:1003@pbx.test>");
    let rung = office.latest(CAROL, Stage::Ringing).unwrap();
    office.with(CAROL, |phone| phone.redirect(rung.no, "<sip:1001@pbx.test>"));
    office.settles();
    assert!(office.latest(ALICE, Stage::Ringing).is_none());
    office.talk(alice, bob);
    office.ends();
}

/// A forward on no answer to what is gone does not count: the line rings its full time. It is refused with 404 after a few rings.
#[test]
fn a_forward_to_a_line_that_is_gone_takes_no_call_away() {
    let before = |settings: &mut Settings| with_choices(settings);
    let mut office = office_with(before);
    let mut old = settings();
    before(&mut old);
    chooses(&mut office, BOB, "*921003");
    super::reload::reload(&mut office, &old, |settings| {
        before(settings);
        settings.lines.remove(2);
    });
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(40));
    assert!(office.latest(BOB, Stage::Ringing).is_some(), "{}", office.ended(alice));
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

/// The caller of a busy line is told that it is busy (486), also where its forward leads nowhere.
#[test]
fn a_busy_line_that_forwards_to_nobody_is_busy() {
    let mut office = office_with(|settings| {
        settings.lines[1].busy_limit = Some(1);
        forwards(settings, 1, ForwardKind::Busy, "5555");
    });
    office.connects(BOB, CAROL);
    let alice = office.dials(ALICE, "1002");
    assert!(office.ended(alice).starts_with("486"), "{}", office.ended(alice));
    office.ends();
}

/// A kept request of a line that is gone is forgotten when it has expired.
#[test]
fn what_is_kept_of_a_line_that_is_gone_is_forgotten_in_the_end() {
    let (mut office, _) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    let mut without = settings();
    with_callbacks(&mut without);
    without.lines.remove(1);
    office.restarts(without.clone(), secs(24 * 3600));
    office.restarts(without, secs(24 * 3600));
    assert!(office.kept.is_empty(), "{:?}", office.kept);
}

/// A SUBSCRIBE that is refused (406, 400, 480) leaves the callback that the user asked for with `*66`.
#[test]
fn a_failed_wish_to_watch_leaves_the_callback_that_was_dialled() {
    let (mut office, _) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    let ask = super::phone::Subscribe {
        event: "call-completion".into(),
        expires: Some(3600),
        lines: "Accept: text/plain\r\n".into(),
    };
    let lamp = office.watches_so(ALICE, "1002", ask);
    assert_eq!(office.lamp(lamp).answered.as_ref().map(|(status, _)| *status), Some(406));
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.ends();
}

/// A phone that watches and looks away takes back its own wish, not the one its user dialled.
#[test]
fn a_telephone_that_watches_no_more_leaves_the_callback_that_was_dialled() {
    let (mut office, _) = bob_is_busy(|_| {});
    asks(&mut office, ALICE, "1002");
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    office.with(ALICE, |phone| phone.watch_on(lamp, 0));
    office.settles();
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.ends();
}

/// The next call after `*70` is that for help, if it is: nobody breaks into it.
#[test]
fn nobody_breaks_into_a_call_for_help() {
    let mut office = office_with_choices(|_| {});
    chooses(&mut office, BOB, "*70");
    let bob = office.dials(BOB, "112");
    let help = office.answers(CARRIER);
    office.talk(bob, help);
    let alice = office.dials(ALICE, "1002");
    assert_eq!(office.ended(alice), "486 1002 is busy");
    office.ends();
}

/// When who asked answers and the line has a `*70` call meanwhile, it is busy again; its phone does not ring.
#[test]
fn a_callback_does_not_break_into_a_call_that_nobody_is_to_break_into() {
    let mut office = office_with_callbacks(with_choices);
    office.phones[BOB.0].manners.answers = super::phone::Answer::Refuse(486);
    asks(&mut office, ALICE, "1002");
    office.phones[BOB.0].manners.answers = super::phone::Answer::WhenTold;
    office.passes(secs(6));
    assert!(rings(&office, ALICE));
    chooses(&mut office, BOB, "*70");
    let (bob, carol) = office.connects(BOB, CAROL);
    office.answers(ALICE);
    assert!(!rings(&office, BOB));
    office.talk(bob, carol);
    office.ends();
}

/// `*69` to a trunk that the configuration has no more is refused; nothing is sent there.
#[test]
fn who_called_from_a_trunk_that_is_gone_is_not_called_back() {
    let before = |settings: &mut Settings| with_choices(settings);
    let mut office = office_with(before);
    let mut old = settings();
    before(&mut old);
    let town = office.dials(CARRIER, "1002");
    office.hangs_up(town);
    super::reload::reload(&mut office, &old, |settings| {
        before(settings);
        settings.trunks.clear();
        settings.emergency.clear();
        settings.emergency_trunk = None;
    });
    let heard = office.heard(CARRIER, "INVITE").len();
    let bob = office.dials(BOB, "*69");
    office.passes(secs(2));
    assert_eq!(office.heard(CARRIER, "INVITE").len(), heard, "the trunk is not ours any more");
    assert!(office.call(bob).is_over(), "{}", office.ended(bob));
    office.ends();
}

/// A request whose call was picked up by a colleague is over. It comes back after twice the no-answer time.
#[test]
fn a_picked_up_call_does_not_come_back_as_a_callback() {
    let (mut office, bob) = bob_is_busy(with_pickup);
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    office.hangs_up(bob);
    office.passes(secs(6));
    let alice = office.dials(ALICE, &told(&office, ALICE, lamp).1);
    let carol = office.dials(CAROL, "**1002");
    office.talk(alice, carol);
    office.passes(secs(200));
    assert!(states(&office).is_empty(), "{:?} {:?}", states(&office), recalls(&office));
    office.ends();
}

/// Diversion and History-Info leave out a line that hides its number, so the 181 to a stranger does as well.
#[test]
fn a_hidden_line_behind_a_forward_is_not_told_to_who_calls() {
    let mut office = office_with(|settings| {
        hides(settings, 2);
        forwards(settings, 1, ForwardKind::All, "1003");
        forwards(settings, 2, ForwardKind::All, "1004");
    });
    let town = office.dials(CARRIER, "1002");
    let told: String =
        office.answers_to(CARRIER, "INVITE").iter().map(|it| it.field("P-Asserted-Identity").to_owned()).collect();
    assert!(!told.contains("1003"), "{told}");
    let invite = office.last(DAVE, "INVITE");
    let text: Vec<_> = invite.all("Diversion").chain(invite.all("History-Info")).collect();
    assert!(!text.iter().any(|line| line.contains("1003")), "{text:?}");
    office.hangs_up(town);
    office.ends();
}

/// `*69` calls who rang this phone last, also when the call had been forwarded to it.
#[test]
fn who_was_rung_by_a_forwarded_call_calls_back() {
    let mut office = office_with_choices(|settings| forwards(settings, 1, ForwardKind::All, "1003"));
    let alice = office.dials(ALICE, "1002");
    assert!(rings(&office, CAROL));
    office.hangs_up(alice);
    let carol = office.dials(CAROL, "*69");
    assert!(rings(&office, ALICE), "{}", office.ended(carol));
    office.ends();
}

/// A line that hides its number is not in Referred-By, whether it had called or was called.
#[test]
fn a_hidden_line_that_was_called_transfers() {
    let mut office = office_with_choices(|settings| hides(settings, 1));
    let (_, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:1003@pbx.test>");
    let invite = office.last(CAROL, "INVITE");
    assert!(!invite.field("Referred-By").contains("1002"), "{}", invite.field("Referred-By"));
    office.ends();
}

/// `disturbed_by = ["1004"]`, a line of ours, is not fulfilled by a caller outside who says that it is 1004.
#[test]
fn somebody_outside_who_says_that_it_is_a_line_does_not_disturb() {
    let mut office = office_with_choices(|settings| {
        let profile = settings.lines[1].profile.get_or_insert_default();
        profile.do_not_disturb = true;
        profile.disturbed_by = vec!["1004".into()];
    });
    let town = office.dials_so(CARRIER, "1002", &Dial { from: Some("<sip:1004@pbx.test>".into()), ..Dial::default() });
    assert!(!rings(&office, BOB), "{}", office.ended(town));
    office.ends();
}
