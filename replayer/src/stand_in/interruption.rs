//! Owns what becomes of a guest between two of its calls: whether it may run on when it is interrupted, and whether its
//! stack is exhausted where the recording says so.

use retake_actor::GuestPlace;
use retake_actor::profile::Tuning;
use retake_chain::{EventKind, Outcome};

use super::{Answers, RerunStop};
use crate::stack::{StackRule, StackUse};
use crate::time_bound::{TimeBound, TimedOut};

/// What becomes of a guest that was interrupted.
pub(crate) enum Interrupted {
    GoesOn,
    /// It goes on to the next place where it can be interrupted: the recording says that its stack is
    /// exhausted before it does anything else.
    Watched,
    /// It is the recorded one, is about as deep as the recorded stack was, and ends as it did then.
    Exhausted(Outcome),
    /// An earlier event is known to differ.
    Superseded,
    /// It takes too long.
    Overdue(TimeBound),
}

impl Answers {
    /// The guest's code is about to run, from this depth of the stack on.
    pub fn enter_guest(&mut self, tuning: Tuning) {
        self.stack = Some(StackUse::begins_here(self.stack_rule, tuning));
    }

    /// The guest is about to run on. Where the recording says that it then exhausted its stack, it is
    /// interrupted at every step, to see how deep it is.
    pub fn watch_stack(&mut self) {
        if self.cursor.exhaustion().is_some() {
            if let Some(stack) = &mut self.stack {
                stack.watch();
            }
            self.watched = self.cursor.here().map(|next| next.number);
            self.earliest.interrupt_guests();
        }
    }

    /// Asked while the guest runs, after the epoch has changed: whether it may go on.
    pub fn interrupted(&mut self) -> Interrupted {
        let next = self.cursor.here();
        if next.is_some_and(|next| self.earliest.is_before(next.number)) {
            self.stop = Some(RerunStop::Superseded);
            return Interrupted::Superseded;
        }
        if let Some(bound) = self.clock.exceeded(self.cursor.waited()) {
            return Interrupted::Overdue(bound);
        }
        match next {
            Some(next) if self.watched == Some(next.number) => self.watched_guest(),
            _ => Interrupted::GoesOn,
        }
    }

    /// The guest is stopped here, for it took too long. That ends the replay of what follows in the take:
    /// whether it would be the first difference is not known.
    pub fn timed_out(&mut self, bound: TimeBound, guest: Option<GuestPlace>) {
        let last = self.cursor.last().map(|(_, index, position)| (index, position));
        let next = self.cursor.here().or(last.map(|(_, position)| position));
        let number = next.map_or(u64::MAX, |position| position.number);
        self.earliest.note(number);
        let timed_out = TimedOut {
            bound,
            chain_number: self.chain_number.0,
            chain: self.id,
            call: self.call.as_ref().map(|call| (call.index, call.function.clone())),
            last_event: last.map(|(index, _)| index),
            guest,
        };
        self.stop = Some(RerunStop::TimedOut(number, Box::new(timed_out)));
    }

    /// What becomes of a guest that is watched.
    fn watched_guest(&mut self) -> Interrupted {
        let is_deep = self.noted_stack().is_some_and(StackUse::is_deep);
        match self.stack_rule {
            _ if !is_deep => Interrupted::Watched,
            StackRule::RecordedBuild => {
                self.ends_exhausted().map_or(Interrupted::Watched, Interrupted::Exhausted)
            }
            // What it does next decides, however deep it gets.
            StackRule::OtherBuild | StackRule::AsRecorded => Interrupted::GoesOn,
        }
    }

    /// The use of the stack by the guest, which has called or was interrupted.
    fn noted_stack(&mut self) -> Option<StackUse> {
        let stack = self.stack.as_mut()?;
        stack.note();
        Some(*stack)
    }

    /// How the call ends here, if the recording says that its stack was exhausted before the guest did
    /// anything else, and the guest, which makes a call, may have exhausted it.
    pub(super) fn exhausted_before_a_call(&mut self) -> Option<Outcome> {
        let stack = self.noted_stack()?;
        match self.stack_rule {
            StackRule::RecordedBuild if stack.is_deep() => self.ends_exhausted(),
            // It was when the call before was answered.
            StackRule::AsRecorded if stack.is_deep() && stack.was_deep_at_first() => self.ends_exhausted(),
            StackRule::RecordedBuild | StackRule::AsRecorded => None,
            StackRule::OtherBuild => self.may_have_exhausted(),
        }
    }

    /// How the call ends, if the recording says that its stack was exhausted, and the guest was so deep since
    /// the last event that this may be so of this build too. That it is, is then not certain.
    pub fn may_have_exhausted(&mut self) -> Option<Outcome> {
        let was_deep = self.stack.is_some_and(StackUse::was_deep);
        if self.stack_rule != StackRule::OtherBuild || !was_deep {
            return None;
        }
        let outcome = self.ends_exhausted()?;
        if let Some(next) = self.cursor.here() {
            self.earliest.note_undecided(next.number);
        }
        Some(outcome)
    }

    /// The guest has exhausted its stack. Where it may have done so a little before it did when it was
    /// recorded, for what the host had on the stack in its last call, what the recording says up to the end
    /// of the call is taken over: in an ample stack it was so.
    pub fn catch_up(&mut self) -> Result<(), RerunStop> {
        if self.stack_rule != StackRule::AsRecorded || !self.stack.is_some_and(StackUse::is_deep) {
            return Ok(());
        }
        loop {
            self.runs_on()?;
            let ends = self.cursor.exhaustion().is_some();
            match self.cursor.peek().map(|recorded| recorded.payload.kind()) {
                Some(EventKind::HostCall | EventKind::Observation | EventKind::Runtime) if !ends => {
                    self.copy_one()?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// The recorded end of the call, if the recording says that the guest exhausted its stack before it did
    /// anything else.
    pub fn ends_exhausted(&mut self) -> Option<Outcome> {
        let outcome = self.cursor.exhaustion()?;
        // The recording has no call that ended in the shim.
        self.announced = None;
        Some(outcome)
    }
}
