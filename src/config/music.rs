//! The music's file: beside the configuration, or the one that the program brings along.
use super::Config;
use super::problem::{Place, Problem};
use super::section::{Log, Placed};
use std::path::{Path, PathBuf};
use switchyard_engine::settings::MusicNo;

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

/// All music that a configuration names, each once, by its number: the default is the first.
#[derive(Debug)]
pub(super) struct Names(Vec<Placed<String>>);

impl Names {
    pub(super) fn new(default: Placed<String>) -> Self {
        Self(vec![default])
    }

    /// The number of this one, which may have been named before.
    pub(super) fn number(&mut self, name: Placed<String>) -> MusicNo {
        let known = self.0.iter().position(|known| known.value == name.value);
        let place = known.unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        });
        // There are fewer lines and lots with a section of their own; more would hear the first.
        MusicNo(u16::try_from(place).unwrap_or_default())
    }

    /// Finds them all.
    pub(super) fn find(&self, directory: &Path, log: &Log) -> Vec<Music> {
        self.0.iter().map(|name| find(name, directory, log)).collect()
    }
}

impl Config {
    /// Other numbers, by which `loaded` has the same music: it is loaded once, when the server starts. Whoever should hear
    /// something that is not there, hears the default; then this is false.
    pub fn renumber_music(&mut self, loaded: &[Music]) -> bool {
        let at = |music: &Music| loaded.iter().position(|one| one.plays_as(music));
        let mut all_there = self.music.first().map(at) == Some(Some(0));
        let mut renumber = |own: &mut Option<MusicNo>| {
            let Some(number) = *own else { return };
            let place = self.music.get(usize::from(number.0)).and_then(at);
            all_there &= place.is_some();
            *own = place.and_then(|place| u16::try_from(place).ok()).map(MusicNo);
        };
        self.settings.lots.iter_mut().for_each(|lot| renumber(&mut lot.music));
        self.settings.lines.iter_mut().for_each(|line| renumber(&mut line.music));
        self.settings.line_ranges.iter_mut().for_each(|range| renumber(&mut range.music));
        all_there
    }
}

/// Finds the music by its name, or says that there is none.
fn find(name: &Placed<String>, directory: &Path, log: &Log) -> Music {
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
