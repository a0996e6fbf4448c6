//! Owns the ways in which an observation of an HTTP exchange can contradict the calls of the actor.

use crate::fault::FaultKind;

/// A contradiction between an observation and the calls of the actor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ObservationFault {
    /// A part of the observation has the wrong form.
    #[error("{what} in the observation lacks a field, or has another field in its place")]
    Form { what: &'static str },
    /// A part of the request or response differs.
    #[error(
        "the observation says that the {part} is {observed}, but by the calls of the actor it is {computed}"
    )]
    Differs { part: &'static str, observed: String, computed: String },
    /// A response was observed, but the actor gave none.
    #[error("the observation has a response, but the actor {did}")]
    NoResponse { did: &'static str },
    /// The observation says that a body broke off, but the actor finished it.
    #[error(
        "the observation before it says that the response broke off, but the actor finished it and returned"
    )]
    Finished,
    /// The observation says that the call was given up, but the call ended.
    #[error("the observation before it says that the call was given up, but the call was not")]
    NotGivenUp,
    /// The observation is missing.
    #[error(
        "the call of `{function}` ends without an observation of its exchange; the observation was removed"
    )]
    Missing { function: String },
}

impl From<&ObservationFault> for FaultKind {
    fn from(fault: &ObservationFault) -> Self {
        match fault {
            ObservationFault::Form { .. } => FaultKind::ObservationForm,
            ObservationFault::Differs { .. }
            | ObservationFault::NoResponse { .. }
            | ObservationFault::Finished
            | ObservationFault::NotGivenUp => FaultKind::Observation,
            ObservationFault::Missing { .. } => FaultKind::ObservationMissing,
        }
    }
}
