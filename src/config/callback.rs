//! `[callback]`: calls that failed, and are made when they can be.
use super::section::Section;
use super::value::{self, Zero, duration};
use switchyard_engine::settings::{CallbackRights, CompletionForwarded, CompletionOffer, CompletionSettings};

/// What it says.
pub(super) fn callbacks(mut section: Section<'_>) -> CompletionSettings {
    let defaults = CompletionSettings::default();
    let lifetime = || duration(Zero::Refused);
    let settings = CompletionSettings {
        enabled: section.get("enabled", value::switch).unwrap_or(defaults.enabled),
        offer: section.get("offer", value::word(OFFERS)).unwrap_or(defaults.offer),
        key: section.get("key", value::key).unwrap_or(defaults.key),
        prompt_window: section.get("prompt_window", duration(Zero::Refused)).unwrap_or(defaults.prompt_window),
        offer_window: section.get("offer_window", lifetime()).unwrap_or(defaults.offer_window),
        busy_lifetime: section.get("busy_lifetime", lifetime()).unwrap_or(defaults.busy_lifetime),
        no_reply_lifetime: section.get("no_reply_lifetime", lifetime()).unwrap_or(defaults.no_reply_lifetime),
        not_registered_lifetime: section
            .get("not_registered_lifetime", lifetime())
            .unwrap_or(defaults.not_registered_lifetime),
        target_guard: section.get("target_guard", duration(Zero::Never)).unwrap_or(defaults.target_guard),
        recall_ring: section.get("recall_ring", duration(Zero::Refused)).unwrap_or(defaults.recall_ring),
        recall_attempts: section.get("recall_attempts", value::count(1..=100)).map_or(defaults.recall_attempts, few),
        recall_pause: section.get("recall_pause", duration(Zero::Refused)).unwrap_or(defaults.recall_pause),
        max_per_requester: section
            .get("max_per_requester", value::count(1..=100))
            .unwrap_or(defaults.max_per_requester),
        max_per_target: section.get("max_per_target", value::count(1..=1_000)).unwrap_or(defaults.max_per_target),
        max_total: section.get("max_total", value::count(1..=100_000)).unwrap_or(defaults.max_total),
        max_per_hour: section.get("max_per_hour", value::count(1..=1_000)).unwrap_or(defaults.max_per_hour),
        retain: section.get("retain", value::switch).unwrap_or(defaults.retain),
        chain_no_reply: section.get("chain_no_reply", value::switch).unwrap_or(defaults.chain_no_reply),
        toggle: section.get("toggle", value::switch).unwrap_or(defaults.toggle),
        cancel_last: section.get("cancel", value::word(CANCELS)).unwrap_or(defaults.cancel_last),
        announce: section.get("announce", value::switch).unwrap_or(defaults.announce),
        forwarded: section.get("forwarded", value::word(FORWARDED)).unwrap_or(defaults.forwarded),
        override_dnd: section.get("override_dnd", value::switch).unwrap_or(defaults.override_dnd),
        reserve_target: section.get("reserve_target", value::switch).unwrap_or(defaults.reserve_target),
        free_below_limit: section.get("free_below_limit", value::switch).unwrap_or(defaults.free_below_limit),
        tell_ringing: section.get("tell_ringing", value::switch).unwrap_or(defaults.tell_ringing),
        camp_on: section.get("camp_on", value::switch).unwrap_or(defaults.camp_on),
        display: section.get("display", value::text).unwrap_or(defaults.display),
        alert_info: section.get("alert_info", value::text).unwrap_or(defaults.alert_info),
    };
    section.finish();
    settings
}

/// What a line, or a range of them, says of callbacks.
pub(super) fn rights(section: &mut Section<'_>) -> CallbackRights {
    let defaults = CallbackRights::default();
    CallbackRights {
        ask: section.get("callback", value::switch).unwrap_or(defaults.ask),
        give: section.get("callback_target", value::switch).unwrap_or(defaults.give),
    }
}

const OFFERS: &[(&str, CompletionOffer)] =
    &[("silent", CompletionOffer::Silent), ("early", CompletionOffer::Early), ("answer", CompletionOffer::Answered)];

const FORWARDED: &[(&str, CompletionForwarded)] = &[
    ("reject", CompletionForwarded::Reject),
    ("follow", CompletionForwarded::Follow),
    ("wait", CompletionForwarded::Wait),
];

const CANCELS: &[(&str, bool)] = &[("all", false), ("last", true)];

/// The count was checked.
fn few(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}
