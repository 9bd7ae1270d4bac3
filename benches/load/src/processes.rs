//! What the kernel knows of processes: which core they run on, whether they live, what memory is theirs.
use crate::server;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::error::Error;

/// Keeps this process on one core.
pub(crate) fn pin_self(core: usize) -> Result<(), Box<dyn Error>> {
    pin(Pid::from_raw(0), core)
}

/// Keeps all threads of a process on one core; threads to come have it from those that start them.
pub(crate) fn pin(process: Pid, core: usize) -> Result<(), Box<dyn Error>> {
    let mut cores = CpuSet::new();
    cores.set(core).map_err(|error| format!("core {core}: {error}"))?;
    let mut threads = vec![process];
    if process.as_raw() != 0 {
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            threads.push(Pid::from_raw(thread?.file_name().to_string_lossy().parse()?));
        }
    }
    for thread in threads {
        sched_setaffinity(thread, &cores).map_err(|error| format!("core {core}: {error}"))?;
    }
    Ok(())
}

/// Whether there is such a process, and it has not ended.
pub(crate) fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; behind it comes the state.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Bytes of memory that these processes have: what several share is counted once, where the kernel tells that.
pub(crate) fn memory(pids: &[i32]) -> u64 {
    let shares: Option<Vec<u64>> = pids.iter().map(|pid| proportional(*pid)).collect();
    shares.map_or_else(|| server::usage(pids).resident, |shares| shares.iter().sum())
}

/// A process's proportional share of the memory that is resident.
fn proportional(pid: i32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_run_and_have_memory() {
        let own = std::process::id().cast_signed();
        assert!(is_running(own) && !is_running(i32::MAX));
        let memory = memory(&[own]);
        assert!(memory > 100_000 && memory <= 2 * server::usage(&[own]).resident, "{memory}");
    }
}
