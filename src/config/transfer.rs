//! `[transfer]`: who may send a call where.
use super::section::{Placed, Section};
use super::value;
use switchyard_engine::settings::TransferSettings;

/// What it says, and the groups that it names.
pub(super) fn transfers(mut section: Section<'_>) -> (TransferSettings, Vec<Placed<String>>) {
    let groups = section.get("groups", value::list(value::placed(value::name))).unwrap_or_default();
    let settings = TransferSettings {
        groups: groups.iter().map(|group| group.value.clone()).collect(),
        from_trunks: section.get("from_trunks", value::switch).unwrap_or(false),
        trunk_to_trunk: section.get("trunk_to_trunk", value::switch).unwrap_or(false),
    };
    section.finish();
    (settings, groups)
}
