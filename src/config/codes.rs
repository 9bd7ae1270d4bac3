//! Feature code profiles: from a file beside the configuration, or from those that are built in.
use super::problem::{Place, Problem, Source};
use super::section::{Log, Placed, Section, Value};
use super::value;
use std::path::{Path, PathBuf};
use switchyard_engine::feature::keys::CODE;
use switchyard_engine::settings::{Argument, CodeSettings, KeyOperation, KeySettings, Operation};
use toml::de::DeTable;

/// The profiles that the program brings along.
const BUILT_IN: &[(&str, &str)] = &[("standard", include_str!("../../feature-codes/standard.toml"))];

/// Codes that one entry may stand for.
const CODES_OF_ENTRY: usize = 1_000;

/// What a profile says.
#[derive(Debug, Default)]
pub(super) struct Profile {
    /// The codes, and where each stands.
    pub(super) codes: Vec<CodeSettings>,
    pub(super) places: Vec<Place>,
    /// What keys do in a call.
    pub(super) keys: Vec<KeySettings>,
}

/// Reads a profile.
pub(super) fn profile(name: &Placed<String>, directory: &Path, log: &Log) -> Profile {
    let Some(source) = find(name, directory, log) else { return Profile::default() };
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        log.error(&source.place(&error.span().unwrap_or(0..0)), error.message());
    }
    let mut root = Section::root(document.get_ref(), &source, log);
    let (entries, pressed) = (root.named("codes"), root.named("keys"));
    root.finish();
    let (codes, places) = entries.into_iter().flat_map(|(name, section)| entry(&name, section)).unzip();
    Profile { codes, places, keys: keys(pressed, log) }
}

/// `[keys.*]`: of two with the same keys only one could ever be meant.
fn keys(sections: Vec<(Placed<String>, Section<'_>)>, log: &Log) -> Vec<KeySettings> {
    let mut found: Vec<(KeySettings, Place)> = Vec::new();
    for (name, mut section) in sections {
        let keys = section.required("keys", |value| value::keys(value, CODE));
        let operation = match section.placed("operation", value::text) {
            Some(named) => key_operation(&named, log),
            None => key_operation(&name, log),
        };
        section.finish();
        let (Some(Placed { value: keys, place }), Some(operation)) = (keys, operation) else { continue };
        if let Some((first, other)) = found.iter().find(|(first, _)| first.keys == keys) {
            let what = format!("the keys {keys} mean two things");
            log.note(Problem::error(&place, what).other(other, first.operation.as_str()));
        }
        found.push((KeySettings { keys, operation }, place));
    }
    found.into_iter().map(|(settings, _)| settings).collect()
}

fn key_operation(name: &Placed<String>, log: &Log) -> Option<KeyOperation> {
    let found = KeyOperation::ALL.iter().copied().find(|operation| operation.as_str() == name.value);
    if found.is_none() {
        let problem = Problem::error(&name.place, format!("there is no operation \"{}\" for keys", name.value));
        log.note(problem.did_you_mean(&name.value, KeyOperation::ALL.iter().map(|operation| operation.as_str())));
    }
    found
}

/// A path works as it is, from the configuration's directory; a name is looked for there and one floor up.
fn find(name: &Placed<String>, directory: &Path, log: &Log) -> Option<Source> {
    let file_name = format!("{}.toml", name.value);
    let is_path = name.value.contains('/') || name.value.ends_with(".toml");
    let candidates: Vec<PathBuf> = if is_path {
        vec![directory.join(&name.value)]
    } else {
        ["feature-codes", "../feature-codes"].map(|at| directory.join(at).join(&file_name)).into()
    };
    if let Some(path) = candidates.iter().find(|path| path.exists()) {
        return match std::fs::read_to_string(path) {
            Ok(text) => Some(Source::new(&path.display().to_string(), text)),
            Err(error) => {
                log.error(&name.place, format!("{} cannot be read: {error}", path.display()));
                None
            }
        };
    }
    let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name.value);
    if let Some((_, text)) = built_in {
        return Some(Source::new(&format!("(built in) feature-codes/{file_name}"), (*text).to_owned()));
    }
    let problem = Problem::error(&name.place, format!("there are no feature codes \"{}\"", name.value));
    log.note(problem.did_you_mean(&name.value, BUILT_IN.iter().map(|(name, _)| *name)));
    None
}

fn entry(name: &Placed<String>, mut section: Section<'_>) -> Vec<(CodeSettings, Place)> {
    let codes = section.required("code", value::numbers(CODES_OF_ENTRY));
    let argument = section.get("argument", value::word(ARGUMENTS)).unwrap_or(Argument::None);
    let operation = if section.has("operation") {
        section.get("operation", operation)
    } else {
        section.get("operation", operation);
        operation_named(&name.value).or_else(|| {
            let what = format!("`{}` is no operation: say in `operation` what it does", name.value);
            section.log.error(&name.place, what);
            None
        })
    };
    section.finish();
    let (Some(codes), Some(operation)) = (codes, operation) else { return Vec::new() };
    let settings = |code| CodeSettings { name: name.value.clone(), code, argument, operation };
    codes.value.into_iter().map(|code| (settings(code), codes.place.clone())).collect()
}

const ARGUMENTS: &[(&str, Argument)] =
    &[("none", Argument::None), ("optional", Argument::Optional), ("required", Argument::Required)];

fn operation(value: Value<'_>) -> Option<Operation> {
    let text = value::text(value)?;
    operation_named(&text).or_else(|| {
        let problem = Problem::error(&value.place(), format!("there is no operation \"{text}\""));
        value.note(problem.did_you_mean(&text, Operation::ALL.iter().map(|operation| operation.as_str())))
    })
}

fn operation_named(name: &str) -> Option<Operation> {
    Operation::ALL.iter().copied().find(|operation| operation.as_str() == name)
}
