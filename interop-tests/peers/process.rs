//! A program that ends with its owner, and patience with deadlines.
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// For how long something that must happen may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(10);

/// Looks again and again until there is something to see.
pub(crate) fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if Instant::now() > deadline {
            return None;
        }
        thread::sleep(GLANCE);
    }
}

/// The same, for what must happen.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("not within {PATIENCE:?}: {what}"))
}

/// A running program; ended by its id when it is dropped, or when we are killed.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it. What it says goes to the file `log`.
    pub(crate) fn start(program: &str, arguments: &[String], directory: &Path, log: &str) -> Self {
        let log = directory.join(log);
        let out = File::create(&log).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", program]).args(arguments).current_dir(directory);
        command.stdin(Stdio::piped()).stdout(out.try_clone().unwrap()).stderr(out);
        command.env("HOME", directory).env("TERM", "dumb").env_remove("XDG_RUNTIME_DIR");
        command.env("RUST_LOG", "debug");
        let child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        Self { child, log }
    }

    /// Everything it has said.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    pub(crate) fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// How it ends.
    pub(crate) fn ends(&mut self) -> Option<ExitStatus> {
        within(3 * PATIENCE, || self.ended())
    }

    /// Tells it to read its configuration again.
    pub(crate) fn hang_up(&self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGHUP).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
