//! Which core the generator and the server run on.
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use std::error::Error;

/// Keeps this process on one core.
pub(crate) fn pin_self(core: usize) -> Result<(), Box<dyn Error>> {
    pin(Pid::from_raw(0), core)
}

/// Keeps all threads of a process on one core; threads to come have it from those that start them.
pub(crate) fn pin_process(pid: i32, core: usize) -> Result<(), Box<dyn Error>> {
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.file_name().to_string_lossy().parse()?;
        pin(Pid::from_raw(thread), core)?;
    }
    Ok(())
}

fn pin(thread: Pid, core: usize) -> Result<(), Box<dyn Error>> {
    let mut cores = CpuSet::new();
    cores
        .set(core)
        .and_then(|()| sched_setaffinity(thread, &cores))
        .map_err(|error| format!("core {core}: {error}"))?;
    Ok(())
}
