//! Pull and push: people move their calls between their own telephones.
use super::office::*;
use super::phone::{Dial, Stage};
use super::world::{Who, World};

/// An office where Bob has a second telephone.
fn office_of_two_phones() -> (World, Who) {
    let mut office = office_with_choices(|settings| settings.transfers.seize_groups = vec!["staff".into()]);
    let second = office.add("1002", "Bob's second", "10.0.1.22:5060");
    office.with(second, |phone| phone.register());
    office.settles();
    (office, second)
}

fn counted(office: &World) -> Vec<(&'static str, &'static str, u64)> {
    office.snapshot().counters.handoffs.iter().filter(|(.., n)| *n > 0).collect()
}

/// Bob talks at his desk and goes on in the workshop, whether he called or was called, and whether or not he has held first.
#[test]
fn a_call_is_pulled_to_another_telephone() {
    for (bob_calls, holds) in [(true, false), (false, true), (false, false), (true, true)] {
        let (mut office, workshop) = office_of_two_phones();
        let (bob, alice) = if bob_calls {
            office.connects(BOB, ALICE)
        } else {
            let alice = office.dials(ALICE, "1002");
            (office.answers(BOB), alice)
        };
        if holds {
            office.holds(bob);
        }
        let moved = office.dials(workshop, "*59");
        office.talk(alice, moved);
        assert!(office.ended(bob).starts_with("BYE"), "the desk is free: {}", office.ended(bob));
        assert!(office.call(moved).shown.contains("Alice"), "{}", office.call(moved).shown);
        assert_eq!(counted(&office), [("pull", "ok", 1)]);
        office.hangs_up(alice);
        assert!(office.call(moved).is_over());
        office.ends();
    }
}

/// Of two calls the one that he talks in, not the one that he holds.
#[test]
fn the_call_that_is_talked_in_is_pulled() {
    let (mut office, workshop) = office_of_two_phones();
    let (carol, held) = office.connects(CAROL, BOB);
    office.holds(held);
    let (_, alice) = office.connects(BOB, ALICE);
    let moved = office.dials(workshop, "*59");
    office.talk(alice, moved);
    assert!(!office.call(held).is_over() && !office.call(carol).is_over());
    let again = office.dials(workshop, "*59");
    office.talk(carol, again);
    office.ends();
}

/// No call; none but on this very telephone; one that rings only; somebody else's, without the right.
#[test]
fn what_cannot_be_pulled() {
    let (mut office, workshop) = office_of_two_phones();
    let nothing = "480 There is no call on another telephone";
    let refuses = |office: &mut World, who, number, told| {
        let refused = office.dials(who, number);
        assert_eq!(office.ended(refused), told, "{number}");
    };
    refuses(&mut office, BOB, "*59", nothing);
    let (alice, bob) = office.connects(ALICE, BOB);
    refuses(&mut office, BOB, "*59", nothing);
    refuses(&mut office, CAROL, "*59", nothing);
    refuses(&mut office, DAVE, "*591002", "403 You may not seize calls there");
    refuses(&mut office, CARRIER, "*59", "403 You may not seize calls there");
    refuses(&mut office, CAROL, "*595555", "404 5555 does not exist");
    office.talk(alice, bob);
    office.refers(bob, "<sip:1003@pbx.test>");
    refuses(&mut office, workshop, "*59", "486 This call is just being moved");
    office.ends();
}

/// Carol may: Bob's call is hers.
#[test]
fn a_call_is_seized() {
    let (mut office, _) = office_of_two_phones();
    let (alice, bob) = office.connects(ALICE, BOB);
    let carol = office.dials(CAROL, "*591002");
    office.talk(alice, carol);
    assert!(office.call(bob).is_over());
    assert_eq!(counted(&office), [("seize", "ok", 1)]);
    office.ends();
}

/// Bob transfers to himself: the workshop rings, though all his calls go elsewhere, and he talks until he answers there. Nobody
/// else's telephone rings, and nobody notices if he does not.
#[test]
fn a_call_is_pushed_to_the_other_telephones() {
    for to in ["1002", "*59"] {
        let (mut office, workshop) = office_of_two_phones();
        super::forward::chooses(&mut office, BOB, "*721003");
        let (bob, alice) = office.connects(BOB, ALICE);
        office.refers(bob, &format!("<sip:{to}@pbx.test>"));
        assert!(office.latest(workshop, Stage::Ringing).is_some() && office.latest(CAROL, Stage::Ringing).is_none());
        assert!(office.latest(BOB, Stage::Ringing).is_none(), "not where he is");
        office.talk(alice, bob);
        office.passes(secs(61));
        office.talk(alice, bob);
        assert_eq!(counted(&office), [("push", "nothing", 1)]);
        office.refers(bob, &format!("<sip:{to}@pbx.test>"));
        let moved = office.answers(workshop);
        office.talk(alice, moved);
        assert!(office.call(bob).is_over());
        assert_eq!(counted(&office), [("push", "ok", 1), ("push", "nothing", 1)]);
        office.ends();
    }
}

/// There is no other telephone.
#[test]
fn nothing_is_pushed_where_there_is_one_telephone() {
    let mut office = office_with_choices(|_| {});
    let (alice, bob) = office.connects(ALICE, BOB);
    let (status, words) = office.refers(bob, "<sip:1002@pbx.test>");
    assert_eq!((status, &*words), (403, "A call is not transferred to its own parties"));
    office.talk(alice, bob);
    office.ends();
}

/// Nobody else rings Bob during the call for which he has wished that: it goes on in the workshop, by code or by a Replaces, and so
/// does the wish; and where Alice's phone will not be moved it holds at the desk, and nothing was pulled.
#[test]
fn a_wish_for_the_call_goes_where_the_call_goes() {
    for (refuses, replaces) in [(false, false), (true, false), (false, true), (true, true)] {
        let (mut office, workshop) = office_of_two_phones();
        office.dials(BOB, "*70");
        office.passes(secs(4));
        let (bob, alice) = office.connects(BOB, ALICE);
        office.phones[ALICE.0].manners.refuses_changes = refuses.then_some(488);
        let moved = if replaces {
            let lines = format!("Replaces: {}\r\n", office.call(bob).named_from_afar());
            office.dials_so(workshop, "1001", &Dial { lines, ..Dial::default() })
        } else {
            office.dials(workshop, "*59")
        };
        office.passes(secs(12));
        office.talk(if refuses { bob } else { moved }, alice);
        let result = if refuses { "nothing" } else { "ok" };
        assert_eq!(counted(&office), if replaces { vec![] } else { vec![("pull", result, 1)] });
        let carol = office.dials(CAROL, "1002");
        assert_eq!(office.ended(carol), "486 1002 is busy");
        office.ends();
    }
}

/// Carol seizes the call for which Bob wished not to be disturbed: he has it no more, and can be called, though he has another.
#[test]
fn a_wish_for_the_call_does_not_go_to_another_line() {
    let (mut office, _) = office_of_two_phones();
    let (_, held) = office.connects(DAVE, BOB);
    office.holds(held);
    office.dials(BOB, "*70");
    office.passes(secs(4));
    let (_, alice) = office.connects(BOB, ALICE);
    let seized = office.dials(CAROL, "*591002");
    office.talk(seized, alice);
    office.dials(CARRIER, "1002");
    assert!(office.latest(BOB, Stage::Ringing).is_some());
    office.ends();
}
