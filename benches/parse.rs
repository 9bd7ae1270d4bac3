//! One message read, and one written: nanoseconds.
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use switchyard_benches::{DESCRIPTION, invite};
use switchyard_engine::wire::{Compose, Message, Method, Name};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bytes = invite(1);
    let mut group = criterion.benchmark_group("message");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("parse an INVITE", |b| b.iter(|| Message::parse(black_box(&bytes)).is_ok()));
    group.bench_function("parse and check an INVITE", |b| {
        b.iter(|| Message::parse(black_box(&bytes)).is_ok_and(|message| message.check().is_ok()));
    });
    let mut out = Vec::with_capacity(4096);
    group.bench_function("compose an INVITE", |b| {
        b.iter(|| {
            out.clear();
            let mut invite = Compose::request(&mut out, Method::Invite, black_box(b"sip:u00001@127.0.0.1:5080"));
            invite
                .parts(Name::Via, &[b"SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bK", b"0000000100000002"])
                .number(Name::MaxForwards, 69)
                .parts(Name::From, &[b"\"Bench caller\" <sip:caller@pbx.test>;tag=", b"0000000100000002"])
                .field(Name::To, b"<sip:u00001@pbx.test>")
                .field(Name::CallId, b"0123456789abcdef01234567")
                .field(Name::CSeq, b"1 INVITE")
                .field(Name::Contact, b"<sip:127.0.0.1:5060>")
                .field(Name::Allow, b"INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO, UPDATE");
            invite.body(b"application/sdp", DESCRIPTION.as_bytes())
        });
    });
    group.finish();
    criterion.final_summary();
}
