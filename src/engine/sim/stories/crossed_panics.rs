//! Panics in the middle of forwarding, callbacks, pull and hanging up: nothing is left behind.
use super::completion::{asks, bob_is_busy, recalls, rings, states};
use super::completion_watched::{told, watches};
use super::crossed::second_phone;
use super::office::*;
use super::phone::Dial;
use crate::base::Room;
use crate::corridor::Moment;

fn panic_in_pull(nth: u32) {
    let mut office = office_with_choices(|_| {});
    let workshop = second_phone(&mut office);
    let (carol, dave) = office.connects(CAROL, DAVE);
    office.connects(BOB, ALICE);
    office.with(workshop, |phone| phone.dial("*59", &Dial::default()));
    office.panics_at(nth);
    office.passes(secs(60));
    office.talk(carol, dave);
    office.ends();
}

fn panic_in_hang_up(nth: u32) {
    let mut office = office();
    let (alice, _) = office.connects(ALICE, BOB);
    office.with(ALICE, |phone| phone.hang_up(alice.no));
    office.panics_at(nth);
    office.passes(secs(60));
    office.ends();
}

/// After a word with Carol, blindly, or while she rings.
fn panic_in_transfer(kind: usize, nth: u32) {
    let mut office = office();
    let (_, bob) = office.connects(ALICE, BOB);
    if kind < 2 {
        office.phones[CAROL.0].manners.answers = super::phone::Answer::After(millis(300));
    }
    let to = match kind {
        0 => "<sip:1003@pbx.test>".to_owned(),
        _ => {
            office.holds(bob);
            let second = if kind == 1 { office.dials(BOB, "1003") } else { office.connects(BOB, CAROL).0 };
            office.call(second).refer_to("1003")
        }
    };
    office.with(BOB, |phone| phone.refer(bob.no, &to));
    office.panics_at(nth);
    office.passes(secs(120));
    office.ends();
}

#[test]
fn a_panic_in_a_transfer_leaves_nothing_behind() {
    for (kind, most) in [(0, 7), (1, 7), (2, 9)] {
        let failed = which_fail(|nth| panic_in_transfer(kind, nth), most);
        assert!(failed.is_empty(), "of kind {kind}: {failed:?}");
    }
}

fn which_fail(story: impl Fn(u32) + std::panic::RefUnwindSafe, most: u32) -> Vec<u32> {
    (1..=most).filter(|&nth| std::panic::catch_unwind(|| story(nth)).is_err()).collect()
}

/// After a panic at a request's deadline it is over, or has another deadline. It has none, for ever, in memory and on disk.
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

/// After a panic at the guard's deadline the queue is looked at again, though the line does nothing.
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

/// After a panic at the end of the 20 s it is the next one's turn. The queue stands still for ever.
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

/// Nothing is left. A panic while the other side is told (BYE) leaves a session without a leg for ever: a line counts as busy.
#[test]
fn panics_hang_up() {
    assert_eq!(which_fail(panic_in_hang_up, 2), []);
}

/// Nothing is left: as when one hangs up.
#[test]
fn panics_pull() {
    assert_eq!(which_fail(panic_in_pull, 6), []);
}
