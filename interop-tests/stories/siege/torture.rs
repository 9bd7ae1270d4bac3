//! The torture messages against the running server: each gets its answer, or none, and calls are served after them.
use super::phone::Phone;
use super::stranger::{Stranger, status};
use crate::peers::Pbx;
use crate::story::story;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Datagrams that the running server gets besides, each a message with a few bytes changed.
const MUTATIONS: u32 = 100_000;
/// So many are on their way at most.
const BATCH: u32 = 100;

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop-tests/torture")
}

/// The tables of our manifest, each with its message.
fn manifest() -> Vec<(BTreeMap<String, String>, Vec<u8>)> {
    let text = fs::read_to_string(ours().join("manifest.toml")).unwrap();
    let mut tables: Vec<(BTreeMap<String, String>, Vec<u8>)> = Vec::new();
    for line in text.lines() {
        if line == "[[message]]" {
            tables.push(Default::default());
        } else if let (Some((key, value)), Some((table, bytes))) = (line.split_once(" = "), tables.last_mut()) {
            let value = value.trim_matches('"').to_owned();
            if key == "name" {
                *bytes = fs::read(ours().join(format!("{value}.sip"))).unwrap();
            }
            table.insert(key.to_owned(), value);
        }
    }
    tables
}

fn calls_are_served(pbx: &Pbx) {
    let (mut alice, bob) = (Phone::new(pbx, "1001"), Phone::new(pbx, "1002"));
    alice.calls(&bob);
    assert_eq!(pbx.sum("pbx_panics_total"), 0);
}

#[test]
fn each_of_our_messages_gets_its_answer() {
    story(&[], |pbx| {
        let mut stranger = Stranger::new(pbx.sip);
        let mut wrong = Vec::new();
        let tables = manifest();
        assert_eq!(tables.len(), 61);
        for (table, bytes) in &tables {
            let answers = stranger.asks(bytes);
            let found: Vec<&str> = answers.iter().filter_map(|answer| answer.lines().next()).collect();
            let expected: Vec<String> = match table["answer"].as_str() {
                "none" => Vec::new(),
                answer => vec![format!("SIP/2.0 {answer}")],
            };
            if found != expected {
                wrong.push(format!("{}: {found:?}, not {expected:?}", table["name"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        calls_are_served(pbx);
    });
}

/// A value of a flat JSON object, as it is written.
fn json<'t>(object: &'t str, key: &str) -> &'t str {
    let value = object.split_once(&format!("\"{key}\": ")).map_or("", |(_, rest)| rest);
    match value.strip_prefix('[') {
        Some(list) => list.split(']').next().unwrap(),
        None => value.trim_start_matches('"').split(['"', '\n']).next().unwrap(),
    }
}

#[test]
fn each_message_of_the_rfcs_gets_an_ideal_answer() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|parent| parent.join("shared/torture"));
    let Some(folder) = shared.into_iter().find(|folder| folder.join("manifest.json").exists()) else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no shared/torture beside the project; ours is told anyway");
        return;
    };
    story(&[], |pbx| {
        let mut stranger = Stranger::new(pbx.sip);
        let manifest = fs::read_to_string(folder.join("manifest.json")).unwrap();
        let (mut ideal, mut silent, mut wrong) = (0, 0, Vec::new());
        for object in manifest.split('{').filter(|object| object.contains("\"file\"")) {
            let (name, verdict) = (json(object, "name"), json(object, "verdict"));
            let answers = stranger.asks(&fs::read(folder.join(json(object, "file"))).unwrap());
            let found: Vec<&str> = answers.iter().map(|answer| status(answer)).collect();
            let wanted: Vec<&str> = json(object, "ideal").split(',').map(str::trim).collect();
            match (verdict, found.as_slice()) {
                ("silent", []) => silent += 1,
                (_, [one]) if verdict != "silent" && wanted.contains(one) => ideal += 1,
                _ => wrong.push(format!("{name} ({verdict}): {found:?}, not one of {wanted:?}")),
            }
        }
        assert!(wrong.is_empty(), "{ideal} ideal, {silent} silent, but\n{}", wrong.join("\n"));
        assert_eq!((ideal, silent), (56, 5));
        calls_are_served(pbx);
    });
}

/// xorshift: the same mutations on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(4) {
            0 => bytes[at] = self.below(256) as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"\r\n \"<>;,:%@="[self.below(12)]),
            _ => {
                let piece = bytes[at..(at + self.below(40)).min(bytes.len())].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
}

#[test]
fn mutations_break_nothing() {
    story(&[], |pbx| {
        let mut stranger = Stranger::new(pbx.sip);
        let corpus: Vec<Vec<u8>> = manifest().into_iter().map(|(_, bytes)| bytes).collect();
        let mut chance = Chance(0x5eed_0007);
        for number in 1..=MUTATIONS {
            let mut bytes = corpus[chance.below(corpus.len())].clone();
            for _ in 0..=chance.below(4) {
                chance.mutate(&mut bytes);
                if bytes.is_empty() {
                    bytes.push(b'I');
                }
            }
            bytes.truncate(60_000);
            stranger.says(&bytes);
            if number % BATCH == 0 {
                stranger.is_heard();
            }
        }
        assert!(pbx.sum("pbx_sip_parse_errors_total") > u64::from(MUTATIONS / 4), "most of them arrived");
        calls_are_served(pbx);
    });
}
