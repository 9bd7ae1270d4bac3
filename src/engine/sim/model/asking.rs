//! What people do with callbacks: ask for one after a call that failed, take it back, press the key for it.
use super::super::office::CARRIER;
use super::super::phone::Stage;
use super::super::world::{Who, World};
use super::belief::{Belief, line};
use super::heal;

/// The code that asks to be called back: mostly by who has something to ask for.
pub(super) fn ask(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let who = belief.may_ask(which).filter(|_| !which.is_multiple_of(4)).unwrap_or(who);
    if dials_code(office, belief, who, "*66") {
        belief.asks(who, office);
    }
}

/// The code that takes back what a line has asked for.
pub(super) fn cancel(office: &mut World, belief: &mut Belief, who: Who) {
    if dials_code(office, belief, who, "*86") {
        belief.cancels(line(who), office);
    }
}

/// The key for a callback: it asks, or takes back.
pub(super) fn press(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let to = Who(which % 4);
    if to != line(who) && dials_code(office, belief, who, &format!("cc+{}", office.phones[to.0].number)) {
        belief.presses(who, to, office);
    }
}

/// Who is called back answers, or the line that it wanted.
pub(super) fn answer(office: &mut World, belief: &mut Belief, which: usize) {
    if let Some(end) = belief.rung_for_a_request(which) {
        office.with(end.who, |phone| phone.answer(end.no));
        heal(office);
        belief.answered(end, office);
    }
}

/// Whether that can be done.
fn dials_code(office: &mut World, belief: &Belief, who: Who, code: &str) -> bool {
    if who == CARRIER || belief.is_crowded(who) {
        return false;
    }
    let dialled = office.dials(who, code);
    heal(office);
    assert_eq!(office.call(dialled).stage, Stage::Over, "{code} is over when what came of it was said");
    true
}
