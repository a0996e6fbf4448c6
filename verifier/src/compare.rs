//! Owns the comparison of a re-run's event with the recorded event. The functions are pure. The replayer
//! calls them inside each host call, before the guest gets its answer, and adds where in the take the event
//! is.

use std::mem::discriminant;

use retake_chain::{
    ChainEvent, ChainEventPayload, HostFunctionCall, Outcome, Value, WasmErrorKind, WasmEventData,
};

use crate::divergence::DivergenceKind;
use crate::track::same_track;

/// Compares an event of the re-run with the recorded event. Returns `None` if the hashes are equal; nothing
/// is decoded then.
///
/// If the build imports the interface in another version on the same track, the re-run's event must carry the
/// recorded name, because the name is hashed.
pub fn compare(expected: &ChainEvent, actual: &ChainEvent) -> Option<DivergenceKind> {
    if expected.hash == actual.hash {
        return None;
    }
    let kind = match (expected.payload(), actual.payload()) {
        (Ok(expected), Ok(actual)) => compare_payloads(&expected, &actual),
        (Err(_), _) | (_, Err(_)) => None,
    };
    Some(kind.unwrap_or(DivergenceKind::DifferentHash))
}

/// Compares a host call of the re-run, which has no outcome yet, with the recorded call.
pub fn compare_host_call(
    expected: &HostFunctionCall,
    interface: &str,
    function: &str,
    input: &[Value],
) -> Option<DivergenceKind> {
    if *expected.function != *function || !same_track(&expected.interface, interface) {
        return Some(DivergenceKind::DifferentCall);
    }
    compare_arguments(&expected.input, input)
}

/// Gives a trap of the re-run the recorded message, if it is of the recorded kind. The engine has several
/// messages for one fault, and they are for people. A trap that is compared by its message keeps its own.
pub fn adopt_recorded_message(expected: &ChainEventPayload, actual: &mut ChainEventPayload) {
    use ChainEventPayload::{HostFunction, Wasm};
    use WasmEventData::WasmError;
    let recorded = match expected {
        Wasm(WasmError { kind, message, .. }) => (*kind, message),
        HostFunction(HostFunctionCall { output: Outcome::Trapped { kind, message }, .. }) => {
            (WasmErrorKind::Trapped(*kind), message)
        }
        _ => return,
    };
    let found = match actual {
        Wasm(WasmError { kind, message, .. }) => (*kind, message),
        HostFunction(HostFunctionCall { output: Outcome::Trapped { kind, message }, .. }) => {
            (WasmErrorKind::Trapped(*kind), message)
        }
        _ => return,
    };
    let ((kind, recorded), (actual_kind, message)) = (recorded, found);
    if kind == actual_kind && !kind.is_compared_by_words() {
        message.clone_from(recorded);
    }
}

/// How two payloads differ; `None` if there is no name for the difference.
fn compare_payloads(expected: &ChainEventPayload, actual: &ChainEventPayload) -> Option<DivergenceKind> {
    use ChainEventPayload::{HostFunction, ReplaySummary, Session, Shutdown, TheaterRuntime, Wasm};
    use WasmEventData::{WasmCall, WasmComponentCreationError, WasmError, WasmResult};
    match (expected, actual) {
        (HostFunction(expected), HostFunction(actual)) => {
            compare_host_call(expected, &actual.interface, &actual.function, &actual.input)
                .or_else(|| compare_outcomes(&expected.output, &actual.output))
        }
        (HostFunction(_), Wasm(WasmResult { .. } | WasmError { .. })) => Some(DivergenceKind::MissingCall),
        (Wasm(WasmResult { .. } | WasmError { .. }), HostFunction(_)) => Some(DivergenceKind::ExtraCall),
        (HostFunction(_), Wasm(WasmCall { .. } | WasmComponentCreationError { .. }))
        | (Wasm(WasmCall { .. } | WasmComponentCreationError { .. }), HostFunction(_)) => None,
        (Wasm(expected), Wasm(actual)) => compare_wasm_events(expected, actual),
        (Session(_) | TheaterRuntime(_) | Shutdown | ReplaySummary(_), _)
        | (_, Session(_) | TheaterRuntime(_) | Shutdown | ReplaySummary(_)) => None,
    }
}

/// How two events of an export call differ; `None` if there is no name for the difference.
fn compare_wasm_events(expected: &WasmEventData, actual: &WasmEventData) -> Option<DivergenceKind> {
    use WasmEventData::{WasmCall, WasmComponentCreationError, WasmError, WasmResult};
    match (expected, actual) {
        (expected, actual) if expected == actual => None,
        (WasmError { .. }, WasmResult { .. }) | (WasmResult { .. }, WasmError { .. }) => {
            Some(DivergenceKind::DifferentTrap)
        }
        (
            WasmCall { function_name: expected, params: expected_params },
            WasmCall { function_name: actual, params: actual_params },
        ) => {
            if expected == actual {
                compare_arguments(expected_params, actual_params)
            } else {
                Some(DivergenceKind::DifferentCall)
            }
        }
        (
            WasmResult { function_name: expected, response: expected_response, .. },
            WasmResult { function_name: actual, response: actual_response, .. },
        ) => {
            if expected != actual {
                Some(DivergenceKind::DifferentCall)
            } else if discriminant(expected_response) != discriminant(actual_response) {
                Some(DivergenceKind::DifferentOutcome)
            } else {
                Some(DivergenceKind::DifferentResult)
            }
        }
        (WasmError { function_name: expected, .. }, WasmError { function_name: actual, .. }) => {
            Some(if expected == actual {
                DivergenceKind::DifferentTrap
            } else {
                DivergenceKind::DifferentCall
            })
        }
        (WasmCall { .. }, WasmResult { .. } | WasmError { .. })
        | (WasmResult { .. } | WasmError { .. }, WasmCall { .. })
        | (WasmComponentCreationError { .. }, _)
        | (_, WasmComponentCreationError { .. }) => None,
    }
}

fn compare_arguments(expected: &[Value], actual: &[Value]) -> Option<DivergenceKind> {
    let longest = expected.len().max(actual.len());
    let positions: Vec<usize> = (0..longest).filter(|&i| expected.get(i) != actual.get(i)).collect();
    if positions.is_empty() { None } else { Some(DivergenceKind::DifferentArguments { positions }) }
}

fn compare_outcomes(expected: &Outcome, actual: &Outcome) -> Option<DivergenceKind> {
    let is_trap = |outcome: &Outcome| matches!(outcome, Outcome::Trapped { .. });
    if expected == actual {
        None
    } else if is_trap(expected) || is_trap(actual) {
        Some(DivergenceKind::DifferentTrap)
    } else {
        Some(DivergenceKind::DifferentOutcome)
    }
}
