//! What people do with calls of others, and how they move their own: transfer, pickup, redirect, pull and push.
use super::super::office::{ALICE, BOB, CARRIER, DAVE};
use super::super::phone::{Dial, Stage};
use super::super::world::{Who, World};
use super::belief::{Belief, Forward, Reached, line};
use super::calling::dial;
use super::{WORKSHOP, heal};

/// A transfer to a colleague, or to one's own other telephone: it is answered, or does not want to.
pub(super) fn send_on(office: &mut World, belief: &mut Belief, which: usize) {
    let to = Who(which % 4);
    let end = belief.talking(which / 4).filter(|end| !belief.is_held(*end) && end.who != CARRIER);
    let Some(end) = end else { return };
    let who = end.who;
    let Some(other) = belief.partner(end) else { return };
    let pushes = to == line(who);
    let mut path = Vec::new();
    let reached = if pushes { Reached::Rings(to) } else { belief.reached(to, &mut path) };
    let rung = reached.rung().unwrap_or(to);
    let is_party = |to: Who| to == line(other.who) || !pushes && to == line(who);
    if path.into_iter().chain([to, rung]).any(|to| is_party(to) || belief.is_crowded(to)) {
        return;
    }
    let telephones: Vec<Who> = belief.telephones(rung).into_iter().filter(|&phone| phone != who).collect();
    let before = belief.begins(office);
    let number = office.phones[to.0].number.clone();
    office.with(who, |phone| phone.refer(end.no, &format!("<sip:{number}@pbx.test>")));
    heal(office);
    let status = office.call(end).answered.as_ref().map(|(status, _)| *status);
    assert_eq!(status, Some(if pushes && telephones.is_empty() { 403 } else { 200 }), "a transfer to {number}");
    if !pushes {
        belief.is_sent(other, to);
    }
    if reached.rung().is_none() || telephones.is_empty() {
        return;
    }
    let targets = before.rung(office, telephones);
    if which.is_multiple_of(3) && belief.forward(rung, Forward::Busy).is_none() {
        for target in targets {
            office.with(target.who, |phone| phone.refuse(target.no, 486));
        }
        heal(office);
    } else {
        let target = targets[which % targets.len()];
        office.with(target.who, |phone| phone.answer(target.no));
        heal(office);
        heal(office);
        belief.handed_over(end, target, office);
    }
}

/// A transfer of one party to the other, by who talks to both: one of them, or both, may be held meanwhile.
pub(super) fn introduce(office: &mut World, belief: &mut Belief, which: usize) {
    let Some((one, other)) = belief.talking_to_both(which).filter(|(one, _)| one.who != CARRIER) else { return };
    if belief.is_held(one) || belief.is_held(other) {
        return;
    }
    let partners = [one, other].map(|end| belief.partner(end));
    // Its own two calls talk to each other, or nobody in the house would be left.
    if partners[0] == Some(other) || partners.iter().all(|end| end.is_some_and(|end| end.who == CARRIER)) {
        return;
    }
    let to = office.call(other).refer_to("1001");
    office.with(one.who, |phone| phone.refer(one.no, &to));
    heal(office);
    assert_eq!(office.call(one).answered.as_ref().map(|(status, _)| *status), Some(200));
    heal(office);
    belief.introduced(one, other, office);
}

/// A transfer into a call that rings still, and is answered then. Who talks, and calls nobody, does so first.
pub(super) fn introduce_early(office: &mut World, belief: &mut Belief, which: usize) {
    let Some(one) = belief.talking(which / 8).filter(|end| !belief.is_held(*end) && end.who != CARRIER) else { return };
    let Some(second) = belief.calling(one.who) else { return dial(office, belief, one.who, which) };
    let Some((other, target)) = belief.partner(one).zip(belief.rung_by(second)) else { return };
    if line(other.who) == line(target.who) || other.who == CARRIER && target.who == CARRIER {
        return;
    }
    let to = office.call(second).refer_to("1001");
    office.with(one.who, |phone| phone.refer(one.no, &to));
    heal(office);
    assert_eq!(office.call(one).answered.as_ref().map(|(status, _)| *status), Some(200));
    office.with(target.who, |phone| phone.answer(target.no));
    heal(office);
    heal(office);
    belief.introduced_early(one, second, target, office);
}

/// A blind transfer whose transferor does not wait: when nobody takes the call, it is called back, and has it again.
pub(super) fn send_away(office: &mut World, belief: &mut Belief, which: usize) {
    let to = Who(which % 4);
    let Some(end) = belief.talking(which / 4).filter(|end| !belief.is_held(*end) && end.who != CARRIER) else { return };
    let (who, Some(other)) = (end.who, belief.partner(end)) else { return };
    let is_party = |at: Who| [line(who), line(other.who)].contains(&at);
    if belief.reached(to, &mut Vec::new()) != Reached::Rings(to) || is_party(to) || line(who) == line(other.who) {
        return;
    }
    // It would go on from there, or wait for another reminder; or somebody else rings first.
    if belief.is_reminded(who)
        || belief.has_requests(line(who))
        || belief.forward(to, Forward::Busy).is_some()
        || belief.is_crowded(to)
        || !belief.is_registered(who)
    {
        return;
    }
    let (telephones, number) = (belief.telephones(to), office.phones[to.0].number.clone());
    let before = belief.begins(office);
    office.with(who, |phone| phone.refer(end.no, &format!("<sip:{number}@pbx.test>")));
    heal(office);
    belief.is_sent(other, to);
    office.with(who, |phone| phone.hang_up(end.no));
    heal(office);
    for target in before.rung(office, telephones) {
        office.with(target.who, |phone| phone.refuse(target.no, 486));
    }
    heal(office);
    let back = before.rung(office, vec![who])[0];
    assert!(office.call(back).shown.starts_with("\"Transfer "), "{}", office.call(back).shown);
    office.with(who, |phone| phone.answer(back.no));
    heal(office);
    belief.handed_over(end, back, office);
}

/// An INVITE that replaces a call that is up: by who is at the same line, or a colleague.
pub(super) fn replace(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let Some(old) = belief.talking(which).filter(|end| !belief.is_held(*end) && end.who != CARRIER) else { return };
    let Some(other) = belief.partner(old) else { return };
    if who == CARRIER || who == old.who || line(who) == line(other.who) || line(old.who) == line(other.who) {
        return;
    }
    if belief.is_crowded(who) {
        return;
    }
    let lines = format!("Replaces: {}\r\n", office.call(old).named_from_afar());
    let number = office.phones[old.who.0].number.clone();
    let by = office.dials_so(who, &number, &Dial { lines, ..Dial::default() });
    heal(office);
    if line(who) == line(old.who) || Belief::are_colleagues(who, old.who) {
        belief.pulled(old, by, office);
    } else {
        assert_eq!(office.call(by).stage, Stage::Over, "it is not its affair");
    }
}

/// The code that answers for a colleague's phone, once one rings.
pub(super) fn pick_up(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if belief.rung_last().is_none() {
        dial(office, belief, Who((which + 1) % 5), which);
    }
    let Some(at) = belief.ringing(which / 8).map(|end| line(end.who)).filter(|&at| at != CARRIER) else { return };
    let Some(caller) = belief.rung_alone(at) else { return };
    if who == CARRIER || belief.is_crowded(who) || line(caller.who) == line(who) {
        return;
    }
    let by = office.dials(who, &format!("**{}", office.phones[at.0].number));
    heal(office);
    if Belief::are_colleagues(who, at) || line(who) == at {
        belief.picked_up(caller, by, office);
    }
}

/// A phone that rings sends its call to somebody else.
pub(super) fn redirect(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if belief.rung_last().is_none() {
        dial(office, belief, who, which);
    }
    let to = Who(which % 4);
    let Some(end) = belief.ringing(which / 4).filter(|end| end.who != CARRIER) else { return };
    let who = end.who;
    let Some(caller) = belief.rung_alone(line(who)) else { return };
    let rung = belief.redirected(end, to).unwrap_or(to);
    if rung == line(caller.who) || rung != line(who) && belief.is_crowded(rung) {
        return;
    }
    let contact = format!("<sip:{}@pbx.test>", office.phones[to.0].number);
    office.with(who, |phone| phone.redirect(end.no, &contact));
    heal(office);
    belief.redirects(end, to, office);
}

/// The code that answers for any colleague's phone: the call that has rung longest.
pub(super) fn pick_up_any(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if belief.rung_last().is_none() {
        dial(office, belief, Who((which + 1) % 5), which);
    }
    let Some(caller) = belief.longest_ringing(who).filter(|_| who != CARRIER && !belief.is_crowded(who)) else {
        return;
    };
    let by = office.dials(who, "*8");
    heal(office);
    belief.picked_up(caller, by, office);
}

/// The code that takes over a call of somebody else's, for those who may.
pub(super) fn seize(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let Some(of) = belief.talking(which).map(|end| line(end.who)) else { return };
    if who == CARRIER || of == CARRIER || of == line(who) || belief.is_crowded(who) {
        return;
    }
    let Ok(found) = belief.taken_from(of, who) else { return };
    let by = office.dials(who, &format!("*59{}", office.phones[of.0].number));
    heal(office);
    // Dave may not.
    match found.filter(|_| who != DAVE) {
        Some(old) => belief.handed_over(old, by, office),
        None => assert_eq!(office.call(by).stage, Stage::Over, "nothing is seized"),
    }
}

/// The code that fetches the call from one's other telephone.
pub(super) fn pull(office: &mut World, belief: &mut Belief, which: usize) {
    // Mostly where there are two telephones.
    let who = [BOB, WORKSHOP, ALICE, BOB, WORKSHOP, WORKSHOP][which % 6];
    if belief.is_crowded(who) {
        return;
    }
    let Ok(found) = belief.pulled_to(who) else { return };
    let by = office.dials(who, "*59");
    heal(office);
    match found {
        Some(old) => belief.pulled(old, by, office),
        None => assert_eq!(office.call(by).stage, Stage::Over, "there is nothing to pull"),
    }
}
