//! What a server still shows of calls that are over.
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Gauges that say how much of something there is now.
const GAUGES: [&str; 10] = [
    "pbx_calls",
    "pbx_call_legs",
    "pbx_sip_transactions",
    "pbx_sip_transactions_finished",
    "pbx_registrations",
    "pbx_registered_users",
    "pbx_parked_calls",
    "pbx_park_oldest_seconds",
    "pbx_rtp_ports_in_use",
    "pbx_panics_total",
];

/// Those that are not zero, each as its line.
pub(crate) fn left(http: SocketAddr) -> io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(http)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let of = |line: &str, gauge: &str| line.strip_prefix(gauge).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let watched = |line: &&str| GAUGES.iter().any(|gauge| of(line, gauge));
    let zero = |line: &str| line.rsplit_once(' ').is_some_and(|(_, value)| value.parse() == Ok(0.0));
    let lines: Vec<&str> = text.lines().filter(watched).collect();
    let missing = GAUGES.iter().filter(|gauge| !lines.iter().any(|line| of(line, gauge)));
    let missing: Vec<String> = missing.map(|gauge| format!("{gauge} is not there")).collect();
    Ok(lines.into_iter().filter(|line| !zero(line)).map(str::to_owned).chain(missing).collect())
}
