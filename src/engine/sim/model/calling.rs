//! What people do with calls of their own: dial, answer, refuse, hang up, hold, and choose what becomes of them.
use super::super::office::{ALICE, BOB, CAROL, CARRIER, DAVE};
use super::super::phone::{HoldStyle, Stage};
use super::super::world::{Who, World};
use super::belief::{Belief, Reached, line};
use super::heal;

pub(super) fn dial(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    // Bob and Carol are wanted most: so there are queues for them.
    let to = [ALICE, BOB, CAROL, DAVE, CARRIER, BOB, CAROL, BOB][which % 8];
    let (reached, path) = belief.reached(to, Vec::new());
    if [to, reached.rung().unwrap_or(to)].iter().any(|&to| line(who) == to || belief.is_crowded(to))
        || belief.is_crowded(who)
    {
        return;
    }
    let before = belief.begins(office);
    let caller = office.dials(who, &number_of(office, to));
    heal(office);
    match reached {
        Reached::Rings(at) => {
            let callees = before.rung(office, belief.telephones(at));
            belief.rings(caller, (at, callees), path, office);
        }
        Reached::Nobody(at, kind) => belief.refused(caller, (&path, at, kind), false, office),
        Reached::Circles => {}
    }
}

/// Somebody calls, and somebody answers.
pub(super) fn connect(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    dial(office, belief, who, which);
    if let Some(end) = belief.rung_last() {
        office.with(end.who, |phone| phone.answer(end.no));
        heal(office);
        belief.answered(end, office);
    }
}

/// What is dialled to reach somebody.
fn number_of(office: &World, to: Who) -> String {
    if to == CARRIER { "84930123".to_owned() } else { office.phones[to.0].number.clone() }
}

pub(super) fn answer(office: &mut World, belief: &mut Belief, which: usize) {
    let Some(end) = belief.ringing(which) else { return };
    office.with(end.who, |phone| phone.answer(end.no));
    heal(office);
    belief.answered(end, office);
}

pub(super) fn refuse(office: &mut World, belief: &mut Belief, which: usize) {
    let Some(end) = belief.ringing(which) else { return };
    let busy = which.is_multiple_of(2);
    office.with(end.who, |phone| phone.refuse(end.no, if busy { 486 } else { 480 }));
    heal(office);
    belief.left(end, busy, office);
}

pub(super) fn hang_up(office: &mut World, belief: &mut Belief, which: usize) {
    let Some(end) = belief.open(which) else { return };
    office.with(end.who, |phone| phone.hang_up(end.no));
    heal(office);
    // Who hangs up on what rings says that it is busy.
    belief.left(end, true, office);
}

pub(super) fn hold(office: &mut World, belief: &mut Belief, which: usize) {
    let Some(end) = belief.talking(which).filter(|end| !belief.is_held(*end)) else { return };
    let styles = [HoldStyle::SendOnly, HoldStyle::Inactive, HoldStyle::ZeroAddress];
    let style = (!belief.holds(end)).then(|| styles[which % styles.len()]);
    let method = if which.is_multiple_of(2) { "INVITE" } else { "UPDATE" };
    office.with(end.who, |phone| phone.hold(end.no, style, method));
    heal(office);
    belief.held(end, style.is_some());
}

/// A code that says where all calls go, or that nobody is to disturb.
pub(super) fn choose(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if who == CARRIER || belief.is_crowded(who) {
        return;
    }
    let to = Who(which / 8);
    let code = match which % 8 {
        0 | 1 => format!("*72{}", office.phones[to.0].number),
        2 | 3 => "*73".to_owned(),
        4 => "*76".to_owned(),
        _ => "*79".to_owned(),
    };
    let chosen = office.dials(who, &code);
    heal(office);
    assert_eq!(office.call(chosen).stage, Stage::Over, "{code} is over when it is confirmed");
    let by = line(who);
    match which % 8 {
        // Nobody forwards to oneself.
        0 | 1 if to != by => belief.forwards(by, Some(to)),
        0 | 1 => {}
        2 | 3 => belief.forwards(by, None),
        4 => belief.disturbs(by, None),
        _ => belief.disturbs(by, Some(true)),
    }
}
