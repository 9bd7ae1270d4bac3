//! Numbers that two entries lay claim to.
//!
//! Claims of equal rank are errors: nobody could tell which was meant. Where one entry only takes numbers out of what
//! another covers, or keeps a phone waiting for more digits, it is a warning.
use super::Plan;
use crate::settings::Settings;

/// Something that has a number, by its place in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// A line with a section of its own.
    Line(usize),
    /// A range of lines.
    Range(usize),
    /// A lot's own number.
    Lot(usize),
    /// An orbit.
    Orbit {
        /// Its lot.
        lot: usize,
        /// Its place in the lot.
        orbit: usize,
    },
    /// A feature code.
    Code(usize),
    /// A trunk's prefix.
    Trunk(usize),
    /// An emergency number.
    Emergency(usize),
}

impl Entry {
    fn is_park(self) -> bool {
        matches!(self, Self::Lot(_) | Self::Orbit { .. })
    }

    fn is_code(self) -> bool {
        matches!(self, Self::Code(_))
    }
}

/// How two claims stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClashKind {
    /// Equal claims on one number: an error.
    Same,
    /// The second takes numbers out of what the first covers: a warning.
    Takes,
    /// The first is the beginning of the second, so a phone that dials digit by digit may never reach the second: a
    /// warning.
    Hides,
}

/// Two entries that lay claim to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// How.
    pub kind: ClashKind,
    /// A number concerned; there may be more.
    pub number: String,
    /// The entry that was there first, or covers more.
    pub first: Entry,
    /// The other one.
    pub second: Entry,
}

impl Clash {
    pub(super) fn same(number: &str, first: Entry, second: Entry) -> Self {
        Self { kind: ClashKind::Same, number: number.into(), first, second }
    }

    fn warning(kind: ClashKind, number: &str, first: Entry, second: Entry) -> Self {
        Self { kind, number: number.into(), first, second }
    }
}

/// Every entry that a whole string leads to, highest rank first.
pub(super) fn exact_entries(settings: &Settings) -> impl Iterator<Item = (&str, Entry)> {
    let emergency = settings.emergency.iter().enumerate().map(|(i, number)| (number.as_str(), Entry::Emergency(i)));
    let retired = &settings.retired;
    let lines = settings.lines.iter().enumerate().filter(|(i, _)| !retired.lines.contains(i));
    let lines = lines.map(|(i, line)| (line.number.as_str(), Entry::Line(i)));
    let lots = settings.lots.iter().enumerate().filter(|(lot, _)| !retired.lots.contains(lot));
    let lots = lots.flat_map(move |(lot, settings)| {
        let orbits = settings.orbits.iter().enumerate();
        let orbits = orbits.filter(move |&(orbit, _)| !retired.orbits.contains(&(lot, orbit)));
        let orbits = orbits.map(move |(orbit, o)| (o.number.as_str(), Entry::Orbit { lot, orbit }));
        std::iter::once((settings.number.as_str(), Entry::Lot(lot))).chain(orbits)
    });
    let codes = settings.codes.iter().enumerate().filter(|(i, _)| !retired.codes.contains(i));
    let codes = codes.filter(|(_, code)| code.argument.may_be_absent());
    let codes = codes.map(|(i, code)| (code.code.as_str(), Entry::Code(i)));
    emergency.chain(lines).chain(lots).chain(codes)
}

/// Every trunk with a prefix.
pub(super) fn prefixes(settings: &Settings) -> impl Iterator<Item = (usize, &str)> {
    settings.trunks.iter().enumerate().filter_map(|(i, trunk)| Some((i, trunk.prefix.as_deref()?)))
}

/// Codes that take an argument, with their literals.
fn literals(settings: &Settings) -> impl Iterator<Item = (usize, &str)> {
    let codes = settings.codes.iter().enumerate().filter(|(_, code)| code.argument.may_be_present());
    codes.map(|(i, code)| (i, code.code.as_str()))
}

impl Plan {
    /// Everything but two equal whole numbers and two equal prefixes, which were found while the tables were built.
    pub(super) fn find_clashes(&self, settings: &Settings, clashes: &mut Vec<Clash>) {
        self.whole_numbers(settings, clashes);
        self.overlapping_ranges(settings, clashes);
        Self::literals_and_prefixes(settings, clashes);
    }

    /// Whole numbers inside ranges, behind literals and prefixes, and behind the beginning that another number is.
    fn whole_numbers(&self, settings: &Settings, clashes: &mut Vec<Clash>) {
        for (number, entry) in exact_entries(settings) {
            if let Some((range, _)) = self.ranges.find(number) {
                clashes.push(Clash::same(number, Entry::Range(range), entry));
            }
            // Emergency numbers are meant to win over what a prefix covers.
            if matches!(entry, Entry::Emergency(_)) {
                continue;
            }
            if let Some((code, _)) = self.literals.split(number) {
                note_once(clashes, Clash::warning(ClashKind::Takes, number, Entry::Code(code), entry));
            }
            if let Some((trunk, _)) = self.prefixes.all(number).next() {
                note_once(clashes, Clash::warning(ClashKind::Takes, number, Entry::Trunk(trunk), entry));
            }
            for length in 1..number.len() {
                let shorter = number.get(..length).and_then(|shorter| self.exact.get(shorter));
                if let Some(&shorter) = shorter.filter(|shorter| shorter.is_park() || entry.is_park()) {
                    note_once(clashes, Clash::warning(ClashKind::Hides, number, shorter, entry));
                }
            }
        }
    }

    /// Ranges against each other, and against what their numbers begin with.
    fn overlapping_ranges(&self, settings: &Settings, clashes: &mut Vec<Clash>) {
        // In this order a range can only overlap the one before it that reaches furthest.
        let mut reach: Option<usize> = None;
        for (place, range) in self.ranges.sorted() {
            let furthest = reach.map(|far| (far, &self.ranges.all()[far]));
            match furthest.filter(|(_, far)| far.width == range.width && far.prefix == range.prefix) {
                Some((far, before)) if before.last >= range.first => {
                    if let Some(number) = range.written(range.first) {
                        let (first, second) = (Entry::Range(far.min(place)), Entry::Range(far.max(place)));
                        clashes.push(Clash::same(&number, first, second));
                    }
                    if range.last > before.last {
                        reach = Some(place);
                    }
                }
                _ => reach = Some(place),
            }
        }
        for (place, range) in self.ranges.all().iter().enumerate() {
            let trunks = prefixes(settings).map(|(i, prefix)| (Entry::Trunk(i), prefix));
            let codes = literals(settings).map(|(i, literal)| (Entry::Code(i), literal));
            for (entry, beginning) in trunks.chain(codes) {
                if let Some(number) = range.first_beginning(beginning) {
                    clashes.push(Clash::warning(ClashKind::Takes, &number, entry, Entry::Range(place)));
                }
            }
            let parks = exact_entries(settings).filter(|(_, entry)| entry.is_park());
            for (beginning, entry) in parks {
                if let Some(number) = range.first_beginning(beginning).filter(|number| number.len() > beginning.len()) {
                    note_once(clashes, Clash::warning(ClashKind::Hides, &number, entry, Entry::Range(place)));
                }
            }
        }
    }

    /// Codes with arguments and trunk prefixes among each other.
    fn literals_and_prefixes(settings: &Settings, clashes: &mut Vec<Clash>) {
        let all: Vec<(&str, Entry)> = literals(settings)
            .map(|(i, literal)| (literal, Entry::Code(i)))
            .chain(prefixes(settings).map(|(i, prefix)| (prefix, Entry::Trunk(i))))
            .collect();
        for (i, &(a, first)) in all.iter().enumerate() {
            for &(b, second) in &all[i + 1..] {
                let codes = matches!((first, second), (Entry::Code(_), Entry::Code(_)));
                if a == b && codes {
                    let both_found = clashes.iter().any(|c| c.first == first && c.second == second);
                    if !both_found {
                        clashes.push(Clash::same(a, first, second));
                    }
                } else if a.starts_with(b) && a != b || a == b && first.is_code() && !second.is_code() {
                    note_once(clashes, Clash::warning(ClashKind::Takes, a, second, first));
                } else if b.starts_with(a) && a != b {
                    note_once(clashes, Clash::warning(ClashKind::Takes, b, first, second));
                }
            }
        }
    }
}

/// Adds a warning unless its like is there: behind one entry, one orbit stands for its lot's, one line or code for all.
fn note_once(clashes: &mut Vec<Clash>, new: Clash) {
    let known = clashes.iter().any(|old| {
        old.kind == new.kind && alike(old.first, new.first) && {
            let both = |is: fn(Entry) -> bool| is(old.second) && is(new.second);
            alike(old.second, new.second) || both(Entry::is_code)
        }
    });
    if !known {
        clashes.push(new);
    }
}

fn alike(a: Entry, b: Entry) -> bool {
    match (a, b) {
        (Entry::Orbit { lot: a, .. }, Entry::Orbit { lot: b, .. }) => a == b,
        (Entry::Line(_), Entry::Line(_)) => true,
        (a, b) => a == b,
    }
}
