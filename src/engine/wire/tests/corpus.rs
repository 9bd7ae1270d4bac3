//! The torture corpora: ours, and that of the RFCs where it is at hand.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::wire::{Malformed, Message};

/// What is well-formed but asks for something that a server refuses: an extension, a scheme (RFC 4475 §§3.3.2, 3.3.3, 3.3.5).
const SEMANTIC: [&str; 3] = ["unkscm", "novelsc", "bext01"];

/// Responses whose scalars overflow.
const REFUSED_RESPONSES: [&str; 2] = ["scalarlg", "bigcode"];

pub(super) fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop-tests/torture")
}

fn verdict(bytes: &[u8]) -> Result<(), Malformed> {
    Message::parse(bytes).and_then(|message| message.check())
}

/// The tables of our manifest: `[[message]]`, then `key = "value"` lines.
fn manifest() -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(ours().join("manifest.toml")).unwrap();
    let mut tables = Vec::<BTreeMap<_, _>>::new();
    for line in text.lines() {
        if line == "[[message]]" {
            tables.push(BTreeMap::new());
        } else if let (Some((key, value)), Some(table)) = (line.split_once(" = "), tables.last_mut()) {
            table.insert(key.to_owned(), value.trim_matches('"').to_owned());
        }
    }
    tables
}

#[test]
fn our_corpus_is_read_as_its_manifest_says() {
    let tables = manifest();
    assert!(tables.len() >= 40);
    for table in &tables {
        let name = &table["name"];
        let bytes = std::fs::read(ours().join(format!("{name}.sip"))).unwrap();
        let expected = table.get("fault").map_or("none", String::as_str);
        let found = verdict(&bytes).err().map_or("none", |fault| fault.label());
        assert_eq!(found, expected, "{name}");
        assert_eq!(table["verdict"] == "valid", expected == "none", "{name}");
        if let Ok(message) = Message::parse(&bytes) {
            assert_eq!(message.is_request(), table["kind"] == "request", "{name}");
        }
    }
    let files = std::fs::read_dir(ours()).unwrap().filter(|entry| {
        entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|extension| extension == "sip"))
    });
    assert_eq!(files.count(), tables.len(), "every file stands in the manifest");
}

/// A string value of a flat JSON object.
fn json<'t>(object: &'t str, key: &str) -> &'t str {
    let start = object.find(&format!("\"{key}\": \"")).map_or(object.len(), |at| at + key.len() + 5);
    object[start..].split('"').next().unwrap_or_default()
}

#[test]
fn the_corpus_of_the_rfcs_is_read_as_they_say() {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|parent| parent.join("shared/torture"))
        .find(|folder| folder.join("manifest.json").exists());
    let Some(folder) = found else {
        return eprintln!("skipped: no shared/torture beside the project");
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let mut count = 0;
    for object in manifest.split('{').filter(|object| object.contains("\"file\"")) {
        let (name, expected) = (json(object, "name"), json(object, "verdict"));
        let bytes = std::fs::read(folder.join(json(object, "file"))).unwrap();
        let found = verdict(&bytes);
        match expected {
            "valid" => assert_eq!(found, Ok(()), "{name}"),
            "invalid" if SEMANTIC.contains(&name) => assert_eq!(found, Ok(()), "{name}"),
            "invalid" => assert!(found.is_err(), "{name}"),
            "silent" => assert_eq!(found.is_err(), REFUSED_RESPONSES.contains(&name), "{name} {found:?}"),
            "lenient" => {}
            other => panic!("{name}: {other}"),
        }
        count += 1;
    }
    assert_eq!(count, 61);
}
