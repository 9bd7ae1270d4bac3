//! What is wrong with a configuration, and where.
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

/// A place in a file, as editors count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it was named.
    pub file: Rc<str>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Whether a problem keeps the server from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It works, but perhaps not as meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub what: String,
    /// The other place, and what is there.
    pub other: Option<(Place, String)>,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{}: {warning}{}", self.place, self.what)?;
        if let Some((place, what)) = &self.other {
            write!(f, "\n    {place}: {what}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n    hint: {hint}")?;
        }
        Ok(())
    }
}

/// A file's text, and where its lines begin.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Rc<str>,
    pub(super) text: String,
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(file: &str, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file: file.into(), text, lines }
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let line = self.lines.partition_point(|&begin| begin <= span.start).max(1);
        let begin = self.lines[line - 1];
        let column = 1 + self.text.get(begin..span.start).map_or(0, |before| before.chars().count());
        Place { file: Rc::clone(&self.file), line, column }
    }
}

/// The known word that was probably meant: the nearest by edits, if near enough.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, nearest) = known.map(|k| (edits(word, k), k)).min_by_key(|&(distance, _)| distance)?;
    (distance <= 1 + word.chars().count() / 4).then_some(nearest)
}

/// Levenshtein's distance, with a swap of neighbours as one edit.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            if i == 0 || j == 0 {
                rows[i][j] = i + j;
                continue;
            }
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let source = Source::new("x.toml", "a\nbé = 1\n".into());
        let table = [(0, (1, 1)), (1, (1, 2)), (2, (2, 1)), (5, (2, 3)), (10, (3, 1)), (99, (3, 1))];
        for (at, (line, column)) in table {
            let place = source.place(&(at..at));
            assert_eq!((place.line, place.column), (line, column), "{at}");
        }
    }

    #[test]
    fn the_nearest_word_is_suggested_if_near_enough() {
        let known = ["orbits", "number", "overflow"];
        let table = [
            ("orbitz", Some("orbits")),
            ("obrits", Some("orbits")),
            ("orbit", Some("orbits")),
            ("nmber", Some("number")),
            ("music", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
    }
}
