//! The language that people are spoken to in, and where its recordings may be.
use super::music::SOUNDS;
use super::problem::Place;
use super::section::{Placed, Value};
use super::value;
use std::path::{Path, PathBuf};

/// The language that the program brings along.
pub const BUILT_IN: &str = "en";

/// A language. Its recordings are found by their names; for each that is not there, the one that is built in is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// Its name, such as `en`.
    pub name: String,
    /// Where its recordings may be.
    pub directory: PathBuf,
    /// The section where the configuration names it, or might.
    pub place: Place,
}

/// Finds the language's place beside the configuration.
pub(super) fn find(name: Placed<String>, directory: &Path) -> Language {
    Language { directory: directory.join(SOUNDS).join(&name.value), name: name.value, place: name.place }
}

/// A name that is nothing but a folder's.
pub(super) fn name(value: Value<'_>) -> Option<String> {
    let text = value::text(value)?;
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return Some(text);
    }
    value.wrong("a language is letters, digits, - and _, such as \"en\"")
}
