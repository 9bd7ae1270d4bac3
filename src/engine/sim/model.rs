//! The engine against a model of calls and orbits: bytes become deeds of people, each with a datagram that is lost,
//! doubled or late; whenever all is quiet, phones, engine and model must agree on who talks to whom, who waits in which
//! orbit, whom a reminder rings, who is called back, and what every lamp shows.
//!
//! The model knows nothing of SIP, and nothing of how the engine does it: it is the table that a receptionist would keep.
mod asking;
mod belief;
mod calling;
mod looking;
mod moving;
mod parking;

use super::network::Fault;
use super::office::*;
use super::world::{Who, World};
use belief::{Belief, Marks, Rules};
use std::time::Duration;

/// Deeds that one input can hold.
const DEEDS: usize = 90;
/// Until everything has had its effect, with one datagram lost or late; until a code's party was shown what came of it.
const HEALED: Duration = Duration::from_millis(3500);
/// Bob's second telephone.
const WORKSHOP: Who = Who(5);

/// Plays one input: three bytes a deed. Returns the steps that the engine was driven.
pub fn play(bytes: &[u8]) -> u64 {
    played(bytes).steps
}

fn played(bytes: &[u8]) -> World {
    let rules = Rules::of(bytes.first().copied().unwrap_or_default());
    let mut office = open(rules);
    let mut belief = Belief::new(office.phones.len(), rules);
    for (place, deed) in bytes.chunks_exact(3).take(DEEDS).enumerate() {
        belief.wait_out(&mut office);
        let [verb, what, fault] = deed else { break };
        office.network.fault = match fault >> 5 {
            0..4 => None,
            4 | 5 => Some((fault & 31, Fault::Lost)),
            6 => Some((fault & 31, Fault::Doubled)),
            _ => Some((fault & 31, Fault::Late)),
        };
        belief.looks_on(&mut office);
        belief.since = office.now;
        let before = Marks::of(&office);
        act(&mut office, &mut belief, *verb, *what);
        belief.done(&before, &office);
        office.network.fault = None;
        belief.wait_out(&mut office);
        belief.agrees(&office, place);
    }
    office.ends();
    office
}

/// The office of a play: Bob has two telephones, and in some plays he and Dave have connections.
fn open(rules: Rules) -> World {
    let streams: &[Who] = if rules.streams { &[BOB, DAVE] } else { &[] };
    let mut office = office_over_tcp_with(streams, |settings| {
        settings.media.hold_music = rules.music;
        aloud(settings);
        with_pickup(settings);
        with_choices(settings);
        settings.transfers.seize_groups = vec!["staff".into()];
        with_callbacks(settings);
        settings.forwards.rings = belief::RINGS;
        settings.lines[CAROL.0].busy_limit = Some(belief::LIMIT);
        let completion = &mut settings.completion;
        (completion.camp_on, completion.chain_no_reply) = (rules.camps, rules.chains);
        (completion.target_guard, completion.recall_ring) = (belief::GUARD, belief::RECALL);
        (completion.recall_attempts, completion.recall_pause) = (belief::ATTEMPTS, belief::PAUSE);
        (completion.busy_lifetime, completion.no_reply_lifetime) = (belief::BUSY_LIFE, belief::OTHER_LIFE);
        completion.not_registered_lifetime = belief::OTHER_LIFE;
        (completion.offer_window, completion.max_per_hour) = (secs(36_000), 1_000);
        (completion.max_per_target, completion.max_per_requester) = (100, 100);
        for lot in &mut settings.lots {
            lot.first_reminder = belief::FIRST;
            lot.reminder_ring = belief::RING;
            lot.reminder_interval = belief::INTERVAL;
            lot.reminder_rounds = belief::ROUNDS;
            lot.reminder_chain = vec![crate::settings::ReminderTarget::ParkerDevice];
            lot.reserve_timeout = belief::RESERVE;
        }
    });
    let workshop = office.add("1002", "Bob's second", "10.0.1.12:5060");
    assert_eq!(workshop, WORKSHOP);
    office.with(workshop, |phone| phone.register());
    office.settles();
    office.ladder.limit(600);
    office
}

/// One deed. What makes no sense just now is left undone.
fn act(office: &mut World, belief: &mut Belief, verb: u8, what: u8) {
    let who = Who(usize::from(what & 7) % office.phones.len());
    let (what, which) = (usize::from(what), usize::from(what >> 3));
    match verb % 60 {
        0..5 => calling::dial(office, belief, who, which),
        5..10 => calling::connect(office, belief, who, which),
        10..13 => calling::answer(office, belief, what),
        13 | 14 => calling::refuse(office, belief, what),
        15..19 => calling::hang_up(office, belief, what),
        19..22 => calling::hold(office, belief, what),
        22 => calling::choose(office, belief, who, which),
        23 => register(office, belief, who, which),
        24 | 25 => parking::refer(office, belief, what),
        26 => parking::park_held(office, belief, what),
        27 | 28 => parking::retrieve(office, belief, &[who], which),
        29 => parking::retrieve(office, belief, &[who, Who((who.0 + 1) % 4)], which),
        30 => parking::reserve(office, belief, what),
        31 => parking::park_reserved(office, belief, what),
        32 | 33 => moving::send_on(office, belief, what),
        34 => moving::introduce(office, belief, what),
        35 => moving::pick_up(office, belief, who, which),
        36 => moving::redirect(office, belief, who, which),
        37 | 38 => moving::pull(office, belief, what),
        39 | 40 => looking::look(office, belief, who, which),
        41 => looking::press(office, belief, what),
        42 | 43 => asking::ask(office, belief, who, which),
        44 if which.is_multiple_of(4) => asking::cancel(office, belief, who),
        44 => asking::press(office, belief, who, which),
        45 | 46 => asking::answer(office, belief, what),
        47 => calling::redial(office, belief, who),
        48 => calling::call_back(office, belief, who),
        49 => moving::pick_up_any(office, belief, who, which),
        50 => calling::choose(office, belief, who, which),
        51 | 52 => moving::introduce_early(office, belief, what),
        53 => moving::seize(office, belief, who, which),
        54 => moving::send_away(office, belief, what),
        55 => moving::replace(office, belief, who, which),
        _ => belief.waits_until(office, office.now + Duration::from_secs(what as u64 / 4)),
    }
}

/// Whatever is under way arrives.
fn heal(office: &mut World) {
    office.passes(HEALED);
}

/// A telephone registers, or now and then goes.
fn register(office: &mut World, belief: &mut Belief, who: Who, which: usize) {
    let there = belief.is_registered(who) && which.is_multiple_of(3);
    office.with(who, |phone| if there { phone.unregister() } else { phone.register() });
    if who != CARRIER {
        belief.registered(who, !there);
    }
    heal(office);
}

#[cfg(test)]
mod tests {
    use super::super::network::Dice;
    use super::played;
    use crate::counters::Counters;
    use std::collections::BTreeMap;

    /// What the default run plays; `SWITCHYARD_MODEL_PLAYS` for more.
    const PLAYS: u64 = 150;

    #[test]
    fn whatever_people_do_the_model_agrees() {
        let plays = std::env::var("SWITCHYARD_MODEL_PLAYS").ok().and_then(|plays| plays.parse().ok()).unwrap_or(PLAYS);
        let (mut steps, mut done) = (0, BTreeMap::new());
        let from = std::env::var("SWITCHYARD_MODEL_FROM").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
        for seed in from..from + plays {
            let mut dice = Dice::new(seed ^ 0x0de1);
            let bytes: Vec<u8> = (0..270).map(|_| dice.below(256) as u8).collect();
            let Ok(office) = std::panic::catch_unwind(|| played(&bytes)) else { panic!("play {seed}: {bytes:?}") };
            steps += office.steps;
            for (feature, times) in tally(&office.snapshot().counters) {
                *done.entry(feature).or_insert(0) += times;
            }
        }
        eprintln!("{plays} plays, {steps} steps of the engine: {done:?}");
        assert!(steps > plays * 100, "much happened: {steps}");
        for (feature, times) in done {
            assert!(times > 0, "{feature} happened");
        }
    }

    /// How often the engine did what the model knows.
    fn tally(counters: &Counters) -> [(&'static str, u64); 13] {
        let done = |(_, result, times): (&str, &str, u64)| if result == "ok" { times } else { 0 };
        let completion = &counters.completion;
        let recalls =
            |end| completion.recalls.iter().filter(|&(_, result, _)| result == end).map(|(.., times)| times).sum();
        let ends = |end| completion.ended.iter().filter(|&(_, result, _)| result == end).map(|(.., times)| times).sum();
        let sent_on = |of| counters.forwards.iter().filter(|&(kind, ..)| kind == of).map(done).sum();
        let followed = |(_, result, times): (&str, &str, u64)| if result == "followed" { times } else { 0 };
        [
            ("forward", sent_on("all")),
            ("forward when busy", sent_on("busy")),
            ("forward without an answer", sent_on("no_answer")),
            ("forward without a telephone", sent_on("unregistered")),
            ("redirect", counters.redirects.iter().map(followed).sum()),
            ("transfer", counters.transfers.iter().map(done).sum()),
            ("pickup", counters.pickups.iter().map(done).sum()),
            ("pull and push", counters.handoffs.iter().map(done).sum()),
            ("callback that was answered", recalls("connected")),
            ("callback in vain", recalls("caller_no_answer")),
            ("callback put off", recalls("caller_busy")),
            ("callback taken back", ends("cancelled")),
            ("callback that nobody needs any more", ends("superseded")),
        ]
    }
}
