//! What people are told on the terminal: at start, and by `switchyard codes`.
use crate::config::Config;
use std::fmt::Write;
use switchyard_engine::settings::{Argument, CodeSettings, LotSettings, Operation, Secret, Settings};

/// What whoever starts the server needs next.
pub fn banner(config: &Config) -> String {
    let settings = &config.settings;
    let mut text = format!("Switchyard {}\n", env!("CARGO_PKG_VERSION"));
    for listener in &settings.listeners {
        let (address, transport) = (listener.told(), listener.transport.as_str());
        say(&mut text, "SIP", &format!("{address} ({transport}), domain {}", settings.domain));
    }
    if config.demo {
        for line in &settings.lines {
            let secret = match &line.secret {
                Secret::Password(password) => format!("password {password}"),
                Secret::Ha1(_) => "password known as ha1 only".to_owned(),
                Secret::None => "known by its address".to_owned(),
            };
            say(&mut text, "line", &format!("{}  {:<8} {secret}", line.number, line.name));
        }
    }
    for lot in &settings.lots {
        let code = code_for(settings, Operation::Park);
        let code = code.map_or_else(String::new, |code| format!(", or dial {} while holding", code.code));
        say(&mut text, "park", &format!("transfer to {}{code}; orbits {}", lot.number, orbits(lot)));
    }
    if !settings.lots.is_empty() {
        let code = code_for(settings, Operation::Retrieve);
        let code = code.map_or_else(String::new, |code| format!(", or {}<orbit>", code.code));
        say(&mut text, "retrieve", &format!("dial the orbit{code}"));
    }
    say(&mut text, "metrics", &format!("http://{}/metrics", config.http));
    text
}

/// The codes and numbers in force.
pub fn codes(config: &Config) -> String {
    let settings = &config.settings;
    let mut rows = vec![["DIALLED", "NAME", "OPERATION", "BUILT"].map(str::to_owned)];
    for code in &settings.codes {
        let dialled = match code.argument {
            Argument::None => code.code.clone(),
            Argument::Optional => format!("{}[number]", code.code),
            Argument::Required => format!("{}<number>", code.code),
        };
        let built = if code.operation.is_built() { "yes" } else { "not yet" };
        rows.push([dialled, code.name.clone(), code.operation.as_str().to_owned(), built.to_owned()]);
    }
    for code in &settings.keys {
        let [keys, operation] = [&code.keys, code.operation.as_str()].map(str::to_owned);
        rows.push([format!("in a call: {keys}"), String::new(), operation, "yes".to_owned()]);
    }
    let mut add = |dialled: String, name: &str, what: &str| {
        rows.push([dialled, name.to_owned(), what.to_owned(), "yes".to_owned()]);
    };
    for number in &settings.emergency {
        add(number.clone(), "emergency", "to the emergency trunk");
    }
    for line in &settings.lines {
        add(line.number.clone(), &line.name, "line");
    }
    for range in &settings.line_ranges {
        let end = |n: u64| format!("{}{n:0width$}", range.prefix, width = range.width);
        add(format!("{}-{}", end(range.first), end(range.last)), "", "lines");
    }
    for lot in &settings.lots {
        add(lot.number.clone(), &lot.name, "park in any free orbit");
        add(orbits(lot), &lot.name, "orbits");
    }
    for trunk in &settings.trunks {
        if let Some(prefix) = &trunk.prefix {
            add(format!("{prefix}..."), &trunk.name, "trunk");
        }
    }
    table(&rows)
}

fn say(text: &mut String, what: &str, how: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {what:<9} {how}");
}

/// The first code of an operation, as people would learn it.
fn code_for(settings: &Settings, operation: Operation) -> Option<&CodeSettings> {
    settings.codes.iter().find(|code| code.operation == operation)
}

/// The first and the last orbit; the configuration knows what is between.
fn orbits(lot: &LotSettings) -> String {
    match &lot.orbits[..] {
        [] => String::new(),
        [only] => only.number.clone(),
        [first, .., last] => format!("{}-{}", first.number, last.number),
    }
}

fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
