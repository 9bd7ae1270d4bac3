//! The configuration: TOML in, checked settings out, or everything that is wrong with it at once.
//!
//! ```text
//! file ─► section + value (what is written) ─► basics, lines, lots, codes (what it says) ─► check (whether it fits)
//! ```
//! Knows: files, TOML, the engine's settings. Never: sockets, what is done with the settings.
mod basics;
mod callback;
mod check;
mod codes;
mod forward;
mod lamps;
mod language;
mod lines;
mod lots;
mod music;
mod problem;
mod section;
#[cfg(test)]
mod tests;
mod transfer;
mod value;

pub use language::{BUILT_IN as BUILT_IN_LANGUAGE, Language};
pub use music::Music;
pub use problem::{Place, Problem, Severity};

use basics::Basics;
use problem::Source;
use section::{Log, Placed, Section};
use std::net::SocketAddr;
use std::path::Path;
use switchyard_engine::settings::Settings;
use toml::de::DeTable;

/// A configuration without errors.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the engine is told. Its seed is still zero and its ports may be: both are known only when the server starts.
    pub settings: Settings,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// The directory for what must last; empty: memory only.
    pub data: String,
    /// What people hear who wait, by its number: first the default, then what lots and lines have of their own.
    pub music: Vec<Music>,
    /// What people are spoken to in.
    pub language: Language,
    /// Whether passwords may be shown to whoever starts the server.
    pub demo: bool,
    /// What works, but perhaps not as meant.
    pub warnings: Vec<Problem>,
}

/// Reads and checks a configuration and the files it names.
///
/// # Errors
/// Every problem found, errors and warnings, in the order of the files' lines.
pub fn load(path: &Path) -> Result<Config, Vec<Problem>> {
    let log = Log::default();
    let file = path.display().to_string();
    let config = match std::fs::read_to_string(path) {
        Ok(text) => read(&Source::new(&file, text), path.parent().unwrap_or(Path::new("")), &log),
        Err(error) => {
            log.error(&Source::new(&file, String::new()).place(&(0..0)), format!("cannot be read: {error}"));
            None
        }
    };
    let problems = log.into_problems();
    match config {
        Some(config) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok(Config { warnings: problems, ..config })
        }
        _ => Err(problems),
    }
}

/// Where the entries of the number plan stand, and what they are called.
#[derive(Debug, Default)]
struct Places {
    lines: Vec<Place>,
    ranges: Vec<Placed<String>>,
    trunks: Vec<Place>,
    lots: Vec<Place>,
    orbits: Vec<Place>,
    codes: Vec<Place>,
    emergency: Vec<Place>,
    /// Numbers that lines forward to.
    forwards: Vec<Placed<String>>,
}

/// Reads a configuration's text; nothing only if its syntax is too broken to go on.
fn read(source: &Source, directory: &Path, log: &Log) -> Option<Config> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        log.error(&source.place(&error.span().unwrap_or(0..0)), error.message());
    }
    if !errors.is_empty() {
        return None;
    }
    let mut root = Section::root(document.get_ref(), source, log);
    let mut places = Places::default();
    let mut basics = Basics::read(&mut root);
    let codes::Profile { codes, places: code_places, keys } = codes::profile(&basics.feature_codes, directory, log);
    places.codes = code_places;
    let language = language::find(basics.language, directory);
    let lines = lines::lines(root.named("lines"), directory, &mut basics.music, &mut places);
    let line_ranges = lines::ranges(root.named("line_ranges"), directory, &mut basics.music, &mut places);
    let trunks = lines::trunks(root.named("trunks"), &mut places);
    let lots = lots::lots(root.named("lots"), &mut basics.music, &mut places);
    let (transfers, transfer_groups) = transfer::transfers(root.section("transfer"));
    let forwards = forward::forwards(root.section("forward"));
    let (lamps, lamp_groups) = lamps::lamps(root.section("lamps"));
    let completion = callback::callbacks(root.section("callback"));
    let numbers = basics::numbers(root.section("numbers"), &mut places);
    root.finish();
    let music = basics.music.find(directory, log);

    let (lots, references) = lots.into_iter().unzip();
    let settings = Settings {
        domain: basics.domain,
        listeners: basics.listeners,
        digest: basics.digest,
        no_answer: basics.no_answer,
        session_expires: basics.session_expires,
        registrar: basics.registrar,
        lines,
        line_ranges,
        trunks,
        lots,
        codes,
        keys,
        key_timeout: basics.key_timeout,
        transfers,
        forwards,
        completion,
        lamps,
        emergency: numbers.emergency,
        emergency_trunk: None,
        media: basics.media,
        retired: Default::default(),
        seed: [0; 32],
    };
    check::groups(&settings, &transfer_groups, log);
    check::groups(&settings, &lamp_groups, log);
    let settings = check::all(settings, references, numbers.emergency_trunk, &places, log);
    let (http, data, demo) = (basics.http, basics.data, basics.demo);
    Some(Config { settings, http, data, music, language, demo, warnings: Vec::new() })
}
