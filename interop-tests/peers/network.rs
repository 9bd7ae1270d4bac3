//! A network that only one story is in, with interfaces of its own: what must not be tried on the machine's.
use crate::story::name;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use std::io::Write;
use std::process::Command;
use std::thread;

/// Tells a story in a network where nothing else is, with these addresses (`10.77.0.1/24`) on an interface each, besides
/// loopback. Only who may make networks can: others say that they skip it.
pub(crate) fn in_a_network_of_its_own(addresses: &[&str], tell: impl FnOnce() + Send) {
    let name = name();
    let told = thread::scope(|scope| {
        // The network is the thread's, and that of the processes it starts.
        let story = || match unshare(CloneFlags::CLONE_NEWNET) {
            Ok(()) => {
                set_up(addresses).unwrap();
                tell();
            }
            Err(Errno::EPERM) => {
                let _ = writeln!(std::io::stderr(), "SKIPPED {name}: only root may make a network");
            }
            Err(failed) => panic!("no network: {failed}"),
        };
        let teller = thread::Builder::new().name(name.clone());
        teller.spawn_scoped(scope, story).unwrap().join()
    });
    told.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn set_up(addresses: &[&str]) -> Result<(), String> {
    ip("link set lo up")?;
    for (n, address) in addresses.iter().enumerate() {
        ip(&format!("link add near{n} type veth peer name far{n}"))?;
        ip(&format!("address add {address} dev near{n} nodad"))?;
        ip(&format!("link set near{n} up"))?;
        ip(&format!("link set far{n} up"))?;
    }
    Ok(())
}

fn ip(words: &str) -> Result<(), String> {
    let done = Command::new("ip").args(words.split(' ')).output().map_err(|failed| format!("ip: {failed}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(()) } else { Err(format!("ip {words}: {said}")) }
}
