//! What people do with lamps: watch, look away, and press what is lit.
use super::super::office::CARRIER;
use super::super::phone::{Dial, Stage, Subscribe};
use super::super::world::{Who, World};
use super::belief::{Belief, ORBITS, Watched, line};
use super::heal;

/// Lamps of all phones together.
const LAMPS: usize = 8;

/// Somebody begins to watch, or has seen enough.
pub(super) fn look(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if let Some(lamp) = belief.lamp(which / 3).filter(|_| which.is_multiple_of(8) || belief.lamps() >= LAMPS) {
        office.watches_on(lamp, 0);
        heal(office);
        return belief.looks_away(lamp);
    }
    let watched = match which % 16 {
        at @ 0..3 => Watched::Line(Who(at)),
        at @ 3 | at @ 4 if which >= 16 => Watched::Key(Who(at - 3)),
        3 | 4 => Watched::Line(line(who)),
        at @ 5..9 => Watched::Presence(Who(at - 5)),
        at @ 9..14 => Watched::Orbit(ORBITS[at - 9]),
        14 => Watched::Lot,
        _ => Watched::Key(Who(which / 16 % 4)),
    };
    let number = match watched {
        Watched::Line(at) | Watched::Presence(at) => office.phones[at.0].number.clone(),
        Watched::Orbit(orbit) => orbit.to_owned(),
        Watched::Lot => "700".to_owned(),
        Watched::Key(at) => format!("cc+{}", office.phones[at.0].number),
    };
    let event = if matches!(watched, Watched::Presence(_)) { "presence" } else { "dialog" };
    let lamp = office.watches_so(who, &number, Subscribe { event: event.into(), ..Subscribe::default() });
    heal(office);
    // Trunks watch nothing.
    let expected = if who == CARRIER { 403 } else { 200 };
    assert_eq!(office.lamp(lamp).answered.as_ref().map(|(status, _)| *status), Some(expected), "{number}");
    if who != CARRIER {
        belief.looks(lamp, watched, office.now);
    }
}

/// Somebody presses a key that is lit: who waits there is fetched, and a call that rings there is answered.
pub(super) fn press(office: &mut World, belief: &mut Belief, which: usize) {
    let Some((lamp, watched)) = belief.lit(which).filter(|(lamp, _)| !belief.is_crowded(lamp.who)) else { return };
    let lights = office.lamp(lamp).shows().lights;
    let (number, rung) = match watched {
        Watched::Orbit(orbit) => (orbit.to_owned(), None),
        Watched::Line(at) => {
            let caller = belief.rung_alone(at).filter(|caller| ![at, line(caller.who)].contains(&line(lamp.who)));
            let Some(caller) = caller else { return };
            (office.phones[at.0].number.clone(), Some((caller, at)))
        }
        Watched::Presence(_) | Watched::Lot | Watched::Key(_) => return,
    };
    let state = if rung.is_some() { "early" } else { "confirmed" };
    let light = lights.iter().find(|light| light.direction == "recipient" && light.state == state);
    let light = light.unwrap_or_else(|| panic!("{watched:?} is lit: {lights:?}"));
    let lines = format!("Replaces: {}\r\n", light.replaces());
    let by = office.dials_so(lamp.who, &number, &Dial { lines, ..Dial::default() });
    heal(office);
    match (rung, watched) {
        (Some((caller, at)), _) if Belief::are_colleagues(lamp.who, at) => belief.picked_up(caller, by, office),
        (None, Watched::Orbit(orbit)) => belief.retrieved(orbit, by, office),
        (..) => assert_eq!(office.call(by).stage, Stage::Over, "it is not its affair"),
    }
}
