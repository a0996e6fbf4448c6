//! Owns the kinds of traps and of canonical-ABI faults, as one closed list with their names in a take.
//! Which of the engine's errors is of which kind is the actor crate's.

use std::fmt;

use serde::{Serialize, Serializer};

/// Declares [`TrapKind`] with its names, so that a kind without a name, or a name of two kinds, cannot be.
macro_rules! trap_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What kind of trap, or of fault in what the guest handed over or took, ended a call.
        ///
        /// The engine words one fault in several ways, depending on which side of a call finds it. A re-run
        /// is therefore compared by kind; the words are for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum TrapKind {
            $($(#[$doc])* $kind,)*
        }

        impl TrapKind {
            /// All kinds.
            pub const ALL: &[TrapKind] = &[$(TrapKind::$kind,)*];

            /// The name that the bytes of an event use.
            pub fn name(self) -> &'static str {
                match self {
                    $(TrapKind::$kind => $name,)*
                }
            }

            /// The kind of this name.
            pub fn from_name(name: &str) -> Option<TrapKind> {
                match name {
                    $($name => Some(TrapKind::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

trap_kinds! {
    /// The guest executed `unreachable`.
    Unreachable = "unreachable",
    /// The call stack was exhausted.
    StackExhausted = "stack-exhausted",
    /// The fuel of the call was used up.
    OutOfFuel = "out-of-fuel",
    /// The guest was interrupted from outside.
    Interrupted = "interrupted",
    /// An access beyond the end of a memory, or an area for parameters or results that lies there.
    MemoryOutOfBounds = "memory-out-of-bounds",
    /// An atomic access to an address that is not aligned.
    AtomicUnaligned = "atomic-unaligned",
    /// An atomic wait on a memory that is not shared.
    AtomicWaitUnshared = "atomic-wait-unshared",
    /// An access beyond the end of a table.
    TableOutOfBounds = "table-out-of-bounds",
    /// An indirect call of an empty element.
    IndirectCallToNull = "indirect-call-to-null",
    /// An indirect call of a function of another type.
    IndirectCallType = "indirect-call-type",
    /// An integer operation overflowed.
    IntegerOverflow = "integer-overflow",
    /// An integer was divided by zero.
    DivisionByZero = "division-by-zero",
    /// A float was converted to an integer that cannot hold it.
    FloatConversion = "float-conversion",
    /// A null reference was used.
    NullReference = "null-reference",
    /// An access beyond the end of an array.
    ArrayOutOfBounds = "array-out-of-bounds",
    /// A reference was cast to a type that it does not have.
    CastFailure = "cast-failure",
    /// An object was too large to be made.
    AllocationTooLarge = "allocation-too-large",
    /// The garbage-collected heap was full.
    GcHeapExhausted = "gc-heap-exhausted",
    /// An exception left the component.
    UncaughtException = "uncaught-exception",
    /// A continuation suspended to a tag without a handler.
    UnhandledTag = "unhandled-tag",
    /// A continuation was resumed twice.
    ContinuationConsumed = "continuation-consumed",
    /// The component was called while it may not be.
    CannotEnter = "cannot-enter",
    /// The component called out while it may not: from `realloc` or a post-return function.
    CannotLeave = "cannot-leave",
    /// A pointer that was handed over, or that `realloc` returned, is not aligned.
    PointerUnaligned = "pointer-unaligned",
    /// A string, a list, or what `realloc` returned for one, reaches beyond the end of the memory.
    PointerOutOfBounds = "pointer-out-of-bounds",
    /// A string is not of its encoding.
    StringEncoding = "string-encoding",
    /// No case of the type has this discriminant.
    InvalidDiscriminant = "invalid-discriminant",
    /// A number is not a `char`.
    InvalidChar = "invalid-char",
    /// There is no handle of this number.
    UnknownHandle = "unknown-handle",
    /// A handle is of another resource type.
    HandleType = "handle-type",
    /// A borrowed handle was passed as an owned one.
    BorrowAsOwn = "borrow-as-own",
    /// An owned handle was dropped or passed on while it was lent.
    HandleLent = "handle-lent",
    /// A borrowed handle was kept beyond its call.
    BorrowKept = "borrow-kept",
    /// No more handles may be made.
    HandlesExhausted = "handles-exhausted",
    /// No more instances, memories or tables may be made.
    InstancesExhausted = "instances-exhausted",
    /// A memory begins with more than its limit.
    MemoryLimit = "memory-limit",
    /// A table begins with more than its limit.
    TableLimit = "table-limit",
    /// More was handed over in one call than the limit allows.
    HostcallLimit = "hostcall-limit",
    /// A rule of asynchronous calls was broken.
    AsyncFault = "async-fault",
    /// The engine found a fault of its own.
    EngineAssertion = "engine-assertion",
    /// None of these. Such an end is compared by its words.
    Other = "other",
}

impl TrapKind {
    /// Whether two ends of this kind may still be two faults, so that their words are compared as well.
    pub fn is_compared_by_words(self) -> bool {
        self == TrapKind::Other
    }
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for TrapKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Why an export call ended as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WasmErrorKind {
    /// The guest trapped, or a fault of the canonical ABI ended it.
    Trapped(TrapKind),
    /// A host function failed.
    HostFailure,
    /// The call was given up; the guest did not end by itself.
    Cancelled,
}

impl WasmErrorKind {
    const HOST_FAILURE: &str = "host-failure";
    const CANCELLED: &str = "cancelled";

    /// The name that the bytes of an event use.
    pub fn name(self) -> &'static str {
        match self {
            WasmErrorKind::Trapped(kind) => kind.name(),
            WasmErrorKind::HostFailure => Self::HOST_FAILURE,
            WasmErrorKind::Cancelled => Self::CANCELLED,
        }
    }

    /// Whether two ends of this kind may still differ, so that their words are compared as well. What a host
    /// failed with is in the recording, and a re-run fails with the same words.
    pub fn is_compared_by_words(self) -> bool {
        match self {
            WasmErrorKind::Trapped(kind) => kind.is_compared_by_words(),
            WasmErrorKind::HostFailure => true,
            WasmErrorKind::Cancelled => false,
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<WasmErrorKind> {
        match name {
            Self::HOST_FAILURE => Some(WasmErrorKind::HostFailure),
            Self::CANCELLED => Some(WasmErrorKind::Cancelled),
            trap => TrapKind::from_name(trap).map(WasmErrorKind::Trapped),
        }
    }
}

impl fmt::Display for WasmErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for WasmErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
