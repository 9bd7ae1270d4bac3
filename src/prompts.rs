//! The prompts of the language that the configuration names, as the media thread says them.
use crate::config::{Language, Problem, Severity};
use crate::media::{After, Prompts, Tune};

macro_rules! built_in {
    ($($name:literal)+) => {
        &[$(($name, include_bytes!(concat!("../config/sounds/en/", $name, ".wav")))),+]
    };
}

/// `config/sounds/en/*.wav`, for whoever has not put them, or others, beside the configuration.
const BUILT_IN: &[(&str, &[u8])] = built_in!(
    "confirmation" "parked-on" "your-number-is" "echo-test" "no-call-to-park" "not-parked" "orbit-taken"
    "all-orbits-taken" "comfort" "not-allowed" "nothing-parked-there" "no-parked-calls" "no-such-number" "park-not-available"
    "press-one" "busy-press-five" "no-reply-press-five" "away-press-five" "busy-stay" "will-call-back" "callback-cancelled"
    "no-callback" "no-call-to-return" "no-callback-possible" "too-many-callbacks" "calling" "busy-again" "nobody-answers"
    "0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "plus" "star" "hash"
    "a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o" "p" "q" "r" "s" "t" "u" "v" "w" "x" "y" "z"
);

/// Loads the prompts. A file that is not there is the one built in, and where the language is another than that of those,
/// this is a warning; one that cannot be played is silence, and a warning. Takes as long as reading the files.
pub fn load(language: &Language) -> (Prompts, Vec<Problem>) {
    let (mut missing, mut problems) = (Vec::new(), Vec::new());
    let warning = |what, hint: &str| {
        let (place, hint) = (language.place.clone(), Some(hint.to_owned()));
        Problem { severity: Severity::Warning, place, what, other: None, hint }
    };
    let prompts = Prompts::gather(|name| {
        let path = language.directory.join(format!("{name}.wav"));
        if !path.exists() {
            missing.push(name.to_owned());
            return built_in(name);
        }
        Tune::load(&path, After::Silence)
            .map_err(|what| problems.push(warning(what, "nothing is said in its place until it can be")))
            .ok()
    });
    if language.name != crate::config::BUILT_IN_LANGUAGE && !missing.is_empty() {
        let what = format!("{} has no {}", language.directory.display(), missing.join(", "));
        problems.push(warning(what, "what is missing is said in English"));
    }
    (prompts, problems)
}

fn built_in(name: &str) -> Option<Tune> {
    let (_, wav) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
    // What is built in was tested.
    Tune::read(*wav, After::Silence).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Place, load as configuration};
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sounds() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sounds/en")
    }

    #[test]
    fn every_prompt_that_can_be_asked_for_is_built_in_and_nothing_else() {
        let mut asked = BTreeSet::new();
        Prompts::gather(|name| {
            asked.insert(name.to_owned());
            let tune = built_in(name);
            assert!(tune.is_some(), "{name}");
            tune
        });
        let built_in: BTreeSet<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(asked, built_in);
        let files = std::fs::read_dir(sounds()).unwrap().map(|file| file.unwrap().path());
        let files: BTreeSet<String> =
            files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(files, built_in);
    }

    #[test]
    fn prompts_are_quieter_than_full_scale_and_small() {
        let mut bytes = 0;
        for (name, wav) in BUILT_IN {
            let mut reader = hound::WavReader::new(*wav).unwrap();
            let spec = reader.spec();
            assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 8_000, 16), "{name}");
            let samples: Vec<i16> = reader.samples().map(Result::unwrap).collect();
            let (first, last) = (samples[0], samples[samples.len() - 1]);
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max();
            assert!(loudest <= Some(14_000) && loudest >= Some(4_000), "{name}: {loudest:?}");
            assert!(first.abs() < 100 && last.abs() < 100, "{name} begins and ends without a click");
            bytes += wav.len();
        }
        assert!(bytes < 1_400_000, "{bytes}");
    }

    #[test]
    fn a_file_of_ones_own_is_played_and_what_cannot_be_is_silence_and_a_warning() {
        let directory = std::env::temp_dir().join(format!("switchyard-prompts-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("sounds/de")).unwrap();
        std::fs::write(directory.join("pbx.toml"), "[media]\nlanguage = \"de\"").unwrap();
        let language = configuration(&directory.join("pbx.toml")).unwrap().language;
        assert_eq!((&*language.name, &language.directory), ("de", &directory.join("sounds/de")));
        std::fs::copy(sounds().join("7.wav"), directory.join("sounds/de/1.wav")).unwrap();
        std::fs::write(directory.join("sounds/de/2.wav"), "no sound").unwrap();
        let (prompts, problems) = load(&language);
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(words[0].contains("2.wav: no WAV file") && words[0].contains("warning"), "{words:?}");
        assert!(words[1].contains("has no confirmation, parked-on, ") && words[1].contains("said in English"));
        assert!(!words[1].contains(" 1,") && words[1].contains(" 0, 3, 4"), "{words:?}");
        assert_eq!(words.len(), 2);
        let length = |number: &str| prompts.frames(number);
        assert_eq!(length("1"), length("7"), "it is said as it was recorded");
        assert_eq!(length("2"), None);
        assert!(length("3").is_some());
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn english_is_spoken_unless_said_and_nobody_is_warned() {
        let place = Place { file: "pbx.toml".into(), line: 1, column: 1 };
        let english = Language { name: "en".into(), directory: "nowhere".into(), place };
        assert_eq!(load(&english).1, []);
    }
}
