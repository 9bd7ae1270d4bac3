//! Registration: phones tell where they are, and prove who they are.
use crate::peers::{Pbx, Settings};
use crate::story::{SIPP, story, story_with};
use md5::{Digest, Md5};

const HERE: &str = "Contact: <sip:1001@[local_ip]:[local_port]>";

/// One REGISTER of line 1001, and what it comes to.
struct Asked {
    contact: &'static str,
    expires: &'static str,
    password: &'static str,
    status: &'static str,
    answer: &'static str,
}

impl Default for Asked {
    fn default() -> Self {
        Self { contact: HERE, expires: "600", password: "secret-1001", status: "200", answer: "." }
    }
}

impl Asked {
    fn of(self, pbx: &Pbx) {
        let Self { contact, expires, password, status, answer } = self;
        let credentials = format!("[authentication username=1001 password={password}]");
        let words = [("contact", contact), ("expires", expires), ("credentials", &credentials)];
        pbx.new_phone("1001")
            .does("registering/ask", &[&words[..], &[("status", status), ("answer", answer)]].concat());
    }
}

#[test]
fn the_right_password_is_let_in() {
    story(&[SIPP], |pbx| {
        pbx.phone("1001");
        assert_eq!(pbx.sum("pbx_registrations"), 1);
        assert_eq!(pbx.sum("pbx_register_requests_total result=challenge"), 1);
        assert_eq!(pbx.sum("pbx_register_requests_total result=ok"), 1);
    });
}

#[test]
fn a_wrong_password_is_not() {
    story(&[SIPP], |pbx| {
        Asked { password: "guessed", status: "403", ..Asked::default() }.of(pbx);
        assert_eq!(pbx.sum("pbx_registrations"), 0);
        assert_eq!(pbx.sum("pbx_auth_total method=REGISTER result=wrong"), 1);
    });
}

#[test]
fn a_phone_may_ask_where_its_line_is() {
    story(&[SIPP], |pbx| {
        pbx.phone("1001");
        Asked { contact: "", answer: "Contact: .*sip:1001@.*expires=", ..Asked::default() }.of(pbx);
        assert_eq!(pbx.sum("pbx_registrations"), 1);
    });
}

#[test]
fn a_phone_takes_itself_back() {
    story(&[SIPP], |pbx| {
        pbx.phone("1001");
        pbx.phone("1001");
        assert_eq!(pbx.sum("pbx_registrations"), 2);
        assert_eq!(pbx.sum("pbx_registered_users"), 1);
        Asked { contact: "Contact: *", expires: "0", ..Asked::default() }.of(pbx);
        assert_eq!(pbx.sum("pbx_registrations"), 0);
        assert_eq!(pbx.sum("pbx_registration_expired_total reason=unregister"), 2);
    });
}

#[test]
fn too_short_a_time_is_refused_and_the_least_is_told() {
    let settings = Settings { registrar: "min_expires = \"90s\"", ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        Asked { expires: "30", status: "423", answer: "Min-Expires: 90", ..Asked::default() }.of(pbx);
        assert_eq!(pbx.sum("pbx_registrations"), 0);
    });
}

#[test]
fn too_long_a_time_is_cut() {
    let settings = Settings { registrar: "max_expires = \"300s\"", ..Settings::default() };
    story_with(&[SIPP], &settings, |pbx| {
        Asked { expires: "7200", answer: "expires=300", ..Asked::default() }.of(pbx);
        assert_eq!(pbx.sum("pbx_registrations"), 1);
    });
}

/// A phone that kept a nonce over our restart: its password is right, and its user need not be asked again.
#[test]
fn a_nonce_from_before_is_stale() {
    story(&[SIPP], |pbx| {
        let kept = credentials("1001", "00000000000000010123456789abcdef");
        pbx.new_phone("1001").does("registering/old_nonce", &[("kept", &kept)]);
        assert_eq!(pbx.sum("pbx_auth_total method=REGISTER result=stale"), 1);
        assert_eq!(pbx.sum("pbx_registrations"), 1);
    });
}

/// Credentials as RFC 2069 had them, which RFC 3261 §22.4 still lets phones send.
fn credentials(line: &str, nonce: &str) -> String {
    let hash = |text: String| Md5::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let user = hash(format!("{line}:pbx.test:secret-{line}"));
    let request = hash("REGISTER:sip:pbx.test".into());
    let response = hash(format!("{user}:{nonce}:{request}"));
    format!(
        "Authorization: Digest username=\"{line}\", realm=\"pbx.test\", nonce=\"{nonce}\", uri=\"sip:pbx.test\", \
         response=\"{response}\", algorithm=MD5"
    )
}
