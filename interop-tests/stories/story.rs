//! The frame of every story: what it needs, a server of its own, and how everything must be at the end.
use crate::peers::{Ground, Pbx, Settings};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io, thread};

/// A program that a story cannot do without, and the Debian package that has it.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    package: &'static str,
}

/// SIPp.
pub(crate) const SIPP: Program = Program { name: "sipp", package: "sip-tester" };
/// A softphone on libre.
pub(crate) const BARESIP: Program = Program { name: "baresip", package: "baresip-core" };
/// A softphone on belle-sip.
pub(crate) const LINPHONE: Program = Program { name: "linphone-daemon", package: "linphone-cli" };

/// Sets up networks.
pub(crate) const IP: Program = Program { name: "ip", package: "iproute2" };
/// svmap, svwar, svcrack.
pub(crate) const SIPVICIOUS: Program = Program { name: "svmap", package: "sipvicious" };
/// A Swiss army knife of SIP.
pub(crate) const SIPSAK: Program = Program { name: "sipsak", package: "sipsak" };

/// Tells a story on a server with the usual settings.
pub(crate) fn story(needs: &[Program], tell: impl FnOnce(&Pbx)) {
    story_with(needs, &Settings::default(), tell);
}

/// Tells a story; then everything must have come to rest. What was written is kept if it did not end well.
pub(crate) fn story_with(needs: &[Program], settings: &Settings, tell: impl FnOnce(&Pbx)) {
    let name = name();
    if let Some(missing) = needs.iter().find(|program| !program.is_installed()) {
        return skip(&name, *missing);
    }
    let out = Out::new(&name);
    let pbx = Pbx::start(Ground::claim(), out.path.clone(), settings);
    tell(&pbx);
    pbx.must_be_at_rest();
    drop(pbx);
    out.ended_well();
}

/// Tells a story twice, its phones over UDP and over TCP.
pub(crate) fn story_over_both(needs: &[Program], settings: &Settings, tell: impl Fn(&Pbx, &'static str)) {
    for phones in ["udp", "tcp"] {
        story_with(needs, settings, |pbx| tell(pbx, phones));
    }
}

/// Tells a story with a trunk twice: the phones over UDP and the trunk over TCP, and the other way round. What it is told is the
/// phones' transport. (Were all of them on TCP, the server could not tell apart who comes from their one address.)
pub(crate) fn story_of_a_trunk(needs: &[Program], settings: &Settings, tell: impl Fn(&Pbx, &'static str)) {
    for (phones, trunk) in [("udp", "tcp"), ("tcp", "udp")] {
        story_with(needs, &Settings { trunk, ..*settings }, |pbx| tell(pbx, phones));
    }
}

/// Tells a story in which the server is killed: what it kept is there when it has started again.
pub(crate) fn restarted(needs: &[Program], before: impl FnOnce(&Pbx), after: impl FnOnce(&Pbx)) {
    let name = name();
    if let Some(missing) = needs.iter().find(|program| !program.is_installed()) {
        return skip(&name, *missing);
    }
    let out = Out::new(&name);
    let pbx = Pbx::start(Ground::claim(), out.path.clone(), &Settings::default());
    before(&pbx);
    drop(pbx);
    let pbx = Pbx::start(Ground::claim(), out.path.clone(), &Settings::default());
    after(&pbx);
    pbx.must_be_at_rest();
    drop(pbx);
    out.ended_well();
}

/// The test's name. A runner with one test a process may run it without a thread of its own.
pub(crate) fn name() -> String {
    let thread = thread::current();
    let name = thread.name().filter(|name| *name != "main").map(str::to_owned);
    name.or_else(|| env::args().skip(1).find(|argument| argument.contains("::"))).expect("a test has a name")
}

impl Program {
    fn is_installed(self) -> bool {
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|directory| directory.join(self.name).is_file())
    }
}

/// Says so past the test runner's capture; under `interop-tests/run` nothing may be skipped.
fn skip(name: &str, missing: Program) {
    let Program { name: program, package } = missing;
    let required = env::var("SWITCHYARD_INTEROP").is_ok_and(|value| value == "required");
    assert!(!required, "{program} is missing: install the Debian package {package}");
    let why = "which interop-tests/run would install";
    let _ = writeln!(io::stderr(), "SKIPPED {name}: no {program} here (Debian package {package}, {why})");
}

/// Where everything that a story writes goes; removed if it ends well.
struct Out {
    path: PathBuf,
    well: bool,
}

impl Out {
    fn new(name: &str) -> Self {
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop-tests/out");
        let path = out.join(name.replace("::", "/"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self { path, well: false }
    }

    fn ended_well(mut self) {
        self.well = env::var_os("SWITCHYARD_KEEP").is_none();
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if self.well {
            let _ = fs::remove_dir_all(&self.path);
        } else {
            let _ = writeln!(io::stderr(), "kept, with the ladders: {}", self.path.display());
        }
    }
}
