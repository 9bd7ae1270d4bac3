//! The number plan: what a whole dialled string means.
//!
//! ```text
//! emergency ─► line, lot, orbit, code without argument ─► code with argument ─► trunk ─► nothing
//!                        (the whole string)               (longest literal)   (longest prefix)
//! ```
//! Knows: the settings' numbers. Never: who may dial them, what happens then.
mod clash;
#[cfg(test)]
mod tests;

pub use clash::{Clash, ClashKind, Entry};

use super::codes::{Beginnings, Literals, Numbered};
use crate::base::text::Number;
use crate::settings::{LineNo, Operation, Ranges, Settings};

/// Where a dialled string leads. Trunks, lots, orbits and codes are named by their places in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a line.
    Line(LineNo),
    /// Out over a trunk.
    Trunk {
        /// The trunk.
        trunk: usize,
        /// Characters taken off first.
        strip: usize,
    },
    /// To any free orbit of a lot.
    Lot(usize),
    /// To one orbit.
    Orbit {
        /// Its lot.
        lot: usize,
        /// Its place in the lot.
        orbit: usize,
    },
    /// To a feature.
    Code {
        /// Its place in the settings' codes.
        code: usize,
        /// What it does.
        operation: Operation,
        /// What was dialled behind the literal; often nothing.
        argument: Number,
    },
    /// To the emergency services.
    Emergency {
        /// Over this trunk.
        trunk: usize,
    },
    /// Nowhere.
    Nothing,
}

/// All numbers of a deployment, ready to be looked up.
#[derive(Debug)]
pub struct Plan {
    exact: Numbered<Entry>,
    lines: Vec<Box<str>>,
    ranges: Ranges,
    literals: Literals,
    operations: Vec<Operation>,
    prefixes: Beginnings,
    strips: Vec<usize>,
    emergency_trunk: Option<usize>,
}

impl Plan {
    /// The plan of these settings, and every number that two of them lay claim to.
    ///
    /// Of two equal claims the first entry keeps the number.
    pub fn new(settings: &Settings) -> (Self, Vec<Clash>) {
        let mut exact = Numbered::default();
        let mut clashes = Vec::new();
        for (number, entry) in clash::exact_entries(settings) {
            let first = *exact.entry(number.into()).or_insert(entry);
            if first != entry {
                clashes.push(Clash::same(number, first, entry));
            }
        }
        let mut prefixes = Beginnings::default();
        for (trunk, prefix) in clash::prefixes(settings) {
            if let Some(first) = prefixes.add(prefix, trunk) {
                clashes.push(Clash::same(prefix, Entry::Trunk(first), Entry::Trunk(trunk)));
            }
        }
        let plan = Self {
            exact,
            lines: settings.lines.iter().map(|line| line.number.as_str().into()).collect(),
            ranges: Ranges::new(settings),
            literals: Literals::new(settings),
            operations: settings.codes.iter().map(|code| code.operation).collect(),
            prefixes,
            strips: settings.trunks.iter().map(|trunk| trunk.strip).collect(),
            emergency_trunk: settings.emergency_trunk,
        };
        plan.find_clashes(settings, &mut clashes);
        (plan, clashes)
    }

    /// Where `dialled` leads, as a whole.
    pub fn resolve(&self, dialled: &str) -> Target {
        if let Some(target) = self.exact.get(dialled).and_then(|entry| self.target(*entry)) {
            return target;
        }
        if let Some(line) = self.ranges.line(dialled) {
            return Target::Line(line);
        }
        if let Some((code, argument)) = self.literals.split(dialled)
            && let Ok(argument) = Number::from(argument)
        {
            return Target::Code { code, operation: self.operations[code], argument };
        }
        let trunk = self.prefixes.all(dialled).map(|(trunk, _)| (trunk, self.strips[trunk]));
        trunk
            .filter(|&(_, strip)| dialled.chars().nth(strip).is_some())
            .map(|(trunk, strip)| Target::Trunk { trunk, strip })
            .next()
            .unwrap_or(Target::Nothing)
    }

    /// The line with this number.
    pub fn line(&self, number: &str) -> Option<LineNo> {
        match self.exact.get(number) {
            Some(&Entry::Line(line)) => u32::try_from(line).ok().map(LineNo),
            Some(_) => None,
            None => self.ranges.line(number),
        }
    }

    /// The lot with this number.
    pub fn lot(&self, number: &str) -> Option<usize> {
        let Some(&Entry::Lot(lot)) = self.exact.get(number) else { return None };
        Some(lot)
    }

    /// The lot and the orbit with this number.
    pub fn orbit(&self, number: &str) -> Option<(usize, usize)> {
        let Some(&Entry::Orbit { lot, orbit }) = self.exact.get(number) else { return None };
        Some((lot, orbit))
    }

    /// The number of a line.
    pub fn line_number(&self, line: LineNo) -> Option<Number> {
        let place = line.0 as usize;
        if let Some(number) = self.lines.get(place) {
            return Number::from(number).ok();
        }
        self.ranges.number(line)
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines.len() + self.ranges.lines()
    }

    fn target(&self, entry: Entry) -> Option<Target> {
        Some(match entry {
            Entry::Line(line) => Target::Line(LineNo(u32::try_from(line).ok()?)),
            Entry::Lot(lot) => Target::Lot(lot),
            Entry::Orbit { lot, orbit } => Target::Orbit { lot, orbit },
            Entry::Code(code) => Target::Code { code, operation: self.operations[code], argument: Number::new() },
            Entry::Emergency(_) => Target::Emergency { trunk: self.emergency_trunk? },
            Entry::Range(_) | Entry::Trunk(_) => return None,
        })
    }
}
