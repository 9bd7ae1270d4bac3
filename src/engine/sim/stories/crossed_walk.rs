//! Walks at random over all that crosses.
use super::completion::states;
use super::office::*;
use super::phone::{Dial, Reliable, Stage};
use super::world::End;
use crate::settings::{MediaWay, Settings};

struct Chance(u64);

impl Chance {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len() as u64) as usize]
    }
}

/// Requests last longer than the walk: none may be left at its end. No reload may end do-not-disturb then (see `crossed`).
const fn is_live(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

fn walk_settings(settings: &mut Settings, seed: u64) {
    with_choices(settings);
    with_pickup(settings);
    with_callbacks(settings);
    settings.no_answer = secs(20);
    settings.forwards.rings = 1;
    settings.transfers.seize_groups = vec!["staff".into()];
    for line in &mut settings.lines {
        line.busy_limit = [None, Some(1), Some(2)][(seed % 3) as usize];
        line.incall_features = seed.is_multiple_of(7);
    }
    let completion = &mut settings.completion;
    completion.offer = [
        crate::settings::CompletionOffer::Silent,
        crate::settings::CompletionOffer::Early,
        crate::settings::CompletionOffer::Answered,
    ][(seed / 3 % 3) as usize];
    completion.camp_on = seed.is_multiple_of(2);
    completion.reserve_target = seed.is_multiple_of(5);
    completion.chain_no_reply = seed.is_multiple_of(4);
    completion.toggle = seed.is_multiple_of(11);
    completion.target_guard = secs(1);
    completion.recall_ring = secs(10);
    completion.recall_pause = secs(20);
    completion.max_per_hour = 1000;
    (completion.busy_lifetime, completion.no_reply_lifetime) = (secs(300), secs(300));
    completion.not_registered_lifetime = secs(300);
    if is_live(seed) {
        (completion.busy_lifetime, completion.no_reply_lifetime) = (secs(20_000), secs(20_000));
        completion.not_registered_lifetime = secs(20_000);
    }
    if seed % 6 == 1 {
        settings.media.lines = MediaWay::Relay;
        settings.trunks[0].media = MediaWay::Relay;
    }
    settings.forwards.redirects =
        if seed % 8 == 3 { crate::settings::Redirects::Pass } else { crate::settings::Redirects::Follow };
}

fn walk(seed: u64) {
    let mut dice = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..5 {
        dice.roll(2);
    }
    let mut office = office_with(|settings| walk_settings(settings, seed));
    let mut base = settings();
    walk_settings(&mut base, seed);
    let second = office.add("1002", "Bob's second", "10.0.1.22:5060");
    let other = office.add("1001", "Alice's second", "10.0.1.21:5060");
    for who in [second, other] {
        office.with(who, |phone| phone.register());
    }
    for (place, phone) in office.phones.iter_mut().enumerate() {
        phone.manners.early_media = (seed + place as u64) % 5 == 0;
        if (seed + place as u64) % 4 == 0 {
            phone.manners.reliable = Some(Reliable::Supported);
        }
    }
    office.settles();
    if seed % 5 == 2 {
        office.network.weather = super::network::Weather::ROUGH;
    }
    let everybody = [ALICE, BOB, CAROL, DAVE, CARRIER, second, other];
    let numbers = [
        "1001", "1002", "1003", "1004", "1002", "1001", "85551", "701", "700", "*59", "*591002", "*66", "*66", "*86",
        "*8", "**1002", "**1003", "*69", "*870", "*671002", "*721003", "*73", "*901004", "*921003", "*941001", "*91",
        "*93", "*76", "*79", "*70", "*43", "*68", "*88", "112", "1002", "1002", "1003",
    ];
    let targets = ["1001", "1002", "1003", "1004", "85551", "701", "*59", "5555", "*68"];
    for _ in 0..100 {
        let who = *dice.of(&everybody);
        let calls: Vec<(u32, Stage)> = office.phones[who.0]
            .calls
            .iter()
            .filter(|(_, call)| !call.is_over())
            .map(|(no, call)| (*no, call.stage))
            .collect();
        match dice.roll(20) {
            0..=5 => {
                let number = *dice.of(&numbers);
                let dial = Dial { late_offer: dice.roll(12) == 0, ..Dial::default() };
                if calls.len() < 3 {
                    office.with(who, |phone| phone.dial(number, &dial));
                }
            }
            6 if who != CARRIER => {
                let ask = super::phone::Subscribe {
                    event: "call-completion".into(),
                    expires: Some(if is_live(seed) { 20_000 } else { 250 }),
                    lines: String::new(),
                };
                let number = *dice.of(&numbers[..4]);
                office.with(who, |phone| phone.watch(number, ask));
            }
            7 if who != CARRIER => {
                let number = *dice.of(&["1001", "1002", "701"]);
                office.with(who, |phone| phone.watch(number, super::phone::Subscribe::default()));
            }
            8 => {
                let ready = office.phones[who.0].lamps.values().filter_map(|lamp| {
                    let body = &lamp.told.last()?.body;
                    let uri = body.lines().find_map(|line| line.strip_prefix("cc-URI: sip:"))?;
                    Some(uri.split('@').next()?.to_owned())
                });
                if let Some(number) = ready.last() {
                    office.with(who, |phone| phone.dial(&number, &Dial::default()));
                }
            }
            9 if who != CARRIER => {
                if dice.roll(3) == 0 {
                    office.with(who, |phone| phone.unregister());
                } else if !office.phones[who.0].registered {
                    office.with(who, |phone| phone.register());
                }
            }
            10 if dice.roll(4) == 0 => {
                let quiet = dice.roll(2) == 0 && !is_live(seed);
                super::reload::reload(&mut office, &base, |settings| {
                    walk_settings(settings, seed);
                    settings.lines[0].profile.get_or_insert_default().do_not_disturb = quiet;
                });
            }
            _ => {
                if calls.is_empty() {
                    continue;
                }
                let (no, stage) = *dice.of(&calls);
                let end = End { who, no };
                match (stage, dice.roll(8)) {
                    (Stage::Ringing, 0) => office.with(who, |phone| phone.refuse(no, 486)),
                    (Stage::Ringing, 1) => {
                        let to = format!("<sip:{}@pbx.test>", dice.of(&targets));
                        office.with(who, |phone| phone.redirect(no, &to));
                    }
                    (Stage::Ringing, _) => office.with(who, |phone| phone.answer(no)),
                    (Stage::Up, 0 | 1) => {
                        let to = format!("<sip:{}@pbx.test>", dice.of(&targets));
                        office.with(who, |phone| phone.refer(no, &to));
                    }
                    (Stage::Up, 2) => office.holds(end),
                    (Stage::Up, 3) => office.resumes(end),
                    (Stage::Up, 4) => {
                        if let Some((named, _)) = calls.iter().find(|(one, _)| *one != no) {
                            let to = office.call(End { who, no: *named }).refer_to("1003");
                            office.with(who, |phone| phone.refer(no, &to));
                        }
                    }
                    (Stage::Up | Stage::Calling, 5) => {
                        let to = office.call(end).media.to;
                        let ours = to.filter(|to| office.ports.contains(&to.port()));
                        if let Some(to) = ours {
                            let port = to.port();
                            office.input(crate::Input::Media(crate::wire::media::MediaEvent::Pressed {
                                port,
                                key: b'5',
                                millis: 100,
                            }));
                        }
                    }
                    (Stage::Up | Stage::Calling, _) => office.with(who, |phone| phone.hang_up(no)),
                    (Stage::Over, _) => {}
                }
            }
        }
        let pause = [1, 6, 20, 100, 500, 2_000, 6_000][dice.roll(7) as usize];
        office.passes(millis(pause));
    }
    for who in everybody {
        office.phones[who.0].manners.early_media = false;
    }
    if is_live(seed) {
        office.network.weather = super::network::Weather::CALM;
        for who in everybody {
            let open: Vec<u32> =
                office.phones[who.0].calls.iter().filter(|(_, c)| !c.is_over()).map(|(no, _)| *no).collect();
            for no in open {
                office.with(who, |phone| phone.hang_up(no));
            }
        }
        office.passes(secs(60));
        for who in everybody.into_iter().filter(|who| *who != CARRIER) {
            if !office.phones[who.0].registered {
                office.with(who, |phone| phone.register());
            }
            office.settles();
            for code in ["*79", "*43"] {
                let no = office.with(who, |phone| phone.dial(code, &Dial::default()));
                office.passes(secs(8));
                office.with(who, |phone| phone.hang_up(no));
                office.settles();
            }
        }
        office.passes(secs(2000));
        assert!(states(&office).is_empty(), "stuck {:?} {:?}", states(&office), office.engine.features.completions());
    }
    office.passes(secs(330));
    office.ends();
}

/// Nobody is left over, no invariant is broken, and (in half of them) no queue stands still when everybody is free again.
#[test]
fn walks() {
    (1..=40).for_each(walk);
}
