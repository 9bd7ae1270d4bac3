//! Park lots.
use super::Places;
use super::music::Names;
use super::problem::Problem;
use super::section::{Placed, Section, Value};
use super::value::{self, Zero, duration_to};
use std::time::Duration;
use switchyard_engine::base::limits::ORBITS;
use switchyard_engine::settings::{
    AnnounceDirected, AnnounceTo, DeclineMeans, Fallback, LampState, LotSettings, OnOccupied, OrbitSettings, Pick,
    ReminderTarget, ReminderUri, ReminderWhenBusy,
};

/// What a lot says of others; looked up when all of them are known.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) groups: Vec<Placed<String>>,
    pub(super) overflow: Option<Placed<String>>,
    pub(super) alternate: Option<Placed<String>>,
    pub(super) exit: Option<Placed<String>>,
    pub(super) fallbacks: Vec<Placed<Fallback>>,
}

const HOUR: u64 = 3600;

/// `[lots.*]`
pub(super) fn lots(
    sections: Vec<(Placed<String>, Section<'_>)>,
    music: &mut Names,
    places: &mut Places,
) -> Vec<(LotSettings, References)> {
    let mut lots = Vec::new();
    for (name, mut section) in sections {
        let number = section.required("number", park_number);
        let orbits = section.required("orbits", value::numbers(ORBITS));
        places.lots.push(number.as_ref().map_or(&name.place, |number| &number.place).clone());
        places.orbits.push(orbits.as_ref().map_or(&name.place, |orbits| &orbits.place).clone());
        if let Some(orbits) = &orbits
            && let Some(hash) = orbits.value.iter().find(|orbit| orbit.contains('#'))
        {
            section.log.note(Problem::warning(&orbits.place, format!("{hash}: some phones cannot dial #")));
        }
        let number = number.map_or_else(String::new, |number| number.value);
        let orbits = orbits.map_or_else(Vec::new, |orbits| orbits.value);
        let own_music = section.placed("music", value::text).map(|name| music.number(name));
        let (settings, references) = lot(name.value, number, orbits, section);
        lots.push((LotSettings { music: own_music, ..settings }, references));
    }
    lots
}

fn lot(name: String, number: String, orbits: Vec<String>, mut section: Section<'_>) -> (LotSettings, References) {
    let mut references = References::default();
    let park_groups = groups(&mut section, "park_groups", &mut references);
    let retrieve_groups = groups(&mut section, "retrieve_groups", &mut references);
    let view_groups = groups(&mut section, "view_groups", &mut references);
    references.overflow = section.placed("overflow", value::text);
    references.alternate = section.placed("alternate", value::text);
    references.exit = section.placed("exit_destination", value::text);
    let exit_digit = exit_digit(&mut section, references.exit.as_ref());
    let fallback = section.placed("fallback", fallback);
    references.fallbacks.extend(fallback.clone());
    let orbits = orbit_settings(orbits, section.named("orbits_override"), &mut references);
    let seconds = Duration::from_secs;
    let chain = section.get("reminder_chain", value::list(value::word(TARGETS)));
    let settings = LotSettings {
        name,
        number,
        orbits,
        pick: section.get("pick", value::word(PICKS)).unwrap_or(Pick::Next),
        on_occupied: section.get("on_occupied", value::word(ON_OCCUPIED)).unwrap_or(OnOccupied::Reject),
        park_groups,
        retrieve_groups,
        view_groups,
        lamp_state: section.get("lamp_state", value::word(LAMP_STATES)).unwrap_or(LampState::Confirmed),
        lamp_on_reminder: section.get("lamp_on_reminder", value::word(LAMP_STATES)).unwrap_or(LampState::Confirmed),
        park_external_only: section.get("park_external_only", value::switch).unwrap_or(false),
        first_reminder: section.get("first_reminder", duration_to(Zero::Never, 2 * HOUR)).unwrap_or(seconds(90)),
        reminder_ring: section.get("reminder_ring", duration_to(Zero::Refused, 120)).unwrap_or(seconds(20)),
        reminder_interval: section.get("reminder_interval", duration_to(Zero::Never, HOUR)).unwrap_or(seconds(30)),
        reminder_rounds: section.get("reminder_rounds", value::count(1..=50)).map_or(3, |rounds| rounds as u32),
        reminder_chain: chain.unwrap_or_else(|| TARGETS.iter().map(|(_, target)| *target).collect()),
        alternate: references.alternate.as_ref().map(|alternate| alternate.value.clone()),
        fallback: fallback.map_or(Fallback::Keep, |fallback| fallback.value),
        max_park_time: section.get("max_park_time", value::duration(Zero::Never)).unwrap_or(Duration::ZERO),
        reminder_when_busy: section
            .get("reminder_when_busy", value::word(WHEN_BUSY))
            .unwrap_or(ReminderWhenBusy::CallWaiting),
        decline_means: section.get("decline_means", value::word(DECLINE_MEANS)).unwrap_or(DeclineMeans::NextTarget),
        confirm_external: section.get("confirm_external", value::switch).unwrap_or(true),
        reminder_display: section
            .get("reminder_display", template)
            .unwrap_or_else(|| "Park {orbit}: {name|number}".into()),
        reminder_uri: section.get("reminder_uri", value::word(REMINDER_URIS)).unwrap_or(ReminderUri::Party),
        alert_info: section.get("alert_info", alert_info).unwrap_or_else(|| "park-reminder".into()),
        cooldown: section.get("cooldown", duration_to(Zero::Never, 300)).unwrap_or(seconds(5)),
        empty_response: section.get("empty_response", empty_response).unwrap_or(480),
        overflow: None,
        missed_call_on_abandon: section.get("missed_call_on_abandon", value::switch).unwrap_or(true),
        reserve_timeout: section
            .get("reserve_timeout", value::duration(Zero::Refused))
            .unwrap_or(Duration::from_secs(30)),
        park_on_hangup: section.get("park_on_hangup", value::switch).unwrap_or(true),
        exit_digit,
        exit_destination: references.exit.as_ref().map(|exit| exit.value.clone()),
        music: None,
        comfort_prompt: section.get("comfort_prompt", value::switch).unwrap_or(false),
        comfort_first: section.get("comfort_first", duration_to(Zero::Refused, HOUR)).unwrap_or(seconds(60)),
        comfort_interval: section.get("comfort_interval", duration_to(Zero::Never, HOUR)).unwrap_or(seconds(60)),
        announce_to: section.get("announce_to", value::word(ANNOUNCE_TO)).unwrap_or(AnnounceTo::Parker),
        announce_directed: section
            .get("announce_directed", value::word(ANNOUNCE_DIRECTED))
            .unwrap_or(AnnounceDirected::Tone),
        announce_hold_max: section.get("announce_hold_max", duration_to(Zero::Refused, 30)).unwrap_or(seconds(6)),
        feature_early_media: section.get("feature_early_media", value::switch).unwrap_or(false),
        announce_refusals: section.get("announce_refusals", value::switch).unwrap_or(true),
    };
    section.finish();
    (settings, references)
}

const PICKS: &[(&str, Pick)] =
    &[("lowest", Pick::Lowest), ("next", Pick::Next), ("random", Pick::Random), ("longest_free", Pick::LongestFree)];
const ON_OCCUPIED: &[(&str, OnOccupied)] = &[("reject", OnOccupied::Reject), ("next_free", OnOccupied::NextFree)];
const TARGETS: &[(&str, ReminderTarget)] = &[
    ("parker_device", ReminderTarget::ParkerDevice),
    ("parker_user", ReminderTarget::ParkerUser),
    ("alternate", ReminderTarget::Alternate),
];
const LAMP_STATES: &[(&str, LampState)] = &[("confirmed", LampState::Confirmed), ("early", LampState::Early)];
const WHEN_BUSY: &[(&str, ReminderWhenBusy)] = &[
    ("call_waiting", ReminderWhenBusy::CallWaiting),
    ("wait_idle", ReminderWhenBusy::WaitIdle),
    ("skip", ReminderWhenBusy::Skip),
];
const DECLINE_MEANS: &[(&str, DeclineMeans)] = &[
    ("next_target", DeclineMeans::NextTarget),
    ("snooze", DeclineMeans::Snooze),
    ("retrieve_no_more", DeclineMeans::RetrieveNoMore),
];
const ANNOUNCE_TO: &[(&str, AnnounceTo)] =
    &[("parker", AnnounceTo::Parker), ("none", AnnounceTo::Nobody), ("both", AnnounceTo::Both)];
const ANNOUNCE_DIRECTED: &[(&str, AnnounceDirected)] =
    &[("tone", AnnounceDirected::Tone), ("orbit", AnnounceDirected::Orbit)];
const REMINDER_URIS: &[(&str, ReminderUri)] = &[("party", ReminderUri::Party), ("orbit", ReminderUri::Orbit)];

/// The key by which the parked party leaves: 0, if there is somewhere to go.
fn exit_digit(section: &mut Section<'_>, destination: Option<&Placed<String>>) -> Option<char> {
    let digit = section.placed("exit_digit", value::key);
    match (digit, destination) {
        (Some(digit), None) => {
            let problem = Problem::error(&digit.place, "`exit_digit` without an `exit_destination`");
            section.log.note(problem.hint("say which number is rung when it is pressed"));
            None
        }
        (Some(digit), Some(_)) => Some(digit.value),
        (None, destination) => destination.map(|_| '0'),
    }
}

fn groups(section: &mut Section<'_>, key: &'static str, references: &mut References) -> Vec<String> {
    let groups = section.get(key, value::list(value::placed(value::name))).unwrap_or_default();
    references.groups.extend(groups.iter().cloned());
    groups.into_iter().map(|group| group.value).collect()
}

fn orbit_settings(
    numbers: Vec<String>,
    overrides: Vec<(Placed<String>, Section<'_>)>,
    references: &mut References,
) -> Vec<OrbitSettings> {
    let plain = |number| OrbitSettings { number, name: None, first_reminder: None, fallback: None };
    let mut orbits: Vec<OrbitSettings> = numbers.into_iter().map(plain).collect();
    for (number, mut section) in overrides {
        let name = section.get("name", value::name);
        let first_reminder = section.get("first_reminder", duration_to(Zero::Never, 2 * HOUR));
        let fallback = section.placed("fallback", fallback);
        references.fallbacks.extend(fallback.clone());
        match orbits.iter_mut().find(|orbit| orbit.number == number.value) {
            Some(orbit) => {
                (orbit.name, orbit.first_reminder) = (name, first_reminder);
                orbit.fallback = fallback.map(|fallback| fallback.value);
            }
            None => section.log.error(&number.place, format!("{} is no orbit of this lot", number.value)),
        }
        section.finish();
    }
    orbits
}

fn park_number(value: Value<'_>) -> Option<String> {
    let number = value::number(value)?;
    if number.contains('#') {
        value.note::<()>(Problem::warning(&value.place(), format!("{number}: some phones cannot dial #")));
    }
    Some(number)
}

fn fallback(value: Value<'_>) -> Option<Fallback> {
    let text = value::text(value)?;
    match text.as_str() {
        "keep" => Some(Fallback::Keep),
        "announce_drop" => Some(Fallback::AnnounceDrop),
        _ if text.contains(':') => {
            let what = format!("fallback \"{text}\" is not built yet: a number, \"keep\" and \"announce_drop\" are");
            value.wrong(what)
        }
        _ => value::number(value).map(Fallback::Number),
    }
}

/// Words in braces stand for the call: the first of several that is known.
fn template(value: Value<'_>) -> Option<String> {
    let text = value::name(value)?;
    let mut rest = text.as_str();
    while let Some((_, inside)) = rest.split_once('{') {
        let Some((words, after)) = inside.split_once('}') else {
            return value.wrong("a brace is not closed");
        };
        if let Some(word) = words.split('|').find(|word| !matches!(*word, "orbit" | "name" | "number")) {
            return value
                .wrong(format!("{{{word}}} is unknown: {{orbit}}, {{name}}, {{number}} and {{name|number}} are"));
        }
        rest = after;
    }
    Some(text)
}

fn alert_info(value: Value<'_>) -> Option<String> {
    let text = value::text(value)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
        return Some(text);
    }
    value.wrong("only letters, digits, - . and _ may stand here")
}

fn empty_response(value: Value<'_>) -> Option<u16> {
    match value.raw().as_integer().map(|status| status.as_str()) {
        Some("480") => Some(480),
        Some("404") => Some(404),
        Some("486") => Some(486),
        _ => value.wrong("expected 480, 404 or 486"),
    }
}
