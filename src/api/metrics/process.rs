//! What the operating system knows of this process, under the names that every Prometheus client uses.
//!
//! Written out by hand: CPU seconds are a counter with a fraction, which the recorder cannot hold.
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;
use std::fmt::Write;
use std::fs;
use std::time::Duration;

/// CPU, memory, files; what cannot be read is left out.
pub(super) fn exposition(started: Duration) -> String {
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64);
    let most = getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft as f64);
    add("process_cpu_seconds_total", "counter", "User and system CPU time spent.", cpu_seconds());
    add("process_resident_memory_bytes", "gauge", "Memory in use.", bytes_of(&status, "VmRSS:"));
    add("process_virtual_memory_bytes", "gauge", "Address space in use.", bytes_of(&status, "VmSize:"));
    add("process_open_fds", "gauge", "Files and sockets open.", files);
    add("process_max_fds", "gauge", "Files and sockets allowed.", most);
    add("process_start_time_seconds", "gauge", "Start, in seconds since 1970.", Some(started.as_secs_f64()));
    text
}

/// Datagrams that the kernel dropped at these sockets, because their receive buffers were full.
pub(super) fn kernel_drops(inodes: &[u64]) -> u64 {
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().map(|table| drops_in(table, inodes)).sum()
}

/// The tenth column is the inode, the last one the drops.
fn drops_in(table: &str, inodes: &[u64]) -> u64 {
    let drops = |line: &str| {
        let inode = line.split_ascii_whitespace().nth(9)?.parse().ok()?;
        inodes.contains(&inode).then(|| line.split_ascii_whitespace().next_back()?.parse::<u64>().ok())?
    };
    table.lines().skip(1).filter_map(drops).sum()
}

fn cpu_seconds() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6)
}

fn bytes_of(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_tells_what_was_dropped() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            12: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5001 2 0000000000000000 7\n\
            13: 0100007F:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5002 2 0000000000000000 11\n";
        assert_eq!(drops_in(table, &[5001]), 7);
        assert_eq!(drops_in(table, &[5001, 5002]), 18);
        assert_eq!(drops_in(table, &[5003]), 0);
    }
}
