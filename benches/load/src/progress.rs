//! How far it is: a bar on a terminal, a line now and then elsewhere.
use crate::agenda::Micros;
use crate::plan::{Due, Pace};
use crate::tally::Tally;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};

/// Between two lines.
const PAUSE: Micros = 5_000_000;

/// Tells how far it is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    is_terminal: bool,
    title: String,
    total: u64,
    told: Micros,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { bar: None, is_terminal: std::io::stderr().is_terminal(), title: String::new(), total: 0, told: 0 }
    }

    /// Something begins.
    pub(crate) fn begin(&mut self, title: &str, pace: &Pace) {
        title.clone_into(&mut self.title);
        self.total = match *pace {
            Pace::Steady { total, .. } => total,
            Pace::Ramp(_) | Pace::Rest(_) => 0,
        };
        self.told = 0;
        self.bar = self.is_terminal.then(|| {
            let (bar, form) = match self.total {
                0 => (ProgressBar::no_length(), "{spinner} {prefix} {elapsed} {msg}"),
                total => (ProgressBar::new(total), "{prefix} {wide_bar} {percent} % {elapsed} {msg}"),
            };
            let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.with_style(style).with_prefix(title.to_owned())
        });
    }

    /// It has come so far.
    pub(crate) fn show(&mut self, tally: &Tally, due: &Due, up: usize, elapsed: Micros) {
        if self.bar.is_none() && elapsed < self.told + PAUSE {
            return;
        }
        self.told = elapsed;
        let text = format!(
            "{}/s: {} offered, {} completed, {} failed, {up} up",
            due.rate, tally.offered, tally.completed, tally.failed
        );
        match &self.bar {
            Some(bar) => {
                bar.set_position(tally.completed + tally.failed);
                bar.set_message(text);
            }
            None => {
                let (seconds, title) = (elapsed / 1_000_000, &self.title);
                // Whoever does not read it need not.
                let _ = writeln!(std::io::stderr(), "{title} {seconds:>4} s at {text}");
            }
        }
    }

    /// It is over.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
