//! `[forward]`, and what a line's owner may have chosen.
use super::problem::Problem;
use super::section::{Placed, Section, Value};
use super::value::{self, Zero, duration_to};
use switchyard_engine::settings::{Destination, ForwardKind, ForwardRule, ForwardSettings, ProfileSettings, Redirects};

/// `[forward]`
pub(super) fn forwards(mut section: Section<'_>) -> ForwardSettings {
    let defaults = ForwardSettings::default();
    let settings = ForwardSettings {
        rings: section.get("rings", rings).unwrap_or(defaults.rings),
        ring_cycle: section.get("ring_cycle", duration_to(Zero::Refused, 10)).unwrap_or(defaults.ring_cycle),
        hops: section.get("hops", value::count(1..=10)).unwrap_or(defaults.hops),
        redirects: section.get("redirects", redirects).unwrap_or(defaults.redirects),
        external: section.get("external", value::switch).unwrap_or(defaults.external),
        dnd_is_busy: section.get("dnd_is_busy", value::switch).unwrap_or(defaults.dnd_is_busy),
    };
    section.finish();
    settings
}

/// What a line's section says of it, if anything; its destinations are added to those to be looked up.
pub(super) fn profile(
    section: &mut Section<'_>,
    destinations: &mut Vec<Placed<String>>,
) -> Option<Box<ProfileSettings>> {
    let key = |kind| match kind {
        ForwardKind::All => "forward_all",
        ForwardKind::Busy => "forward_busy",
        ForwardKind::NoAnswer => "forward_no_answer",
        ForwardKind::Unregistered => "forward_unregistered",
    };
    let mut profile = ProfileSettings {
        rings: section.get("forward_rings", rings),
        do_not_disturb: section.get("do_not_disturb", value::switch).unwrap_or(false),
        disturbed_by: section.get("disturbed_by", value::list(value::number)).unwrap_or_default(),
        hide_number: section.get("hide_number", value::switch).unwrap_or(false),
        ..ProfileSettings::default()
    };
    for (&kind, rule) in ForwardKind::ALL.iter().zip(&mut profile.forwards) {
        *rule = section.get(key(kind), |value| Some(self::rule(value, destinations))).unwrap_or_default();
    }
    (profile != ProfileSettings::default()).then(|| Box::new(profile))
}

/// A number for everybody; or a table that tells callers apart.
fn rule(value: Value<'_>, destinations: &mut Vec<Placed<String>>) -> ForwardRule {
    let mut rule = ForwardRule::default();
    let Some(entries) = value.entries() else {
        rule.anybody = destination(value, destinations);
        return rule;
    };
    for (caller, value) in entries {
        let Some(to) = destination(value, destinations) else { continue };
        match caller.value.as_str() {
            "anybody" => rule.anybody = Some(to),
            "internal" => rule.internal = Some(to),
            "external" => rule.external = Some(to),
            _ => rule.callers.push((caller.value, to)),
        }
    }
    rule
}

fn destination(value: Value<'_>, destinations: &mut Vec<Placed<String>>) -> Option<Destination> {
    if value::text(value)?.is_empty() {
        return Some(Destination::Nobody);
    }
    let number = value::number(value)?;
    destinations.push(value.placed(number.clone()));
    Some(Destination::Number(number))
}

/// How often a phone rings; what is out of range counts as the nearest that is not.
fn rings(value: Value<'_>) -> Option<u8> {
    let (least, most) = ForwardSettings::RINGS.into_inner();
    let rings = value::count(0..=usize::MAX >> 1)(value)?;
    let nearest = u8::try_from(rings).unwrap_or(most).clamp(least, most);
    if usize::from(nearest) != rings {
        let what = format!("{rings} rings count as {nearest}: {least} to {most} are possible");
        let _: Option<u8> = value.note(Problem::warning(&value.place(), what));
    }
    Some(nearest)
}

fn redirects(value: Value<'_>) -> Option<Redirects> {
    value::word(&[("follow", Redirects::Follow), ("pass", Redirects::Pass), ("block", Redirects::Block)])(value)
}
