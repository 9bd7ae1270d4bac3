//! The seeds through their targets, in every test run; the torture corpus goes through all that read messages.
use std::path::{Path, PathBuf};
use switchyard_fuzz::TARGETS;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

fn replay(target: fn(&[u8]), folder: &Path) -> usize {
    let files = files(folder);
    for file in &files {
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if std::panic::catch_unwind(|| target(&bytes)).is_err() {
            panic!("{} no longer holds", file.display());
        }
    }
    files.len()
}

#[test]
fn every_seed_holds() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, target) in TARGETS {
        let count = replay(target, &here.join("seeds").join(name));
        assert!(count > 0, "{name} has seeds");
    }
}

#[test]
fn the_torture_corpus_holds() {
    let torture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../torture");
    for (name, target) in TARGETS.into_iter().filter(|(name, _)| *name != "engine") {
        assert!(replay(target, &torture) >= 61, "{name} goes through all of them");
    }
}
