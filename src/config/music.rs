//! The music's file: beside the configuration, or the one that the program brings along.
use super::problem::{Place, Problem};
use super::section::{Log, Placed};
use std::path::{Path, PathBuf};

/// The music unless said.
pub(super) const DEFAULT: &str = "music/default.wav";
/// Where sounds are, beside the configuration.
pub(super) const SOUNDS: &str = "sounds";

/// What people hear who wait. A call is never lost because there is no music.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Music {
    /// Nothing.
    Silence,
    /// What the program brings along.
    BuiltIn,
    /// A file, which may be anything.
    File {
        /// The file.
        path: PathBuf,
        /// Where the configuration names it, or might.
        place: Place,
    },
}

impl Music {
    /// Whether the same would be heard, wherever it is named and whatever its file holds now.
    pub fn plays_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { path, .. }, Self::File { path: other, .. }) => path == other,
            (Self::Silence | Self::BuiltIn | Self::File { .. }, _) => self == other,
        }
    }
}

/// Finds the music by its name, or says that there is none.
pub(super) fn find(name: &Placed<String>, directory: &Path, log: &Log) -> Music {
    let Placed { value: text, place } = name;
    if text.is_empty() {
        return Music::Silence;
    }
    let path = directory.join(SOUNDS).join(text);
    if path.exists() {
        return Music::File { path, place: place.clone() };
    }
    if text == DEFAULT {
        return Music::BuiltIn;
    }
    let problem = Problem::warning(place, format!("there is no {}", path.display()));
    log.note(problem.hint("who waits hears nothing until there is, and the server is started again"));
    Music::Silence
}
