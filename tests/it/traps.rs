//! The table of traps is what the engine says: for each row and each place where it can arise there is a
//! guest that causes it, and what it causes, recorded and re-run, is of one kind, in words that the table has
//! for that place.

use std::collections::BTreeSet;

use crate::abuse::{Encoding, Guest, Image, Misdeed, Passed, Random, Script, Taped, Ty};
use crate::support::Take;
use retake_actor::profile::default_profile;
use retake_actor::{ArisesIn, EngineMessage, TRAP_TABLE};
use retake_chain::{
    ChainEventPayload, EngineProfile, InstanceMode, TrapKind, Value, WasmErrorKind, WasmEventData,
};
use retake_replayer::{ActorBytes, ReplayOptions, Verdict, replay};

/// A guest that is ended by one thing, and where that arises.
struct Sample {
    place: ArisesIn,
    text: String,
    gives: Option<Value>,
    profile: EngineProfile,
}

impl Sample {
    fn of(place: ArisesIn, guest: Guest) -> Sample {
        Sample { place, text: guest.text(), gives: None, profile: default_profile() }
    }

    fn giving(self, value: Value) -> Sample {
        Sample { gives: Some(value), ..self }
    }
}

fn plain(passed: Passed) -> Guest {
    Guest::of(passed, Image::new(Encoding::Utf8, 0), &mut Random::new(0))
}

/// A guest that hands over these core values as an argument, with these bytes at `AT`.
fn argument(types: &[Ty], arguments: &str, bytes: &[u8], encoding: Encoding) -> Sample {
    let passed = Passed { take: types.to_vec(), ..Passed::default() };
    let (arguments, image) = (arguments.to_string(), bytes.to_vec());
    Sample::of(ArisesIn::Argument, Guest { arguments, image, encoding, ..plain(passed) })
}

/// A guest that returns this core value, with these bytes at `AT`.
fn returned(ty: Ty, result: &str, bytes: &[u8], encoding: Encoding) -> Sample {
    let passed = Passed { result: Some(ty), ..Passed::default() };
    let (result, image) = (result.to_string(), bytes.to_vec());
    Sample::of(ArisesIn::Result, Guest { result, image, encoding, ..plain(passed) })
}

/// Where the bytes of a guest are: `crate::abuse::image::BASE`.
const AT: &str = "(i32.const 1024)";

fn list(element: Ty) -> Ty {
    Ty::List(Box::new(element))
}

/// A pair of an address and a length, at `AT`.
fn pair(address: u32, length: u32, then: &[u8]) -> Vec<u8> {
    [&address.to_le_bytes()[..], &length.to_le_bytes(), then].concat()
}

/// What is done wrong in code, everywhere that code runs.
fn in_code() -> Vec<Sample> {
    let mut samples = Vec::new();
    let endless = Misdeed { name: "endless", code: "(loop $again (br $again))" };
    let hoard = Misdeed {
        name: "hoard",
        code: "(loop $again (drop (array.new_default $array (i32.const 5000000))) (br $again))",
    };
    for misdeed in Misdeed::ANYWHERE.iter().copied().chain([endless, hoard]) {
        let wrong = Some(misdeed);
        let of = |place, guest| {
            let mut sample = Sample::of(place, guest);
            match misdeed.name {
                "endless" => sample.profile.fuel = Some(100_000),
                "hoard" => sample.profile.memory_limit = 1 << 20,
                _ => {}
            }
            sample
        };
        let nothing = || plain(Passed::default());
        samples.push(of(ArisesIn::Code, Guest { in_code: wrong, ..nothing() }));
        samples.push(of(ArisesIn::PostReturn, Guest { in_post_return: wrong, ..nothing() }));
        samples.push(of(ArisesIn::Instantiation, Guest { in_start: wrong, ..nothing() }));
        let given = plain(Passed { give: Some(Ty::String), ..Passed::default() });
        let lowered = of(ArisesIn::Lowering, Guest { in_realloc: Some((0, misdeed)), ..given });
        samples.push(lowered.giving("text".into()));
    }
    let nothing = plain(Passed::default());
    samples.push(Sample::of(ArisesIn::PostReturn, Guest { in_post_return: Some(Misdeed::LEAVE), ..nothing }));
    samples
}

/// What a guest does wrong about values that it is given.
fn lowering() -> Vec<Sample> {
    let lists = || Value::List(vec![Value::from(1u32)]);
    let mut samples = Vec::new();
    for misdeed in Misdeed::REALLOC.iter().copied().chain([Misdeed::LEAVE]) {
        for (ty, value) in [(list(Ty::Unsigned(4)), lists()), (Ty::String, "longer than that".into())] {
            let given = plain(Passed { give: Some(ty), ..Passed::default() });
            let guest = Guest { in_realloc: Some((0, misdeed)), ..given };
            // Bytes may lie anywhere.
            samples.push(Sample::of(ArisesIn::Lowering, guest).giving(value));
        }
    }
    for result_area in [1026, u32::MAX - 3, crate::abuse::MEMORY - 4] {
        let given = plain(Passed { give: Some(Ty::String), ..Passed::default() });
        samples.push(Sample::of(ArisesIn::Lowering, Guest { result_area, ..given }).giving("text".into()));
    }
    samples
}

#[rustfmt::skip]
fn arguments() -> Vec<Sample> {
    use Encoding::{Latin1OrUtf16, Utf8, Utf16};
    let area = vec![Ty::Unsigned(8); 17];
    let word = || [Ty::Unsigned(4)];
    let mut samples = vec![
        argument(&area, "(i32.const 1028)", &[], Utf8),
        argument(&area, "(i32.const -8)", &[], Utf8),
        argument(&[list(word()[0].clone())], "(i32.const 1025) (i32.const 1)", &[], Utf8),
        argument(&[list(word()[0].clone())], "(i32.const 1024) (i32.const 100000)", &[], Utf8),
        argument(&[Ty::Char], "(i32.const 0xd800)", &[], Utf8),
        argument(&[list(Ty::Char)], &format!("{AT} (i32.const 1)"), &0x11_0000u32.to_le_bytes(), Utf8),
        argument(&[Ty::Option(Box::new(Ty::Char))], "(i32.const 2) (i32.const 0)", &[], Utf8),
        argument(&[list(Ty::Enum(3))], &format!("{AT} (i32.const 1)"), &[3], Utf8),
        argument(&[Ty::Own], "(i32.const 100)", &[], Utf8),
        argument(&[Ty::Borrow], "(i32.const 3)", &[], Utf8),
        argument(&[list(Ty::Own)], &format!("{AT} (i32.const 1)"), &2u32.to_le_bytes(), Utf8),
        argument(&[Ty::Borrow, Ty::Own], "(i32.const 1) (i32.const 1)", &[], Utf8),
    ];
    // The same string by itself and in a list.
    let strings: &[(u32, u32, &[u8], Encoding)] = &[
        (1032, 1, &[0xff], Utf8),
        (1032, 1, &[0xf0], Utf8),
        (1032, 1, &[0x00, 0xd8], Utf16),
        (1032, 1 << 31 | 1, &[0x00, 0xd8], Latin1OrUtf16),
        (1033, 1, &[], Utf16),
        (1033, 1, &[], Latin1OrUtf16),
        (1032, 1 << 20, &[], Utf8),
        (u32::MAX, 1, &[], Utf8),
    ];
    for &(address, length, bytes, encoding) in strings {
        let bytes = pair(address, length, bytes);
        let flat = format!("(i32.const {}) (i32.const {})", address as i32, length as i32);
        samples.push(argument(&[Ty::String], &flat, &bytes, encoding));
        samples.push(argument(&[list(Ty::String)], &format!("{AT} (i32.const 1)"), &bytes, encoding));
        samples.push(returned(Ty::String, AT, &bytes, encoding));
    }
    samples
}

fn results() -> Vec<Sample> {
    use Encoding::Utf8;
    let discriminant = |n: u32| format!("(i32.const {n})");
    let mut samples = vec![
        returned(Ty::String, "(i32.const 1026)", &[], Utf8),
        returned(Ty::String, "(i32.const -4)", &[], Utf8),
        returned(list(Ty::Unsigned(4)), AT, &pair(1025, 1, &[]), Utf8),
        returned(list(Ty::Unsigned(4)), AT, &pair(1032, 100_000, &[]), Utf8),
        returned(Ty::Enum(3), &discriminant(3), &[], Utf8),
        returned(Ty::Option(Box::new(Ty::Bool)), AT, &[2, 0], Utf8),
        returned(Ty::Result(None, None), &discriminant(2), &[], Utf8),
        returned(Ty::Char, &discriminant(0xd800), &[], Utf8),
    ];
    let mut too_much = returned(list(Ty::Unsigned(1)), AT, &pair(1032, 1000, &[]), Utf8);
    too_much.profile.hostcall_limit = 100;
    samples.push(too_much);
    samples
}

fn others() -> Vec<Sample> {
    let nothing = || plain(Passed::default());
    let drops = |handle| Sample::of(ArisesIn::Drop, Guest { drops: vec![handle], ..nothing() });
    let more = |more: &str| {
        let mut sample = Sample::of(ArisesIn::Instantiation, Guest { more: more.into(), ..nothing() });
        sample.profile.memory_limit = 1 << 20;
        sample
    };
    let lends = |place, body| Sample { text: lent(body), ..Sample::of(place, nothing()) };
    vec![
        drops(3),
        drops(2),
        more("(memory $large 20)"),
        more("(table $large 20000000 funcref)"),
        lends(ArisesIn::Argument, "(call $take (local.get 0))"),
        lends(ArisesIn::Result, ""),
        Sample { text: ENTERS.into(), ..Sample::of(ArisesIn::Code, nothing()) },
    ]
}

/// A component of two: the one lends the other a handle, which does this with it.
fn lent(body: &str) -> String {
    format!(
        r#"(component
        (import "retake:abuse/host" (instance $host
            (export "thing" (type $thing (sub resource)))
            (export "make" (func (result (own $thing))))
            (export "take" (func (param "p" (own $thing))))))
        (alias export $host "thing" (type $thing))
        (alias export $host "take" (func $take))
        (component $borrower
            (import "thing" (type $thing (sub resource)))
            (import "take" (func $take (param "p" (own $thing))))
            (core func $lowered (canon lower (func $take)))
            (core module $module
                (import "h" "take" (func $take (param i32)))
                (func (export "f") (param i32) {body}))
            (core instance $inner (instantiate $module
                (with "h" (instance (export "take" (func $lowered))))))
            (func (export "f") (param "lent" (borrow $thing)) (canon lift (core func $inner "f"))))
        (instance $borrower (instantiate $borrower (with "thing" (type $thing)) (with "take" (func $take))))
        (component $lender
            (import "thing" (type $thing (sub resource)))
            (import "make" (func $make (result (own $thing))))
            (import "f" (func $f (param "lent" (borrow $thing))))
            (core func $made (canon lower (func $make)))
            (core func $lowered (canon lower (func $f)))
            (core module $module
                (import "h" "make" (func $make (result i32)))
                (import "h" "f" (func $f (param i32)))
                (func (export "go") (call $f (call $make))))
            (core instance $inner (instantiate $module
                (with "h" (instance (export "make" (func $made)) (export "f" (func $lowered))))))
            (func (export "go") (canon lift (core func $inner "go"))))
        (alias export $host "make" (func $make))
        (instance $lender (instantiate $lender (with "thing" (type $thing)) (with "make" (func $make))
            (with "f" (func $borrower "f"))))
        (export "go" (func $lender "go")))"#
    )
}

/// A component that calls another within it, which it may not enter.
const ENTERS: &str = r#"(component
    (component $within
        (core module $module (func (export "f")))
        (core instance $inner (instantiate $module))
        (func (export "f") (canon lift (core func $inner "f"))))
    (instance $within (instantiate $within))
    (core func $f (canon lower (func $within "f")))
    (core module $module (import "h" "f" (func $f)) (func (export "go") (call $f)))
    (core instance $inner (instantiate $module (with "h" (instance (export "f" (func $f))))))
    (func (export "go") (canon lift (core func $inner "go"))))"#;

/// An end, and the words for it.
type End = (WasmErrorKind, String);

/// How the re-run of a session ends, in its own words: with another kind in the recording, it is a divergence
/// that shows them.
fn rerun_end(taped: &Taped) -> End {
    let mut take = Take::read(&taped.take);
    let end = take.only_chain().find("wasm-error");
    take.only_chain().alter(end, |payload| {
        let ChainEventPayload::Wasm(WasmEventData::WasmError { kind, .. }) = payload else {
            panic!("{payload:?}")
        };
        *kind = WasmErrorKind::HostFailure;
    });
    let report = replay(std::io::Cursor::new(take.rebuilt()), ActorBytes::Given(taped.component.clone()))
        .expect("a replay");
    let Verdict::Diverged(divergence) = report.verdict else { panic!("{:?}", report.verdict) };
    match divergence.actual.and_then(|actual| actual.payload) {
        Some(ChainEventPayload::Wasm(WasmEventData::WasmError { kind, message, .. })) => (kind, message),
        other => panic!("{other:?}"),
    }
}

/// The row whose words these are.
fn row(words: &str) -> usize {
    // What a limit adds comes after the engine's words.
    let said = |row: &EngineMessage| match *row {
        EngineMessage::Trapped(trap) => words.split(';').next() == Some(&trap.to_string()),
        EngineMessage::Exact(text) => words == text,
        EngineMessage::Prefix(begin) => words.starts_with(begin),
    };
    let found = TRAP_TABLE.iter().position(|row| said(&row.said));
    found.unwrap_or_else(|| panic!("no row says `{words}`"))
}

/// Rows that need a million handles or ten thousand instances: `limits.rs` has them.
fn is_elsewhere(row: usize) -> bool {
    matches!(TRAP_TABLE[row].kind, TrapKind::HandlesExhausted | TrapKind::InstancesExhausted)
}

#[test]
fn every_row_of_the_table_of_traps_arises_where_it_says_and_nowhere_else() {
    let samples = [in_code(), lowering(), arguments(), results(), others()].into_iter().flatten();
    let mut seen: BTreeSet<(usize, String)> = BTreeSet::new();
    for Sample { place, text, gives, profile } in samples {
        let instance_mode = InstanceMode::PerCall;
        let script = Script { profile, instance_mode, calls: vec![Vec::new()], gives };
        let taped = script.record(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let ends = taped.ends();
        // A pointer that is wrong for one type may be right for another.
        let [recorded] = &ends[..] else { continue };
        let report = taped.replay(ReplayOptions::default());
        assert_eq!(report.verdict, Verdict::Identical, "{recorded:?}\n{text}");
        let rerun = rerun_end(&taped);
        assert_eq!(rerun.0, recorded.0, "{rerun:?} and {recorded:?}\n{text}");
        for (kind, words) in [recorded, &rerun] {
            let row = row(words);
            assert_eq!(*kind, WasmErrorKind::Trapped(TRAP_TABLE[row].kind), "{words}");
            seen.insert((row, format!("{place:?}")));
        }
    }
    let rows = TRAP_TABLE.iter().enumerate().filter(|(index, _)| !is_elsewhere(*index));
    let told: BTreeSet<(usize, String)> = rows
        .flat_map(|(index, row)| row.places.iter().map(move |place| (index, format!("{place:?}"))))
        .collect();
    let named = |(row, place): &(usize, String)| format!("{:?} in {place}", TRAP_TABLE[*row].said);
    let missing: Vec<String> = told.difference(&seen).map(named).collect();
    let untold: Vec<String> = seen.difference(&told).map(named).collect();
    assert!(
        missing.is_empty() && untold.is_empty(),
        "no guest causes {missing:#?}; the table lacks {untold:#?}"
    );
}
