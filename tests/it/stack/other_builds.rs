//! Other builds of a guest that exhausted its stack: they have to exhaust it too, and in the same place.

use super::*;

/// The component of [`recursion`] as another build, which recurses to a depth of its own and does
/// `at_the_end` there.
fn to_depth(guest: &str, depth: u32, at_the_end: &str) -> String {
    let end = format!("(then {at_the_end} (return (i64.const 0)))");
    let other = guest.replace("(then (return (i64.const 0)))", &end);
    let other = other.replace("(call $rec (local.get 0))", &format!("(call $rec (i32.const {depth}))"));
    assert_ne!(other, guest);
    other
}

/// Records a guest that exhausts its stack, and replays other builds in every way: those that come back from
/// less deep than that, and those that would go deeper.
fn other_builds(values: usize, host: HostCall, options: &[&str]) {
    const UNREACHABLE: &str = "unreachable";
    const CLOCK: &str = "(drop (call $now))";
    let guest = recursion(values, host);
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", &guest);
    let boundary = boundary(&sandbox, "it.wat", options);
    record(&sandbox, "it.wat", "it.take", options, &[WITHOUT_END]);
    assert_eq!(came_back(&sandbox, "it.take"), [false]);
    sandbox.write("again.take", sandbox.read("it.take"));

    let replays = |percent: u32, at_the_end: &str, code: i32, words: &[&str]| {
        let depth = if percent == u32::MAX { WITHOUT_END } else { boundary * percent / 100 };
        sandbox.write("other.wat", to_depth(&guest, depth, at_the_end));
        let modes = [&["replay", "it.take"][..], &["test", "it.take", "again.take"]];
        let with_fuel = ["replay", "it.take", "--fuel", MUCH_FUEL];
        // It has a bound already.
        let with_fuel = (!options.contains(&"--fuel")).then_some(&with_fuel[..]);
        for mode in modes.into_iter().chain(with_fuel) {
            println!("{values} values, {host:?}, {options:?}: {percent} % {at_the_end}, {mode:?}");
            sandbox.retake(mode.iter().chain(&["--actor", "other.wat"])).expect(code).says(words);
        }
    };
    for (percent, at_the_end, did) in [
        (40, "", "go returned"),
        (60, "", "go returned"),
        (90, "", "go returned"),
        (98, "", "go returned"),
        (60, UNREACHABLE, "(unreachable)"),
        (60, CLOCK, "monotonic-clock"),
        (90, CLOCK, "monotonic-clock"),
    ] {
        // With a call at each level, it is the next one that is missing.
        let words = if host == HostCall::None { &[EXHAUSTED, did][..] } else { &["diverged at event"] };
        replays(percent, at_the_end, 1, words);
    }
    let deeper = [(102, ""), (105, ""), (150, ""), (105, UNREACHABLE), (150, CLOCK), (u32::MAX, "")];
    for (percent, at_the_end) in deeper {
        replays(percent, at_the_end, 0, &[]);
    }
}

macro_rules! other_builds {
    ($($name:ident: $values:literal, $host:ident, $options:expr;)*) => {$(
        #[test]
        fn $name() {
            other_builds($values, HostCall::$host, $options);
        }
    )*};
}

other_builds! {
    another_build_has_to_exhaust_the_stack_too: 0, None, &[];
    another_build_with_large_frames_has_to_exhaust_the_stack_too: 100, None, &[];
    another_build_that_counts_fuel_has_to_exhaust_the_stack_too: 100, None, &["--fuel", MUCH_FUEL];
    another_build_with_a_call_each_has_to_exhaust_the_stack_too: 0, Down, &[];
    another_build_with_a_call_each_on_the_way_back_has_to_exhaust_the_stack_too: 100, Back, &[];
    another_build_of_a_bounded_call_has_to_exhaust_the_stack_too: 0, None, &["--timeout", "1h"];
    another_build_of_a_bounded_call_with_large_frames_has_to_exhaust_the_stack_too: 100, None, &["--timeout", "1h"];
    another_build_with_a_list_each_has_to_exhaust_the_stack_too: 100, List, &[];
}

/// That a start function runs before the export is called changes nothing.
#[test]
fn another_build_has_to_exhaust_the_stack_in_its_start_function_too() {
    let start = |depth: u32| {
        let code = format!(
            r#"(func $rec (param $n i32) (result i64)
                 (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
                 (i64.add (call $rec (i32.sub (local.get $n) (i32.const 1))) (i64.const 1)))
               (func $begin (drop (call $rec (i32.const {depth})))) (start $begin)
               (func (export "go") (param i32) (result i64) (i64.const 0))"#
        );
        component(&code)
    };
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", component(&calls_then_recursion(0, "local.get 0")));
    let boundary = boundary(&sandbox, "it.wat", &[]);
    sandbox.write("it.wat", start(WITHOUT_END));
    record(&sandbox, "it.wat", "it.take", &[], &[1]);
    assert_eq!(came_back(&sandbox, "it.take"), [false]);
    for (percent, code) in [(90, 1), (105, 0)] {
        sandbox.write("other.wat", start(boundary * percent / 100));
        sandbox.retake(["replay", "it.take", "--actor", "other.wat"]).expect(code);
    }
}

/// Such a recording has more stack, and larger frames.
#[test]
fn another_build_of_a_recording_with_a_bound_in_time_exhausts_the_stack_too() {
    for (values, host) in
        [(0, HostCall::None), (100, HostCall::None), (100, HostCall::Down), (100, HostCall::List)]
    {
        let guest = recursion(values, host);
        let sandbox = Sandbox::new();
        sandbox.write("it.wat", &guest);
        record(&sandbox, "it.wat", "it.take", &["--timeout", "1h"], &[WITHOUT_END]);
        assert_eq!(came_back(&sandbox, "it.take"), [false]);
        sandbox.write("other.wat", to_depth(&guest, WITHOUT_END, "unreachable"));
        for command in ["replay", "test"] {
            println!("{values} values, {host:?}, {command}");
            sandbox.retake([command, "it.take", "--actor", "other.wat"]).expect(0);
        }
    }
}

/// What comes after a call that may or may not have exhausted its stack is found, is not taken for the first
/// difference, and is not run without end.
#[test]
fn a_build_that_differs_after_an_exhausted_stack_diverges_at_its_first_difference() {
    let guest = |depth: &str, then: &str| {
        let code = format!(
            r#"(func $rec (param $n i32) (result i64)
                 (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
                 (i64.add (call $rec (i32.sub (local.get $n) (i32.const 1))) (i64.const 1)))
               (func (export "go") (param i32) (result i64)
                 (if (i32.eqz (local.get 0)) (then {then}))
                 (call $rec ({depth})))"#
        );
        component(&code)
    };
    let sandbox = Sandbox::new();
    let recorded = guest("local.get 0", "(return (i64.const 7))");
    sandbox.write("it.wat", &recorded);
    let boundary = boundary(&sandbox, "it.wat", &[]);
    record(&sandbox, "it.wat", "it.take", &[], &[WITHOUT_END, 0]);
    assert_eq!(came_back(&sandbox, "it.take"), [false, true]);
    let endless = "(loop $again (br $again))";
    for (percent, then, event) in [
        (90, "(return (i64.const 8))", 2),
        (105, "(return (i64.const 8))", 4),
        (90, endless, 2),
        (105, endless, 4),
    ] {
        let depth = format!("i32.const {}", boundary * percent / 100);
        sandbox.write("other.wat", guest(&depth, then));
        for command in ["replay", "test"] {
            let args = [command, "it.take", "--actor", "other.wat", "--fuel", "10000000"];
            sandbox.retake(args).expect(1).says(&[&format!("diverged at event {event} (index {event} of")]);
        }
    }
}

/// What is compared is how deep the guest is, not only that it recurses.
#[test]
fn a_build_that_recurses_half_as_deep_as_the_stack_allows_diverges() {
    let guest = recursion(100, HostCall::None);
    let sandbox = Sandbox::new();
    sandbox.write("it.wat", &guest);
    let boundary = boundary(&sandbox, "it.wat", &[]);
    record(&sandbox, "it.wat", "it.take", &[], &[WITHOUT_END]);
    assert_identical_in_every_mode(&sandbox, "it.take", false);
    let half =
        guest.replace("(call $rec (local.get 0))", &format!("(call $rec (i32.const {}))", boundary / 2));
    assert_ne!(half, guest);
    sandbox.write("other.wat", half);
    assert_other_diverges(&sandbox);
}
