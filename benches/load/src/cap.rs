//! A share of a core for the server, and no more: the kernel stops it when it has had that.
//!
//! By a control group of its own, of the first or the second version, whichever has the `cpu` controller here. The period is
//! short, so that the server stands still for milliseconds and not for longer than a caller waits.
use nix::unistd::Pid;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Microseconds in which the share may be used.
const PERIOD: u64 = 5_000;
/// The kernel takes no smaller share than this, in microseconds.
const LEAST: u64 = 1_000;

/// The group; gone when this is dropped, if the server has ended by then.
#[derive(Debug)]
pub(crate) struct Cap {
    group: PathBuf,
    pub(crate) share: f64,
}

/// How often it was stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Throttled {
    pub(crate) periods: u64,
    /// Of these, those in which it was stopped.
    pub(crate) throttled: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Cap {
    /// A group whose members together have this share of a core.
    pub(crate) fn new(share: f64) -> Result<Self, Box<dyn Error>> {
        let unable = |error: &dyn std::fmt::Display| format!("the server's CPU cannot be capped here: {error}");
        let mounts = fs::read_to_string("/proc/mounts")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let (version, parent) =
            place(&mounts, &own).ok_or_else(|| unable(&"no control group has the cpu controller"))?;
        let group = parent.join(format!("switchyard-load-{}", std::process::id()));
        let (quota, period) = budget(share);
        if version == Version::Two {
            // Perhaps it is on already, and not ours to switch.
            let _ = fs::write(parent.join("cgroup.subtree_control"), "+cpu");
        }
        fs::create_dir(&group).map_err(|error| unable(&error))?;
        // From here on it is removed if anything fails.
        let cap = Self { group, share };
        let write = |file: &str, text: String| fs::write(cap.group.join(file), text).map_err(|error| unable(&error));
        match version {
            Version::One => {
                write("cpu.cfs_period_us", period.to_string())?;
                write("cpu.cfs_quota_us", quota.to_string())?;
            }
            Version::Two => write("cpu.max", format!("{quota} {period}"))?,
        }
        Ok(cap)
    }

    /// From now on it holds for this process, with all its threads.
    pub(crate) fn take(&self, process: Pid) -> Result<(), Box<dyn Error>> {
        let members = self.group.join("cgroup.procs");
        Ok(fs::write(members, process.to_string())
            .map_err(|error| format!("the server's CPU cannot be capped: {error}"))?)
    }

    /// How often so far.
    pub(crate) fn throttled(&self) -> Throttled {
        told(&fs::read_to_string(self.group.join("cpu.stat")).unwrap_or_default())
    }
}

impl Drop for Cap {
    fn drop(&mut self) {
        // A group with members cannot be removed: then it stays, and limits nobody else.
        let _ = fs::remove_dir(&self.group);
    }
}

/// Quota and period.
fn budget(share: f64) -> (u64, u64) {
    let quota = (share * PERIOD as f64) as u64;
    if quota >= LEAST { (quota, PERIOD) } else { (LEAST, (LEAST as f64 / share) as u64) }
}

/// Where a group can be made that caps CPU: within our own, or, since a group of the second version may not have members and
/// groups at once, beside it.
fn place(mounts: &str, own: &str) -> Option<(Version, PathBuf)> {
    let mounts = mounts.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let within = |path: &str| path.trim_start_matches('/').to_owned();
    for mount in mounts {
        let [_, at, kind, options, ..] = mount[..] else { continue };
        if kind == "cgroup" && options.split(',').any(|option| option == "cpu") {
            let path = own.lines().find_map(|line| {
                let [_, controllers, path] = line.splitn(3, ':').collect::<Vec<_>>()[..] else { return None };
                controllers.split(',').any(|one| one == "cpu").then_some(path)
            });
            return Some((Version::One, Path::new(at).join(within(path?))));
        }
        if kind == "cgroup2" {
            let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
            let beside = Path::new(path).parent().map_or(String::new(), |parent| within(&parent.to_string_lossy()));
            let parent = Path::new(at).join(beside);
            let controllers = fs::read_to_string(parent.join("cgroup.controllers")).unwrap_or_default();
            if controllers.split_whitespace().any(|one| one == "cpu") {
                return Some((Version::Two, parent));
            }
        }
    }
    None
}

fn told(stat: &str) -> Throttled {
    let of = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    Throttled { periods: of("nr_periods"), throttled: of("nr_throttled") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_quota_of_a_short_period() {
        assert_eq!(budget(0.5), (2500, 5000));
        assert_eq!(budget(0.1), (1000, 10_000), "no quota is below a millisecond");
    }

    #[test]
    fn the_controller_is_found_where_it_is_mounted() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /cg/cpuset cgroup rw,cpuset 0 0\n\
            cgroup /cg/cpu cgroup rw,nosuid,cpu,cpuacct 0 0\n";
        let own = "3:cpuset:/x\n2:cpu,cpuacct:/mine\n0::/\n";
        assert_eq!(place(mounts, own), Some((Version::One, PathBuf::from("/cg/cpu/mine"))));
        assert_eq!(place("cgroup /cg/cpuset cgroup rw,cpuset 0 0\n", own), None);
    }

    #[test]
    fn a_group_is_there_while_it_is_needed() {
        // Whoever may not make one cannot test it.
        let Ok(cap) = Cap::new(0.5) else { return };
        let group = cap.group.clone();
        let quota = ["cpu.cfs_quota_us", "cpu.max"].iter().find_map(|file| fs::read_to_string(group.join(file)).ok());
        assert!(quota.is_some_and(|quota| quota.starts_with("2500")));
        drop(cap);
        assert!(!group.exists());
    }

    #[test]
    fn the_kernel_tells_how_often_it_stopped_them() {
        let stat = "nr_periods 120\nnr_throttled 40\nthrottled_time 1\n";
        assert_eq!(told(stat), Throttled { periods: 120, throttled: 40 });
        assert_eq!(told(""), Throttled::default());
    }
}
