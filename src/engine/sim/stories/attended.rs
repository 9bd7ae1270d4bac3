//! Attended park: the lot is called while holding, tells an orbit, and the held call follows.
use super::office::*;
use super::phone::Stage;
use super::world::{End, World};

/// Bob holds Alice and calls the lot; his call with Alice, hers, and his with the lot.
fn bob_is_told(office: &mut World) -> (End, End, End) {
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let told = office.dials(BOB, "700");
    (alice, bob, told)
}

fn reserved(office: &World) -> u64 {
    let orbits = &office.snapshot().gauges.lots[0].orbits;
    orbits.iter().filter(|(state, ..)| *state == "reserved").map(|(.., n)| n).sum()
}

fn parked(office: &World) -> Vec<String> {
    office.engine.features.stays().into_iter().map(|stay| stay.number).collect()
}

#[test]
fn the_number_is_told_and_the_transfer_parks() {
    let mut office = office();
    let (alice, bob, told) = bob_is_told(&mut office);
    assert_eq!(office.call(told).shown, "\"Parked 701\" <sip:701@pbx.test>");
    office.hears_music(told);
    assert_eq!((reserved(&office), parked(&office)), (1, vec![]), "kept, but nobody waits there yet");
    let to = office.call(told).refer_to("700");
    assert_eq!(office.refers(bob, &to), (200, "OK".into()));
    assert_eq!(parked(&office), ["701"]);
    office.hears_music(alice);
    let notified = &office.call(bob).notified;
    assert_eq!(notified.last().unwrap(), "terminated: SIP/2.0 200 OK | Contact: <sip:701@pbx.test>");
    office.passes(secs(5));
    assert!(office.call(bob).is_over() && office.call(told).is_over());
    let dave = office.dials(CAROL, "701");
    office.talk(dave, alice);
    office.ends();
}

/// Some phones send the REFER in the other call, and name the held one.
#[test]
fn the_transfer_may_be_said_the_other_way_round() {
    let mut office = office();
    let (alice, bob, told) = bob_is_told(&mut office);
    let to = office.call(bob).refer_to("700");
    assert_eq!(office.refers(told, &to), (200, "OK".into()));
    assert_eq!(parked(&office), ["701"]);
    office.hears_music(alice);
    office.passes(secs(5));
    assert!(office.call(bob).is_over() && office.call(told).is_over());
    office.ends();
}

#[test]
fn hanging_up_parks_the_held_call() {
    let mut office = office();
    let (alice, bob, told) = bob_is_told(&mut office);
    office.hangs_up(told);
    assert_eq!(parked(&office), ["701"]);
    office.hears_music(alice);
    assert!(office.call(bob).is_over(), "his part is done");
    let back = office.dials(BOB, "701");
    office.talk(back, alice);
    office.ends();
}

/// Which one is meant nobody can know: both stay as they are.
#[test]
fn hanging_up_with_two_calls_held_parks_neither() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    office.holds(bob);
    let (carol, second) = office.connects(CAROL, BOB);
    office.holds(second);
    let told = office.dials(BOB, "700");
    office.hangs_up(told);
    assert_eq!((reserved(&office), parked(&office)), (0, vec![]));
    office.resumes(bob);
    office.talk(alice, bob);
    office.resumes(second);
    office.talk(carol, second);
    office.ends();
}

#[test]
fn hanging_up_parks_nothing_where_the_lot_says_so() {
    let mut office = office_with(|settings| settings.lots[0].park_on_hangup = false);
    let (alice, bob, told) = bob_is_told(&mut office);
    office.hangs_up(told);
    assert_eq!((reserved(&office), parked(&office)), (0, vec![]));
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// He does nothing: after half a minute the orbit is free again, and he holds her as before.
#[test]
fn nothing_comes_of_it() {
    let mut office = office();
    let (alice, bob, told) = bob_is_told(&mut office);
    office.passes(secs(29));
    assert_eq!(reserved(&office), 1);
    office.passes(secs(2));
    assert_eq!((reserved(&office), parked(&office)), (0, vec![]));
    assert!(office.call(told).is_over());
    office.resumes(bob);
    office.talk(alice, bob);
    office.ends();
}

/// She hangs up while he listens: there is nothing left to park.
#[test]
fn the_held_party_leaves_meanwhile() {
    let mut office = office();
    let (alice, bob, told) = bob_is_told(&mut office);
    office.hangs_up(alice);
    assert!(office.call(bob).is_over());
    office.hangs_up(told);
    assert_eq!((reserved(&office), parked(&office)), (0, vec![]));
    office.ends();
}

/// An orbit that was told to somebody is nobody else's, and holds nobody to fetch.
#[test]
fn a_kept_orbit_is_kept() {
    let mut office = office();
    let (alice, bob, told) = bob_is_told(&mut office);
    let empty = office.dials(CAROL, "701");
    assert_eq!(office.ended(empty), "480 Nothing is parked on 701");
    let (dave, carol) = office.connects(DAVE, CAROL);
    let (status, words) = office.refers(carol, "<sip:701@pbx.test>");
    assert_eq!((status, words.as_str()), (486, "Orbit 701 is occupied"));
    assert_eq!(office.refers(carol, "<sip:700@pbx.test>").0, 200);
    assert_eq!(parked(&office), ["702"]);
    office.hears_music(dave);
    // A call of another telephone's cannot be put there either.
    let (erin, frank) = office.connects(CAROL, DAVE);
    let to = office.call(told).refer_to("700");
    assert_eq!(office.refers(erin, &to).0, 480);
    office.talk(erin, frank);
    office.hangs_up(told);
    assert_eq!(parked(&office), ["701", "702"]);
    office.hears_music(alice);
    assert!(office.call(bob).is_over());
    office.ends();
}

#[test]
fn with_nothing_held_there_is_nothing_to_park() {
    let mut office = office();
    let told = office.dials(BOB, "700");
    assert_eq!(office.ended(told), "480 There is no call to park");
    let (alice, bob) = office.connects(ALICE, BOB);
    let to = "<sip:700@pbx.test?Replaces=nobody%3Bto-tag%3Da%3Bfrom-tag%3Db>";
    assert_eq!(office.refers(bob, to), (404, "There is no such call to replace".into()));
    office.talk(alice, bob);
    office.ends();
}

/// The orbit is taken out of the configuration while it is kept: the call goes there all the same, and can be fetched.
#[test]
fn a_full_lot_tells_no_number() {
    let mut office = office_with(|settings| settings.lots[0].orbits.truncate(1));
    let (alice, bob, told) = bob_is_told(&mut office);
    let (dave, carol) = office.connects(DAVE, CAROL);
    office.holds(carol);
    let refused = office.dials(CAROL, "700");
    assert_eq!(office.ended(refused), "486 All park orbits are in use");
    office.resumes(carol);
    office.talk(dave, carol);
    office.hangs_up(told);
    office.hears_music(alice);
    assert!(office.call(bob).is_over());
    office.ends();
}

/// His phone crashes while he listens; nothing is lost but his patience.
#[test]
fn his_phone_crashes_meanwhile() {
    let mut office = office();
    let (alice, _, _) = bob_is_told(&mut office);
    office.phones[BOB.0].crash();
    office.passes(secs(31));
    assert_eq!(office.call(alice).stage, Stage::Up);
    office.phones[BOB.0].boot();
    office.ends();
}

/// Which call `*68` is to park can be said (RFC 4538): not always the one held last.
#[test]
fn a_code_names_the_call_to_park() {
    for header in ["Target-Dialog", "Replaces"] {
        let mut office = office();
        let (alice, first) = office.connects(ALICE, BOB);
        office.holds(first);
        let (carol, second) = office.connects(CAROL, BOB);
        office.holds(second);
        let named = office.call(first).named().replace("to-tag", "remote-tag").replace("from-tag", "local-tag");
        let named = if header == "Replaces" { office.call(first).named() } else { named };
        let lines = format!("{header}: {named}\r\n");
        let dial = super::phone::Dial { lines, ..Default::default() };
        let code = office.dials_so(BOB, "*68", &dial);
        assert_eq!(office.call(code).shown, "\"Parked 701\" <sip:701@pbx.test>");
        office.hears_music(alice);
        assert!(office.call(first).is_over());
        office.resumes(second);
        office.talk(carol, second);
        office.ends();
    }
}
