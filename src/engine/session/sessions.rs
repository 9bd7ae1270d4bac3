//! All sessions, found by handle and by line; and the lines that somebody watches, whose sessions have changed.
//!
//! A session can only be changed through [`Sessions::get_mut`]: so no change of a line's calls goes unnoticed, and where
//! nobody watches it costs one comparison.
use super::exchange::{Session, SessionId};
use crate::base::Arena;
use crate::settings::LineNo;
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// No session.
const NONE: u32 = u32::MAX;

/// What a session has for its line's sake: who in the same line began next, and who began before, by slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    newer: u32,
    older: u32,
}

impl Default for Row {
    fn default() -> Self {
        Self { newer: NONE, older: NONE }
    }
}

/// A line's sessions.
#[derive(Clone, Copy, Debug)]
struct OfLine {
    count: u32,
    newest: u32,
}

/// All sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    all: Arena<Session>,
    by_line: HashMap<LineNo, OfLine, ahash::RandomState>,
    watched: BTreeSet<LineNo>,
    /// Lines that have changed in this turn.
    changed: Vec<LineNo>,
}

impl Sessions {
    pub(super) fn new(engine: u8, hasher: ahash::RandomState) -> Self {
        let by_line = HashMap::with_hasher(hasher);
        Self { all: Arena::new(engine), by_line, watched: BTreeSet::new(), changed: Vec::new() }
    }

    pub(super) fn get(&self, who: SessionId) -> Option<&Session> {
        self.all.get(who)
    }

    /// To be changed: whoever watches its line will be told.
    pub(super) fn get_mut(&mut self, who: SessionId) -> Option<&mut Session> {
        let session = self.all.get_mut(who)?;
        if session.watched {
            note(&mut self.changed, session.party.place.line());
        }
        Some(session)
    }

    pub(super) fn insert(&mut self, mut session: Session) -> SessionId {
        if let Some(line) = session.party.place.line() {
            let slot = self.all.upcoming().slot();
            session.row = self.join_line(slot, line);
            session.watched = self.is_watched(line);
            if session.watched {
                note(&mut self.changed, Some(line));
            }
        }
        self.all.insert(session)
    }

    fn join_line(&mut self, slot: u32, line: LineNo) -> Row {
        let of_line = self.by_line.entry(line).or_insert(OfLine { count: 0, newest: NONE });
        of_line.count += 1;
        let older = std::mem::replace(&mut of_line.newest, slot);
        if let Some(session) = self.all.at_mut(older) {
            session.row.newer = slot;
        }
        Row { newer: NONE, older }
    }

    /// It is gone; whether it was its line's last.
    pub(super) fn remove(&mut self, who: SessionId) -> Option<(Session, Option<LineNo>)> {
        let session = self.all.remove(who)?;
        let line = session.party.place.line();
        let idle = line.filter(|line| self.leave_line(&session, *line));
        Some((session, idle))
    }

    fn leave_line(&mut self, session: &Session, line: LineNo) -> bool {
        let Row { newer, older } = session.row;
        if let Some(before) = self.all.at_mut(older) {
            before.row.newer = newer;
        }
        if let Some(after) = self.all.at_mut(newer) {
            after.row.older = older;
        }
        if session.watched {
            note(&mut self.changed, Some(line));
        }
        let Some(of_line) = self.by_line.get_mut(&line) else { return false };
        of_line.count -= 1;
        if of_line.count == 0 {
            self.by_line.remove(&line);
            return true;
        }
        if newer == NONE {
            of_line.newest = older;
        }
        false
    }

    /// How many sessions a line has.
    pub(super) fn count(&self, line: LineNo) -> usize {
        self.by_line.get(&line).map_or(0, |of_line| of_line.count as usize)
    }

    /// A line's sessions, the newest first.
    pub(super) fn of(&self, line: LineNo) -> impl Iterator<Item = SessionId> {
        let mut next = self.by_line.get(&line).map_or(NONE, |of_line| of_line.newest);
        std::iter::from_fn(move || {
            let (who, session) = self.all.at(next)?;
            next = session.row.older;
            Some(who)
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.all.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether somebody is told of what a line does.
    pub(crate) fn is_watched(&self, line: LineNo) -> bool {
        !self.watched.is_empty() && self.watched.contains(&line)
    }

    /// From now on somebody is told of what a line does, or nobody any more.
    pub(crate) fn watch(&mut self, line: LineNo, watched: bool) {
        let news = if watched { self.watched.insert(line) } else { self.watched.remove(&line) };
        if !news {
            return;
        }
        let mut next = self.by_line.get(&line).map_or(NONE, |of_line| of_line.newest);
        while let Some(session) = self.all.at_mut(next) {
            session.watched = watched;
            next = session.row.older;
        }
    }

    /// The watched lines that have changed since the last time, some of them twice.
    pub(crate) fn changed(&mut self) -> impl Iterator<Item = LineNo> + '_ {
        self.changed.drain(..)
    }
}

/// The line has changed, if that was not said just before.
fn note(changed: &mut Vec<LineNo>, line: Option<LineNo>) {
    changed.extend(line.filter(|line| changed.last() != Some(line)));
}
