//! Files that were made to bring a reader down: whatever they claim, they cost little memory and time, and
//! get a clear answer.

use std::io::{Read, Write};

use crate::support::{Ended, Forge, Sandbox, actor, compressed, event_record, seal_frame};
use retake_chain::log::{COMPRESSION_LEVEL, MAX_CHAINS};
use retake_chain::{TheaterId, WASM_CALL};
use uuid::Uuid;

/// What a command may take: 600 MB of address space, and half a minute of computing.
const BOUNDS: &str = "ulimit -v 600000; ulimit -t 30";

fn id(number: u128) -> TheaterId {
    TheaterId::from(Uuid::from_u128(number))
}

/// A take whose one chain has begun, with a genesis of a real recording.
fn begun() -> Forge {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat")]).expect(0);
    let take = sandbox.take("hello.take");
    let mut forge = Forge::new();
    forge.chain(take.chains[0].id);
    let genesis = &take.chains[0].events[0];
    forge.event(0, &genesis.event_type, &genesis.data);
    forge
}

/// A frame that so many bytes of a pattern decompress from.
fn bomb(start: &[u8], pattern: &[u8], bytes: u64) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL).expect("a compressor");
    encoder.include_checksum(true).expect("a setting of every version");
    encoder.write_all(start).expect("memory takes every write");
    let piece = pattern.repeat((1 << 20) / pattern.len());
    let mut content = std::iter::repeat_n(&piece[..], bytes.div_ceil(piece.len() as u64) as usize);
    content.try_for_each(|piece| encoder.write_all(piece)).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

/// Demands that each command that reads takes answers within the bounds, and `verify` with this fault.
#[track_caller]
fn assert_told(name: &str, file: &[u8], fault: &str) {
    let sandbox = Sandbox::new();
    sandbox.write("it.take", file);
    let run = |args: &[&str]| {
        let output = sandbox.command_behind(BOUNDS, args).output().expect("the binary starts");
        Ended::of(output)
    };
    let told = run(&["verify", "--json", "it.take"]);
    assert_eq!(told.status.code(), Some(3), "{name}: {told:?}");
    assert_eq!(told.json()["fault"], fault, "{name}: {}", told.stdout);
    for args in [
        &["inspect", "it.take"][..],
        &["inspect", "it.take", "--event", "1"],
        &["repair", "it.take", "-o", "new.take"],
        &["export", "it.take"],
    ] {
        let ended = run(args);
        let code = ended.status.code();
        assert!(
            code.is_some_and(|code| code != 101),
            "{name}: {args:?} ends with {}: {}",
            ended.status,
            ended.stderr
        );
        // What can be read is shown and passed on, whatever it says.
        let passes_on = args[0] == "export" || args.contains(&"--event");
        assert!(code != Some(0) || passes_on, "{name}: {args:?} finds nothing wrong");
    }
    assert_eq!(sandbox.names(), ["it.take"], "{name}");
}

#[test]
fn a_decompression_bomb_is_left_as_soon_as_it_is_no_record() {
    let header = begun().end_frame().bytes.clone();
    let zeros = [&header[..], &bomb(b"", &[0], 4 << 30)].concat();
    assert!(zeros.len() < 1 << 20, "4 GiB are in {} bytes", zeros.len());
    assert_told("zeros", &zeros, "record-syntax");

    let event = b"\x96\xa5event\x00\xc4\x20";
    let claims = [&event[..], &[7; 32], b"\xc0\xa1t\xc6\xff\xff\xff\xff"].concat();
    assert_told("a long event", &[&header[..], &bomb(&claims, &[0], 4 << 30)].concat(), "record-too-large");
}

#[test]
fn a_frame_that_holds_a_million_events_is_left_where_it_must_end() {
    let mut forge = begun();
    let event = forge.link(0, WASM_CALL, b"\xc0");
    let record = retake_chain::to_canonical_vec(&event_record(0, &event)).expect("plain fields");
    let header = forge.end_frame().bytes.clone();
    let file = [&header[..], &bomb(b"", &record, 2 << 30)].concat();
    // The first of them has data that nothing has; its fault comes before that of its frame.
    assert_told("events", &file, "payload-syntax");

    let chains: Vec<u8> = (1..60_000u128)
        .flat_map(|number| {
            retake_chain::to_canonical_vec(&("chain", number as u64, id(number))).expect("plain fields")
        })
        .collect();
    assert!(chains.len() > 2 << 20);
    assert_told("chains", &[&header[..], &compressed(&chains)].concat(), "frame-too-long");
}

#[test]
fn lengths_of_exabytes_ask_for_no_memory() {
    let header = Forge::new().bytes.clone();
    let mut seal = seal_frame(b"content");
    seal[5..13].copy_from_slice(&(1u64 << 60).to_le_bytes());
    assert_told("a seal", &[&header[..], &seal].concat(), "seal-too-large");

    let piece = retake_chain::to_canonical_vec(&("actor", 0, 1u64 << 60)).expect("plain fields");
    let piece = [b"\x94", &piece[1..], b"\xc4\x01a"].concat();
    assert_told("a component", &[&header[..], &compressed(&piece)].concat(), "record-too-large");

    // A zstd frame that says that it has 2^60 bytes, with a window of 8 MiB, and has none.
    let frame =
        [&b"\x28\xb5\x2f\xfd\xc4\x68"[..], &(1u64 << 60).to_le_bytes(), b"\x01\0\0", b"\x99\xe9\xd8\x51"];
    assert_told("a frame", &[&header[..], &frame.concat()].concat(), "frame-empty");
}

#[test]
fn a_million_nested_lists_are_too_deep_and_overflow_nothing() {
    let nested = [vec![0x91; 1_000_000], vec![0xc0]].concat();
    let mut forge = begun();
    assert_told("an event", &forge.event(0, "a/b", &nested).sealed(), "payload-syntax");

    let call = [&b"\x81\xacHostFunction\x82\xa5input\x91"[..], &nested, b"\xa6output\xa8returned"].concat();
    assert_told("an argument", &begun().event(0, "a/b", &call).sealed(), "payload-too-deep");

    let index = [&b"\x92\xa5index"[..], &nested].concat();
    let index = begun().end_frame().raw(&index).end_frame().bytes.clone();
    assert_told("an index", &index, "record-too-large");
}

#[test]
fn a_million_chains_are_refused_at_the_first_that_is_too_many() {
    let mut forge = Forge::new();
    for number in 0..1_000_000u32 {
        forge.record(&("chain", number, id(number.into()))).end_full_frame();
        if (number as usize).is_multiple_of(MAX_CHAINS / 4) {
            forge.end_frame();
        }
    }
    assert_told("chains", &forge.end_frame().bytes.clone(), "too-many-chains");
}

#[test]
fn a_key_that_comes_twice_is_refused_among_a_hundred_thousand_too() {
    let mut map = b"\x81\xacHostFunction\x82\xa5input\x91\xdf\x00\x01\x86\xa0".to_vec();
    for number in 0..100_000u32 {
        let key = if number == 99_999 { 5 } else { number };
        map.extend_from_slice(&[b"\xa8", format!("{key:08}").as_bytes(), b"\xc0"].concat());
    }
    map.extend_from_slice(b"\xa6output\xa8returned");
    assert_told("an argument", &begun().event(0, "a/b", &map).sealed(), "duplicate-key");
}

#[test]
fn an_index_that_lies_leads_nowhere() {
    type Lie = fn(&mut Vec<retake_chain::log::FrameEntry>);
    let lies: [(&str, Lie); 4] = [
        ("a frame behind the end", |frames| frames[1].frame.offset = u64::MAX),
        ("a frame of an exabyte", |frames| frames[1].frame.length = 1 << 60),
        ("more events than there are", |frames| frames[1].first_event = u64::MAX),
        ("other bytes", |frames| frames[1].frame.crc32c ^= 1),
    ];
    for (lie, change) in lies {
        let mut forge = begun();
        forge.event(0, "shutdown", b"\xa8Shutdown").end_frame().index_changed(change);
        assert_told(lie, &forge.sealed(), "index-mismatch");
    }
}

#[test]
fn a_file_that_never_ends_is_read_without_being_kept() {
    // Zeros are a torn tail, however many they are: here from a pipe, so that no file system has to hold
    // them.
    let sandbox = Sandbox::new();
    let mut command = sandbox.command_behind(BOUNDS, ["verify", "-"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(&begun().end_frame().bytes).expect("it reads");
    std::io::copy(&mut std::io::repeat(0).take(1 << 30), &mut input).expect("it reads to the end");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    Ended::of(output).expect(3).says(&["TORN at byte"]);
}
