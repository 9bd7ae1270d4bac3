//! Fresh eyes: what crosses forwarding, callbacks, lamps, pull and push.
use super::completion::{asks, bob_is_busy, dials_code, ends, recalls, rings, states};
use super::completion_watched::{told, watches};
use super::forward::chooses;
use super::lamps::light;
use super::office::*;
use super::phone::{Dial, Reliable, Stage};
use super::world::{End, Who, World};
use crate::base::Room;
use crate::corridor::Moment;
use crate::settings::{Destination, ForwardKind, ForwardRule, MediaWay, Settings};

fn hides(settings: &mut Settings, place: usize) {
    settings.lines[place].profile.get_or_insert_default().hide_number = true;
}

fn forwards(settings: &mut Settings, place: usize, kind: ForwardKind, to: &str) {
    let rule = ForwardRule { anybody: Some(Destination::Number(to.into())), ..ForwardRule::default() };
    settings.lines[place].profile.get_or_insert_default().forwards[kind as usize] = rule;
}

fn second_phone(office: &mut World) -> Who {
    let second = office.add("1002", "Bob's second", "10.0.1.22:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    second
}

#[test]
fn a_hidden_line_stays_hidden_when_it_is_called_back() {
    let (mut office, bob) = bob_is_busy(|settings| hides(settings, 0));
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    office.answers(ALICE);
    let invite = office.last(BOB, "INVITE");
    assert!(!invite.field("From").contains("1001"), "{}", invite.field("From"));
    office.ends();
}

#[test]
fn a_number_hidden_for_one_call_stays_hidden_when_it_is_completed() {
    let (mut office, bob) = bob_is_busy(with_choices);
    let failed = office.dials(ALICE, "*671002");
    assert!(office.call(failed).is_over());
    dials_code(&mut office, ALICE, "*66");
    office.hangs_up(bob);
    office.passes(secs(6));
    office.answers(ALICE);
    let invite = office.last(BOB, "INVITE");
    assert!(!invite.field("From").contains("1001"), "{}", invite.field("From"));
    office.ends();
}

#[test]
fn a_hidden_line_that_calls_by_itself_stays_hidden() {
    let (mut office, bob) = bob_is_busy(|settings| hides(settings, 0));
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    office.hangs_up(bob);
    office.passes(secs(6));
    let number = told(&office, ALICE, lamp).1;
    office.dials(ALICE, &number);
    let invite = office.last(BOB, "INVITE");
    assert!(!invite.field("From").contains("1001"), "{}", invite.field("From"));
    office.ends();
}

#[test]
fn the_way_of_a_loop_names_nobody_who_hides() {
    let mut office = office_with_choices(|settings| hides(settings, 2));
    chooses(&mut office, BOB, "*721003");
    chooses(&mut office, CAROL, "*721002");
    let town = office.dials(CARRIER, "1002");
    assert!(!office.ended(town).contains("1003"), "{}", office.ended(town));
    office.ends();
}

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

#[test]
fn a_lamp_names_nobody_who_hides_and_rings() {
    let mut office = office_with_choices(|settings| hides(settings, 0));
    let lamp = office.watches(CAROL, "1002");
    office.dials(ALICE, "1002");
    office.passes(secs(2));
    let remote = light(&office, lamp).remote.unwrap();
    assert!(!remote.identity.contains("1001") && !remote.display.contains("Alice"), "{remote:?}");
    office.ends();
}

#[test]
fn who_hides_is_not_named_as_who_transferred() {
    let mut office = office_with_choices(|settings| hides(settings, 1));
    let (bob, _alice) = office.connects(BOB, ALICE);
    office.refers(bob, "<sip:1003@pbx.test>");
    let invite = office.last(CAROL, "INVITE");
    assert!(!invite.field("Referred-By").contains("1002"), "{}", invite.field("Referred-By"));
    office.ends();
}

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

#[test]
fn a_panic_in_the_guard_leaves_the_queue_alive() {
    for moment in [Moment::Before, Moment::After] {
        let (mut office, bob) = bob_is_busy(|_| {});
        asks(&mut office, ALICE, "1002");
        office.passes(secs(60));
        office.hangs_up(bob);
        office.panics_in(Room::Feature, moment);
        office.passes(secs(15));
        assert!(rings(&office, ALICE) || states(&office).is_empty(), "{moment:?}: {:?}", states(&office));
        office.ends();
    }
}

#[test]
fn a_panic_at_the_deadline_of_a_callback_leaves_nothing_for_ever() {
    for moment in [Moment::Before, Moment::After] {
        let (mut office, _) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(60));
        asks(&mut office, ALICE, "1002");
        office.passes(secs(20));
        office.panics_in(Room::Feature, moment);
        office.passes(secs(600));
        assert!(states(&office).is_empty(), "{moment:?}: {:?} {:?}", states(&office), office.kept);
        office.ends();
    }
}

#[test]
fn a_panic_while_who_asked_is_rung_leaves_nothing_for_ever() {
    for moment in [Moment::Before, Moment::After] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(900));
        asks(&mut office, ALICE, "1002");
        office.passes(secs(40));
        office.hangs_up(bob);
        office.passes(secs(10));
        assert!(rings(&office, ALICE));
        office.panics_in(Room::Feature, moment);
        office.passes(secs(1000));
        assert!(states(&office).is_empty(), "{moment:?}: {:?} {:?}", states(&office), office.kept);
        office.ends();
    }
}

#[test]
fn a_panic_while_the_line_is_rung_for_a_callback_ends_it() {
    for moment in [Moment::Before, Moment::After] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(900));
        asks(&mut office, ALICE, "1002");
        office.passes(secs(40));
        office.hangs_up(bob);
        office.passes(secs(10));
        office.answers(ALICE);
        assert!(rings(&office, BOB));
        office.panics_in(Room::Feature, moment);
        office.passes(secs(1000));
        assert!(states(&office).is_empty(), "{moment:?}: {:?} {:?}", states(&office), office.kept);
        office.ends();
    }
}

#[test]
fn a_panic_when_a_watching_telephone_has_not_called() {
    for moment in [Moment::Before, Moment::After] {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(900));
        let lamp = watches(&mut office, ALICE, "1002", 800);
        asks(&mut office, DAVE, "1002");
        office.hangs_up(bob);
        office.passes(secs(7));
        assert_eq!(told(&office, ALICE, lamp).0, "ready");
        office.panics_in(Room::Feature, moment);
        office.passes(secs(30));
        assert!(rings(&office, DAVE) || !recalls(&office).is_empty(), "{moment:?}: {:?}", states(&office));
        office.ends();
    }
}

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
    office.passes(secs(30));
    assert!(rings(&office, DAVE), "Bob is free: {:?}", states(&office));
    office.ends();
}

#[test]
fn a_callback_is_picked_up() {
    let (mut office, bob) = bob_is_busy(with_pickup);
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let alice = office.answers(ALICE);
    assert!(rings(&office, BOB));
    let carol = office.dials(CAROL, "**1002");
    assert_eq!(office.ended(carol), "");
    office.talk(alice, carol);
    office.ends();
}

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

#[test]
fn a_redirection_that_leads_nowhere_leaves_the_other_telephone_ringing() {
    for to in ["<sip:5555@pbx.test>", "<sip:1002@pbx.test>", "<sip:pbx.test>", "<sip:112@pbx.test>", "<sip:x@elsewhere.test>"] {
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

#[test]
fn a_transferred_call_is_redirected() {
    let mut office = office_with_choices(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    office.refers(bob, "<sip:1003@pbx.test>");
    let rung = office.latest(CAROL, Stage::Ringing).unwrap();
    office.with(CAROL, |phone| phone.redirect(rung.no, "<sip:1004@pbx.test>"));
    office.settles();
    let dave = office.answers(DAVE);
    office.talk(alice, dave);
    assert!(office.call(bob).is_over());
    office.ends();
}

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

#[test]
fn early_media_of_the_first_does_not_keep_the_second_from_talking() {
    for wants in [Reliable::Supported, Reliable::Required] {
        let mut office = office_with(|settings| forwards(settings, 1, ForwardKind::NoAnswer, "1003"));
        office.phones[BOB.0].manners.early_media = true;
        for who in [ALICE, BOB, CAROL] {
            office.phones[who.0].manners.reliable = Some(wants);
        }
        let alice = office.dials(ALICE, "1002");
        office.passes(secs(30));
        let carol = office.answers(CAROL);
        office.passes(secs(2));
        office.talk(alice, carol);
        office.hangs_up(carol);
        office.ends();
    }
}

#[test]
fn a_forwarded_call_is_picked_up_transferred_and_parked() {
    let mut office = office_with(|settings| {
        with_choices(settings);
        with_pickup(settings);
    });
    chooses(&mut office, BOB, "*721003");
    let town = office.dials(CARRIER, "1002");
    let nobody = office.dials(BOB, "**1002");
    assert!(office.ended(nobody).starts_with("480"), "{}", office.ended(nobody));
    let alice = office.dials(ALICE, "**1003");
    office.talk(town, alice);
    let (status, _) = office.refers(alice, "<sip:1002@pbx.test>");
    assert_eq!(status, 202);
    let carol = office.answers(CAROL);
    office.talk(town, carol);
    office.refers(carol, "<sip:701@pbx.test>");
    office.passes(secs(3));
    office.hears_music(town);
    let bob = office.dials(BOB, "701");
    office.talk(town, bob);
    office.ends();
}

#[test]
fn a_call_forwarded_while_it_is_transferred() {
    let mut office = office_with(|settings| forwards(settings, 2, ForwardKind::NoAnswer, "1004"));
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let second = office.dials(BOB, "1003");
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to).0, 200);
    office.passes(secs(30));
    let dave = office.answers(DAVE);
    office.passes(secs(3));
    office.talk(alice, dave);
    office.ends();
}

#[test]
fn a_forwarded_consultation_is_transferred_while_it_rings() {
    let mut office = office_with(|settings| {
        forwards(settings, 2, ForwardKind::All, "1004");
        forwards(settings, 3, ForwardKind::NoAnswer, "1003");
    });
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let second = office.dials(BOB, "1003");
    let to = office.call(second).refer_to("1003");
    assert_eq!(office.refers(bob, &to).0, 200);
    office.hangs_up(bob);
    office.passes(secs(30));
    // Carol sends everything to Dave, who sends it back: it went in circles, and Bob is recalled.
    let bob = office.answers(BOB);
    office.passes(secs(2));
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_caller_hangs_up_while_it_is_sent_on() {
    for after in 0..8 {
        let mut office = office_with(|settings| forwards(settings, 1, ForwardKind::NoAnswer, "1003"));
        let alice = office.dials(ALICE, "1002");
        office.passes(millis(17_700 + 100 * after));
        office.with(ALICE, |phone| phone.hang_up(alice.no));
        office.passes(secs(5));
        assert!(!rings(&office, BOB) && !rings(&office, CAROL));
        office.ends();
    }
}

fn pulls(change: impl Fn(&mut Settings), prepare: impl Fn(&mut World), from: Who, holds: bool) -> (World, End, End, End) {
    let mut office = office_with_choices(change);
    let workshop = second_phone(&mut office);
    let other = office.dials(from, "1002");
    let bob = office.answers(BOB);
    if holds {
        office.holds(bob);
    }
    prepare(&mut office);
    let moved = office.dials(workshop, "*59");
    office.passes(secs(3));
    (office, other, bob, moved)
}

#[test]
fn a_pull_that_the_other_side_refuses_changes_nothing() {
    for status in [488, 500, 491] {
        for from in [ALICE, CARRIER] {
            let refuses = |office: &mut World| office.phones[from.0].manners.refuses_changes = Some(status);
            let (mut office, other, bob, moved) = pulls(|_| {}, refuses, from, false);
            office.passes(secs(30));
            assert!(office.call(moved).is_over(), "{status}");
            office.talk(other, bob);
            office.ends();
        }
    }
}

#[test]
fn calls_of_trunks_and_through_us_are_pulled() {
    for way in [MediaWay::Direct, MediaWay::Relay] {
        for from in [ALICE, CARRIER] {
            for holds in [false, true] {
                let relay = |settings: &mut Settings| {
                    settings.media.lines = way;
                    settings.trunks[0].media = way;
                };
                let (mut office, other, bob, moved) = pulls(relay, |_| {}, from, holds);
                office.talk(other, moved);
                assert!(office.call(bob).is_over());
                office.ends();
            }
        }
    }
}

#[test]
fn who_waits_on_the_line_may_hold_meanwhile() {
    let (mut office, bob) = bob_is_busy(|settings| settings.completion.camp_on = true);
    let alice = office.dials(ALICE, "1002");
    office.passes(secs(10));
    office.holds(alice);
    office.hangs_up(bob);
    office.passes(secs(3));
    let bob = office.answers(BOB);
    office.passes(secs(2));
    office.resumes(alice);
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_callback_is_pulled_to_another_telephone() {
    let (mut office, bob) = bob_is_busy(with_choices);
    let second = office.add("1001", "Alice's second", "10.0.1.21:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    asks(&mut office, ALICE, "1002");
    office.hangs_up(bob);
    office.passes(secs(6));
    let alice = office.answers(ALICE);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    let moved = office.dials(second, "*59");
    office.talk(bob, moved);
    assert!(office.call(alice).is_over());
    office.ends();
}

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

#[test]
fn a_panic_in_any_message_of_a_forwarded_call() {
    for nth in 1..=14 {
        let mut office = office_with(|settings| forwards(settings, 1, ForwardKind::NoAnswer, "1003"));
        let (dave, town) = (office.dials(DAVE, "85551"), office.answers(CARRIER));
        office.dials(ALICE, "1002");
        office.passes(secs(17));
        office.phones[CAROL.0].manners.answers = super::phone::Answer::After(millis(500));
        if nth <= 8 {
            office.panics_at(nth);
        }
        office.passes(secs(60));
        office.talk(dave, town);
        office.phones[CAROL.0].manners = Default::default();
        office.ends();
    }
}

#[test]
fn a_panic_in_any_message_of_a_callback() {
    for nth in 1..=12 {
        let (mut office, bob) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(1200));
        asks(&mut office, ALICE, "1002");
        office.passes(secs(40));
        for who in [ALICE, BOB] {
            office.phones[who.0].manners.answers = super::phone::Answer::After(millis(500));
        }
        office.hangs_up(bob);
        office.panics_at(nth);
        office.passes(secs(30));
        for who in [ALICE, BOB] {
            office.phones[who.0].manners = Default::default();
        }
        office.passes(secs(1500));
        assert!(states(&office).is_empty(), "{nth}: {:?} {:?}", states(&office), ends(&office));
        office.ends();
    }
}

#[test]
fn a_line_with_one_call_at_a_time_is_pulled_and_pushed() {
    let mut office = office_with_choices(|settings| settings.lines[1].busy_limit = Some(1));
    let workshop = second_phone(&mut office);
    let (bob, alice) = office.connects(BOB, ALICE);
    let moved = office.dials(workshop, "*59");
    office.talk(alice, moved);
    assert!(office.call(bob).is_over());
    office.refers(moved, "<sip:1002@pbx.test>");
    let back = office.answers(BOB);
    office.talk(alice, back);
    office.ends();
}

#[test]
fn nobody_calls_back_whom_a_guest_may_not_see() {
    // 100rel: 181 to who insists.
    let mut office = office_with(|settings| forwards(settings, 1, ForwardKind::All, "1003"));
    office.phones[ALICE.0].manners.reliable = Some(Reliable::Required);
    let alice = office.dials_so(ALICE, "1002", &Dial::default());
    office.passes(secs(5));
    let told: Vec<u16> = office.answers_to(ALICE, "INVITE").iter().filter_map(|response| response.status()).collect();
    assert!(told.contains(&180), "{told:?}");
    let carol = office.answers(CAROL);
    office.talk(alice, carol);
    office.ends();
}
