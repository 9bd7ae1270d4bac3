//! A table of a TOML file, read key by key: what is asked for is known, the rest is a mistake.
use super::problem::{Place, Problem, Severity, Source, nearest};
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Collects everything that is wrong.
#[derive(Debug, Default)]
pub(super) struct Log {
    problems: RefCell<Vec<Problem>>,
    /// Every key asked for, as `lines.*.name`, and whether it was there.
    #[cfg(test)]
    pub(super) keys: RefCell<std::collections::BTreeMap<String, bool>>,
}

impl Log {
    /// Notes an error.
    pub(super) fn error(&self, place: &Place, what: impl Into<String>) {
        self.note(Problem::error(place, what));
    }

    /// Notes a problem.
    pub(super) fn note(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// All problems, in the order of the files' lines.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        problems
    }
}

impl Problem {
    pub(super) fn error(place: &Place, what: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.clone(), what: what.into(), other: None, hint: None }
    }

    pub(super) fn warning(place: &Place, what: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, what) }
    }

    pub(super) fn other(self, place: &Place, what: impl Into<String>) -> Self {
        Self { other: Some((place.clone(), what.into())), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With "did you mean", if one of the known words is near.
    pub(super) fn did_you_mean<'a>(self, word: &str, known: impl Iterator<Item = &'a str>) -> Self {
        match nearest(word, known) {
            Some(meant) => self.hint(format!("did you mean `{meant}`?")),
            None => self,
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// A value not yet read.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    inner: &'t Spanned<DeValue<'t>>,
    source: &'t Source,
    log: &'t Log,
}

impl<'t> Value<'t> {
    /// The value itself.
    pub(super) fn raw(&self) -> &'t DeValue<'t> {
        self.inner.get_ref()
    }

    pub(super) fn place(&self) -> Place {
        self.source.place(&self.inner.span())
    }

    /// Notes what is wrong with this value.
    pub(super) fn wrong<T>(&self, what: impl Into<String>) -> Option<T> {
        self.log.error(&self.place(), what);
        None
    }

    /// Notes a problem with a hint or another place.
    pub(super) fn note<T>(&self, problem: Problem) -> Option<T> {
        self.log.note(problem);
        None
    }

    /// The elements of a list; a value that is no list counts as a list of one.
    pub(super) fn elements(&self) -> Vec<Self> {
        let Some(array) = self.raw().as_array() else { return vec![*self] };
        array.iter().map(|inner| Self { inner, ..*self }).collect()
    }

    /// The entries of a table, in the order of the file; nothing if it is none.
    pub(super) fn entries(&self) -> Option<Vec<(Placed<String>, Self)>> {
        let mut entries: Vec<_> = self.raw().as_table()?.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let entry = |(name, inner): (&'t Spanned<_>, _)| {
            let name: &Spanned<std::borrow::Cow<'_, str>> = name;
            let placed = Placed { value: name.get_ref().to_string(), place: self.source.place(&name.span()) };
            (placed, Self { inner, ..*self })
        };
        Some(entries.into_iter().map(entry).collect())
    }

    pub(super) fn placed<T>(&self, value: T) -> Placed<T> {
        Placed { value, place: self.place() }
    }
}

/// A table being read. Every key is asked for once; [`Section::finish`] finds those that nobody asked for.
pub(super) struct Section<'t> {
    /// Where its header or key stands.
    pub(super) place: Place,
    /// As in `lots.*`, for the list of known keys.
    path: String,
    table: Option<&'t DeTable<'t>>,
    asked: Vec<&'static str>,
    source: &'t Source,
    pub(super) log: &'t Log,
}

impl<'t> Section<'t> {
    /// A whole file.
    pub(super) fn root(table: &'t DeTable<'t>, source: &'t Source, log: &'t Log) -> Self {
        Self::new(Some(table), &(0..0), String::new(), source, log)
    }

    fn new(
        table: Option<&'t DeTable<'t>>,
        span: &Range<usize>,
        path: String,
        source: &'t Source,
        log: &'t Log,
    ) -> Self {
        Self { place: source.place(span), path, table, asked: Vec::new(), source, log }
    }

    /// The value of `key` as `read` takes it; nothing if it is not there or wrong.
    pub(super) fn get<T>(&mut self, key: &'static str, read: impl FnOnce(Value<'t>) -> Option<T>) -> Option<T> {
        self.ask(key).and_then(|(_, value)| read(value))
    }

    /// The same with its place.
    pub(super) fn placed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'t>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let (_, value) = self.ask(key)?;
        read(value).map(|read| value.placed(read))
    }

    /// The same, and an error if it is not there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'t>) -> Option<T>,
    ) -> Option<Placed<T>> {
        if !self.has(key) {
            self.log.error(&self.place, format!("`{key}` is missing"));
        }
        self.placed(key, read)
    }

    /// Whether the key is there at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The table under `key`; an empty one if there is none.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let found = self.ask(key).and_then(|(span, value)| Some((span, self.table_of(value)?)));
        let (span, table) = found.map_or((0..0, None), |(span, table)| (span, Some(table)));
        Self::new(table, &span, self.path_of(key), self.source, self.log)
    }

    /// The tables under `key`, each with its name, in the order of the file.
    pub(super) fn named(&mut self, key: &'static str) -> Vec<(Placed<String>, Self)> {
        let Some(table) = self.ask(key).and_then(|(_, value)| self.table_of(value)) else { return Vec::new() };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let path = format!("{}.*", self.path_of(key));
        let mut sections = Vec::new();
        for (name, inner) in entries {
            let value = Value { inner, source: self.source, log: self.log };
            let placed = Placed { value: name.get_ref().to_string(), place: self.source.place(&name.span()) };
            if let Some(table) = self.table_of(value) {
                sections.push((placed, Self::new(Some(table), &name.span(), path.clone(), self.source, self.log)));
            }
        }
        sections
    }

    /// The tables of the array under `key`.
    pub(super) fn array(&mut self, key: &'static str) -> Vec<Self> {
        let Some((_, value)) = self.ask(key) else { return Vec::new() };
        let path = self.path_of(key);
        let section = |element: Value<'t>| {
            let table = self.table_of(element)?;
            Some(Self::new(Some(table), &element.inner.span(), path.clone(), self.source, self.log))
        };
        value.elements().into_iter().filter_map(section).collect()
    }

    /// Finds the keys that nobody asked for.
    pub(super) fn finish(self) {
        let unknown = self.table.into_iter().flat_map(DeTable::iter).filter(|(key, _)| !self.asks_for(key.get_ref()));
        for (key, _) in unknown {
            let problem = Problem::error(&self.source.place(&key.span()), format!("unknown key `{}`", key.get_ref()));
            self.log.note(problem.did_you_mean(key.get_ref(), self.asked.iter().copied()));
        }
    }

    fn asks_for(&self, key: &str) -> bool {
        self.asked.contains(&key)
    }

    fn ask(&mut self, key: &'static str) -> Option<(Range<usize>, Value<'t>)> {
        self.asked.push(key);
        let found = self.table.and_then(|table| table.get_key_value(key));
        #[cfg(test)]
        {
            *self.log.keys.borrow_mut().entry(self.path_of(key)).or_default() |= found.is_some();
        }
        let (key, inner) = found?;
        Some((key.span(), Value { inner, source: self.source, log: self.log }))
    }

    fn table_of(&self, value: Value<'t>) -> Option<&'t DeTable<'t>> {
        value.raw().as_table().or_else(|| value.wrong(format!("expected a table, found {}", kind(value.raw()))))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// What a value is, with its article.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
