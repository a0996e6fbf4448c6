//! Handles cross as small numbers, wherever in an argument or a result they are, and what was lent is given
//! back.

use retake_chain::{HostFunctionCall, Outcome, Value};

use crate::common::guest::{echo, handwritten, mirrored};
use crate::common::session::{REP, Session, list, rep};

fn number(number: u32) -> Value {
    Value::Handle(number)
}

fn inputs(calls: &[HostFunctionCall]) -> Vec<Vec<Value>> {
    calls.iter().map(|call| call.input.clone()).collect()
}

/// Makes an argument out of fresh handles.
type Argument = fn(&dyn Fn() -> Value) -> Value;

/// Lends or gives away handles `rep(1)`.. as they are in `arguments`: flat, and after enough parameters to be
/// spilled. Twice, since a borrow that is not given back traps, and a handle that was given away must be
/// gone.
async fn hand_over(declarations: &str, params: &[&str], arguments: &[Argument]) {
    let many = (0..17).map(|index| format!("m{index}: u32, ")).collect::<String>();
    let params = params.iter().enumerate().map(|(index, ty)| format!("p{index}: {ty}, ")).collect::<String>();
    let wit = mirrored(
        &["cell"],
        &format!("{declarations} flat: func({params}) -> u32; spilled: func({many} {params}) -> u32;"),
    );
    let next = std::cell::Cell::new(0);
    let fresh = || {
        next.set(next.get() + 1);
        rep(next.get())
    };
    let arguments = || arguments.iter().map(|make| make(&fresh)).collect::<Vec<_>>();
    let mut session = Session::of(echo(&wit));
    for _ in 0..2 {
        let answer = Value::from(8u32);
        session = session.call("flat", arguments()).answer(answer.clone());
        let spilled = (0..17u32).map(Value::from).chain(arguments());
        session = session.call("spilled", spilled).answer(answer);
    }
    let recorded = session.record_and_replay().await;
    let answer = Outcome::Returned(Some(Value::from(8u32)));
    assert_eq!(recorded.outcomes, vec![answer; 4]);
}

macro_rules! hand_over {
    ($($name:ident: $declarations:literal, [$($ty:literal),*], [$($make:expr),* $(,)?];)*) => {$(
        #[tokio::test]
        async fn $name() {
            hand_over($declarations, &[$($ty),*], &[$($make),*]).await;
        }
    )*};
}

fn some(value: Value) -> Value {
    list([value])
}

fn case(name: &str, payload: Value) -> Value {
    Value::case(name, Some(payload))
}

hand_over! {
    an_owned_handle_is_given_away: "", ["own<cell>"], [|new| new()];
    a_borrow_is_given_back: "", ["borrow<cell>"], [|new| new()];
    handles_between_scalars_keep_their_place: "", ["u8", "borrow<cell>", "f64", "own<cell>", "borrow<cell>"], [
        |_| Value::from(1u8), |new| new(), |_| Value::from(2.5f64), |new| new(), |new| new(),
    ];
    a_list_of_borrows_is_given_back: "", ["list<borrow<cell>>", "list<borrow<cell>>"], [
        |new| list([new(), new(), new()]), |_| list([]),
    ];
    lists_of_lists_of_borrows_are_given_back: "", ["list<list<borrow<cell>>>", "borrow<cell>"], [
        |new| list([list([]), list([new()]), list([new(), new()])]), |new| new(),
    ];
    a_borrow_in_an_option_is_given_back: "", ["option<borrow<cell>>", "option<borrow<cell>>"], [
        |new| some(new()), |_| Value::None,
    ];
    a_borrow_in_a_result_is_given_back: "", ["result<borrow<cell>, u64>", "result<u64, borrow<cell>>"], [
        |new| case("ok", new()), |new| case("err", new()),
    ];
    the_other_case_of_a_result_lends_nothing: "", ["result<borrow<cell>, u64>", "result<u64, borrow<cell>>"], [
        |_| case("err", Value::from(1u64)), |_| case("ok", Value::from(1u64)),
    ];
    a_borrow_in_a_record_is_given_back:
        "record r { a: u8, b: borrow<cell>, c: tuple<u64, borrow<cell>> }", ["r"], [
        |new| Value::record([
            ("a", Value::from(1u8)), ("b", new()), ("c", list([Value::from(2u64), new()])),
        ]),
    ];
    a_borrow_in_a_variant_is_given_back:
        "variant v { nothing, wide(u64), lent(borrow<cell>), float(f32), many(list<borrow<cell>>) }",
        ["v", "v", "v", "v", "v"], [
        |new| case("lent", new()),
        |_| Value::from("nothing"),
        |_| case("wide", Value::from(u64::MAX)),
        |new| case("many", list([new(), new()])),
        |_| case("float", Value::from(1.0f32)),
    ];
    borrows_in_lists_of_records_are_given_back:
        "record r { a: u8, b: option<borrow<cell>>, c: list<borrow<cell>>, d: u64 }", ["list<r>"], [
        |new| {
            let record = |b: Value, c: Value| Value::record([
                ("a", Value::from(1u8)), ("b", b), ("c", c), ("d", Value::from(u64::MAX)),
            ]);
            list([record(some(new()), list([])), record(Value::None, list([new(), new()]))])
        },
    ];
    borrows_in_lists_of_variants_are_given_back:
        "variant v { a, b(borrow<cell>), c(u64) }", ["list<v>"], [
        |new| list([Value::from("a"), case("b", new()), case("c", Value::from(5u64)), case("b", new())]),
    ];
    a_type_of_owned_handles_is_told_and_given_away:
        "record r { a: own<cell>, b: list<own<cell>> } variant v { a, b(r) } type t = v;", ["r", "option<t>"], [
        |new| Value::record([("a", new()), ("b", list([new()]))]),
        |new| some(case("b", Value::record([("a", new()), ("b", list([new(), new()]))]))),
    ];
}

#[tokio::test]
async fn an_owned_result_is_numbered_wherever_it_is() {
    let wit = mirrored(
        &["cell"],
        "record r { a: u8, b: own<cell> }
         variant v { a(u64), b(r) }
         plain: func() -> own<cell>;
         optional: func() -> option<own<cell>>;
         many: func() -> list<own<cell>>;
         nested: func() -> result<list<v>, own<cell>>;
         tupled: func() -> tuple<own<cell>>;",
    );
    let record = |handle| Value::record([("a", Value::from(1u8)), ("b", handle)]);
    let ok = case(
        "ok",
        list([case("b", record(rep(5))), case("a", Value::from(1u64)), case("b", record(rep(6)))]),
    );
    let session = Session::of(echo(&wit))
        .call("plain", [])
        .answer(rep(1))
        .call("optional", [])
        .answer(some(rep(2)))
        .call("many", [])
        .answer(list([rep(3), rep(4)]))
        .call("nested", [])
        .answer(ok)
        .call("tupled", [])
        .answer(list([rep(7)]));
    let recorded = session.record_and_replay().await;
    let outputs: Vec<Outcome> = recorded.host_calls.into_iter().map(|call| call.output).collect();
    let ok = list([case("b", record(number(5))), case("a", Value::from(1u64)), case("b", record(number(6)))]);
    let expected =
        [number(1), some(number(2)), list([number(3), number(4)]), case("ok", ok), list([number(7)])];
    assert_eq!(outputs, expected.map(|value| Outcome::Returned(Some(value))));
}

/// A guest that makes a cell, asks it twice, passes it on and drops it, all in one call.
const KEEPER: &str = r#"
    (func (export "retake:test/guest#keep") (param i32) (result i32)
      (local $cell i32) (local $sum i32)
      (local.set $cell (call $new (local.get 0)))
      (local.set $sum (i32.add (call $get (local.get $cell)) (call $get (local.get $cell))))
      (local.set $sum (i32.add (local.get $sum) (call $both (local.get $cell) (local.get $cell))))
      (call $drop (local.get $cell))
      (local.get $sum))"#;
const KEEPER_IMPORTS: &str = r#"
    (import "retake:test/host" "[constructor]cell" (func $new (param i32) (result i32)))
    (import "retake:test/host" "[method]cell.get" (func $get (param i32) (result i32)))
    (import "retake:test/host" "[static]cell.both" (func $both (param i32 i32) (result i32)))
    (import "retake:test/host" "[resource-drop]cell" (func $drop (param i32)))"#;
const KEEPER_WIT: &str = "package retake:test;
    interface host {
        resource cell {
            constructor(at: u32);
            get: func() -> u32;
            both: static func(a: borrow<cell>, b: borrow<cell>) -> u32;
        }
    }
    interface guest { keep: func(at: u32) -> u32; }
    world actor { import host; export guest; }";

fn keeper() -> Vec<u8> {
    handwritten(KEEPER_WIT, KEEPER_IMPORTS, KEEPER)
}

#[tokio::test]
async fn constructors_methods_and_statics_are_recorded_by_their_names() {
    let session = Session::of(keeper())
        .call("keep", [Value::from(9u32)])
        .answer(rep(1))
        .answer(Value::from(1u32))
        .answer(Value::from(10u32))
        .answer(Value::from(100u32));
    let recorded = session.record_and_replay().await;
    let names: Vec<&str> = recorded.host_calls.iter().map(|call| &*call.function).collect();
    let methods = ["[method]cell.get", "[method]cell.get"];
    assert_eq!(
        names,
        [&["[constructor]cell"], &methods[..], &["[static]cell.both", "[resource-drop]cell"]].concat()
    );
    let one = || vec![number(1)];
    let expected = [vec![Value::from(9u32)], one(), one(), vec![number(1), number(1)], one()];
    assert_eq!(inputs(&recorded.host_calls), expected);
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(111u32)))]);
}

#[tokio::test]
async fn a_representation_that_the_host_uses_again_gets_a_fresh_number() {
    let one = Value::from(1u32);
    let mut session = Session::of(keeper());
    for _ in 0..3 {
        session = session.call("keep", [one.clone()]).answer(Value::Handle(REP));
        session = session.answer(one.clone()).answer(one.clone()).answer(one.clone());
    }
    let recorded = session.record().await;
    assert_eq!(recorded.seen[1].1, recorded.seen[6].1, "the host's representation is the same");
    let numbers: Vec<Value> = recorded.host_calls.chunks(5).map(|calls| calls[1].input[0].clone()).collect();
    assert_eq!(numbers, [number(1), number(2), number(3)]);
    assert_eq!(recorded.outcomes, vec![Outcome::Returned(Some(Value::from(3u32))); 3]);
}

/// A guest that has two cells at once, uses each, and drops one after the other.
const TWINS: &str = r#"
    (func (export "retake:test/guest#keep") (param i32) (result i32)
      (local $one i32) (local $two i32) (local $sum i32)
      (local.set $one (call $new (i32.const 1)))
      (local.set $two (call $new (i32.const 2)))
      (local.set $sum (i32.add (call $get (local.get $one)) (call $get (local.get $two))))
      (local.set $sum (i32.add (local.get $sum) (call $both (local.get $one) (local.get $two))))
      (call $drop (local.get $one))
      (local.set $sum (i32.add (local.get $sum) (call $get (local.get $two))))
      (call $drop (local.get $two))
      (local.get $sum))"#;

/// A host that gives out one representation for all of them (`Resource::new_own(0)`) cannot tell them apart,
/// so neither can the recording.
#[tokio::test]
async fn handles_with_one_representation_have_one_number() {
    let mut session = Session::of(handwritten(KEEPER_WIT, KEEPER_IMPORTS, TWINS))
        .call("keep", [Value::from(0u32)])
        .answer(rep(1))
        .answer(rep(1));
    for answer in [1u32, 10, 100, 1000] {
        session = session.answer(Value::from(answer));
    }
    let recorded = session.record_and_replay().await;
    let one = || vec![number(1)];
    let both = vec![number(1), number(1)];
    assert_eq!(inputs(&recorded.host_calls)[2..], [one(), one(), both, one(), one(), one()]);
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(1111u32)))]);
}

/// What was given away is the host's, wherever in the arguments it was, and its representation may come back.
#[tokio::test]
async fn a_representation_that_was_given_away_gets_a_fresh_number() {
    let wit = mirrored(
        &["cell"],
        "record r { a: u8, b: option<own<cell>>, c: list<own<cell>>, d: borrow<cell> }
         variant v { a, b(tuple<u64, own<cell>>) }
         make: func() -> own<cell>;
         take: func(one: own<cell>);
         take-record: func(r: r);
         take-variants: func(all: list<v>, last: result<own<cell>, own<cell>>);",
    );
    let used = |index| Value::Handle(REP + index);
    let record = Value::record([
        ("a", Value::from(1u8)),
        ("b", some(used(1))),
        ("c", list([used(2)])),
        ("d", used(3)),
    ]);
    let variant = |index| case("b", list([Value::from(1u64), used(index)]));
    let session = Session::of(echo(&wit))
        .call("take", [used(0)])
        .answer(None)
        .call("take-record", [record])
        .answer(None)
        .call("take-variants", [list([variant(4), Value::from("a")]), case("err", used(5))])
        .answer(None);
    let session = (0..6).fold(session, |session, index| session.call("make", []).answer(used(index)));
    let recorded = session.record().await;
    let made = recorded.host_calls.iter().filter(|call| &*call.function == "make");
    let made: Vec<Outcome> = made.map(|call| call.output.clone()).collect();
    // The guest has the one that it lent still, and now has it twice.
    let expected = [7, 8, 9, 4, 10, 11].map(|fresh| Outcome::Returned(Some(number(fresh))));
    assert_eq!(made, expected);
}

#[tokio::test]
async fn handles_are_counted_per_type_across_interfaces_that_share_a_type() {
    let wit = "package retake:test;
        interface cells { resource cell; make: func() -> own<cell>; }
        interface host {
            use cells.{cell};
            resource door;
            record pair { cell: borrow<cell>, door: borrow<door> }
            open: func() -> own<door>;
            look: func(p: borrow<cell>, d: borrow<door>);
            look-at-pairs: func(pairs: list<pair>, mine: own<cell>);
        }
        interface guest {
            use cells.{cell};
            use host.{door};
            record pair { cell: own<cell>, door: own<door> }
            make: func() -> own<cell>;
            open: func() -> own<door>;
            look: func(p: own<cell>, d: own<door>);
            look-at-pairs: func(pairs: list<pair>, mine: own<cell>);
        }
        world actor { import cells; import host; export guest; }";
    let pair = |index| Value::record([("cell", rep(index)), ("door", rep(index))]);
    let session = Session::of(echo(wit))
        .call("make", [])
        .answer(rep(1))
        .call("open", [])
        .answer(rep(1))
        .call("look", [rep(2), rep(2)])
        .answer(None)
        .call("look-at-pairs", [list([pair(3), pair(4)]), rep(5)])
        .answer(None);
    let recorded = session.record_and_replay().await;
    assert_eq!(inputs(&recorded.host_calls)[2], [number(2), number(2)]);
    let interfaces: Vec<&str> = recorded.host_calls.iter().map(|call| &*call.interface).collect();
    let host = "retake:test/host";
    assert_eq!(interfaces, ["retake:test/cells", host, host, host]);
}
