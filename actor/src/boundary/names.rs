//! Owns the names that Retake's own interfaces and their items have in an instrumented component.

/// The interface that the shim reports to.
pub(super) const TAP: &str = "retake:boundary/tap";

/// Name of the tap function that takes the arguments of function `index`.
pub(super) fn arguments_name(index: usize) -> String {
    format!("a{index}")
}

/// Name of the tap function that takes the result of function `index`.
pub(super) fn result_name(index: usize) -> String {
    format!("r{index}")
}

/// The interface that the shim exports its functions in.
pub(super) const CALLS: &str = "retake:boundary-calls/calls";

/// Name of the shim's function for imported function `index`.
pub(super) fn call_name(index: usize) -> String {
    format!("f{index}")
}

/// The interface that the outer component imports the actor's resource types from.
pub(super) const RESOURCES: &str = "retake:boundary/resources";

/// Name of resource type `index` in [`RESOURCES`].
pub(super) fn resource_name(index: usize) -> String {
    format!("r{index}")
}

/// The name in place of an interface for functions that are imported at the root of the world.
pub(super) const ROOT: &str = "$root";
