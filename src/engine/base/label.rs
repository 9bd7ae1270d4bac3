//! Label values of metrics: enums with one name each, and tables of counts indexed by them.

/// A closed set of label values. Every value has a series from the start, with 0.
pub trait Label: Copy + 'static {
    /// The values' names, in index order.
    const NAMES: &'static [&'static str];

    /// Where this value stands in [`Self::NAMES`].
    fn index(self) -> usize;
}

/// Declares an enum whose variants are label values.
#[macro_export]
macro_rules! labels {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How the value is written, in metrics, events and records alike.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl $crate::base::Label for $name {
            const NAMES: &'static [&'static str] = &[$($text),+];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// Counts by two labels, row by row. `()` stands for "no label".
#[derive(Clone, Debug)]
pub struct Table<R: Label, C: Label = ()> {
    counts: Vec<u64>,
    labels: std::marker::PhantomData<(R, C)>,
}

impl Label for () {
    const NAMES: &'static [&'static str] = &[""];

    fn index(self) -> usize {
        0
    }
}

impl<R: Label, C: Label> Default for Table<R, C> {
    fn default() -> Self {
        Self { counts: vec![0; R::NAMES.len() * C::NAMES.len()], labels: std::marker::PhantomData }
    }
}

impl<R: Label> Table<R, ()> {
    /// Counts one more.
    pub fn up(&mut self, row: R) {
        self.add(row, (), 1);
    }
}

impl<R: Label, C: Label> Table<R, C> {
    /// Counts `n` more.
    pub fn add(&mut self, row: R, column: C, n: u64) {
        if let Some(count) = self.counts.get_mut(row.index() * C::NAMES.len() + column.index()) {
            *count += n;
        }
    }

    /// How many so far.
    pub fn count(&self, row: R, column: C) -> u64 {
        self.counts.get(row.index() * C::NAMES.len() + column.index()).copied().unwrap_or(0)
    }

    /// Every pair of label values with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        let columns = C::NAMES.len();
        self.counts.iter().enumerate().map(move |(i, &n)| (R::NAMES[i / columns], C::NAMES[i % columns], n))
    }
}
