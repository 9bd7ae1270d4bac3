//! `[lamps]`: who is told what of others' calls.
use super::section::{Placed, Section};
use super::value::{self, Zero, duration, duration_to};
use switchyard_engine::settings::{LampSettings, Privacy};

/// A day.
const LONGEST: u64 = 24 * 3600;

/// What it says, and the groups that it names.
pub(super) fn lamps(mut section: Section<'_>) -> (LampSettings, Vec<Placed<String>>) {
    let defaults = LampSettings::default();
    let mut groups = Vec::new();
    let mut privacy_of = Vec::new();
    for (group, mut own) in section.named("groups") {
        if let Some(privacy) = own.required("privacy", value::word(PRIVACIES)) {
            privacy_of.push((group.value.clone(), privacy.value));
        }
        groups.push(group);
        own.finish();
    }
    let settings = LampSettings {
        min_expires: section.get("min_expires", duration(Zero::Refused)).unwrap_or(defaults.min_expires),
        max_expires: section.get("max_expires", duration_to(Zero::Refused, LONGEST)).unwrap_or(defaults.max_expires),
        colleagues_only: section.get("colleagues_only", value::switch).unwrap_or(defaults.colleagues_only),
        privacy: section.get("privacy", value::word(PRIVACIES)).unwrap_or(defaults.privacy),
        privacy_of,
    };
    if settings.min_expires > settings.max_expires {
        section.log.error(&section.place, "`min_expires` is longer than `max_expires`");
    }
    section.finish();
    (settings, groups)
}

const PRIVACIES: &[(&str, Privacy)] = &[("full", Privacy::Full), ("name", Privacy::Name), ("none", Privacy::None)];
