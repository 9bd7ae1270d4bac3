//! The server's metrics, read.

/// What `/metrics` said at one moment.
pub(crate) struct Metrics(pub(crate) String);

impl Metrics {
    /// The sum of the series that a selector such as `pbx_park_end_total result=retrieved` names.
    pub(crate) fn sum(&self, selector: &str) -> u64 {
        let mut words = selector.split_whitespace();
        let name = words.next().unwrap();
        let labels: Vec<String> = words.map(quoted).collect();
        let series: Vec<(&str, &str)> = self.0.lines().filter_map(|line| series(line, name)).collect();
        let chosen = || series.iter().filter(|(set, _)| labels.iter().all(|label| set.contains(label.as_str())));
        assert!(chosen().next().is_some(), "no series is called {selector}");
        chosen().map(|(_, value)| value.parse::<f64>().unwrap() as u64).sum()
    }
}

/// `result=ok` as it is written there.
fn quoted(label: &str) -> String {
    let (name, value) = label.split_once('=').unwrap();
    format!("{name}=\"{value}\"")
}

/// The labels and the value of a line, if it is of this name.
fn series<'a>(line: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (labels, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
    (labels.is_empty() || labels.starts_with('{')).then_some((labels, value))
}
