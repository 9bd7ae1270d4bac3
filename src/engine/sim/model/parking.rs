//! What people do with orbits: park by transfer, by code or after a word with the lot, and fetch.
use super::super::office::{ALICE, CARRIER};
use super::super::phone::{Dial, Stage};
use super::super::world::{End, Who, World};
use super::belief::{Belief, ORBITS};
use super::heal;

/// A transfer to an orbit, or to any orbit of the lot.
pub(super) fn refer(office: &mut World, belief: &mut Belief, which: usize) {
    let end = belief.talking(which / 8).filter(|end| !belief.is_held(*end) && end.who != CARRIER);
    let Some(end) = end else { return };
    let (number, orbit) = belief.place(which);
    office.with(end.who, |phone| phone.refer(end.no, &format!("<sip:{number}@pbx.test>")));
    heal(office);
    let status = office.call(end).answered.as_ref().map(|(status, _)| *status);
    assert_eq!(status.is_some_and(|status| status < 300), orbit.is_some(), "a transfer to {number}: {status:?}");
    if let Some(orbit) = orbit {
        belief.parked(end, orbit, office.now);
    }
}

/// The code, dialled on the phone that holds.
pub(super) fn park_held(office: &mut World, belief: &mut Belief, which: usize) {
    let who = belief.holder(which / 8).unwrap_or(ALICE);
    if who == CARRIER || belief.is_crowded(who) {
        return;
    }
    let (number, orbit) = belief.place(which);
    office.dials(who, &if number == "700" { "*68".to_owned() } else { format!("*68{number}") });
    heal(office);
    if let (Some(held), Some(orbit)) = (belief.last_held(who), orbit) {
        belief.parked(held, orbit, office.now);
    }
}

/// The lot itself is dialled: who holds a call is told an orbit for it.
pub(super) fn reserve(office: &mut World, belief: &mut Belief, which: usize) {
    let who = belief.holder(which / 4).filter(|_| !which.is_multiple_of(4)).unwrap_or(ALICE);
    if belief.is_crowded(who) {
        return;
    }
    let orbit = belief.place(ORBITS.len()).1.filter(|_| belief.last_held(who).is_some() && who != CARRIER);
    let told = office.dials(who, "700");
    heal(office);
    match orbit {
        Some(orbit) => {
            assert!(office.call(told).shown.contains(orbit), "{orbit} is told: {}", office.call(told).shown);
            belief.reserved(told, orbit, office.now);
        }
        None => {
            assert_eq!(office.call(told).stage, Stage::Over, "no orbit is kept");
            belief.fails_elsewhere(told);
        }
    }
}

/// Who was told transfers the call that it holds there; said in either of the two calls.
pub(super) fn park_reserved(office: &mut World, belief: &mut Belief, which: usize) {
    let Some(told) = belief.told(which) else { return };
    let who = told.who;
    let Some(held) = belief.last_held(who) else { return };
    let (asks, named) = if which.is_multiple_of(2) { (held, told) } else { (told, held) };
    let to = office.call(named).refer_to("700");
    office.with(who, |phone| phone.refer(asks.no, &to));
    heal(office);
    assert_eq!(office.call(asks).answered.as_ref().map(|(status, _)| *status), Some(200));
    heal(office);
    belief.filled(told, held, office.now);
}

/// Somebody fetches, or two at once: then one of them does.
pub(super) fn retrieve(office: &mut World, belief: &mut Belief, who: &[Who], which: usize) {
    if who.iter().any(|who| belief.is_crowded(*who)) {
        return;
    }
    let orbit = ORBITS[which % ORBITS.len()];
    let number = if which.is_multiple_of(2) { orbit.to_owned() } else { format!("*88{orbit}") };
    let dialled: Vec<_> = who
        .iter()
        .map(|who| {
            let no = office.with(*who, |phone| phone.dial(&number, &Dial::default()));
            End { who: *who, no }
        })
        .collect();
    heal(office);
    // Who comes over a trunk may not.
    let may = |end: &&End| end.who != CARRIER;
    let winner = dialled.iter().filter(may).find(|end| office.call(**end).stage == Stage::Up);
    let expected = belief.is_occupied(orbit) && dialled.iter().any(|end| may(&end));
    assert_eq!(winner.is_some(), expected, "{orbit} is fetched by one of {who:?}");
    if let Some(winner) = winner {
        belief.retrieved(orbit, *winner, office);
    }
    for loser in dialled.iter().filter(|&end| Some(end) != winner && number == orbit) {
        belief.fails_elsewhere(*loser);
    }
}
