//! Owns the comparison of a re-run's event with the recorded one. Pure; the replayer calls it inside each host
//! call, before the guest gets its answer, and adds where in the take it stands.

use retake_chain::{
    ChainEvent, ChainEventPayload, HostFunctionCall, Outcome, Value, WasmErrorKind, WasmEventData,
};

use crate::divergence::DivergenceKind;
use crate::track::same_track;

/// Compares an event of the re-run with the recorded one. `None` if the hashes agree; nothing is decoded then.
///
/// With an interface of another version on the same track, the re-run's event must carry the recorded name, for
/// the name is hashed.
pub fn compare(expected: &ChainEvent, actual: &ChainEvent) -> Option<DivergenceKind> {
    if expected.hash == actual.hash {
        return None;
    }
    let kind = match (expected.payload(), actual.payload()) {
        (Ok(expected), Ok(actual)) => classify(&expected, &actual),
        _ => None,
    };
    Some(kind.unwrap_or(DivergenceKind::DifferentHash))
}

/// Compares a call of the re-run, of which there is no outcome yet, with the recorded one.
pub fn compare_host_call(
    expected: &HostFunctionCall,
    interface: &str,
    function: &str,
    input: &[Value],
) -> Option<DivergenceKind> {
    if *expected.function != *function || !same_track(&expected.interface, interface) {
        return Some(DivergenceKind::DifferentCall);
    }
    different_arguments(&expected.input, input)
}

/// Gives a trap of the re-run the recorded words, if it is of the recorded kind: the engine words one fault in several
/// ways, and the words are for people. An end that is compared by its words keeps them.
pub fn take_recorded_words(expected: &ChainEventPayload, actual: &mut ChainEventPayload) {
    use ChainEventPayload::{HostFunction, Wasm};
    use WasmEventData::WasmError;
    let recorded = match expected {
        Wasm(WasmError { kind, message, .. }) => Some((*kind, message)),
        HostFunction(HostFunctionCall { output: Outcome::Trapped { kind, message }, .. }) => {
            Some((WasmErrorKind::Trapped(*kind), message))
        }
        _ => None,
    };
    let found = match actual {
        Wasm(WasmError { kind, message, .. }) => Some((*kind, message)),
        HostFunction(HostFunctionCall { output: Outcome::Trapped { kind, message }, .. }) => {
            Some((WasmErrorKind::Trapped(*kind), message))
        }
        _ => None,
    };
    if let (Some((kind, words)), Some((same_kind, message))) = (recorded, found)
        && kind == same_kind
        && !kind.is_compared_by_words()
    {
        message.clone_from(words);
    }
}

/// In what two payloads differ, as far as there is a name for it.
fn classify(expected: &ChainEventPayload, actual: &ChainEventPayload) -> Option<DivergenceKind> {
    use ChainEventPayload::{HostFunction, Wasm};
    use WasmEventData::{WasmCall, WasmError, WasmResult};
    match (expected, actual) {
        (HostFunction(expected), HostFunction(actual)) => {
            compare_host_call(expected, &actual.interface, &actual.function, &actual.input)
                .or_else(|| different_outcome(&expected.output, &actual.output))
        }
        (HostFunction(_), Wasm(WasmResult { .. } | WasmError { .. })) => Some(DivergenceKind::MissingCall),
        (Wasm(WasmResult { .. } | WasmError { .. }), HostFunction(_)) => Some(DivergenceKind::ExtraCall),
        (Wasm(expected), Wasm(actual)) => match (expected, actual) {
            (
                WasmCall { function_name: expected, params: expected_params },
                WasmCall { function_name: actual, params: actual_params },
            ) => {
                if expected == actual {
                    different_arguments(expected_params, actual_params)
                } else {
                    Some(DivergenceKind::DifferentCall)
                }
            }
            (
                WasmResult { function_name: expected, state: expected_state, response: expected_response },
                WasmResult { function_name: actual, state: actual_state, response: actual_response },
            ) => {
                if expected != actual {
                    Some(DivergenceKind::DifferentCall)
                } else if std::mem::discriminant(expected_response) != std::mem::discriminant(actual_response)
                {
                    Some(DivergenceKind::DifferentOutcome)
                } else if (expected_response, expected_state) != (actual_response, actual_state) {
                    Some(DivergenceKind::DifferentResult)
                } else {
                    None
                }
            }
            (WasmError { .. }, WasmResult { .. }) | (WasmResult { .. }, WasmError { .. }) => {
                Some(DivergenceKind::DifferentTrap)
            }
            (expected, actual) if expected == actual => None,
            (WasmError { function_name: expected, .. }, WasmError { function_name: actual, .. })
                if expected != actual =>
            {
                Some(DivergenceKind::DifferentCall)
            }
            (WasmError { .. }, WasmError { .. }) => Some(DivergenceKind::DifferentTrap),
            _ => None,
        },
        _ => None,
    }
}

fn different_arguments(expected: &[Value], actual: &[Value]) -> Option<DivergenceKind> {
    let longest = expected.len().max(actual.len());
    let positions: Vec<usize> = (0..longest).filter(|&i| expected.get(i) != actual.get(i)).collect();
    if positions.is_empty() { None } else { Some(DivergenceKind::DifferentArguments { positions }) }
}

fn different_outcome(expected: &Outcome, actual: &Outcome) -> Option<DivergenceKind> {
    match (expected, actual) {
        (expected, actual) if expected == actual => None,
        (Outcome::Trapped { .. }, _) | (_, Outcome::Trapped { .. }) => Some(DivergenceKind::DifferentTrap),
        _ => Some(DivergenceKind::DifferentOutcome),
    }
}
