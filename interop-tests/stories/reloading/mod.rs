//! The configuration read again (SIGHUP) while calls are up and orbits are taken: nobody is dropped.
use crate::peers::{Pbx, Playing, SippPhone, side_by_side};
use crate::story::{SIPP, story};

const AUDIO: (&str, &str) = ("offer", "m=audio");

/// A call that is up until its caller's user has enough.
struct Call<'a> {
    caller: SippPhone<'a>,
    calling: Playing,
    talking: Playing,
}

impl<'a> Call<'a> {
    fn begins(caller: SippPhone<'a>, called: &SippPhone<'_>, number: &str) -> Self {
        let talking = called.plays("calling/answer", &[AUDIO]);
        let calling = caller.plays("calling/call_until_told", &[("to", number)]);
        talking.sees("ACK sip:");
        Self { caller, calling, talking }
    }

    fn ends_when_told(self) {
        self.caller.acts(&self.calling);
        side_by_side([self.calling, self.talking]);
    }
}

/// A call from UDP to TCP is up, and one over TCP is parked in 702.
fn busy(pbx: &Pbx) -> (Call<'_>, Playing) {
    let bob = pbx.phone_over("1002", "tcp");
    let call = Call::begins(pbx.phone("1001"), &bob, "1002");
    let (carol, dave) = (pbx.phone_over("1003", "tcp"), pbx.phone_over("1004", "tcp"));
    let waiting = dave.plays("calling/answer", &[AUDIO]);
    carol.does("parking/transfer", &[("to", "1004"), ("place", "702"), ("orbit", "702")]);
    pbx.has_parked(1);
    (call, waiting)
}

fn refused(pbx: &Pbx, number: &str, status: &str, why: &str) {
    pbx.phone("1003").does("calling/refused", &[("to", number), ("status", status), ("why", why)]);
}

#[test]
fn lines_lots_codes_and_trunks_change_under_calls() {
    story(&[SIPP], |pbx| {
        let (call, waiting) = busy(pbx);
        pbx.reads_again(|text| {
            let text = text.replace("orbits = \"701-703\"", "orbits = [\"701\", \"703-704\"]");
            let text = text.replace("prefix = \"8\"", "prefix = \"9\"");
            // Bob is gone, Erin is new, and comes first in the file; so does the new lot.
            let text =
                text.replace("[lines.1002]\nname = \"Bob\"\npassword = \"secret-1002\"\ngroups = [\"staff\"]\n", "");
            let text = text.replace("[server]\n", "[server]\nfeature_codes = \"ours.toml\"\n");
            std::fs::write(pbx.out.join("ours.toml"), "[codes.retrieve]\ncode = \"*77\"\nargument = \"optional\"\n")
                .unwrap();
            let (erin, lot) =
                ("[lines.1000]\npassword = \"secret-1000\"\n", "[lots.back]\nnumber = \"730\"\norbits = \"731\"\n");
            text.replace("[lots.main]", &format!("{erin}{lot}[lots.main]"))
        });
        // Nothing has happened to anybody.
        assert_eq!(pbx.sum("pbx_calls state=answered"), 1);
        assert_eq!(pbx.sum("pbx_calls_ended_total"), 0);
        assert_eq!(pbx.sum("pbx_park_orbits state=retiring lot=main"), 1);
        assert_eq!(pbx.sum("pbx_park_orbits state=free lot=main"), 3);
        assert_eq!(pbx.sum("pbx_park_orbits state=free lot=back"), 1);
        // What is new works, what is gone does not.
        refused(pbx, "1002", "404", ".");
        refused(pbx, "*88702", "404", ".");
        refused(pbx, "8030123", "404", ".");
        let (erin, carrier) = (pbx.phone("1000"), pbx.trunk());
        let answering = carrier.plays("calling/answer", &[("offer", "INVITE sip:9030123@")]);
        erin.does("calling/call", &[("to", "9030123"), ("answer", ".")]);
        answering.ends_well();
        // Who waits in an orbit that is gone can be fetched; then it is gone.
        erin.does("calling/call", &[("to", "*77702"), ("answer", ".")]);
        waiting.ends_well();
        refused(pbx, "702", "404", ".");
        assert_eq!(pbx.sum("pbx_park_orbits state=retiring"), 0);
        call.ends_when_told();
        assert_eq!(pbx.sum("pbx_park_end_total result=retrieved"), 1);
    });
}

#[test]
fn a_bad_file_changes_nothing() {
    story(&[SIPP], |pbx| {
        let (call, waiting) = busy(pbx);
        let mut good = String::new();
        pbx.will_not_read(
            |text| {
                good.clone_from(&text);
                text.replace("orbits = \"701-703\"", "orbits = \"705-706\"")
                    .replace("name = \"Alice\"", "nmae = \"Alice\"")
            },
            "unknown key `nmae`",
        );
        assert_eq!(pbx.sum("pbx_park_orbits state=occupied lot=main"), 1);
        assert_eq!(pbx.sum("pbx_config_reload_total result=ok"), 0);
        pbx.phone("1003").does("calling/call", &[("to", "702"), ("answer", ".")]);
        waiting.ends_well();
        pbx.reads_again(|_| good);
        call.ends_when_told();
    });
}
