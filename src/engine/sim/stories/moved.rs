//! Phones whose media moves while they are joined with somebody else: whoever is told of them is told where they are in the end
//! (RFC 3264 §8.3.1: any offer, and any answer, may name another port).
use super::office::*;
use super::transfer::bob_consults;
use super::world::{End, World, address};

/// From now on Carol's media is elsewhere; nobody knows yet.
fn moves(office: &mut World, carol: End) {
    let call = office.phones[CAROL.0].calls.get_mut(&carol.no).expect("a call");
    call.media.at = address("10.0.1.3:41000");
}

/// Carol's phone answers from another port when it is told of Alice, who was told of the old one.
#[test]
fn the_target_of_a_transfer_answers_from_another_port() {
    for music in [false, true] {
        for in_second in [false, true] {
            let mut office = office_with(|settings| settings.media.hold_music = music);
            let (alice, bob, second, carol) = bob_consults(&mut office);
            moves(&mut office, carol);
            let (said, named) = if in_second { (second, bob) } else { (bob, second) };
            let to = office.call(named).refer_to("1003");
            office.refers(said, &to);
            office.passes(secs(5));
            office.talk(alice, carol);
            office.ends();
        }
    }
}

/// Carol's phone moves while Alice is told of it: at any moment, by re-INVITE or UPDATE, and also if it will not be changed
/// just then.
#[test]
fn the_target_of_a_transfer_moves_while_the_other_is_told() {
    for method in ["INVITE", "UPDATE"] {
        for busy in [false, true] {
            for offset in 0..24 {
                let mut office = office();
                let (alice, bob, second, carol) = bob_consults(&mut office);
                let to = office.call(second).refer_to("1003");
                office.phones[CAROL.0].manners.refuses_changes = busy.then_some(491);
                office.with(BOB, |phone| phone.refer(bob.no, &to));
                office.passes(millis(offset));
                moves(&mut office, carol);
                office.holds_so(carol, None, method);
                office.phones[CAROL.0].manners.refuses_changes = None;
                office.passes(secs(30));
                office.talk(alice, carol);
                office.ends();
            }
        }
    }
}

/// Both move at every offer. It is no use to go on for ever.
#[test]
fn two_that_always_move_are_left_alone_in_the_end() {
    let mut office = office();
    let (alice, bob, second, carol) = bob_consults(&mut office);
    for end in [alice, carol] {
        office.phones[end.who.0].manners.moves = true;
    }
    let to = office.call(second).refer_to("1003");
    office.refers(bob, &to);
    let changes = |office: &World| [ALICE, CAROL].map(|who| office.heard(who, "INVITE").len());
    office.passes(secs(10));
    let before = changes(&office);
    office.passes(secs(60));
    assert_eq!(changes(&office), before, "nobody is asked any more");
    office.hangs_up(alice);
    assert!(office.call(carol).is_over());
    office.ends();
}
