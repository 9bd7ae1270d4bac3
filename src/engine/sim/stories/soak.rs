//! A long walk: phones do whatever comes to somebody's mind, on a bad network, and the invariants hold at every step.
//!
//! The seed stands in what is printed when it fails: the same seed walks the same way.
use super::network::{Dice, Weather};
use super::office::*;
use super::phone::{Answer, Call, Dial, HoldStyle, Reliable, Stage, Subscribe, refer_to};
use super::world::{End, Who, World};
use crate::input::Input;
use crate::settings::{
    AnnounceDirected, AnnounceTo, CompletionForwarded, CompletionOffer, DeclineMeans, Dtmf, Fallback, KeyOperation,
    KeySettings, MediaWay, Pick, Redirects, ReminderTarget, ReminderWhenBusy,
};
use crate::wire::media::MediaEvent;

/// What the default run walks; one step is one deed of one phone, and the time until the next.
const STEPS: u64 = 100_000;
/// Steps after which everybody hangs up, and nothing may be left.
const ROUND: u64 = 1_000;

/// An office where everything is short, so that much happens.
fn busy_office(seed: u64) -> World {
    let mut dice = Dice::new(seed ^ 0x50af);
    let mut office = office_with(|settings| {
        settings.no_answer = secs(20);
        settings.media.ports = 30_000..=30_031;
        settings.lines[1].busy_limit = Some(3);
        settings.seed = [seed as u8; 32];
        for lot in &mut settings.lots {
            lot.announce_to =
                dice.one_of(&[AnnounceTo::Parker, AnnounceTo::Parker, AnnounceTo::Both, AnnounceTo::Nobody]);
            lot.announce_directed = dice.one_of(&[AnnounceDirected::Tone, AnnounceDirected::Orbit]);
            (lot.announce_refusals, lot.feature_early_media) = (dice.hits(800), dice.hits(300));
            (lot.comfort_prompt, lot.comfort_first) = (dice.hits(500), secs(1 + dice.below(10)));
            lot.comfort_interval = secs(dice.below(10));
            lot.confirm_external = dice.hits(700);
            lot.pick = dice.one_of(&[Pick::Lowest, Pick::Next, Pick::Random, Pick::LongestFree]);
            lot.first_reminder = secs(dice.below(15));
            lot.reminder_ring = secs(5);
            lot.reminder_interval = secs(dice.below(6));
            lot.reminder_rounds = 2;
            lot.alternate = Some(if dice.hits(500) { "1003" } else { "8777" }.into());
            lot.max_park_time = secs(dice.below(60));
            lot.cooldown = secs(dice.below(4));
            lot.exit_digit = dice.hits(500).then_some('0');
            lot.exit_destination = Some("1003".into());
            let fallbacks = [0, 1, 2, 3];
            lot.fallback = match dice.one_of(&fallbacks) {
                0 => Fallback::AnnounceDrop,
                1 => Fallback::Number("1004".into()),
                2 => Fallback::Number("8999".into()),
                _ => Fallback::Keep,
            };
            let busy = [ReminderWhenBusy::CallWaiting, ReminderWhenBusy::WaitIdle, ReminderWhenBusy::Skip];
            lot.reminder_when_busy = dice.one_of(&busy);
            let decline = [DeclineMeans::NextTarget, DeclineMeans::Snooze, DeclineMeans::RetrieveNoMore];
            lot.decline_means = dice.one_of(&decline);
            if dice.hits(300) {
                lot.reminder_chain = vec![ReminderTarget::ParkerUser];
            }
        }
        settings.lots[0].overflow = Some(1);
        with_pickup(settings);
        with_choices(settings);
        settings.transfers.seize_groups = vec!["staff".into()];
        settings.forwards.redirects =
            dice.one_of(&[Redirects::Follow, Redirects::Follow, Redirects::Pass, Redirects::Block]);
        (settings.forwards.rings, settings.forwards.dnd_is_busy) = (2, dice.hits(500));
        with_callbacks(settings);
        settings.lines[2].busy_limit = Some(1);
        let completion = &mut settings.completion;
        completion.offer = dice.one_of(&[CompletionOffer::Silent, CompletionOffer::Early, CompletionOffer::Answered]);
        (completion.camp_on, completion.toggle, completion.cancel_last) =
            (dice.hits(500), dice.hits(300), dice.hits(500));
        (completion.retain, completion.chain_no_reply) = (dice.hits(800), dice.hits(500));
        (completion.busy_lifetime, completion.no_reply_lifetime) = (secs(60), secs(40));
        completion.not_registered_lifetime = secs(30);
        (completion.target_guard, completion.recall_ring) = (secs(dice.below(3)), secs(5 + dice.below(10)));
        (completion.recall_attempts, completion.recall_pause) = (2, secs(5));
        completion.max_per_hour = 1_000;
        (completion.override_dnd, completion.reserve_target) = (dice.hits(500), dice.hits(500));
        completion.forwarded =
            dice.one_of(&[CompletionForwarded::Reject, CompletionForwarded::Follow, CompletionForwarded::Wait]);
        settings.transfers.recall = dice.hits(700);
        settings.transfers.recall_ring = secs(5);
        (settings.transfers.from_trunks, settings.transfers.trunk_to_trunk) = (dice.hits(500), dice.hits(500));
        settings.media.hold_music = dice.hits(700);
        let code = |keys: &str, operation| KeySettings { keys: keys.into(), operation };
        settings.keys = vec![code("#72", KeyOperation::Park), code("*0", KeyOperation::HangUp)];
        settings.lines[1].incall_features = true;
        settings.media.lines = dice.one_of(&[MediaWay::Auto, MediaWay::Relay]);
        for line in &mut settings.lines {
            line.dtmf = dice.one_of(&[Dtmf::Auto, Dtmf::Auto, Dtmf::Rfc4733, Dtmf::Info]);
        }
        settings.trunks[0].media = dice.one_of(&[MediaWay::Direct, MediaWay::Auto, MediaWay::Relay]);
    });
    for (number, name, at) in [
        ("1001", "Alice's second", "10.0.1.11:5060"),
        ("1002", "Bob's second", "10.0.1.12:5060"),
        ("1003", "Carol's second", "10.0.1.13:5060"),
    ] {
        let who = office.add(number, name, at);
        office.with(who, |phone| phone.register());
    }
    for (place, phone) in office.phones.iter_mut().enumerate() {
        phone.forgetful = true;
        phone.line = [None, Some("RTP/AVP 9 8 0 101"), Some("RTP/AVP 9 101")][place % 3];
        phone.manners.from_change = dice.hits(500);
        phone.manners.update = dice.hits(700);
        phone.manners.early_media = dice.hits(300);
        phone.manners.reliable =
            dice.one_of(&[None, Some(Reliable::Supported), Some(Reliable::Supported), Some(Reliable::Required)]);
        phone.manners.prack_offers = dice.hits(200);
        // Nobody refreshes what they promised to: those calls end, and all the others live.
        phone.manners.session = dice.hits(250).then_some((90, false));
    }
    office.studio.stands_still = dice.hits(100);
    office.settles();
    office.ladder.limit(400);
    office
}

/// One deed.
fn deed(office: &mut World, dice: &mut Dice) {
    let who = Who(dice.below(office.phones.len() as u64) as usize);
    let latest = |office: &World, stage| office.latest(who, stage);
    if office.phones[who.0].crashed {
        office.with(who, |phone| {
            phone.boot();
            phone.register();
        });
        return;
    }
    match dice.below(100) {
        0..25 => dial(office, dice, who),
        25..45 => {
            if let Some(End { no, .. }) = latest(office, Stage::Ringing) {
                office.with(who, |phone| phone.answer(no));
            }
        }
        45..50 => {
            if let Some(End { no, .. }) = latest(office, Stage::Ringing) {
                let status = dice.one_of(&[486, 603, 480, 302, 500]);
                let elsewhere = dice.one_of(&["<sip:1003@pbx.test>", "<sip:8555@10.0.0.1>", "<sip:1001@else.where>"]);
                let sends_on = dice.hits(200);
                office.with(who, |phone| match sends_on {
                    true => phone.redirect(no, elsewhere),
                    false => phone.refuse(no, status),
                });
            }
        }
        50..55 => {
            if let Some(End { no, .. }) = latest(office, Stage::Calling) {
                office.with(who, |phone| phone.hang_up(no));
            }
        }
        55..63 => {
            if let Some(End { no, .. }) = latest(office, Stage::Up) {
                office.with(who, |phone| phone.hang_up(no));
            }
        }
        63..76 => {
            if let Some(End { no, .. }) = latest(office, Stage::Up) {
                let styles = [Some(HoldStyle::SendOnly), Some(HoldStyle::Inactive), Some(HoldStyle::ZeroAddress), None];
                let (style, method) = (dice.one_of(&styles), dice.one_of(&["INVITE", "INVITE", "UPDATE"]));
                office.with(who, |phone| phone.hold(no, style, method));
            }
        }
        76..88 => {
            if let Some(End { no, .. }) = latest(office, Stage::Up) {
                let to = anywhere(office, dice, who);
                office.with(who, |phone| phone.refer(no, &to));
            }
        }
        88..90 => {
            if let Some(End { no, .. }) = latest(office, Stage::Up) {
                let key = dice.one_of(&['1', '#', '7', '2', '*', '0', '5']);
                office.with(who, |phone| phone.press(no, key));
            }
        }
        90..92 => {
            let early = [Stage::Ringing, Stage::Calling];
            let early =
                early.into_iter().filter_map(|stage| latest(office, stage)).find(|&end| office.call(end).agreed);
            if let Some(End { no, .. }) = early {
                office.with(who, |phone| phone.offers_early(no));
            }
        }
        92..93 => office.with(who, |phone| phone.register()),
        93..94 => look(office, dice, who),
        94..95 if dice.hits(700) => look(office, dice, who),
        94..95 => office.with(who, |phone| phone.unregister()),
        95..96 => office.with(who, |phone| phone.crash()),
        96..98 => {
            let pause = millis(dice.below(8000));
            let answers = [Answer::WhenTold, Answer::After(pause), Answer::After(pause), Answer::Refuse(486)];
            office.phones[who.0].manners.answers = dice.one_of(&answers);
        }
        98..99 => {
            let refuses = dice.hits(300).then(|| dice.one_of(&[488, 491]));
            office.phones[who.0].manners.refuses_changes = refuses;
            office.phones[who.0].manners.leaves_after_transfer = dice.hits(800);
        }
        _ => {
            let ports: Vec<u16> = office.ports.iter().copied().collect();
            if ports.is_empty() {
                return;
            }
            let port = dice.one_of(&ports);
            let key = dice.one_of(b"01#72*55");
            match dice.below(20) {
                // Somebody else has the port.
                0 if office.snapshot().gauges.rtp_ports_max > 8 => office.media_fails(port),
                0..2 => office.input(Input::Media(MediaEvent::Silent { port })),
                2..10 => office.input(Input::Media(MediaEvent::Pressed { port, key, millis: 0 })),
                10..15 => office.input(Input::Media(MediaEvent::Heard { port })),
                _ => office.input(Input::Media(MediaEvent::OneWay { port })),
            }
        }
    }
}

/// A phone begins to watch something, or goes on, or has seen enough; now and then it does not answer what it is told.
fn look(office: &mut World, dice: &mut Dice, who: Who) {
    let numbers =
        ["701", "702", "700", "710", "711", "1001", "1002", "1003", "1004", "2005", "5555", "cc+1002", "cc+1003"];
    let events = ["dialog", "dialog", "dialog;id=7", "presence", "message-summary", "call-completion"];
    let (number, event) = (dice.one_of(&numbers), dice.one_of(&events));
    let lists = if dice.hits(300) { "Supported: eventlist\r\n" } else { "" };
    let expires = dice.one_of(&[0, 60, 90, 120, 300, 10]);
    let known = &office.phones[who.0].lamps;
    let known = known.keys().nth(dice.below(known.len().max(1) as u64) as usize).copied();
    office.phones[who.0].manners.answers_lamps = dice.one_of(&[200, 200, 200, 200, 0, 481, 500, 404]);
    match known {
        Some(no) if dice.hits(600) => office.with(who, |phone| phone.watch_on(no, expires)),
        Some(_) | None => {
            let ask = Subscribe { event: event.into(), expires: Some(expires), lines: lists.into() };
            office.with(who, |phone| phone.watch(number, ask));
        }
    }
}

fn dial(office: &mut World, dice: &mut Dice, who: Who) {
    let mut number = dice
        .one_of(&[
            "1001", "1002", "1003", "1004", "1002", "1003", "**1002", "*8", "8555", "701", "702", "703", "704", "711",
            "700", "park+701", "*68", "*68702", "*88", "*88701", "*88702", "2005", "5555", "*69", "*43", "*65", "1001",
            "1002", "1003", "1002", "*671002", "*821003", "*870", "*70", "*59", "*591002", "*66", "*66", "*66", "*66",
            "*66", "*86", "cc+1002",
        ])
        .to_owned();
    if dice.hits(50) {
        number = choice(dice);
    }
    if let Some(may) = may_call(office, who).filter(|_| dice.hits(700)) {
        number = may;
    }
    if dice.hits(30) {
        let stays = office.engine.features.stays();
        let id = stays.first().map_or(7, |stay| stay.park_id);
        number = format!("701;pid={id:032x}");
    }
    let lines = if dice.hits(60) { format!("Replaces: {}\r\n", any_dialog(office, dice)) } else { String::new() };
    let dial = Dial { late_offer: dice.hits(150), lines, ..Dial::default() };
    office.with(who, |phone| phone.dial(&number, &dial));
}

/// The number of a callback that a phone watches, and that it may call now.
fn may_call(office: &World, who: Who) -> Option<String> {
    let told = office.phones[who.0].lamps.values().filter_map(|lamp| lamp.told.last());
    let ready = told.map(|told| &told.body).find(|body| body.starts_with("cc-state: ready"))?;
    Some(ready.split_once("cc-URI: sip:")?.1.split('@').next()?.to_owned())
}

/// What somebody wants from now on: most of it not for long.
fn choice(dice: &mut Dice) -> String {
    let to = dice.one_of(&["1001", "1002", "1003", "1004", "8555", "2005"]);
    match dice.below(50) {
        0 => format!("*72{to}"),
        1 => format!("*90{to}"),
        2 => format!("*92{to}"),
        3 => format!("*94{to}"),
        4 => "*78".to_owned(),
        5 => "*76".to_owned(),
        _ => dice.one_of(&["*73", "*91", "*93", "*95", "*79"]).to_owned(),
    }
}

/// Some call of some phone, as a Replaces names it: mostly one that is up.
fn any_dialog(office: &World, dice: &mut Dice) -> String {
    let phones = office.phones.iter().flat_map(|phone| phone.calls.values());
    let calls: Vec<_> = phones.filter(|call| !call.is_over() || dice.hits(50)).collect();
    match dice.below(calls.len().max(1) as u64) as usize {
        place if place < calls.len() => calls[place].named_from_afar(),
        _ => "nobody;to-tag=1;from-tag=2".into(),
    }
}

/// Where a transfer is to lead: into an orbit, to somebody, or into another call.
fn anywhere(office: &World, dice: &mut Dice, who: Who) -> String {
    let to = dice.one_of(&[
        "<sip:700@pbx.test>",
        "<sip:701@pbx.test>",
        "<sip:park+702@pbx.test>",
        "<sip:park@pbx.test;orbit=703>",
        "<sip:callpark@pbx.test>;orbit=704",
        "<sip:711@pbx.test>",
        "<sip:1001@pbx.test>",
        "<sip:1002@pbx.test>",
        "<sip:1003@pbx.test>",
        "<sip:1004@pbx.test>",
        "<sip:8555@pbx.test>",
        "<sip:799@pbx.test>",
    ]);
    if dice.hits(350) { into_another(office, dice, who) } else { to.to_owned() }
}

/// A Refer-To that wants another call of this phone replaced.
fn into_another(office: &World, dice: &mut Dice, who: Who) -> String {
    let is_there = |call: &&Call| call.stage == Stage::Up || call.stage == Stage::Calling && call.alerted;
    let up: Vec<_> = office.phones[who.0].calls.values().filter(is_there).collect();
    let named = up.get(dice.below(up.len().max(1) as u64) as usize).map_or_else(String::new, |call| call.named());
    refer_to("700", &named)
}

/// Everybody hangs up, and answers what comes then: whoever has asked for a callback may have it.
fn everybody_is_free(office: &mut World, dice: &mut Dice) {
    for who in (0..office.phones.len()).map(Who) {
        let calls = office.phones[who.0].calls.iter();
        let open: Vec<u32> = calls.filter(|(_, call)| !call.is_over()).map(|(&no, _)| no).collect();
        open.into_iter().for_each(|no| office.with(who, |phone| phone.hang_up(no)));
        office.phones[who.0].manners.answers = Answer::After(millis(dice.below(3_000)));
    }
    office.passes(secs(10 + dice.below(30)));
}

/// Or in the end all calls would go round and round, or nowhere.
fn nobody_has_chosen(office: &mut World) {
    for who in [ALICE, BOB, CAROL, DAVE] {
        for code in ["*73", "*79", "*91", "*93"] {
            office.dials(who, code);
            office.passes(secs(1));
        }
    }
}

fn walk(seed: u64, steps: u64, weather: Weather) {
    let mut office = busy_office(seed);
    office.network.weather = weather;
    let mut dice = Dice::new(seed);
    let mut parked = 0;
    for step in 1..=steps {
        deed(&mut office, &mut dice);
        if dice.hits(8) {
            everybody_is_free(&mut office, &mut dice);
        }
        let pause = dice.one_of(&[0, 1, 5, 5, 20, 100, 100, 500, 2000, 5000]);
        office.passes(millis(pause));
        parked += office.news.drain(..).filter(|news| matches!(news, crate::session::News::Parked { .. })).count();
        if step % ROUND == 0 {
            nobody_has_chosen(&mut office);
            // Nobody is there any more whom a callback would find.
            office.phones.iter_mut().for_each(|phone| phone.manners.answers = Answer::WhenTold);
            office.ends();
        }
    }
    let told: u64 = office.snapshot().counters.notifies.iter().map(|(.., n)| n).sum();
    assert!(told >= steps / 100, "much was watched: {told}");
    let done = |(_, result, n)| if result == "ok" { n } else { 0 };
    let sent_on: u64 = office.snapshot().counters.transfers.iter().map(done).sum();
    assert!(sent_on >= steps / 1_000, "many were transferred: {sent_on}");
    assert!(parked as u64 >= steps / 400, "much was parked: {parked}");
    let completion = office.snapshot().counters.completion;
    let connected = |(_, result, n)| if result == "connected" { n } else { 0 };
    let completed: u64 = completion.recalls.iter().map(connected).sum();
    assert!(completed >= steps / 4_000, "some were called back: {completed}");
}

fn steps() -> u64 {
    std::env::var("SWITCHYARD_SOAK_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(STEPS)
}

#[test]
fn a_long_walk_in_fair_weather() {
    for seed in 0..4 {
        walk(seed, steps() / 8, Weather::CALM);
    }
}

#[test]
fn a_long_walk_in_bad_weather() {
    for seed in 10..14 {
        walk(seed, steps() / 8, Weather::ROUGH);
    }
}
