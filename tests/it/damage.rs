//! Damage is told from a cut, a cut from a whole take, and none of them is ever called intact.

use std::collections::BTreeSet;

use crate::support::{Sandbox, Take, actor};
use retake_chain::log::{LogWriter, SealKind, TakeState};
use retake_chain::{ChainEvent, ChainEventPayload};
use retake_verifier::{ExitCode, verify};

/// The take of the smallest command.
fn hello() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat")]).expect(0);
    let take = sandbox.read("hello.take");
    (sandbox, take)
}

/// A sealed take of an actor that nobody called.
fn without_a_call(sandbox: &Sandbox, take: &str) {
    sandbox.serve(&actor("http-c.wasm"), &[], take).stop();
}

#[test]
fn a_flipped_bit_anywhere_is_detected() {
    // A disk, a cable or a careful hand turns one bit of a sealed take over. zstd has bits that may change
    // and decode alike, so a reader that trusts its checksums alone would call some of these takes intact.
    let (_, take) = hello();
    assert!(verify(&take[..]).is_ok_and(|report| report.exit_code() == ExitCode::Identical));
    let mut flipped = take.clone();
    for position in 0..take.len() {
        for bit in 0..8 {
            flipped[position] ^= 1 << bit;
            let exit = match verify(&flipped[..]) {
                Ok(report) => {
                    assert_ne!(report.state, TakeState::Sealed, "byte {position}, bit {bit}: {report:?}");
                    report.exit_code()
                }
                Err(error) => error.exit_code(),
            };
            assert!(
                [ExitCode::Damaged, ExitCode::Unchecked].contains(&exit),
                "byte {position}, bit {bit}: {exit:?}"
            );
            flipped[position] ^= 1 << bit;
        }
    }
}

#[test]
fn a_changed_byte_behind_the_header_is_damage_and_never_another_kind_of_file() {
    // The header tells what kind of file it is; once it stands, whatever is wrong is damage to a take.
    let (_, take) = hello();
    let header =
        LogWriter::create(Vec::new()).and_then(|writer| writer.seal()).expect("memory takes every write");
    let header = common_start(&take, &header.0);
    assert!((20..100).contains(&header), "the header has {header} bytes");
    let mut changed = take.clone();
    for position in header..take.len() {
        for mask in [0x01, 0x80, 0xff] {
            changed[position] ^= mask;
            let exit =
                verify(&changed[..]).map_or_else(|error| error.exit_code(), |report| report.exit_code());
            assert_eq!(exit, ExitCode::Damaged, "byte {position}, mask {mask:#04x}");
            changed[position] ^= mask;
        }
    }
}

/// How many bytes two files begin with alike.
fn common_start(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[test]
fn a_take_cut_at_any_length_is_told_as_cut() {
    // The recorder's machine lost power, or a copy was cut short: the file ends anywhere. That is no damage,
    // for what is there can be trusted, but it must not pass for a whole take.
    let (_, take) = hello();
    for length in 1..take.len() {
        let report = verify(&take[..length]).unwrap_or_else(|error| panic!("cut to {length} bytes: {error}"));
        assert!(
            matches!(report.state, TakeState::Unsealed | TakeState::Torn { .. }),
            "{length} bytes: {report:?}"
        );
        assert_eq!(
            (report.seal.clone(), report.exit_code()),
            (None, ExitCode::Damaged),
            "{length} bytes: {report:?}"
        );
    }
}

#[test]
fn a_cut_take_replays_as_far_as_it_is_whole() {
    // A take of many frames loses its last third. The calls before the cut are as good as ever.
    let sandbox = Sandbox::new();
    let requests: Vec<String> = (0..6).map(|_| "GET /stream/10".to_string()).collect();
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    sandbox.record_requests(&actor("http-edge.wasm"), &requests, "whole.take");
    let bytes = sandbox.read("whole.take");
    for length in [1, 10, bytes.len() / 3, bytes.len() * 2 / 3, bytes.len() - 1] {
        let cut = &bytes[..length];
        sandbox.write("cut.take", cut);
        let calls = Take::read(cut).whole_calls();

        sandbox.retake(["verify", "cut.take"]).expect(3);
        let replayed = sandbox.retake(["replay", "cut.take"]).expect(3);

        if calls > 0 {
            let noun = if calls == 1 { "call" } else { "calls" };
            replayed.says(&[&format!("({calls} {noun}, ")]);
        }
    }
    assert!(Take::read(&bytes[..bytes.len() - 1]).whole_calls() == 6);
}

#[test]
fn every_state_of_a_file_has_its_own_answer() {
    let (sandbox, hello) = hello();
    let take = Take::read(&hello);
    // The checksum of the events' frame: a bit before it may as well look like an event that was altered.
    let frames = frame_starts(&hello);
    let mut flipped = hello.clone();
    flipped[frames[frames.len() - 2] - 1] ^= 0x10;
    let repaired =
        SealKind::Repaired { reason: "its tail was lost".into(), cut_events: 2, original_bytes: 400 };

    // What the file is, its content, what verify and replay end with, what both say.
    let rows: &[(&str, Vec<u8>, i32, i32, &str)] = &[
        ("empty", Vec::new(), 4, 4, "the file is empty"),
        ("text", b"Dear reader,\nthis is not a take.\n".into(), 4, 4, "not a take"),
        ("module", std::fs::read(actor("http-c.wasm")).expect("a fixture"), 4, 4, "not a take"),
        ("other zstd", compressed(b"something else"), 4, 4, "not a take"),
        ("newer", compressed(&header(2, 0)), 4, 4, "written in format"),
        ("newer in small things", compressed(&header(1, 1)), 4, 4, "written in format"),
        ("torn", hello[..hello.len() / 2].into(), 3, 3, "torn at byte"),
        ("torn, with zeros behind", [&hello[..hello.len() / 2], &[0; 5000]].concat(), 3, 3, "torn at byte"),
        ("zeros alone", vec![0; 4096], 3, 3, "torn at byte"),
        ("zeros behind the seal", [&hello[..], &[0; 5000]].concat(), 3, 3, "bytes follow the seal"),
        ("not sealed", without_a_seal(&take, 6), 3, 3, "not sealed"),
        ("not sealed, inside a call", without_a_seal(&take, 3), 3, 3, "not sealed"),
        ("not sealed, before a call", without_a_seal(&take, 1), 3, 3, "not sealed"),
        ("flipped", flipped, 3, 3, "damaged at byte"),
        ("altered", altered(&take), 3, 3, "the event was altered"),
        ("trailing", [&hello[..], b"\n"].concat(), 3, 3, "bytes follow the seal"),
        ("two in one", [&hello[..], &hello[..]].concat(), 3, 3, "bytes follow the seal"),
        ("repaired", take.rebuilt_as(repaired), 3, 3, "its tail was lost"),
        ("rebuilt", take.rebuilt(), 0, 0, "6 events"),
    ];
    let states: BTreeSet<&str> = rows.iter().filter(|row| row.2 != 0).map(|row| row.4).collect();
    let mut wrong = Vec::new();
    for (name, content, verified, replayed, words) in rows {
        sandbox.write("it.take", content);
        for (command, code) in [("verify", verified), ("replay", replayed)] {
            let ended = sandbox.retake([command, "it.take"]);
            let said = format!("{}{}", ended.stdout, ended.stderr).to_lowercase();
            let others = states.iter().any(|state| state != words && said.contains(state));
            if ended.status.code() != Some(*code) || !said.contains(words) || others {
                wrong.push(format!("{name}: {command} ends with {} and says:\n{said}", ended.status));
            }
        }
        assert_eq!(&sandbox.read("it.take"), content, "reading changes nothing");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_take_that_ends_inside_a_call_says_so() {
    // The recorder was killed after it had written some of a call's events.
    let (sandbox, hello) = hello();
    sandbox.write("it.take", without_a_seal(&Take::read(&hello), 3));

    sandbox.retake(["verify", "it.take"]).expect(3).says(&["1 call, 3 events"]);
    sandbox.retake(["replay", "it.take"]).expect(3).says(&["0 calls, 3 events", "ends inside a call"]);
}

/// Data in a zstd frame such as takes have.
fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("a compressor");
    encoder.include_checksum(true).expect("a setting of every version");
    std::io::Write::write_all(&mut encoder, content).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

/// The header of a take of some version, with what a later format might add.
fn header(major: u8, minor: u8) -> Vec<u8> {
    [b"\x92\xa6retake\x82\xa7version\x92", &[major, minor][..], b"\xa5later\x01"].concat()
}

/// The first events of a take, in a file that its recorder did not seal.
fn without_a_seal(take: &Take, events: usize) -> Vec<u8> {
    let mut begun = take.clone();
    begun.only_chain().events.truncate(events);
    let sealed = begun.rebuilt();
    // The last two frames are the index and the seal.
    let frames = frame_starts(&sealed);
    sealed[..frames[frames.len() - 2]].into()
}

/// Where each frame of a take begins.
fn frame_starts(take: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut rest = take;
    while !rest.is_empty() {
        starts.push(take.len() - rest.len());
        let length = zstd::zstd_safe::find_frame_compressed_size(rest).expect("a frame");
        rest = &rest[length..];
    }
    starts
}

/// The take with one event changed, and sealed with the event's old hash.
fn altered(take: &Take) -> Vec<u8> {
    let mut take = take.clone();
    take.only_chain().alter(2, |payload| {
        let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
        call.output = retake_chain::Outcome::Returned(Some(0u64.into()));
    });
    take.with_its_hashes()
}

#[test]
fn damage_wins_over_a_divergence_and_both_are_told() {
    // The take of a killed recorder does not fit the build either: what is whole was checked, and is not
    // identical.
    let (sandbox, hello) = hello();
    let mut take = Take::read(&hello);
    take.only_chain().events.remove(3);
    sandbox.write("both.take", without_a_seal(&take, 5));

    sandbox.retake(["replay", "both.take"]).expect(3).says(&[
        "DIVERGED",
        "an extra call",
        "the take is not sealed",
    ]);
}

#[test]
fn an_embedded_actor_that_is_not_whole_is_told_as_cut() {
    // A copy of a take that carries its actor was cut short within the actor.
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("command.wasm"), "-o", "it.take", "--embed"]).expect(0);
    let take = sandbox.read("it.take");
    sandbox.write("cut.take", &take[..take.len() / 2]);

    sandbox.retake(["verify", "cut.take"]).expect(3).says(&["TORN at byte"]);
    sandbox.retake(["replay", "cut.take"]).expect(3);
}

#[test]
fn an_embedded_actor_that_was_exchanged_is_detected() {
    // Someone puts another component into the take, and leaves the chains as they are: their geneses name the
    // first.
    let (sandbox, hello) = hello();
    let take = Take::read(&hello);
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    writer.embed_actor(&std::fs::read(actor("http-c.wasm")).expect("a fixture")).expect("it comes first");
    let number = writer.add_chain(take.chains[0].id).expect("one chain");
    take.chains[0].events.iter().for_each(|event| writer.append(number, event).expect("it is a chain"));
    sandbox.write("other.take", writer.seal().expect("memory takes every write").0);

    for command in ["verify", "replay"] {
        sandbox
            .retake([command, "other.take"])
            .expect(3)
            .says(&["the genesis names component", "the embedded one"]);
    }
}

#[test]
fn an_altered_event_is_named_with_its_place() {
    // Someone changes what an event says and seals the file again, but leaves the hashes.
    let (sandbox, hello) = hello();
    let take = Take::read(&hello);
    sandbox.write("altered.take", altered(&take));

    sandbox.retake(["verify", "altered.take"]).expect(3).says(&[
        "event 2 (index 2 of chain 0, actor ",
        &take.chains[0].id.to_string(),
        "wasi:clocks/monotonic-clock@0.2.3/now",
        "2 events",
    ]);
}

#[test]
fn an_event_that_was_taken_out_is_missed_even_if_the_seal_was_rebuilt() {
    // Someone removes a call and seals the rest; the event behind the gap still names the removed one as its
    // parent.
    let (sandbox, hello) = hello();
    let take = Take::read(&hello);
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    let number = writer.add_chain(take.chains[0].id).expect("one chain");
    let mut head = None;
    for (index, event) in take.chains[0].events.iter().enumerate().filter(|(index, _)| *index != 3) {
        // The writer refuses a gap, so the forger gives the event the parent that is there, and keeps its
        // hash.
        let event = ChainEvent { parent_hash: head, ..event.clone() };
        head = Some(event.hash);
        writer.append(number, &event).unwrap_or_else(|error| panic!("event {index}: {error}"));
    }
    sandbox.write("gap.take", writer.seal().expect("memory takes every write").0);

    sandbox.retake(["verify", "gap.take"]).expect(3).says(&["event 3", "wasm-result"]);
    sandbox.retake(["replay", "gap.take"]).expect(3);
}

#[test]
fn a_take_without_a_call_says_that_there_is_nothing_to_check() {
    let sandbox = Sandbox::new();
    without_a_call(&sandbox, "idle.take");

    sandbox.retake(["verify", "idle.take"]).expect(5).says(&["without a call"]);
    sandbox.retake(["replay", "idle.take"]).expect(5).says(&["nothing to check"]);
}

#[test]
fn of_several_takes_each_is_answered_and_the_gravest_answer_is_the_exit_code() {
    let (sandbox, hello) = hello();
    without_a_call(&sandbox, "idle.take");
    sandbox.write("torn.take", &hello[..hello.len() / 2]);
    sandbox.write("text.take", "not a take");
    for (takes, code) in [
        (&["hello.take", "hello.take"][..], 0),
        (&["hello.take", "idle.take"], 5),
        (&["idle.take", "text.take", "hello.take"], 4),
        (&["text.take", "torn.take", "idle.take"], 3),
        (&["torn.take", "hello.take"], 3),
        (&["missing.take", "hello.take"], 4),
        (&["missing.take", "torn.take"], 3),
    ] {
        sandbox.retake(["verify"].iter().chain(takes)).expect(code).says(takes);
        let lines = sandbox.retake(["verify", "--json"].iter().chain(takes)).expect(code).json_lines();
        let named: Vec<_> = lines.iter().map(|line| line["take"].as_str().unwrap_or_default()).collect();
        assert_eq!(named, takes, "one object per take");
    }
}
