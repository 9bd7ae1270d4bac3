//! Ranges of lines, never expanded: a million lines cost a handful of entries.
use super::{LineNo, LineRange, Settings};
use crate::base::text::Number;
use std::fmt::Write;

/// The number of the first line of a range; lines with a section of their own are below.
const FIRST: usize = 1 << 24;

/// All ranges of a deployment, ready to be looked up by number and by line.
#[derive(Debug, Default)]
pub struct Ranges {
    ranges: Vec<Range>,
    /// Places in `ranges`, sorted so that one binary search finds the range of a number.
    by_digits: Vec<usize>,
}

/// A range of lines.
#[derive(Debug)]
pub struct Range {
    /// The letters before the digits.
    pub prefix: Box<str>,
    /// Digits written.
    pub width: usize,
    /// The first number.
    pub first: u64,
    /// The last number, included.
    pub last: u64,
    /// The number of its first line.
    base: usize,
}

impl Ranges {
    /// The ranges of these settings. Their lines have numbers of their own, whatever lines come and go besides.
    pub fn new(settings: &Settings) -> Self {
        let mut base = FIRST;
        let of = |range: &LineRange| {
            let prefix = range.prefix.as_str().into();
            let made = Range { prefix, width: range.width, first: range.first, last: range.last, base };
            base += made.count();
            made
        };
        let ranges: Vec<Range> = settings.line_ranges.iter().map(of).collect();
        let retired = &settings.retired.line_ranges;
        let mut by_digits: Vec<usize> = (0..ranges.len()).filter(|place| !retired.contains(place)).collect();
        by_digits.sort_by(|&a, &b| ranges[a].key().cmp(&ranges[b].key()));
        Self { ranges, by_digits }
    }

    /// The line with this number.
    pub fn line(&self, number: &str) -> Option<LineNo> {
        let (place, value) = self.find(number)?;
        let range = &self.ranges[place];
        u32::try_from(range.base as u64 + (value - range.first)).ok().map(LineNo)
    }

    /// The range (its place in the settings) that a number is in, and the value of its digits.
    pub fn find(&self, number: &str) -> Option<(usize, u64)> {
        let letters = number.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &number[letters.len()..];
        let value = digits.parse().ok()?;
        let key = (digits.len(), letters, value);
        let after = self.by_digits.partition_point(|&place| self.ranges[place].key() <= key);
        let place = *self.by_digits.get(after.checked_sub(1)?)?;
        self.ranges[place].holds(letters, digits.len(), value).then_some((place, value))
    }

    /// The range (its place in the settings) of a line.
    pub fn of(&self, line: LineNo) -> Option<usize> {
        let after = self.ranges.partition_point(|range| range.base <= line.0 as usize);
        let place = after.checked_sub(1)?;
        self.ranges[place].number(line.0 as usize).map(|_| place)
    }

    /// What is dialled to reach a line.
    pub fn number(&self, line: LineNo) -> Option<Number> {
        self.ranges[self.of(line)?].number(line.0 as usize)
    }

    /// How many lines they have.
    pub fn lines(&self) -> usize {
        self.sorted().map(|(_, range)| range.count()).fold(0, usize::saturating_add)
    }

    /// All, in the order of the settings.
    pub fn all(&self) -> &[Range] {
        &self.ranges
    }

    /// All with their places, in the order of what is dialled: only neighbours can overlap.
    pub fn sorted(&self) -> impl Iterator<Item = (usize, &Range)> {
        self.by_digits.iter().map(|&place| (place, &self.ranges[place]))
    }
}

impl Range {
    fn key(&self) -> (usize, &str, u64) {
        (self.width, &self.prefix, self.first)
    }

    fn count(&self) -> usize {
        usize::try_from((self.last + 1).saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    fn holds(&self, prefix: &str, width: usize, value: u64) -> bool {
        self.width == width && *self.prefix == *prefix && (self.first..=self.last).contains(&value)
    }

    fn number(&self, line: usize) -> Option<Number> {
        let offset = line.checked_sub(self.base).filter(|&offset| offset < self.count())?;
        self.written(self.first + offset as u64)
    }

    /// A number of the range, with its letters and leading zeros.
    pub fn written(&self, value: u64) -> Option<Number> {
        let mut number = Number::new();
        write!(number, "{}{value:0width$}", self.prefix, width = self.width).ok()?;
        Some(number)
    }

    /// The lowest number of the range that begins so.
    pub fn first_beginning(&self, beginning: &str) -> Option<Number> {
        let Some(digits) = beginning.strip_prefix(&*self.prefix) else {
            return self.prefix.starts_with(beginning).then(|| self.written(self.first)).flatten();
        };
        if digits.len() > self.width || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let free = u32::try_from(self.width - digits.len()).ok()?;
        let step = 10_u64.checked_pow(free)?;
        let low = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()?.checked_mul(step)? };
        let high = low.checked_add(step - 1)?;
        let lowest = low.max(self.first);
        (lowest <= high.min(self.last)).then(|| self.written(lowest)).flatten()
    }
}
