//! Counts that are kept in the repository: one that has risen by more than a little is a failure.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

use std::process::ExitCode;

/// A count may rise by this share before it is a failure.
const TOLERANCE: f64 = 0.03;

/// A file of counts, `what = number` a line.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Where it is.
    pub path: &'static str,
    /// Its first lines: what is counted, and how it is written.
    pub head: &'static str,
    /// What the numbers are.
    pub unit: &'static str,
}

impl Kept {
    /// Tells each count beside the one that is kept. Fails if one has risen, or was not kept.
    pub fn compare(&self, counted: &[(&str, f64)]) -> ExitCode {
        let text = std::fs::read_to_string(self.path).unwrap_or_default();
        let mut risen = false;
        for (what, count) in counted {
            let Some(before) = kept(&text, what) else {
                println!("{count:>8} {} {what}  <-- NOT KEPT", self.unit);
                risen = true;
                continue;
            };
            let change = count / before - 1.0;
            let over = change > TOLERANCE;
            risen |= over;
            let verdict = if over { "  <-- RISEN" } else { "" };
            println!("{count:>8} {} {what} (kept: {before}, {:+.1} %){verdict}", self.unit, 100.0 * change);
        }
        if risen { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Keeps these from now on.
    pub fn write(&self, counted: &[(&str, f64)]) -> ExitCode {
        let lines = counted.iter().map(|(what, count)| format!("{what} = {count}\n"));
        match std::fs::write(self.path, self.head.to_owned() + &lines.collect::<String>()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.path);
                ExitCode::FAILURE
            }
        }
    }
}

/// What is kept of this.
fn kept(text: &str, what: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(what)?.trim_start().strip_prefix('='));
    line.and_then(|number| number.trim().parse().ok()).filter(|kept: &f64| *kept > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_has_risen_or_is_new_is_a_failure() {
        let path = std::env::temp_dir().join(format!("switchyard-kept-{}.toml", std::process::id()));
        let path: &'static str = path.to_string_lossy().into_owned().leak();
        let kept = Kept { path, head: "# Bytes.\n", unit: "bytes" };
        let passes = |counted: &[(&str, f64)]| kept.compare(counted) == ExitCode::SUCCESS;
        assert!(!passes(&[("up", 100.0)]), "nothing is kept");
        assert_eq!(kept.write(&[("up", 100.0), ("over", 7.0)]), ExitCode::SUCCESS);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "# Bytes.\nup = 100\nover = 7\n");
        assert!(passes(&[("up", 102.0), ("over", 1.0)]) && !passes(&[("up", 104.0)]) && !passes(&[("ringing", 1.0)]));
        std::fs::remove_file(path).unwrap();
    }
}
