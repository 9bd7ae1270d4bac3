//! Profiles: what a line's owner has chosen, in the configuration or by dialling a code.
//!
//! What was dialled goes before what is written, and is kept: it is in force after a restart too, until it is dialled away.
//!
//! Knows: lines, numbers. Never: calls.
use crate::base::text::Number;
use crate::keep::{Kept, Key, LineRecord, Record};
use crate::session::{Party, Switch};
use crate::settings::{Destination, ForwardKind, ForwardRule, ForwardSettings, LineNo, ProfileSettings, Settings};
use std::collections::BTreeMap;
use std::time::Duration;

/// Of every line that has chosen something.
#[derive(Debug)]
pub(crate) struct Profiles {
    lines: BTreeMap<LineNo, Box<Profile>>,
    pub(super) settings: ForwardSettings,
}

/// One line's.
#[derive(Debug, Default)]
struct Profile {
    written: ProfileSettings,
    dialled: LineRecord,
}

impl Profiles {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut profiles = Self { lines: BTreeMap::new(), settings: settings.forwards.clone() };
        profiles.read(settings);
        profiles
    }

    /// Other settings from now on. What was dialled stays.
    pub(crate) fn reload(&mut self, settings: &Settings) {
        self.settings = settings.forwards.clone();
        for profile in self.lines.values_mut() {
            profile.written = ProfileSettings::default();
        }
        self.read(settings);
        self.lines.retain(|_, profile| !profile.is_empty());
    }

    fn read(&mut self, settings: &Settings) {
        for (line, place) in settings.lines.iter().zip(0..) {
            if let Some(written) = &line.profile {
                self.lines.entry(LineNo(place)).or_default().written.clone_from(written);
            }
        }
    }

    /// What an earlier process kept.
    pub(crate) fn restore(&mut self, line: LineNo, record: &LineRecord) {
        self.lines.entry(line).or_default().dialled.clone_from(record);
    }

    /// Whether a line has chosen anything.
    pub(crate) fn knows(&self, line: LineNo) -> bool {
        self.lines.contains_key(&line)
    }

    /// Where a line's calls from this party go, in this case.
    pub(crate) fn forward(&self, line: LineNo, kind: ForwardKind, caller: &Party) -> Option<Destination> {
        self.lines.get(&line)?.forward(kind, caller)
    }

    /// The lines that are not to be disturbed, and the numbers that may do so all the same.
    pub(crate) fn quiet(&self) -> impl Iterator<Item = (LineNo, Vec<String>)> {
        self.lines.keys().filter_map(|&line| Some((line, self.quiet_but_for(line)?)))
    }

    /// The same of one line; nothing, if anybody may disturb it.
    pub(crate) fn quiet_but_for(&self, line: LineNo) -> Option<Vec<String>> {
        let profile = self.lines.get(&line).filter(|profile| profile.do_not_disturb())?;
        Some(profile.written.disturbed_by.clone())
    }

    /// Whether this party is not to disturb the line.
    pub(crate) fn is_undisturbed(&self, line: LineNo, caller: &Party) -> bool {
        self.lines.get(&line).is_some_and(|profile| {
            let allowed = || profile.written.disturbed_by.iter().any(|number| **number == *caller.identity.number);
            profile.do_not_disturb() && !allowed()
        })
    }

    /// Whether others are not to see the line's number.
    pub(crate) fn hides_number(&self, line: LineNo) -> bool {
        self.lines.get(&line).is_some_and(|profile| profile.written.hide_number)
    }

    /// How long the line rings before its calls are forwarded as not answered.
    pub(crate) fn rings_for(&self, line: LineNo) -> Duration {
        let own = self.lines.get(&line).and_then(|profile| profile.written.rings);
        self.settings.ring_cycle * u32::from(own.unwrap_or(self.settings.rings))
    }

    /// From now on the line's calls go there; without a number, to the line.
    pub(crate) fn set_forward(&mut self, line: LineNo, kind: ForwardKind, to: &str, pbx: &mut dyn Switch) {
        let profile = self.lines.entry(line).or_default();
        *profile.dialled.forward_mut(kind) = Some(to.to_owned());
        profile.keep(line, pbx);
    }

    /// From now on the line is not to be disturbed, or is again; without a word, the other of the two. Which it is.
    pub(crate) fn set_do_not_disturb(&mut self, line: LineNo, wanted: Option<bool>, pbx: &mut dyn Switch) -> bool {
        let profile = self.lines.entry(line).or_default();
        let on = wanted.unwrap_or(!profile.do_not_disturb());
        profile.dialled.do_not_disturb = Some(on);
        profile.keep(line, pbx);
        on
    }
}

impl Profile {
    fn is_empty(&self) -> bool {
        let dialled = LineRecord { number: String::new(), ..self.dialled.clone() };
        self.written == ProfileSettings::default() && dialled == LineRecord::default()
    }

    fn forward(&self, kind: ForwardKind, caller: &Party) -> Option<Destination> {
        match self.dialled.forward(kind) {
            Some("") => None,
            Some(number) => Some(Destination::Number(number.to_owned())),
            None => self.rule(kind).of(&caller.identity.number, caller.place.line().is_some()).cloned(),
        }
    }

    fn rule(&self, kind: ForwardKind) -> &ForwardRule {
        &self.written.forwards[kind as usize]
    }

    fn do_not_disturb(&self) -> bool {
        self.dialled.do_not_disturb.unwrap_or(self.written.do_not_disturb)
    }

    fn keep(&mut self, line: LineNo, pbx: &mut dyn Switch) {
        let number: Number = pbx.identity(line).number;
        self.dialled.number = number.to_string();
        let record = Record::Line(self.dialled.clone());
        pbx.keep(Kept { key: Key::Line(number.to_string()), record: Some(record) });
    }
}
