//! Feature codes: literals that do something instead of reaching somebody, some with a number behind them.
//!
//! Knows: the settings' list of codes. Never: what an operation does.
use crate::settings::{Argument, CodeSettings, Settings};
use std::hash::BuildHasherDefault;

/// A table by number. Its keys come from the configuration, so its hash needs no secret.
pub(super) type Numbered<T> = hashbrown::HashMap<Box<str>, T, BuildHasherDefault<ahash::AHasher>>;

impl Argument {
    /// Whether the literal alone is a whole code.
    pub const fn may_be_absent(self) -> bool {
        matches!(self, Self::None | Self::Optional)
    }

    /// Whether something may follow the literal.
    pub const fn may_be_present(self) -> bool {
        matches!(self, Self::Optional | Self::Required)
    }
}

/// The codes that take an argument, found by their literal; the longest one that fits wins.
#[derive(Debug, Default)]
pub(super) struct Literals {
    beginnings: Beginnings,
}

impl Literals {
    /// Of all codes, those that take an argument. The first of two equal literals counts.
    pub(super) fn new(settings: &Settings) -> Self {
        let retired = |code| settings.retired.codes.contains(&code);
        Self::of(settings.codes.iter().enumerate().filter(|&(code, _)| !retired(code)))
    }

    fn of<'a>(codes: impl Iterator<Item = (usize, &'a CodeSettings)>) -> Self {
        let mut beginnings = Beginnings::default();
        for (code, settings) in codes {
            if settings.argument.may_be_present() {
                beginnings.add(&settings.code, code);
            }
        }
        Self { beginnings }
    }

    /// The code that `dialled` begins with, and what follows its literal.
    pub(super) fn split<'a>(&self, dialled: &'a str) -> Option<(usize, &'a str)> {
        self.beginnings.all(dialled).find(|(_, rest)| !rest.is_empty())
    }
}

/// Entries found by what a number begins with.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    table: Numbered<usize>,
    longest: usize,
}

impl Beginnings {
    /// Adds an entry; of two with the same beginning the first stays, and is returned.
    pub(super) fn add(&mut self, beginning: &str, entry: usize) -> Option<usize> {
        let first = *self.table.entry(beginning.into()).or_insert(entry);
        self.longest = self.longest.max(beginning.len());
        (first != entry).then_some(first)
    }

    /// Every entry that `dialled` begins with, the longest beginning first, and what follows it.
    pub(super) fn all<'a, 't>(&'t self, dialled: &'a str) -> impl Iterator<Item = (usize, &'a str)> + use<'a, 't> {
        (1..=self.longest.min(dialled.len())).rev().filter_map(move |length| {
            let (beginning, rest) = dialled.split_at_checked(length)?;
            Some((*self.table.get(beginning)?, rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Operation;

    fn code(code: &str, argument: Argument) -> CodeSettings {
        CodeSettings { name: code.into(), code: code.into(), argument, operation: Operation::Park }
    }

    #[test]
    fn the_longest_literal_with_something_behind_it_wins() {
        let codes = [
            code("*8", Argument::Required),
            code("*85", Argument::Optional),
            code("*9", Argument::None),
            code("**", Argument::Required),
        ];
        let literals = Literals::of(codes.iter().enumerate());
        let table = [
            ("*85701", Some((1, "701"))),
            ("*85", Some((0, "5"))),
            ("*8", None),
            ("*9", None),
            ("*91", None),
            ("**alice", Some((3, "alice"))),
            ("*é", None),
            ("", None),
        ];
        for (dialled, expected) in table {
            assert_eq!(literals.split(dialled), expected, "{dialled}");
        }
    }
}
