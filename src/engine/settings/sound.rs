//! What people hear: which music, and who is told what.

/// Which music, of all that the configuration names: the media threads have them in this order. The first is what whoever
/// has none of their own hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MusicNo(pub u16);

/// Who is told aloud where a call was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceTo {
    /// Who parked it.
    Parker,
    /// Nobody.
    Nobody,
    /// Who parked it, and who is parked.
    Both,
}

/// What a parker hears who named the orbit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceDirected {
    /// That it was done.
    Tone,
    /// The orbit, as if it had not been named.
    Orbit,
}
