//! What people do with calls of their own: dial, answer, refuse, hang up, hold, and choose what becomes of them.
use super::super::office::{ALICE, BOB, CAROL, CARRIER, DAVE};
use super::super::phone::{HoldStyle, Stage};
use super::super::world::{Who, World};
use super::belief::{Belief, Forward, Last, line};
use super::heal;

pub(super) fn dial(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    // Bob and Carol are wanted most: so there are queues for them.
    let to = [ALICE, BOB, CAROL, DAVE, CARRIER, BOB, CAROL, BOB][which % 8];
    let hidden = which / 8 == 3 && who != CARRIER;
    let number = number_of(office, to);
    call(office, belief, who, &if hidden { format!("*67{number}") } else { number }, Last { who: to, hidden });
}

/// The code that calls whom the line called last.
pub(super) fn redial(office: &mut World, belief: &mut Belief, who: Who) {
    match belief.last_dialled(who).filter(|_| who != CARRIER) {
        Some(last) => call(office, belief, who, "*870", last),
        None => dials_in_vain(office, belief, who, "*870"),
    }
}

/// The code that calls who called the line last.
pub(super) fn call_back(office: &mut World, belief: &mut Belief, who: Who) {
    match belief.last_caller(who).filter(|last| who != CARRIER && !last.hidden) {
        // Not a number is dialled then, but the trunk's own party, and nothing of it is remembered.
        Some(last) if last.who == CARRIER => {}
        Some(last) => call(office, belief, who, "*69", last),
        None => dials_in_vain(office, belief, who, "*69"),
    }
}

/// There is nobody to call.
fn dials_in_vain(office: &mut World, belief: &Belief, who: Who, code: &str) {
    if who != CARRIER && !belief.is_crowded(who) {
        let dialled = office.dials(who, code);
        heal(office);
        assert_eq!(office.call(dialled).stage, Stage::Over, "{code} leads nowhere");
    }
}

/// Dials what leads to somebody.
fn call(office: &mut World, belief: &mut Belief, who: Who, number: &str, Last { who: to, hidden }: Last) {
    let rung = belief.reached(to, &mut Vec::new()).rung().unwrap_or(to);
    if [to, rung].iter().any(|&to| line(who) == to || belief.is_crowded(to)) || belief.is_crowded(who) {
        return;
    }
    let caller = office.dials(who, number);
    heal(office);
    belief.dials(caller, to, hidden);
    belief.calls(caller, to, office);
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

/// A code that says where calls go, or that nobody is to disturb.
pub(super) fn choose(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if who == CARRIER || belief.is_crowded(who) {
        return;
    }
    let kinds = [Forward::All, Forward::Busy, Forward::NoAnswer, Forward::Away];
    let (to, kind) = (Who(which / 8), which % 4);
    // They come home again more often than not.
    let forwards = office.steps.is_multiple_of(3);
    let code = match which % 8 {
        0..4 if forwards => format!("{}{}", ["*72", "*90", "*92", "*94"][kind], office.phones[to.0].number),
        0..4 => ["*73", "*91", "*93", "*95"][kind].to_owned(),
        4 => "*76".to_owned(),
        5 => "*70".to_owned(),
        _ => "*79".to_owned(),
    };
    let chosen = office.dials(who, &code);
    heal(office);
    assert_eq!(office.call(chosen).stage, Stage::Over, "{code} is over when it is confirmed");
    let by = line(who);
    match which % 8 {
        // Nobody forwards to oneself.
        0..4 if forwards && to == by => {}
        0..4 => belief.forwards(by, kinds[kind], Some(to).filter(|_| forwards)),
        4 => belief.disturbs(by, None),
        5 => belief.arms(by),
        _ => belief.disturbs(by, Some(true)),
    }
}
