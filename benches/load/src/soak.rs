//! Lives with a server for an hour: hundreds of phones over real UDP and TCP that call, hold, park, fetch, are reminded, give
//! up and lose power. In the end nothing may be left, and the memory of minute ten must have been enough.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

mod lines;
mod scrape;
mod server;

use clap::Parser;
use lines::Lines;
use std::error::Error;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use switchyard_engine::Time;
use switchyard_engine::sim::{Crowd, Desk};

/// Lives with a SIP server for a while, and watches it.
#[derive(Debug, Parser)]
#[command(name = "switchyard-soak", version)]
struct Arguments {
    /// Minutes.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Calls begun per second.
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Phones; every other one speaks TCP.
    #[arg(long, default_value_t = 400)]
    phones: usize,
    /// Minutes after which the server's memory may grow no more.
    #[arg(long, default_value_t = 10)]
    settled: u64,
    /// Of all chances.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server to start.
    #[arg(long, default_value = "target/release/switchyard")]
    start: PathBuf,
}

/// Minutes in which calls begin faster, and by how many percent. Tables are as large as the most that was ever in them, and
/// chance makes its highest peak at any time of an hour: here it comes early, so that what grows later is a leak.
const SURGE: std::ops::Range<u64> = 2..6;
const SURGE_PERCENT: u64 = 25;
/// How much more memory than at the settled minute is none: what the allocator keeps is not the server's choice alone.
const GROWTH: f64 = 1.01;
const PASSWORD: &str = "soak";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("switchyard-soak: {error}");
            ExitCode::from(2)
        }
    }
}

/// A port that is free for both transports, as far as one can know.
fn free_port() -> std::io::Result<u16> {
    loop {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
}

fn config(sip: SocketAddr, http: SocketAddr, phones: usize) -> String {
    let last = 10_000 + phones;
    format!(
        "[server]\ndomain = \"pbx.test\"\ndata = \"\"\nsession_expires = \"90s\"\n\
         [[listen]]\naddress = \"{sip}\"\n[[listen]]\ntransport = \"tcp\"\naddress = \"{sip}\"\n\
         [http]\naddress = \"{http}\"\n\
         [line_ranges.crowd]\nnumbers = \"10000-{last}\"\npassword = \"{PASSWORD}\"\n\
         [lots.main]\nnumber = \"6999\"\norbits = \"7000-7999\"\nfirst_reminder = \"5s\"\nreminder_ring = \"6s\"\n\
         reminder_interval = \"5s\"\n"
    )
}

/// Whether it was a good hour.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let sip = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let http = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let server = server::Server::start(&arguments.start, &config(sip, http, arguments.phones))?;
    let sip = server.address;
    let mut lines = Lines::new(arguments.phones, sip)?;
    let desk = |place: usize| Desk {
        number: (10_000 + place).to_string(),
        address: lines.address(place),
        server: sip,
        stream: lines.is_stream(place),
    };
    let desks: Vec<Desk> = (0..arguments.phones).map(desk).collect();
    let mut soak = Soak {
        began: Instant::now(),
        crowd: Crowd::new(&desks, PASSWORD, arguments.seed),
        pid: server.pid(),
        http,
        settled: 0,
        most: 0,
        lost: 0,
    };
    soak.live(&mut lines, arguments)?;
    let left = soak.end(&mut lines)?;
    Ok(soak.judge(&left))
}

struct Soak {
    began: Instant,
    crowd: Crowd,
    pid: i32,
    http: SocketAddr,
    /// Bytes resident at the settled minute, and the most after it.
    settled: u64,
    most: u64,
    /// Connections that ended though their phones had power.
    lost: u64,
}

impl Soak {
    fn now(&self) -> Time {
        Time::from_micros(1_000_000 + self.began.elapsed().as_micros() as u64)
    }

    /// One turn: what came in, what is due, what goes out.
    fn turn(&mut self, lines: &mut Lines) -> std::io::Result<()> {
        let now = self.now();
        let crowd = &mut self.crowd;
        self.lost += lines.receive(|phone, message| crowd.receive(phone, message, now))?;
        let now = self.now();
        self.crowd.tick(now, |phone, on| lines.power(phone, on));
        self.crowd.take(|phone, bytes| lines.send(phone, &bytes));
        Ok(())
    }

    fn turns(&mut self, lines: &mut Lines, time: Duration) -> std::io::Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.turn(lines)?;
        }
        Ok(())
    }

    fn live(&mut self, lines: &mut Lines, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
        for phone in 0..arguments.phones {
            let now = self.now();
            self.crowd.register(phone, now);
            self.turn(lines)?;
        }
        self.turns(lines, Duration::from_secs(3))?;
        println!("{} of {} phones are registered", self.crowd.registered(), arguments.phones);
        let (began, mut looked, mut due, mut minute) = (Instant::now(), Instant::now(), 0.0, 0);
        while began.elapsed() < Duration::from_secs(60 * arguments.minutes) {
            let percent = 100 + if SURGE.contains(&minute) { SURGE_PERCENT } else { 0 };
            let passed = std::mem::replace(&mut looked, Instant::now());
            due += (looked - passed).as_secs_f64() * (arguments.rate * percent) as f64 / 100.0;
            while due >= 1.0 {
                due -= 1.0;
                let now = self.now();
                self.crowd.call(now);
            }
            self.turn(lines)?;
            let elapsed = began.elapsed().as_secs() / 60;
            if elapsed > minute {
                minute = elapsed;
                self.report(minute, arguments.settled);
            }
        }
        Ok(())
    }

    fn report(&mut self, minute: u64, settled: u64) {
        let usage = server::usage(&[self.pid]);
        if minute == settled {
            self.settled = usage.resident;
        }
        if minute > settled {
            self.most = self.most.max(usage.resident);
        }
        let tally = &self.crowd.tally;
        println!(
            "minute {minute:>3}: {:>8} calls begun, {:>5} up, {:>7} parked, {:>6} KB resident, {:>6.1} s of CPU, {} complaints",
            tally.begun.values().sum::<u64>(),
            self.crowd.calls(),
            tally.parked,
            usage.resident / 1024,
            (usage.user + usage.system) as f64 / 1e6,
            tally.complaints.len()
        );
    }

    /// Everybody hangs up and leaves; what the server still shows then.
    fn end(&mut self, lines: &mut Lines) -> Result<Vec<String>, Box<dyn Error>> {
        self.crowd.close();
        self.turns(lines, Duration::from_secs(20))?;
        let now = self.now();
        self.crowd.leave(now);
        let until = Instant::now() + Duration::from_secs(240);
        loop {
            self.turns(lines, Duration::from_secs(5))?;
            let left = scrape::left(self.http)?;
            if left.is_empty() || Instant::now() > until {
                return Ok(left);
            }
        }
    }

    fn judge(&self, left: &[String]) -> bool {
        let tally = &self.crowd.tally;
        println!("begun: {:?}", tally.begun);
        println!("ended: {:?}", tally.ended);
        println!("parked {}, fetched {}; connections lost: {}", tally.parked, tally.fetched, self.lost);
        let failed: u64 =
            tally.ended.iter().filter(|(how, _)| how.starts_with('5') || how.starts_with("408")).map(|(_, n)| n).sum();
        // Who calls a phone that has lost power, or fetches whom it had parked, does so in vain.
        let crashed: u64 = tally.ended.iter().filter(|(how, _)| how.starts_with("crash")).map(|(_, n)| n).sum();
        let quiet = failed <= crashed && tally.complaints.is_empty() && self.lost == 0;
        println!(
            "failed or unanswered: {failed}; lost with their phones: {crashed}; complaints: {:?}",
            tally.complaints.iter().take(6).collect::<Vec<_>>()
        );
        let grown = self.settled != 0 && self.most as f64 > self.settled as f64 * GROWTH;
        println!("memory: {} KB when settled, {} KB at most after that", self.settled / 1024, self.most / 1024);
        println!("left over: {left:?}");
        quiet && !grown && left.is_empty()
    }
}
