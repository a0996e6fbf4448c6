//! Whatever a guest does to the canonical ABI, its recording replays to the same end: bad pointers, lengths,
//! alignments, encodings, discriminants, characters and handles, at the top and inside everything, in
//! arguments and results, from `realloc` and after a return.
//!
//! Guests are made of seeds. `RETAKE_ABUSE` is how many, `RETAKE_ABUSE_SEED` the first of them.

use std::collections::BTreeMap;
use std::env;

use crate::abuse::{Guest, Random, Script, Taped};
use retake_actor::profile::default_profile;
use retake_chain::{EngineProfile, InstanceMode, TrapKind, WasmErrorKind};
use retake_replayer::{ReplayOptions, Tuning, Verdict};

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = env::var(variable).ok();
    given.map_or(otherwise, |given| given.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// A bound under which sessions are recorded; with one, the instrumented guest is replayed.
fn profile(random: &mut Random) -> EngineProfile {
    let unbounded = default_profile();
    match random.below(6) {
        0 => EngineProfile { fuel: Some(10_000_000), ..unbounded },
        // It ends anywhere.
        1 => EngineProfile { fuel: Some(random.below(4000) as u64), ..unbounded },
        2 => EngineProfile { memory_limit: 1 << 20, ..unbounded },
        _ => unbounded,
    }
}

fn replays(random: &mut Random, profile: &EngineProfile) -> Vec<(&'static str, ReplayOptions)> {
    let tuned = |tuning| ReplayOptions { tuning, ..ReplayOptions::default() };
    let mut replays = vec![("as recorded", ReplayOptions::default())];
    match random.below(4) {
        0 => replays.push(("interruptible", tuned(Tuning { interruptible: true, ..Tuning::default() }))),
        1 => replays.push(("unoptimised", tuned(Tuning { optimized: false, ..Tuning::default() }))),
        2 if profile.fuel.is_none() => {
            replays.push(("bounded", ReplayOptions { fuel: Some(1 << 40), ..ReplayOptions::default() }));
        }
        _ => {}
    }
    replays
}

/// Records and replays the guest of a seed; returns how it ended.
fn go(seed: u64) -> Vec<(WasmErrorKind, String)> {
    let mut random = Random::new(seed);
    let guest = Guest::random(&mut random);
    let (text, mut rep) = (guest.text(), 0);
    let profile = profile(&mut random);
    let script = Script {
        calls: (0..2)
            .map(|_| guest.passed.param.iter().map(|ty| ty.value(&mut random, &mut rep)).collect())
            .collect(),
        gives: guest.passed.give.as_ref().map(|ty| ty.value(&mut random, &mut rep)),
        profile: profile.clone(),
        instance_mode: random.of(&[InstanceMode::PerCall, InstanceMode::PerCall, InstanceMode::Session]),
    };
    // An instance that was left in the middle of a call takes no other.
    let calls = |ends: usize| match script.instance_mode {
        InstanceMode::Session if ends > 0 => 1..=2,
        _ => 2..=2,
    };
    let taped: Taped =
        script.record(&text).unwrap_or_else(|error| panic!("seed {seed} is not recorded: {error}\n{text}"));
    for (how, options) in replays(&mut random, &profile) {
        let report = taped.replay(options);
        assert!(
            report.verdict == Verdict::Identical && calls(taped.ends().len()).contains(&report.calls),
            "seed {seed}, replayed {how}: {:#?}\nprofile {profile:?}, {script:?}\n{text}",
            report.verdict
        );
    }
    taped.ends()
}

/// What the guests of the default seeds end by; otherwise they would prove little.
const COMES_ABOUT: &[TrapKind] = &[
    TrapKind::Unreachable,
    TrapKind::StackExhausted,
    TrapKind::OutOfFuel,
    TrapKind::MemoryOutOfBounds,
    TrapKind::UncaughtException,
    TrapKind::CannotLeave,
    TrapKind::PointerUnaligned,
    TrapKind::PointerOutOfBounds,
    TrapKind::StringEncoding,
    TrapKind::InvalidDiscriminant,
    TrapKind::UnknownHandle,
    TrapKind::HandleType,
];

#[test]
fn a_guest_that_breaks_the_abi_ends_in_its_replay_as_it_was_recorded() {
    let (first, count) = (number("RETAKE_ABUSE_SEED", 0), number("RETAKE_ABUSE", 160));
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for seed in first..first + count {
        for (kind, message) in go(seed) {
            assert!(kind != WasmErrorKind::Trapped(TrapKind::Other), "seed {seed}: `{message}` has no row");
            assert!(kind != WasmErrorKind::HostFailure, "seed {seed}: the host fails: {message}");
            *kinds.entry(kind.to_string()).or_default() += 1;
        }
    }
    println!("{count} guests: {kinds:?}");
    if env::var_os("RETAKE_ABUSE_SEED").is_none() {
        for kind in COMES_ABOUT {
            assert!(kinds.contains_key(kind.name()), "no guest ends by `{kind}`: {kinds:?}");
        }
    }
}
