//! The same, where nothing was found.
use super::completion::{asks, bob_is_busy, called_back, rings, states};
use super::completion_watched::{told, watches};
use super::crossed::{forwards, hides, second_phone};
use super::forward::chooses;
use super::lamps::light;
use super::office::*;
use super::phone::{Dial, Reliable, Stage};
use super::world::{End, Who, World};
use crate::base::Room;
use crate::corridor::Moment;
use crate::settings::{ForwardKind, MediaWay, Settings};

fn pulls(
    change: impl Fn(&mut Settings),
    prepare: impl Fn(&mut World),
    from: Who,
    holds: bool,
) -> (World, End, End, End) {
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

/// Alice has asked for Bob, for a quarter of an hour, and he has hung up since: her phone rings.
fn alice_is_rung_back() -> World {
    let (mut office, bob) = bob_is_busy(|settings| settings.completion.busy_lifetime = secs(900));
    asks(&mut office, ALICE, "1002");
    office.passes(secs(40));
    office.hangs_up(bob);
    office.passes(secs(10));
    assert!(rings(&office, ALICE));
    office
}

#[test]
fn a_panic_while_who_asked_is_rung_leaves_nothing_for_ever() {
    for moment in [Moment::Before, Moment::After] {
        let mut office = alice_is_rung_back();
        office.panics_in(Room::Feature, moment);
        office.passes(secs(1000));
        assert!(states(&office).is_empty(), "{moment:?}: {:?} {:?}", states(&office), office.kept);
        office.ends();
    }
}

#[test]
fn a_panic_while_the_line_is_rung_for_a_callback_ends_it() {
    for moment in [Moment::Before, Moment::After] {
        let mut office = alice_is_rung_back();
        office.answers(ALICE);
        assert!(rings(&office, BOB));
        office.panics_in(Room::Feature, moment);
        office.passes(secs(1000));
        assert!(states(&office).is_empty(), "{moment:?}: {:?} {:?}", states(&office), office.kept);
        office.ends();
    }
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
    assert_eq!(status, 200);
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
    let (alice, bob) = called_back(&mut office, ALICE, BOB);
    let moved = office.dials(second, "*59");
    office.talk(bob, moved);
    assert!(office.call(alice).is_over());
    office.ends();
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

#[test]
fn a_trunk_redirects_nobody() {
    let mut office = office_with(|settings| forwards(settings, 1, ForwardKind::All, "85551"));
    for number in ["85551", "1002"] {
        let alice = office.dials(ALICE, number);
        let rung = office.latest(CARRIER, Stage::Ringing).unwrap();
        office.with(CARRIER, |phone| phone.redirect(rung.no, "<sip:1003@pbx.test>"));
        office.settles();
        assert!(!rings(&office, CAROL) && office.call(alice).is_over(), "{}", office.ended(alice));
    }
    office.ends();
}

#[test]
fn a_redirection_abroad_leaves_the_other_telephone_ringing() {
    for to in ["<sip:x@elsewhere.test>", "*", "<garbage", "<tel:+4930>"] {
        let mut office = office_with_choices(|_| {});
        let workshop = second_phone(&mut office);
        let alice = office.dials(ALICE, "1002");
        let rung = office.latest(workshop, Stage::Ringing).unwrap();
        office.with(workshop, |phone| phone.redirect(rung.no, to));
        office.settles();
        let bob = office.answers(BOB);
        office.talk(alice, bob);
        office.ends();
    }
}

#[test]
fn somebody_outside_waits_on_the_line_and_hides() {
    let (mut office, bob) = bob_is_busy(|settings| settings.completion.camp_on = true);
    let lamp = office.watches(CAROL, "1002");
    let lines = "Privacy: id\r\nP-Asserted-Identity: <sip:4930123@pbx.test>\r\n".into();
    let town = office.dials_so(CARRIER, "1002", &Dial { lines, ..Dial::default() });
    office.hangs_up(bob);
    office.passes(secs(3));
    let remote = light(&office, lamp).remote;
    assert!(!format!("{remote:?}").contains("4930123"), "{remote:?}");
    let bob = office.answers(BOB);
    office.talk(town, bob);
    office.ends();
}

#[test]
fn drain_with_callbacks_and_forwards_under_way() {
    let (mut office, bob) = bob_is_busy(|settings| forwards(settings, 3, ForwardKind::NoAnswer, "1003"));
    asks(&mut office, ALICE, "1002");
    let town = office.dials(CARRIER, "1004");
    office.command(crate::Command::Drain);
    office.hangs_up(bob);
    office.passes(secs(30));
    assert!(!rings(&office, ALICE));
    let carol = office.answers(CAROL);
    office.talk(town, carol);
    office.hangs_up(town);
    office.passes(secs(3));
    assert!(office.engine.is_idle());
}

#[test]
fn a_panic_when_a_forwarded_call_is_sent_on() {
    for moment in [Moment::Before, Moment::After] {
        let mut office = office_with(|settings| forwards(settings, 1, ForwardKind::NoAnswer, "1003"));
        office.dials(ALICE, "1002");
        office.panics_in(Room::Feature, moment);
        office.passes(secs(10));
        assert!(!rings(&office, BOB) && !rings(&office, CAROL));
        office.ends();
    }
}

#[test]
fn a_callback_where_the_telephones_speak_tcp() {
    let mut office = office_over_tcp_with(&[ALICE, BOB], |settings| {
        with_callbacks(settings);
        settings.lines[1].busy_limit = Some(1);
    });
    let (bob, _) = office.connects(BOB, CAROL);
    asks(&mut office, ALICE, "1002");
    office.loses_connection(ALICE);
    office.passes(secs(2));
    office.with(ALICE, |phone| phone.register());
    office.settles();
    office.hangs_up(bob);
    office.passes(secs(8));
    let alice = office.answers(ALICE);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_call_is_pulled_from_a_telephone_that_made_a_new_connection() {
    let mut office = office_over_tcp_with(&[BOB], with_choices);
    let (bob, alice) = office.connects(BOB, ALICE);
    office.loses_connection(BOB);
    office.passes(secs(1));
    office.with(BOB, |phone| phone.register());
    office.settles();
    let refused = office.dials(BOB, "*59");
    assert_eq!(office.ended(refused), "480 There is no call on another telephone");
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_caller_hangs_up_while_it_is_sent_on() {
    for after in 0..12 {
        let mut office = office_with(|settings| {
            forwards(settings, 1, ForwardKind::NoAnswer, "1003");
            settings.lines[1].profile.get_or_insert_default().rings = Some(3);
        });
        let alice = office.dials(ALICE, "1002");
        office.passes(millis(17_790 + 5 * after));
        office.with(ALICE, |phone| phone.hang_up(alice.no));
        office.passes(secs(5));
        assert!(!rings(&office, BOB) && !rings(&office, CAROL));
        office.ends();
    }
}

#[test]
fn a_line_that_is_gone_is_not_called_for_a_callback() {
    let before = |settings: &mut Settings| {
        with_callbacks(settings);
        settings.lines[1].busy_limit = Some(1);
    };
    let mut office = office_with(before);
    let mut old = settings();
    before(&mut old);
    let (bob, _) = office.connects(BOB, CAROL);
    asks(&mut office, ALICE, "1002");
    super::reload::reload(&mut office, &old, |settings| {
        before(settings);
        settings.lines.remove(1);
    });
    office.hangs_up(bob);
    office.passes(secs(10));
    assert!(!rings(&office, ALICE));
    office.passes(secs(3600));
    office.ends();
}

#[test]
fn redirections_that_are_passed_on() {
    let mut office = office_with_choices(|settings| settings.forwards.redirects = crate::settings::Redirects::Pass);
    let workshop = second_phone(&mut office);
    let alice = office.dials(ALICE, "1002");
    let rung = office.latest(workshop, Stage::Ringing).unwrap();
    office.with(workshop, |phone| phone.redirect(rung.no, "<sip:1003@pbx.test>"));
    office.settles();
    assert!(office.ended(alice).starts_with("302"), "{}", office.ended(alice));
    assert!(!rings(&office, BOB));
    office.ends();
}

#[test]
fn two_telephones_of_a_line_watch_for_the_same() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let second = office.add("1001", "Alice's second", "10.0.1.21:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    watches(&mut office, ALICE, "1002", 3600);
    office.passes(secs(2));
    let lamp = watches(&mut office, second, "1002", 3600);
    office.passes(secs(2));
    assert_eq!(states(&office), [("busy", "queued", 1)]);
    office.hangs_up(bob);
    office.passes(secs(7));
    let number = told(&office, second, lamp).1;
    let alice = office.dials(ALICE, &number);
    let bob = office.answers(BOB);
    office.talk(alice, bob);
    office.ends();
}

#[test]
fn a_semi_attended_transfer_of_a_call_that_a_telephone_made_by_itself() {
    let (mut office, bob) = bob_is_busy(|_| {});
    let lamp = watches(&mut office, ALICE, "1002", 3600);
    office.hangs_up(bob);
    office.passes(secs(6));
    let number = told(&office, ALICE, lamp).1;
    let (dave, alice) = {
        let dave = office.dials(DAVE, "1001");
        (dave, office.answers(ALICE))
    };
    office.holds(alice);
    let second = office.dials(ALICE, &number);
    assert!(rings(&office, BOB));
    let to = office.call(second).refer_to("1002");
    assert_eq!(office.refers(alice, &to).0, 200);
    let bob = office.answers(BOB);
    office.passes(secs(2));
    office.talk(dave, bob);
    office.passes(secs(2));
    assert!(states(&office).is_empty(), "{:?}", states(&office));
    office.ends();
}
