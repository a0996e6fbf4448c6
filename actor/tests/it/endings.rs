//! A call that does not come back is recorded with what ended it, and ends the same in the replay.

use retake_actor::{EngineMessage, TRAP_TABLE};
use retake_chain::{MAX_VALUES, Outcome, TrapKind, Value};
use wasmtime::{Trap, format_err};
use wit_component::StringEncoding;

use crate::common::guest::{echo, encoded_handwritten, handwritten, mirrored};
use crate::common::session::{Exit, Session, rep, replay};

fn trapped(kind: TrapKind, said: impl ToString) -> Outcome {
    Outcome::Trapped { kind, message: said.to_string() }
}

fn asks() -> Session {
    let wit = mirrored(&["cell"], "ask: func(p: u8, q: list<borrow<cell>>) -> u64;");
    Session::of(echo(&wit)).call("ask", [Value::from(3u8), Value::List(vec![])])
}

/// The one call of the session was recorded with this outcome, and the export ended with it too.
async fn ends_with(session: Session, outcome: Outcome) {
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.outcomes, std::slice::from_ref(&outcome));
    assert_eq!(recorded.host_calls.len(), 1);
    assert_eq!(recorded.host_calls[0].input, [Value::from(3u8), Value::List(vec![])]);
    assert_eq!(recorded.host_calls[0].output, outcome);
}

#[tokio::test]
async fn a_host_failure_is_the_outcome_of_its_call() {
    let error = format_err!("the disk is gone").context("while reading");
    ends_with(asks().fail(error), Outcome::Failed("the disk is gone".into())).await;
}

#[tokio::test]
async fn a_trap_that_the_host_raises_is_the_outcome_of_its_call() {
    let outcome = trapped(TrapKind::OutOfFuel, Trap::OutOfFuel);
    ends_with(asks().fail(Trap::OutOfFuel), outcome).await;
}

#[tokio::test]
async fn an_exit_is_the_outcome_of_its_call() {
    ends_with(asks().fail(wasmtime::Error::from(Exit(3))), Outcome::Exited(3)).await;
}

#[tokio::test]
async fn a_trap_of_the_guest_leaves_its_finished_calls_as_they_are() {
    let wit = mirrored(&[], "f: func(p: u8) -> u8;");
    let guest = handwritten(
        &wit,
        r#"(import "retake:test/host" "f" (func $f (param i32) (result i32)))"#,
        r#"(func (export "retake:test/guest#f") (param i32) (result i32)
             (i32.div_u (local.get 0) (call $f (local.get 0))))"#,
    );
    let session = Session::of(guest)
        .call("f", [Value::from(6u8)])
        .answer(Value::from(2u8))
        .call("f", [Value::from(6u8)])
        .answer(Value::from(0u8));
    let recorded = session.record_and_replay().await;
    let trap = trapped(TrapKind::DivisionByZero, Trap::IntegerDivisionByZero);
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(3u8))), trap]);
    let outputs = recorded.host_calls.into_iter().map(|call| call.output);
    let answers = [2u8, 0].map(|answer| Outcome::Returned(Some(Value::from(answer))));
    assert_eq!(outputs.collect::<Vec<_>>(), answers);
}

#[tokio::test]
async fn a_component_without_imports_records_no_host_call() {
    let wit = "package retake:test;
        interface guest { double: func(p: u32) -> u32; }
        world actor { export guest; }";
    let double = r#"(func (export "retake:test/guest#double") (param i32) (result i32)
        (i32.mul (local.get 0) (i32.const 2)))"#;
    let session = Session::of(handwritten(wit, "", double)).call("double", [Value::from(21u32)]);
    let recorded = session.record_and_replay().await;
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(42u32)))]);
    assert!(recorded.host_calls.is_empty());
}

#[tokio::test]
async fn an_interface_of_types_alone_records_no_host_call() {
    let wit = "package retake:test;
        interface host { record r { a: u32 } resource cell; }
        interface guest { use host.{r, cell}; double: func(p: r, c: own<cell>) -> u32; }
        world actor { import host; export guest; }";
    let double = r#"(func (export "retake:test/guest#double") (param i32 i32) (result i32)
        (i32.mul (local.get 0) (i32.const 2)))"#;
    let arguments = [Value::record([("a", Value::from(21u32))]), rep(1)];
    let recorded =
        Session::of(handwritten(wit, "", double)).call("double", arguments).record_and_replay().await;
    assert_eq!(recorded.outcomes, [Outcome::Returned(Some(Value::from(42u32)))]);
    assert!(recorded.host_calls.is_empty());
}

/// A guest whose `f` passes a list of `length` elements of a type to the host: its memory from 0, which is
/// zero except for the bytes that `before` stores.
fn long_list(element: &str, length: usize, before: &str) -> Vec<u8> {
    let wit = format!(
        "package retake:test;
         interface host {{ f: func(p: list<{element}>); }}
         interface guest {{ f: func(); }}
         world actor {{ import host; export guest; }}"
    );
    handwritten(
        &wit,
        r#"(import "retake:test/host" "f" (func $f (param i32 i32)))"#,
        &format!(
            r#"(func (export "retake:test/guest#f")
                 (drop (memory.grow (i32.const 512)))
                 {before}
                 (call $f (i32.const 0) (i32.const {length})))"#
        ),
    )
}

/// What cannot be recorded ends the call, and the message names it.
mod refused {
    use super::*;

    fn refused(what: &str) -> Outcome {
        Outcome::Trapped { kind: TrapKind::Other, message: format!("`retake:test/host/f` {what}") }
    }

    /// The same of a call that has been made.
    fn refused_result(what: &str) -> Outcome {
        Outcome::Failed(format!("`retake:test/host/f` {what}"))
    }

    const TOO_MUCH: &str = "cannot be recorded: too much data is being copied between the host and the guest: fuel allocated for \
        hostcalls has been exhausted";

    #[tokio::test]
    async fn arguments_beyond_the_bound_never_reach_the_host() {
        let echo = echo(&mirrored(&[], "f: func(p: list<u8>) -> list<u8>;"));
        let session = Session::of(echo).hostcall_limit(1000).call("f", [Value::from(vec![1; 1001])]);
        let recorded = session.record().await;
        assert!(recorded.seen.is_empty());
        assert!(recorded.host_calls.is_empty());
        assert_eq!(recorded.outcomes, [refused(TOO_MUCH)]);
    }

    #[tokio::test]
    async fn a_result_beyond_the_bound_closes_its_call() {
        let echo = echo(&mirrored(&[], "f: func(p: list<u8>) -> list<u8>;"));
        let session = Session::of(echo).hostcall_limit(1000);
        let session = session.call("f", [Value::from(vec![1; 10])]).answer(Value::from(vec![1; 1001]));
        let recorded = session.record().await;
        assert_eq!(recorded.host_calls.len(), 1);
        assert_eq!(recorded.host_calls[0].output, refused_result(TOO_MUCH));
        assert_eq!(recorded.outcomes, [refused_result(TOO_MUCH)]);
    }

    async fn has_too_many_values(guest: Vec<u8>) {
        let recorded = Session::of(guest.clone()).call("f", []).record().await;
        assert!(recorded.seen.is_empty());
        assert!(recorded.host_calls.is_empty());
        let reason =
            format!("more than {MAX_VALUES} values at once, which is what an event can hold; split the call");
        assert_eq!(recorded.outcomes, [refused(&format!("cannot be recorded: {reason}"))]);

        // Another build may do it where the recorded one did not.
        let outcome = Outcome::Trapped { kind: TrapKind::Other, message: reason };
        assert_eq!(replay(&guest, &[("f".into(), vec![])], &[]), [outcome]);
    }

    #[tokio::test]
    async fn a_list_of_more_values_than_an_event_holds_never_reaches_the_host() {
        has_too_many_values(long_list("bool", MAX_VALUES + 1, "")).await;
    }

    #[tokio::test]
    async fn more_values_than_an_event_holds_within_a_list_never_reach_the_host() {
        let element = format!("tuple<{}>", ["bool"; 16].join(", "));
        has_too_many_values(long_list(&element, MAX_VALUES / 16, "")).await;
    }

    #[tokio::test]
    async fn a_handle_that_no_recorded_call_gave_is_named() {
        let echo = echo(&mirrored(&["cell"], "f: func(p: borrow<cell>);"));
        let recorded = Session::of(echo).without_introductions().call("f", [rep(1)]).record().await;
        assert!(recorded.seen.is_empty());
        assert!(recorded.host_calls.is_empty());
        let what = "was called with a handle that no recorded call gave to the actor";
        assert_eq!(recorded.outcomes, [refused(what)]);
    }
}

/// What a guest hands over that no component value is, is refused by the engine on the way to the host: no
/// call is recorded. The replay meets it where the guest calls.
mod malformed {
    use super::*;

    /// More than fits flat, so that parameters of this type are handed over in memory.
    const AREA: &str =
        "tuple<u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64>";

    async fn ends(ty: &str, flat: &[i32], outcome: Outcome) {
        let wit = format!(
            "package retake:test;
             interface host {{ f: func(p: {ty}); }}
             interface guest {{ f: func(); }}
             world actor {{ import host; export guest; }}"
        );
        let params = vec!["i32"; flat.len()].join(" ");
        let arguments = flat.iter().map(|value| format!("(i32.const {value})")).collect::<String>();
        let guest = handwritten(
            &wit,
            &format!(r#"(import "retake:test/host" "f" (func $f (param {params})))"#),
            &format!(
                r#"(data (i32.const 0) "\ff\ff\ff\ff") (func (export "retake:test/guest#f") (call $f {arguments}))"#
            ),
        );
        let recorded = Session::of(guest).call("f", []).record_and_replay().await;
        assert!(recorded.host_calls.is_empty());
        assert_eq!(recorded.outcomes, [outcome]);
    }

    async fn traps(ty: &str, flat: &[i32], trap: Trap) {
        let kind =
            TRAP_TABLE.iter().find(|row| row.said == EngineMessage::Trapped(trap)).expect("a row").kind;
        ends(ty, flat, trapped(kind, trap)).await;
    }

    #[tokio::test]
    async fn a_list_out_of_bounds_traps() {
        traps("list<u32>", &[1024, i32::MAX / 4], Trap::ListOutOfBounds).await;
    }

    #[tokio::test]
    async fn a_list_of_more_bytes_than_there_are_addresses_traps() {
        traps("list<u32>", &[1024, -1], Trap::ListOutOfBounds).await;
    }

    #[tokio::test]
    async fn a_byte_list_out_of_bounds_traps() {
        traps("list<u8>", &[1024, i32::MAX / 4], Trap::ListOutOfBounds).await;
    }

    #[tokio::test]
    async fn an_inner_list_out_of_bounds_traps() {
        traps("list<list<u8>>", &[0, 1], Trap::ListOutOfBounds).await;
    }

    #[tokio::test]
    async fn an_unaligned_list_traps() {
        traps("list<u32>", &[2, 1], Trap::UnalignedPointer).await;
    }

    #[tokio::test]
    async fn an_unaligned_empty_list_traps() {
        traps("list<u32>", &[2, 0], Trap::UnalignedPointer).await;
    }

    #[tokio::test]
    async fn an_unaligned_parameter_area_traps() {
        traps(AREA, &[4], Trap::UnalignedPointer).await;
    }

    #[tokio::test]
    async fn a_parameter_area_out_of_bounds_traps() {
        traps(AREA, &[-8], Trap::MemoryOutOfBounds).await;
    }

    #[tokio::test]
    async fn a_fault_in_a_list_that_is_too_long_to_record_traps() {
        let last = "(i32.store (i32.const 16777216) (i32.const -1))";
        const { assert!(MAX_VALUES * size_of::<u32>() == 16_777_216) };
        let guest = long_list("char", MAX_VALUES + 1, last);
        let recorded = Session::of(guest).call("f", []).record_and_replay().await;
        assert!(recorded.host_calls.is_empty());
        assert_eq!(recorded.outcomes, [trapped(TrapKind::InvalidChar, Trap::InvalidChar)]);
    }

    #[tokio::test]
    async fn a_string_out_of_bounds_traps() {
        traps("string", &[1024, i32::MAX / 4], Trap::StringOutOfBounds).await;
    }

    #[tokio::test]
    async fn a_number_that_is_no_char_traps() {
        traps("char", &[0xd800], Trap::InvalidChar).await;
    }

    #[tokio::test]
    async fn a_case_that_there_is_not_traps() {
        traps("option<u8>", &[2, 0], Trap::InvalidDiscriminant).await;
    }

    #[tokio::test]
    async fn a_stored_case_that_there_is_not_traps() {
        traps("list<result>", &[0, 1], Trap::InvalidDiscriminant).await;
    }

    #[tokio::test]
    async fn a_string_that_is_not_utf8_fails() {
        ends("string", &[0, 4], trapped(TrapKind::StringEncoding, "invalid utf8 encoding")).await;
    }

    /// The guest's string is one half of a surrogate pair, which is no character.
    async fn fails_at_a_surrogate(encoding: StringEncoding, length: u32) {
        let guest = encoded_handwritten(
            "package retake:test;
             interface host { f: func(p: string); }
             interface guest { f: func(); }
             world actor { import host; export guest; }",
            r#"(import "retake:test/host" "f" (func $f (param i32 i32)))"#,
            &format!(
                r#"(data (i32.const 0) "\00\d8")
                   (func (export "retake:test/guest#f") (call $f (i32.const 0) (i32.const {length})))"#
            ),
            encoding,
        );
        let recorded = Session::of(guest).call("f", []).record_and_replay().await;
        assert!(recorded.host_calls.is_empty());
        assert!(
            matches!(&recorded.outcomes[..], [Outcome::Trapped { kind: TrapKind::StringEncoding, .. }]),
            "{recorded:?}"
        );
    }

    #[tokio::test]
    async fn an_unpaired_surrogate_of_a_utf16_guest_fails() {
        fails_at_a_surrogate(StringEncoding::UTF16, 1).await;
    }

    #[tokio::test]
    async fn an_unpaired_surrogate_of_a_latin1_or_utf16_guest_fails() {
        // The highest bit of a length says that the string is UTF-16.
        fails_at_a_surrogate(StringEncoding::CompactUTF16, 1 << 31 | 1).await;
    }
}
