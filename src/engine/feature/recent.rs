//! Who called a line last, and whom it called itself: both can be called again. Forgotten with the process.
//!
//! Knows: lines, numbers. Never: calls.
use crate::session::{Party, Place};
use crate::settings::LineNo;
use arrayvec::ArrayString;
use std::collections::{BTreeMap, BTreeSet};

/// A number that is worth remembering; longer ones nobody dials.
type Short = ArrayString<32>;

/// Of every line that has called or was called. (Not by place: the lines of ranges have large numbers, with gaps.)
#[derive(Debug, Default)]
pub(super) struct Recent(BTreeMap<LineNo, Box<Last>>);

#[derive(Debug, Default)]
struct Last {
    caller: Option<Caller>,
    /// And whether it was not to see who called.
    dialled: Option<(Short, bool)>,
}

/// Who called last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// This number, of a line or behind this trunk.
    Known(Place, Short),
    /// Somebody who did not want to be known, or whose number is none.
    Hidden,
}

impl Recent {
    /// A line was called.
    pub(super) fn called(&mut self, line: LineNo, by: &Party) {
        let number = Short::from(&by.identity.number).ok();
        let known = number.filter(|number| !by.identity.private && !number.is_empty());
        self.of(line).caller = Some(known.map_or(Caller::Hidden, |number| Caller::Known(by.place, number)));
    }

    /// A line called a number.
    pub(super) fn dialled(&mut self, line: LineNo, number: &str, hidden: bool) {
        if let Ok(number) = Short::from(number) {
            self.of(line).dialled = Some((number, hidden));
        }
    }

    /// Who called a line last.
    pub(super) fn caller(&self, line: LineNo) -> Option<Caller> {
        self.0.get(&line)?.caller
    }

    /// Whom a line called last, and whether that was not to see who called.
    pub(super) fn last_dialled(&self, line: LineNo) -> Option<(Short, bool)> {
        self.0.get(&line)?.dialled
    }

    /// These trunks are gone.
    pub(super) fn forget(&mut self, trunks: &BTreeSet<usize>) {
        let is_gone =
            |caller: &Caller| matches!(caller, Caller::Known(Place::Trunk(trunk), _) if trunks.contains(trunk));
        if trunks.is_empty() {
            return;
        }
        for last in self.0.values_mut() {
            last.caller = last.caller.filter(|caller| !is_gone(caller));
        }
    }

    fn of(&mut self, line: LineNo) -> &mut Last {
        self.0.entry(line).or_default()
    }
}
