//! `[transfer]`: who may send a call where.
use super::section::{Placed, Section};
use super::value::{self, Zero, duration};
use switchyard_engine::settings::TransferSettings;

/// What it says, and the groups that it names.
pub(super) fn transfers(mut section: Section<'_>) -> (TransferSettings, Vec<Placed<String>>) {
    let defaults = TransferSettings::default();
    let groups = section.get("groups", value::list(value::placed(value::name))).unwrap_or_default();
    let seizers = section.get("seize_groups", value::list(value::placed(value::name))).unwrap_or_default();
    let settings = TransferSettings {
        groups: groups.iter().map(|group| group.value.clone()).collect(),
        from_trunks: section.get("from_trunks", value::switch).unwrap_or(defaults.from_trunks),
        trunk_to_trunk: section.get("trunk_to_trunk", value::switch).unwrap_or(defaults.trunk_to_trunk),
        seize_groups: seizers.iter().map(|group| group.value.clone()).collect(),
        recall: section.get("recall", value::switch).unwrap_or(defaults.recall),
        recall_ring: section.get("recall_ring", duration(Zero::Refused)).unwrap_or(defaults.recall_ring),
        recall_display: section.get("recall_display", value::text).unwrap_or(defaults.recall_display),
    };
    section.finish();
    (settings, groups.into_iter().chain(seizers).collect())
}
