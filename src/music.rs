//! The music that the configuration names, as the media thread plays it.
use crate::config::{Music, Problem, Severity};
use crate::media::{After, Tune};

/// `config/sounds/music/default.wav`, for whoever has not put it, or another one, beside the configuration.
const BUILT_IN: &[u8] = include_bytes!("../config/sounds/music/default.wav");

/// Loads all music, by its number; a file that cannot be played is silence, and a warning. Takes as long as reading the
/// files.
pub fn load(music: &[Music]) -> (Vec<Tune>, Vec<Problem>) {
    let (tunes, problems): (Vec<_>, Vec<_>) = music.iter().map(load_one).unzip();
    (tunes, problems.into_iter().flatten().collect())
}

fn load_one(music: &Music) -> (Tune, Option<Problem>) {
    match music {
        Music::Silence => (Tune::silence(), None),
        // What is built in was tested.
        Music::BuiltIn => (Tune::read(BUILT_IN, After::Itself).unwrap_or_else(|_| Tune::silence()), None),
        Music::File { path, place } => match Tune::load(path, After::Itself) {
            Ok(tune) => (tune, None),
            Err(what) => {
                let hint = "who waits hears nothing until it can be played, and the server is started again";
                let (place, hint) = (place.clone(), Some(hint.to_owned()));
                let problem = Problem { severity: Severity::Warning, place, what, other: None, hint };
                (Tune::silence(), Some(problem))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_music_that_is_built_in_can_be_played() {
        assert!(Tune::read(BUILT_IN, After::Itself).is_ok());
    }
}
