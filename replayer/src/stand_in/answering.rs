//! Owns the answer to one call of the actor: the call is compared with the next recorded event, then gets its
//! outcome.

use retake_actor::{FunctionName, RaisedOutcome, StandIn};
use retake_chain::{ChainEventData, ChainEventPayload, HostFunctionCall, Outcome, Value};
use retake_verifier::{DivergenceKind, same_track};
use wasmtime::{Result, format_err};

use super::{Answers, RerunStop};

impl Answers {
    fn try_answer(
        &mut self,
        call: &FunctionName,
        input: Result<Vec<Value>>,
    ) -> Result<Result<Option<Value>>, RerunStop> {
        if let Some(outcome) = self.exhausted_before_a_call() {
            return Ok(Err(RaisedOutcome(outcome).into()));
        }
        // Arguments that cannot be read are the guest's fault, and end it as they did when it was recorded:
        // such a call never reached the host, and has no event.
        let input = match input {
            Ok(input) => input,
            Err(error) => return Ok(Err(error)),
        };
        let Some(recorded) = self.cursor.peek() else { return Err(RerunStop::RecordingEnds) };
        let ChainEventPayload::HostFunction(expected) = recorded.payload else {
            return Err(self.unexpected(call, input, DivergenceKind::ExtraCall));
        };
        if recorded.is_observation() {
            return Err(self.unexpected(call, input, DivergenceKind::ExtraCall));
        }
        let event_type = recorded.event.event_type.clone();
        let same = event_type == call.event_type;
        let alike = || expected.function == call.function && same_track(&expected.interface, &call.interface);
        if !same && !alike() {
            return Err(self.unexpected(call, input, DivergenceKind::DifferentCall));
        }
        if !same {
            let renamed = (expected.interface.to_string(), call.interface.to_string());
            self.renamed.insert(renamed);
        }
        // The recorded call with these arguments. It has the recorded name: another version of the same track
        // is linked alike, and hashes alike.
        let Some(ChainEventPayload::HostFunction(recorded)) = self.cursor.take_payload() else {
            return Err(RerunStop::RecordingEnds);
        };
        let data = ChainEventPayload::HostFunction(HostFunctionCall { input, ..recorded });
        let data = ChainEventData { event_type, data };
        self.emit_as_it_is(&data)?;
        self.copy_runtime()?;
        let ChainEventPayload::HostFunction(HostFunctionCall { output, .. }) = data.data else {
            return Err(RerunStop::RecordingEnds);
        };
        self.runs_on()?;
        if self.cancelled_here() {
            return Ok(Err(RaisedOutcome(Outcome::Cancelled).into()));
        }
        self.watch_stack();
        Ok(match output {
            Outcome::Returned(value) => Ok(value),
            ended => Err(RaisedOutcome(ended).into()),
        })
    }

    /// The actor called something that is not what the recording says next.
    fn unexpected(&mut self, call: &FunctionName, input: Vec<Value>, kind: DivergenceKind) -> RerunStop {
        let data = ChainEventData::host_function_as(
            call.event_type.clone(),
            HostFunctionCall {
                interface: call.interface.clone(),
                function: call.function.clone(),
                input,
                // It was not answered.
                output: Outcome::Cancelled,
            },
        );
        let actual = data.to_chain_event(self.chain.head());
        self.diverged(kind, Some(&actual))
    }
}

impl StandIn for Answers {
    fn announce(&mut self, call: &FunctionName, input: Result<Vec<Value>>) -> Result<()> {
        self.announced = Some((call.clone(), input?));
        Ok(())
    }

    fn answer(&mut self, call: &FunctionName, input: Result<Vec<Value>>) -> Result<Option<Value>> {
        self.announced = None;
        if self.stop.is_none() {
            match self.try_answer(call, input) {
                Ok(answer) => return answer,
                Err(stop) => self.stop = Some(stop),
            }
        }
        Err(format_err!("the replay has stopped"))
    }
}
