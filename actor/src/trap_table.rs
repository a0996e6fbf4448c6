//! Owns the table of the engine's traps and refusals: the message of each, its kind, and where it can arise.
//!
//! A recorded guest passes its values to the shim, so an adapter between two components finds their faults. A
//! re-run guest passes them to the host, where lifting and lowering find the faults, with other messages and
//! often not as a trap. Here all messages of one fault have one kind.

use retake_chain::TrapKind;
use wasmtime::{Error, Trap};

use ArisesIn::{Argument, Code, Drop, Instantiation, Lowering, PostReturn, Result};
use EngineMessage::{Exact, Prefix, Trapped};

/// How the engine reports a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineMessage {
    /// A trap.
    Trapped(Trap),
    /// An error with this message.
    Exact(&'static str),
    /// An error with a message that starts like this.
    Prefix(&'static str),
}

/// Where a fault can arise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArisesIn {
    /// In the guest's own code.
    Code,
    /// In an argument of an import, or in an element, field or payload of one.
    Argument,
    /// In the result of an export, or in a part of it.
    Result,
    /// While a value is put into the guest's memory: in `realloc`, in what it returned, or in the place for
    /// the result.
    Lowering,
    /// In the post-return function of an export.
    PostReturn,
    /// Where a handle is dropped.
    Drop,
    /// Where an instance is made.
    Instantiation,
}

/// One message of the engine, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct TrapRow {
    /// Which kind of end it is.
    pub kind: TrapKind,
    /// The engine's message.
    pub said: EngineMessage,
    /// Where it can arise; empty if only a disabled feature can cause it.
    pub places: &'static [ArisesIn],
}

const fn row(kind: TrapKind, said: EngineMessage, places: &'static [ArisesIn]) -> TrapRow {
    TrapRow { kind, said, places }
}

/// Everywhere that the guest's code runs.
const RUNS: &[ArisesIn] = &[Code, Lowering, PostReturn, Instantiation];

/// Every message of the engine that a guest can cause.
#[rustfmt::skip]
pub const TRAP_TABLE: &[TrapRow] = &[
    row(TrapKind::Unreachable, Trapped(Trap::UnreachableCodeReached), RUNS),
    row(TrapKind::StackExhausted, Trapped(Trap::StackOverflow), RUNS),
    row(TrapKind::OutOfFuel, Trapped(Trap::OutOfFuel), RUNS),
    row(TrapKind::Interrupted, Trapped(Trap::Interrupt), &[]),
    row(TrapKind::MemoryOutOfBounds, Trapped(Trap::MemoryOutOfBounds), &[Code, Argument, Lowering, PostReturn, Instantiation]),
    row(TrapKind::MemoryOutOfBounds, Exact("pointer out of bounds"), &[Argument, Lowering]),
    row(TrapKind::MemoryOutOfBounds, Exact("pointer out of bounds of memory"), &[Result]),
    row(TrapKind::MemoryOutOfBounds, Exact("pointer size overflow"), &[]),
    row(TrapKind::AtomicUnaligned, Trapped(Trap::HeapMisaligned), &[]),
    row(TrapKind::AtomicWaitUnshared, Trapped(Trap::AtomicWaitNonSharedMemory), &[]),
    row(TrapKind::TableOutOfBounds, Trapped(Trap::TableOutOfBounds), RUNS),
    row(TrapKind::IndirectCallToNull, Trapped(Trap::IndirectCallToNull), RUNS),
    row(TrapKind::IndirectCallType, Trapped(Trap::BadSignature), RUNS),
    row(TrapKind::IntegerOverflow, Trapped(Trap::IntegerOverflow), RUNS),
    row(TrapKind::DivisionByZero, Trapped(Trap::IntegerDivisionByZero), RUNS),
    row(TrapKind::FloatConversion, Trapped(Trap::BadConversionToInteger), RUNS),
    row(TrapKind::NullReference, Trapped(Trap::NullReference), RUNS),
    row(TrapKind::ArrayOutOfBounds, Trapped(Trap::ArrayOutOfBounds), RUNS),
    row(TrapKind::CastFailure, Trapped(Trap::CastFailure), RUNS),
    row(TrapKind::AllocationTooLarge, Trapped(Trap::AllocationTooLarge), RUNS),
    row(TrapKind::GcHeapExhausted, Prefix("GC heap out of memory: "), RUNS),
    row(TrapKind::UncaughtException, Trapped(Trap::UncaughtException), &[Lowering]),
    row(TrapKind::UncaughtException, Exact("thrown Wasm exception"), RUNS),
    row(TrapKind::UnhandledTag, Trapped(Trap::UnhandledTag), &[]),
    row(TrapKind::ContinuationConsumed, Trapped(Trap::ContinuationAlreadyConsumed), &[]),
    row(TrapKind::CannotEnter, Trapped(Trap::CannotEnterComponent), &[Code]),
    row(TrapKind::CannotLeave, Trapped(Trap::CannotLeaveComponent), &[Lowering, PostReturn]),

    row(TrapKind::PointerUnaligned, Trapped(Trap::UnalignedPointer), &[Argument, Lowering]),
    row(TrapKind::PointerUnaligned, Exact("pointer not aligned"), &[Argument, Lowering]),
    row(TrapKind::PointerUnaligned, Exact("return pointer not aligned"), &[Result]),
    row(TrapKind::PointerUnaligned, Exact("realloc return: result not aligned"), &[Lowering]),
    row(TrapKind::PointerUnaligned, Prefix("string pointer not aligned to "), &[Argument, Result]),
    row(TrapKind::PointerUnaligned, Exact("list pointer is not aligned"), &[Result]),

    row(TrapKind::PointerOutOfBounds, Trapped(Trap::StringOutOfBounds), &[Argument, Lowering]),
    row(TrapKind::PointerOutOfBounds, Trapped(Trap::ListOutOfBounds), &[Argument, Lowering]),
    row(TrapKind::PointerOutOfBounds, Exact("string pointer/length out of bounds of memory"), &[Argument, Result]),
    row(TrapKind::PointerOutOfBounds, Exact("list pointer/length out of bounds of memory"), &[Result]),
    row(TrapKind::PointerOutOfBounds, Exact("realloc return: beyond end of memory"), &[Lowering]),
    // Only of values that are larger than a call may carry.
    row(TrapKind::PointerOutOfBounds, Prefix("string length of "), &[]),
    row(TrapKind::PointerOutOfBounds, Exact("byte length too large"), &[]),
    row(TrapKind::PointerOutOfBounds, Exact("size overflow copying a list"), &[]),

    row(TrapKind::StringEncoding, Exact("invalid utf8 encoding"), &[Argument]),
    row(TrapKind::StringEncoding, Exact("invalid utf16 encoding"), &[Argument]),
    row(TrapKind::StringEncoding, Prefix("invalid utf-8 sequence of "), &[Argument, Result]),
    row(TrapKind::StringEncoding, Prefix("incomplete utf-8 byte sequence from "), &[Argument, Result]),
    row(TrapKind::StringEncoding, Prefix("unpaired surrogate found: "), &[Argument, Result]),

    row(TrapKind::InvalidDiscriminant, Trapped(Trap::InvalidDiscriminant), &[Argument]),
    row(TrapKind::InvalidDiscriminant, Prefix("discriminant "), &[Result]),
    // Where an embedder's bindings call an export.
    row(TrapKind::InvalidDiscriminant, Exact("invalid option discriminant"), &[]),
    row(TrapKind::InvalidDiscriminant, Exact("invalid expected discriminant"), &[]),
    row(TrapKind::InvalidChar, Trapped(Trap::InvalidChar), &[Argument]),
    row(TrapKind::InvalidChar, Exact("converted integer out of range for `char`"), &[Result]),

    row(TrapKind::UnknownHandle, Prefix("unknown handle index "), &[Argument, Drop]),
    row(TrapKind::HandleType, Prefix("handle index "), &[Argument, Drop]),
    // Of handles that are of no resource, which only asynchronous calls have.
    row(TrapKind::HandleType, Exact("index is not a resource"), &[]),
    row(TrapKind::HandleType, Prefix("index "), &[]),
    row(TrapKind::BorrowAsOwn, Exact("cannot lift own resource from a borrow"), &[Argument]),
    row(TrapKind::HandleLent, Exact("cannot remove owned resource while borrowed"), &[Argument]),
    row(TrapKind::BorrowKept, Exact("borrow handles still remain at the end of the call"), &[Result]),
    row(TrapKind::HandlesExhausted, Exact("cannot allocate another handle: store handle limit exceeded"), &[Lowering]),
    row(TrapKind::HandlesExhausted, Exact("cannot allocate another handle: index overflow"), &[]),
    row(TrapKind::HandlesExhausted, Exact("cannot lend resource: store handle limit exceeded"), &[Argument]),
    row(TrapKind::HandlesExhausted, Exact("cannot lend resource: too many active lends"), &[]),

    row(TrapKind::InstancesExhausted, Prefix("resource limit exceeded: "), &[Instantiation]),
    row(TrapKind::MemoryLimit, Prefix("memory minimum size of "), &[Instantiation]),
    row(TrapKind::TableLimit, Prefix("table minimum size of "), &[Instantiation]),
    row(TrapKind::HostcallLimit, Prefix("too much data is being copied between the host and the guest"), &[Result]),

    row(TrapKind::AsyncFault, Trapped(Trap::NoAsyncResult), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::AsyncDeadlock), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::CannotBlockSyncTask), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::TaskCancelNotCancelled), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::TaskCancelOrReturnTwice), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::SubtaskCancelAfterTerminal), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::TaskReturnInvalid), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::WaitableSetDropHasWaiters), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::SubtaskDropNotResolved), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::ThreadNewIndirectInvalidType), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::ThreadNewIndirectUninitialized), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::BackpressureOverflow), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::UnsupportedCallbackCode), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::CannotResumeThread), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::ConcurrentFutureStreamOp), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::ReferenceCountOverflow), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::StreamOpTooBig), &[]),
    row(TrapKind::AsyncFault, Trapped(Trap::WaitableSyncAndAsync), &[]),

    row(TrapKind::EngineAssertion, Trapped(Trap::DisabledOpcode), &[]),
    row(TrapKind::EngineAssertion, Trapped(Trap::DebugAssertStringEncodingFinished), &[]),
    row(TrapKind::EngineAssertion, Trapped(Trap::DebugAssertEqualCodeUnits), &[]),
    row(TrapKind::EngineAssertion, Trapped(Trap::DebugAssertPointerAligned), &[]),
    row(TrapKind::EngineAssertion, Trapped(Trap::DebugAssertUpperBitsUnset), &[]),
];

impl TrapRow {
    /// The row for an error, if the table has one.
    pub fn of(error: &Error) -> Option<&'static TrapRow> {
        match error.downcast_ref::<Trap>() {
            Some(trap) => TRAP_TABLE.iter().find(|row| row.said == Trapped(*trap)),
            None => {
                let words = error.root_cause().to_string();
                TRAP_TABLE.iter().find(|row| match row.said {
                    Trapped(_) => false,
                    Exact(text) => text == words,
                    Prefix(begin) => words.starts_with(begin),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trap_of_the_engine_has_one_row() {
        let traps = (0..=u8::MAX).filter_map(Trap::from_u8);
        for trap in traps {
            let rows = TRAP_TABLE.iter().filter(|row| row.said == Trapped(trap));
            assert_eq!(rows.count(), 1, "{trap:?}");
        }
    }

    #[test]
    fn no_row_hides_another() {
        for (index, row) in TRAP_TABLE.iter().enumerate() {
            let (Exact(words) | Prefix(words)) = row.said else { continue };
            let found = TrapRow::of(&Error::msg(words)).expect("a row");
            assert_eq!(found.said, row.said, "row {index}");
        }
    }

    #[test]
    fn every_kind_but_the_open_one_has_a_row() {
        for kind in TrapKind::ALL {
            let has_row = TRAP_TABLE.iter().any(|row| row.kind == *kind);
            assert_eq!(has_row, *kind != TrapKind::Other, "{kind}");
        }
    }
}
