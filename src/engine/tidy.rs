//! The floors only look down: an ordinary test reads every path of this crate and holds it against the plan.
//!
//! Rooms on one floor do not know each other; who wants something from above gets it as a returned value.
use std::path::{Path, PathBuf};

/// The floors from the ground up; rooms in one row are neighbours, and strangers.
const FLOORS: [&[&str]; 14] = [
    &["base", "settings"],
    &["keep"],
    &["wire"],
    &["counters"],
    &["ground"],
    &["transaction"],
    &["dialog"],
    &["leg", "registrar", "watch"],
    &["line"],
    &["session"],
    &["feature"],
    &["input", "output"],
    &["corridor", "door"],
    &["sim"],
];

/// Neighbours that may know each other all the same, and why.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    ("base", "settings", "label values of metrics are declared with the settings' enums"),
    ("settings", "base", "the same, and inline numbers"),
    ("corridor", "door", "the door is the corridor's own entrance, in a file of its own"),
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a source file names by a path from the crate's root.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("crate::").map(|(at, prefix)| {
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// The room a file is in: its first folder, or its own name.
fn room_of(file: &Path, root: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn the_floors_only_look_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(root, &mut files);
    assert!(files.len() > 50, "the house is here");
    let mut wrong = Vec::new();
    for file in files {
        let room = room_of(&file, root);
        if room == "lib" || room == "tidy" || room == "target" {
            continue;
        }
        let Some(own) = floor(&room) else {
            wrong.push(format!("{}: room `{room}` stands on no floor", file.display()));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        for other in named(&text).filter(|other| *other != room) {
            let Some(theirs) = floor(other) else { continue };
            let excused = EXCEPTIONS.iter().any(|(from, to, _)| (*from, *to) == (room.as_str(), other));
            if theirs >= own && !excused {
                wrong.push(format!("{}: `{room}` looks up or sideways at `{other}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_enough_to_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(root, &mut files);
    let long: Vec<_> = files
        .iter()
        .filter_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
            let lines = code.lines().count();
            let is_test = file.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "sim")
                || file.file_name().is_some_and(|name| name == "tests.rs");
            (lines > 560 && !is_test).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "the design wants a second look:\n{}", long.join("\n"));
}
