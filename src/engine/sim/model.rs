//! The engine against a model of calls and orbits: bytes become deeds of people, each with a datagram that is lost,
//! doubled or late; whenever all is quiet, phones, engine and model must agree on who talks to whom, who waits in which
//! orbit, and whom a reminder rings.
//!
//! The model knows nothing of SIP, and nothing of how the engine does it: it is the table that a receptionist would keep.
mod belief;

use super::network::Fault;
use super::office::*;
use super::phone::{HoldStyle, Stage};
use super::world::{Who, World};
use belief::Belief;
use std::time::Duration;

/// Deeds that one input can hold.
const DEEDS: usize = 60;
/// Until everything has had its effect, with one datagram lost or late; until a code's party was shown what came of it.
const HEALED: Duration = Duration::from_millis(3500);

/// Plays one input: three bytes a deed. Returns the steps that the engine was driven.
pub fn play(bytes: &[u8]) -> u64 {
    let music = bytes.first().is_some_and(|byte| byte % 2 == 1);
    let mut office = office_with(|settings| {
        settings.media.hold_music = music;
        aloud(settings);
        with_pickup(settings);
        with_choices(settings);
        for lot in &mut settings.lots {
            lot.first_reminder = belief::FIRST;
            lot.reminder_ring = belief::RING;
            lot.reminder_interval = belief::INTERVAL;
            lot.reminder_rounds = belief::ROUNDS;
            lot.reminder_chain = vec![crate::settings::ReminderTarget::ParkerDevice];
        }
    });
    office.ladder.limit(600);
    let mut belief = Belief::new(office.phones.len(), music);
    for (place, deed) in bytes.chunks_exact(3).take(DEEDS).enumerate() {
        belief.wait_out(&mut office);
        let [verb, what, fault] = deed else { break };
        office.network.fault = match fault >> 5 {
            0..4 => None,
            4 | 5 => Some((fault & 31, Fault::Lost)),
            6 => Some((fault & 31, Fault::Doubled)),
            _ => Some((fault & 31, Fault::Late)),
        };
        belief.since = office.now;
        act(&mut office, &mut belief, *verb, *what);
        office.network.fault = None;
        belief.wait_out(&mut office);
        belief.agrees(&office, place);
    }
    office.ends();
    office.steps
}

/// One deed. What makes no sense just now is left undone.
fn act(office: &mut World, belief: &mut Belief, verb: u8, what: u8) {
    let who = Who(usize::from(what & 7) % office.phones.len());
    let which = usize::from(what >> 3);
    match verb % 26 {
        0..4 => dial(office, belief, who, Who(which % office.phones.len())),
        4..7 => answer(office, belief, who, which),
        7 => refuse(office, belief, who, which),
        8 | 9 => hang_up(office, belief, who, which),
        10 | 11 => hold(office, belief, who, which),
        12 | 13 => refer(office, belief, who, which),
        14 => park_held(office, belief, who, which),
        15 | 16 => retrieve(office, belief, &[who], which),
        17 => retrieve(office, belief, &[who, Who((who.0 + 1) % 4)], which),
        18 => {
            let there = belief.is_registered(who);
            office.with(who, |phone| if there { phone.unregister() } else { phone.register() });
            if who != CARRIER {
                belief.registered(who, !there);
            }
            heal(office);
        }
        19 | 20 => send_on(office, belief, who, which),
        21 => introduce(office, belief, who, which),
        22 => choose(office, belief, who, which),
        23 => pick_up(office, belief, who, which),
        24 => redirect(office, belief, who, which),
        _ => belief.waits_until(office, office.now + Duration::from_secs(u64::from(what) / 4)),
    }
}

/// Whatever is under way arrives.
fn heal(office: &mut World) {
    office.passes(HEALED);
}

fn dial(office: &mut World, belief: &mut Belief, who: Who, to: Who) {
    let (reached, path) = belief.reached(to, Vec::new());
    let rung = reached.unwrap_or(to);
    if [to, rung].iter().any(|&to| who == to || belief.is_crowded(to)) || belief.is_crowded(who) {
        return;
    }
    let number = if to == CARRIER { "84930123".to_owned() } else { office.phones[to.0].number.clone() };
    let before = belief.begins(office, rung);
    let caller = office.dials(who, &number);
    heal(office);
    if reached.is_some() {
        let callee = before.one_more(office, Stage::Ringing);
        belief.rings(caller, callee, path, office.now);
    }
}

/// A code that says where all calls go, or that nobody is to disturb.
fn choose(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    if who == CARRIER || belief.is_crowded(who) {
        return;
    }
    let to = Who(which / 5 % 4);
    let code = match which % 5 {
        0 | 1 => format!("*72{}", office.phones[to.0].number),
        2 => "*73".to_owned(),
        3 => "*76".to_owned(),
        _ => "*79".to_owned(),
    };
    office.dials(who, &code);
    heal(office);
    match which % 5 {
        // Nobody forwards to oneself.
        0 | 1 if to != who => belief.forwards(who, Some(to)),
        0 | 1 => {}
        2 => belief.forwards(who, None),
        3 => belief.disturbs(who, None),
        _ => belief.disturbs(who, Some(true)),
    }
}

/// The code that answers for a colleague's phone.
fn pick_up(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let at = Who(which % 4);
    let Some(ring) = belief.rung_alone(at) else { return };
    // Dave, the fourth, is nobody's colleague.
    let staff = 3;
    let may = who.0 < staff && at.0 < staff;
    if who == CARRIER || belief.is_crowded(who) || belief.caller_of(ring).is_none_or(|caller| caller.who == who) {
        return;
    }
    let by = office.dials(who, &format!("**{}", office.phones[at.0].number));
    heal(office);
    if may || who == at {
        belief.picked_up(ring, by);
    }
}

/// A phone that rings sends its call to somebody else.
fn redirect(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let to = Who(which % 4);
    let Some(ring) = belief.rung_alone(who) else { return };
    let Some(caller) = belief.caller_of(ring).filter(|_| who != CARRIER) else { return };
    let (reached, path) = belief.sent_on(ring, to);
    let rung = reached.unwrap_or(to);
    if rung == caller.who || rung != who && belief.is_crowded(rung) {
        return;
    }
    let before = belief.begins(office, rung);
    let contact = format!("<sip:{}@pbx.test>", office.phones[to.0].number);
    office.with(who, |phone| phone.redirect(ring.no, &contact));
    heal(office);
    belief.left(ring, office);
    if reached.is_some() {
        let callee = before.one_more(office, Stage::Ringing);
        belief.rings(caller, callee, path, office.now);
    }
}

fn answer(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let Some(end) = belief.ringing_at(who, which) else { return };
    office.with(who, |phone| phone.answer(end.no));
    heal(office);
    belief.answered(end, office);
}

fn refuse(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let Some(end) = belief.ringing_at(who, which) else { return };
    office.with(who, |phone| phone.refuse(end.no, if which.is_multiple_of(2) { 486 } else { 480 }));
    heal(office);
    belief.left(end, office);
}

fn hang_up(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let Some(end) = belief.at(who, which) else { return };
    office.with(who, |phone| phone.hang_up(end.no));
    heal(office);
    belief.left(end, office);
}

fn hold(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let Some(end) = belief.talking(who, which).filter(|end| !belief.is_held(*end)) else { return };
    let styles = [HoldStyle::SendOnly, HoldStyle::Inactive, HoldStyle::ZeroAddress];
    let style = (!belief.holds(end)).then(|| styles[which % styles.len()]);
    let method = if which.is_multiple_of(2) { "INVITE" } else { "UPDATE" };
    office.with(who, |phone| phone.hold(end.no, style, method));
    heal(office);
    belief.held(end, style.is_some());
}

/// A transfer to an orbit, or to any orbit of the lot.
fn refer(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let end = belief.talking(who, which).filter(|end| !belief.is_held(*end) && who != CARRIER);
    let Some(end) = end else { return };
    let (number, orbit) = belief.place(which);
    office.with(who, |phone| phone.refer(end.no, &format!("<sip:{number}@pbx.test>")));
    heal(office);
    let status = office.call(end).answered.as_ref().map(|(status, _)| *status);
    assert_eq!(status.is_some_and(|status| status < 300), orbit.is_some(), "a transfer to {number}: {status:?}");
    if let Some(orbit) = orbit {
        belief.parked(end, orbit, office.now);
    }
}

/// A transfer to a colleague, who answers, or does not want to.
fn send_on(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let to = Who(which % 4);
    let end = belief.talking(who, which).filter(|end| !belief.is_held(*end) && who != CARRIER);
    let Some(end) = end else { return };
    let Some(other) = belief.partner(end) else { return };
    let (reached, _) = belief.reached(to, Vec::new());
    let rung = reached.unwrap_or(to);
    if [to, rung].iter().any(|&to| to == who || to == other.who || belief.is_crowded(to)) {
        return;
    }
    let before = belief.begins(office, rung);
    let number = office.phones[to.0].number.clone();
    office.with(who, |phone| phone.refer(end.no, &format!("<sip:{number}@pbx.test>")));
    heal(office);
    assert_eq!(office.call(end).answered.as_ref().map(|(status, _)| *status), Some(200));
    if reached.is_none() {
        return;
    }
    let target = before.one_more(office, Stage::Ringing);
    if which.is_multiple_of(3) {
        office.with(rung, |phone| phone.refuse(target.no, 486));
        heal(office);
    } else {
        office.with(rung, |phone| phone.answer(target.no));
        heal(office);
        heal(office);
        belief.transferred(end, target);
    }
}

/// A transfer of one party to the other, by who talks to both.
fn introduce(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let talking = |which| belief.talking(who, which).filter(|end| !belief.is_held(*end));
    let Some((one, other)) = talking(which).zip(talking(which + 1)) else { return };
    if one == other || who == CARRIER {
        return;
    }
    let partners = [one, other].map(|end| belief.partner(end));
    // Its own two calls talk to each other, or nobody in the house would be left.
    if partners[0] == Some(other) || partners.iter().all(|end| end.is_some_and(|end| end.who == CARRIER)) {
        return;
    }
    let to = office.call(other).refer_to("1001");
    office.with(who, |phone| phone.refer(one.no, &to));
    heal(office);
    assert_eq!(office.call(one).answered.as_ref().map(|(status, _)| *status), Some(200));
    heal(office);
    belief.introduced(one, other);
}

/// The code, dialled on the phone that holds.
fn park_held(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
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

/// Somebody fetches, or two at once: then one of them does.
fn retrieve(office: &mut World, belief: &mut Belief, who: &[Who], which: usize) {
    if who.iter().any(|who| belief.is_crowded(*who)) {
        return;
    }
    let orbit = belief::ORBITS[which % belief::ORBITS.len()];
    let number = if which.is_multiple_of(2) { orbit.to_owned() } else { format!("*88{orbit}") };
    let dialled: Vec<_> = who
        .iter()
        .map(|who| {
            let no = office.with(*who, |phone| phone.dial(&number, &super::phone::Dial::default()));
            super::world::End { who: *who, no }
        })
        .collect();
    heal(office);
    // Who comes over a trunk may not.
    let may = |end: &&super::world::End| end.who != CARRIER;
    let winner = dialled.iter().filter(may).find(|end| office.call(**end).stage == Stage::Up);
    let expected = belief.is_occupied(orbit) && dialled.iter().any(|end| may(&end));
    assert_eq!(winner.is_some(), expected, "{orbit} is fetched by one of {who:?}");
    if let Some(winner) = winner {
        belief.retrieved(orbit, *winner, office);
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::Dice;
    use super::play;

    /// What the default run plays; `SWITCHYARD_MODEL_PLAYS` for more.
    const PLAYS: u64 = 60;

    #[test]
    fn whatever_people_do_the_model_agrees() {
        let plays = std::env::var("SWITCHYARD_MODEL_PLAYS").ok().and_then(|plays| plays.parse().ok()).unwrap_or(PLAYS);
        let mut steps = 0;
        for seed in 0..plays {
            let mut dice = Dice::new(seed ^ 0x0de1);
            let bytes: Vec<u8> = (0..180).map(|_| dice.below(256) as u8).collect();
            match std::panic::catch_unwind(|| play(&bytes)) {
                Ok(more) => steps += more,
                Err(_) => panic!("play {seed}: {bytes:?}"),
            }
        }
        eprintln!("{plays} plays, {steps} steps of the engine");
        assert!(steps > plays * 100, "much happened: {steps}");
    }
}
