//! A configuration read again while calls are up and orbits are taken.
use super::office::*;
use super::park::{occupied, parked};
use super::world::World;
use crate::counters::OrbitState;
use crate::input::Input;
use crate::settings::{LineSettings, Secret, Settings};

/// The office's settings, changed and read again.
pub(super) fn reload(office: &mut World, before: &Settings, change: impl FnOnce(&mut Settings)) -> Settings {
    let mut read = settings();
    change(&mut read);
    let aligned = read.aligned(before);
    office.input(Input::Reload(Box::new(aligned.clone())));
    aligned
}

fn orbits(office: &World, state: OrbitState) -> u64 {
    office.snapshot().gauges.lots[0].orbits.count(state, ())
}

#[test]
fn an_orbit_that_is_gone_retires_when_it_is_empty() {
    let mut office = office();
    let alice = parked(&mut office, "702");
    reload(&mut office, &settings(), |settings| settings.lots[0].orbits.retain(|orbit| orbit.number != "702"));
    assert_eq!(occupied(&office), ["702"], "nobody is dropped");
    office.hears_music(alice);
    assert_eq!((orbits(&office, OrbitState::Retiring), orbits(&office, OrbitState::Free)), (1, 4));
    // Nobody parks there any more ...
    let (_, dave) = office.connects(CAROL, DAVE);
    assert_eq!(office.refers(dave, "<sip:702@pbx.test>").0, 404);
    office.hangs_up(dave);
    // ... but whoever waits can be fetched, and then it is gone.
    let bob = office.dials(BOB, "702");
    office.talk(alice, bob);
    assert_eq!((orbits(&office, OrbitState::Retiring), orbits(&office, OrbitState::Free)), (0, 4));
    let nobody = office.dials(CAROL, "702");
    assert!(office.call(nobody).is_over());
    office.ends();
}

#[test]
fn lines_and_lots_that_come_first_in_the_file_move_nobody() {
    let mut office = office();
    let alice = parked(&mut office, "703");
    let (carol, dave) = office.connects(CAROL, DAVE);
    let before = reload(&mut office, &settings(), |settings| {
        let zoe = LineSettings {
            number: "1000".into(),
            name: "Zoe".into(),
            secret: Secret::Password("secret-1000".into()),
            ..settings.lines[0].clone()
        };
        settings.lines.insert(0, zoe);
        settings.lots.reverse();
    });
    office.talk(carol, dave);
    assert_eq!(occupied(&office), ["703"]);
    let zoe = office.add("1000", "Zoe", "10.0.1.20:5060");
    office.with(zoe, |phone| phone.register());
    office.settles();
    let fetched = office.dials(zoe, "703");
    office.talk(alice, fetched);
    // Their numbers still mean the same people, and a second reading changes nothing.
    reload(&mut office, &before, |_| {});
    office.hangs_up(fetched);
    office.hangs_up(carol);
    let (one, other) = office.connects(ALICE, BOB);
    office.talk(one, other);
    office.ends();
}

#[test]
fn a_line_that_is_gone_can_neither_call_nor_be_called() {
    let mut office = office();
    let (alice, bob) = office.connects(ALICE, BOB);
    reload(&mut office, &settings(), |settings| settings.lines.retain(|line| line.number != "1002"));
    office.talk(alice, bob);
    office.hangs_up(alice);
    let nobody = office.dials(ALICE, "1002");
    assert!(office.call(nobody).is_over(), "no such number");
    assert_eq!(office.snapshot().gauges.registered_users, 3);
    let refused = office.dials(BOB, "1001");
    assert!(office.call(refused).is_over(), "no such user");
    office.ends();
}
