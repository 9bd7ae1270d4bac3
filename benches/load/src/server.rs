//! The server under load: started for the purpose, and what the kernel has charged to its processes.
use std::error::Error;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A server of ours, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Its configuration's, gone when it is.
    folder: Option<PathBuf>,
    /// Where it takes calls.
    pub(crate) address: SocketAddr,
}

/// What a server's processes have used.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// Microseconds of CPU in its own code.
    pub(crate) user: u64,
    /// Microseconds of CPU in the kernel.
    pub(crate) system: u64,
    /// Bytes resident.
    pub(crate) resident: u64,
}

impl Server {
    /// Starts one with this configuration.
    pub(crate) fn start(binary: &Path, config: &str) -> Result<Self, Box<dyn Error>> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("switchyard-load-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("pbx.toml");
        std::fs::write(&file, config)?;
        let mut server = Self::run(binary, &["--config".into(), file.into()])?;
        server.folder = Some(folder);
        Ok(server)
    }

    /// Runs a program that tells as the server does where it listens and when it is ready.
    pub(crate) fn run(binary: &Path, arguments: &[OsString]) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(binary)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error} (build it first: cargo build --release)", binary.display()))?;
        let said = child.stdout.take().ok_or("no output")?;
        let mut address = None;
        for line in BufReader::new(said).lines() {
            let line = line?;
            if let Some(rest) = line.trim_start().strip_prefix("SIP") {
                address = rest.split_whitespace().next().and_then(|word| word.parse().ok());
                break;
            }
        }
        let stderr = child.stderr.take().ok_or("no log")?;
        let mut log = BufReader::new(stderr).lines();
        if !log.by_ref().any(|line| line.is_ok_and(|line| line.contains("switchyard ready"))) {
            return Err("the server did not get ready".into());
        }
        // The log goes on being read, or the server would wait for us.
        std::thread::spawn(move || log.for_each(drop));
        Ok(Self { child, folder: None, address: address.ok_or("the server did not tell its address")? })
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        // It is ours, and still there: it has not been waited for.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// What these processes have used so far, threads that have ended included.
pub(crate) fn usage(pids: &[i32]) -> Usage {
    let tick = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100).cast_unsigned();
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096).cast_unsigned();
    let mut usage = Usage::default();
    for pid in pids {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name in brackets may hold anything: count from behind it. utime, stime and rss are fields 14, 15 and 24.
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
        usage.user += field(14) * 1_000_000 / tick;
        usage.system += field(15) * 1_000_000 / tick;
        usage.resident += field(24) * page;
    }
    usage
}
