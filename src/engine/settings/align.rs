//! A configuration read again, brought into line with the one in force: what stays keeps its place, so that every
//! session, binding and orbit that names it by its place still means the same.
//!
//! What is gone keeps its place too, empty, and is listed in [`Retired`]. Nothing new is ever put there.
use super::{LineSettings, LotSettings, OrbitSettings, Secret, Settings, TrunkSettings};
use std::collections::{BTreeMap, BTreeSet};

/// Places of what the configuration once had.
#[derive(Clone, Debug, Default)]
pub struct Retired {
    /// Lines with a section of their own.
    pub lines: BTreeSet<usize>,
    /// Ranges of lines.
    pub line_ranges: BTreeSet<usize>,
    /// Trunks.
    pub trunks: BTreeSet<usize>,
    /// Lots, whose orbits are retired with them.
    pub lots: BTreeSet<usize>,
    /// Orbits, by their lot's place and their own.
    pub orbits: BTreeSet<(usize, usize)>,
    /// Codes.
    pub codes: BTreeSet<usize>,
}

impl Settings {
    /// These settings with everything in the place that it has in `before`. The domain, the listeners, the media ports
    /// and the seed stay as they are: those need a restart.
    #[must_use]
    pub fn aligned(self, before: &Self) -> Self {
        let mut retired = Retired::default();
        let (lines, _) =
            keep_places(self.lines, &before.lines, |line| line.number.clone(), vacant_line, &mut retired.lines);
        let key = |range: &super::LineRange| (range.prefix.clone(), range.width, range.first, range.last);
        let (line_ranges, _) =
            keep_places(self.line_ranges, &before.line_ranges, key, Clone::clone, &mut retired.line_ranges);
        let (trunks, trunk_places) =
            keep_places(self.trunks, &before.trunks, |trunk| trunk.name.clone(), vacant_trunk, &mut retired.trunks);
        let (mut lots, lot_places) =
            keep_places(self.lots, &before.lots, |lot| lot.name.clone(), LotSettings::clone, &mut retired.lots);
        let key = |code: &super::CodeSettings| (code.name.clone(), code.code.clone());
        let (codes, _) = keep_places(self.codes, &before.codes, key, Clone::clone, &mut retired.codes);
        for (place, lot) in lots.iter_mut().enumerate() {
            if retired.lots.contains(&place) {
                retired.orbits.extend((0..lot.orbits.len()).map(|orbit| (place, orbit)));
                continue;
            }
            lot.overflow = lot.overflow.and_then(|new| lot_places.get(new).copied());
            let old = before.lots.get(place).map_or(&[][..], |old| &old.orbits);
            let mut gone = BTreeSet::new();
            let orbits = std::mem::take(&mut lot.orbits);
            (lot.orbits, _) = keep_places(orbits, old, |orbit| orbit.number.clone(), OrbitSettings::clone, &mut gone);
            retired.orbits.extend(gone.into_iter().map(|orbit| (place, orbit)));
        }
        Self {
            lines,
            line_ranges,
            trunks,
            lots,
            codes,
            emergency_trunk: self.emergency_trunk.and_then(|new| trunk_places.get(new).copied()),
            retired,
            domain: before.domain.clone(),
            listeners: before.listeners.clone(),
            media: super::MediaSettings {
                lines: self.media.lines,
                hold_music: self.media.hold_music,
                rtp_timeout_hold: self.media.rtp_timeout_hold,
                ..before.media.clone()
            },
            seed: before.seed,
            ..self
        }
    }

    /// Whether something changed that only a restart can change.
    pub fn needs_restart(&self, before: &Self) -> bool {
        let same = |new: &super::Listener, old: &super::Listener| {
            // Port 0 is whatever was free.
            let port = new.address.port() == 0 || new.address.port() == old.address.port();
            new.transport == old.transport
                && new.address.ip() == old.address.ip()
                && port
                && new.advertise == old.advertise
        };
        let heard = self.listeners.len() == before.listeners.len()
            && self.listeners.iter().zip(&before.listeners).all(|(new, old)| same(new, old));
        let media = |settings: &Self| (settings.media.address, settings.media.ports.clone());
        self.domain != before.domain || !heard || media(self) != media(before)
    }
}

/// The new list in the places of the old one, and where each new entry went.
fn keep_places<T, K: Ord>(
    new: Vec<T>,
    old: &[T],
    key: impl Fn(&T) -> K,
    vacant: impl Fn(&T) -> T,
    retired: &mut BTreeSet<usize>,
) -> (Vec<T>, Vec<usize>)
where
    T: Clone,
{
    let known: BTreeMap<K, usize> = old.iter().enumerate().map(|(place, entry)| (key(entry), place)).collect();
    let mut placed: Vec<Option<T>> = vec![None; old.len()];
    let mut places = Vec::with_capacity(new.len());
    for entry in new {
        let place = known.get(&key(&entry)).copied().unwrap_or(placed.len());
        if place == placed.len() {
            placed.push(None);
        }
        placed[place] = Some(entry);
        places.push(place);
    }
    let fill = |(place, entry): (usize, Option<T>)| {
        entry.unwrap_or_else(|| {
            retired.insert(place);
            vacant(&old[place])
        })
    };
    (placed.into_iter().enumerate().map(fill).collect(), places)
}

fn vacant_line(line: &LineSettings) -> LineSettings {
    LineSettings { secret: Secret::None, trusted: Vec::new(), contact: None, profile: None, ..line.clone() }
}

fn vacant_trunk(trunk: &TrunkSettings) -> TrunkSettings {
    TrunkSettings { trusted: Vec::new(), prefix: None, ..trunk.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_keeps_its_place_and_what_goes_leaves_it_empty() {
        let mut retired = BTreeSet::new();
        let (list, places) = keep_places(
            vec!["carol", "dave", "alice"],
            &["alice", "bob", "carol"],
            |name| name.to_string(),
            |_| "nobody",
            &mut retired,
        );
        assert_eq!(list, ["alice", "nobody", "carol", "dave"]);
        assert_eq!(places, [2, 3, 0], "where each new entry went");
        assert_eq!(retired, BTreeSet::from([1]));
    }

    #[test]
    fn who_comes_back_gets_the_old_place_again() {
        let mut retired = BTreeSet::new();
        let (list, _) = keep_places(vec!["bob"], &["alice", "bob"], |n| n.to_string(), |_| "nobody", &mut retired);
        assert_eq!(list, ["nobody", "bob"]);
        let mut retired = BTreeSet::new();
        let (list, _) =
            keep_places(vec!["alice", "bob"], &["alice", "bob"], |n| n.to_string(), |_| "nobody", &mut retired);
        assert_eq!((list, retired.len()), (vec!["alice", "bob"], 0));
    }
}
