//! Owns [`ChainReruns`]: the chains of a take and their re-runs in progress, up to a limit. A chain that
//! finds no room is put off until the take is read again.

use std::sync::Arc;

use retake_chain::{ChainEvent, ChainEventPayload, ChainNumber, TheaterId};
use retake_verifier::IntegrityChecker;

use crate::actor_rerun::ChainRerun;
use crate::error::ReplayError;
use crate::segments::Segments;
use crate::window::{Flow, Position};

/// The chains of a take.
pub(crate) struct ChainReruns<'scope, 'env> {
    /// By number.
    chains: Vec<TakeChain<'scope, 'env>>,
    /// Numbers of the chains that are being re-run, in the order in which they began.
    active: Vec<ChainNumber>,
    /// How many are re-run at once.
    limit: usize,
    /// How many chains have begun and wait for the take to be read again.
    put_off: usize,
    flow: Arc<Flow>,
}

/// A chain of the take.
struct TakeChain<'scope, 'env> {
    id: TheaterId,
    rerun: RerunState<'scope, 'env>,
}

/// How far the re-run of a chain is.
enum RerunState<'scope, 'env> {
    /// Its genesis was not read.
    NotBegun,
    Running(Box<Segments<'scope, 'env>>),
    /// There was no room for it. It is re-run from its genesis when the take is read again.
    PutOff,
    Done(Box<ChainRerun>),
}

impl<'scope, 'env> ChainReruns<'scope, 'env> {
    /// No chain yet; up to `limit` are re-run at once.
    pub fn new(limit: usize) -> Self {
        ChainReruns { chains: Vec::new(), active: Vec::new(), limit, put_off: 0, flow: Flow::new() }
    }

    /// The events of all chains that are in memory.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// Adds the next chain.
    pub fn add(&mut self, id: TheaterId) {
        self.chains.push(TakeChain { id, rerun: RerunState::NotBegun });
    }

    /// How many chains wait for the take to be read again.
    pub fn put_off(&self) -> usize {
        self.put_off
    }

    /// Whether a chain is being re-run.
    pub fn is_active(&self) -> bool {
        !self.active.is_empty()
    }

    /// Whether an event of this chain is for a re-run, when the take is read again. `begins` says whether it
    /// is the genesis.
    pub fn wants(&self, number: ChainNumber, begins: bool) -> bool {
        match self.chains.get(number.0 as usize).map(|chain| &chain.rerun) {
            Some(RerunState::PutOff) => begins,
            Some(RerunState::Running(_)) => !begins,
            Some(RerunState::NotBegun | RerunState::Done(_)) | None => false,
        }
    }

    /// Starts the re-run of a chain with `start` if there is room; else the chain is put off.
    pub fn begin(
        &mut self,
        number: ChainNumber,
        checker: &IntegrityChecker,
        start: impl FnOnce(TheaterId) -> Result<Segments<'scope, 'env>, ReplayError>,
    ) -> Result<(), ReplayError> {
        let has_room = self.has_room(checker)?;
        let Some(chain) = self.chains.get_mut(number.0 as usize) else { return Ok(()) };
        if matches!(chain.rerun, RerunState::PutOff) {
            self.put_off -= 1;
        }
        if !has_room {
            chain.rerun = RerunState::PutOff;
            self.put_off += 1;
            return Ok(());
        }
        chain.rerun = RerunState::Running(Box::new(start(chain.id)?));
        self.active.push(number);
        Ok(())
    }

    /// Whether another chain can be re-run now. A chain that has ended in the take makes room when its re-run
    /// is done, which is waited for. The others may wait for the reader, so none of them is waited for.
    fn has_room(&mut self, checker: &IntegrityChecker) -> Result<bool, ReplayError> {
        if self.active.len() < self.limit {
            return Ok(true);
        }
        loop {
            self.take_done(checker)?;
            if self.active.len() < self.limit {
                return Ok(true);
            }
            if !self.running().any(|segments| segments.open_lane().is_none()) {
                return Ok(false);
            }
            self.flush();
            let closed: Vec<_> = self.running().filter(|segments| segments.open_lane().is_none()).collect();
            self.flow.wait_for_an_end(|has_ended| closed.iter().any(|segments| segments.is_over(has_ended)));
        }
    }

    /// Takes the results of the chains whose re-runs have ended.
    fn take_done(&mut self, checker: &IntegrityChecker) -> Result<(), ReplayError> {
        let mut at = 0;
        while let Some(number) = self.active.get(at).copied() {
            let flow = &self.flow;
            let is_over =
                self.segments(number).is_none_or(|segments| segments.is_over(&|lane| flow.has_ended(lane)));
            match is_over {
                true => {
                    self.active.remove(at);
                    self.done(number, Some(checker))?;
                }
                false => at += 1,
            }
        }
        Ok(())
    }

    /// Waits for the re-run of a chain, which has all its events. The checker says which events they are,
    /// unless the take was not read to the end.
    fn done(&mut self, number: ChainNumber, checker: Option<&IntegrityChecker>) -> Result<(), ReplayError> {
        let Some(chain) = self.chains.get_mut(number.0 as usize) else { return Ok(()) };
        if let RerunState::Running(segments) = std::mem::replace(&mut chain.rerun, RerunState::NotBegun) {
            let seen = segments.seen();
            let is_as_checked = |checker: &IntegrityChecker| {
                checker.chain(number).is_some_and(|report| (report.events, report.head) == seen)
            };
            if !checker.is_none_or(is_as_checked) {
                return Err(ReplayError::TakeChanged);
            }
            chain.rerun = RerunState::Done(Box::new(segments.finish()?));
        }
        Ok(())
    }

    /// Hands an event to the re-run of its chain, and waits while too much is in memory.
    pub fn push(
        &mut self,
        number: ChainNumber,
        event: ChainEvent,
        payload: ChainEventPayload,
        position: Position,
    ) -> Result<(), ReplayError> {
        let Some(segments) = self.segments_mut(number) else { return Ok(()) };
        let is_behind = segments.push(event, payload, position)?;
        let lane = segments.open_lane();
        if !is_behind && !self.flow.is_full() {
            return Ok(());
        }
        self.flush();
        self.flow.wait_for_room(lane);
        while self.flow.is_full() && self.put_one_off() {}
        Ok(())
    }

    /// All re-runs wait, and hold too much together: puts one of them off. The one that holds most stays, so
    /// that one always goes on. Returns whether there was another.
    fn put_one_off(&mut self) -> bool {
        let open = self.running().filter_map(|segments| Some((segments.open_lane()?, segments.number())));
        let mut held: Vec<_> = open.map(|(lane, number)| (self.flow.held(lane), lane, number)).collect();
        held.sort_by_key(|(held, ..)| *held);
        let (Some(_most), Some((_, lane, number))) = (held.pop(), held.pop()) else { return false };
        self.active.retain(|active| *active != number);
        if let Some(chain) = self.chains.get_mut(number.0 as usize) {
            // Its re-run ends with the events that it got, and its result is dropped.
            chain.rerun = RerunState::PutOff;
            self.put_off += 1;
        }
        // The memory that it held is free then.
        self.flow.wait_for_an_end(|has_ended| has_ended(lane));
        true
    }

    /// Closes a chain that has all its events. When the take is read again, the checker knows how many there
    /// are.
    pub fn close_if_whole(&mut self, number: ChainNumber, checker: &IntegrityChecker) {
        let expected = checker.chain(number).map(|report| report.events);
        if let Some(segments) = self.segments_mut(number)
            && expected.is_some_and(|events| segments.seen().0 >= events)
        {
            segments.close();
        }
    }

    /// Passes on the events that were gathered for each re-run. One of them may find what stops another.
    fn flush(&mut self) {
        self.each_active(Segments::flush);
    }

    /// The take was read to the end, or as far as it can be: waits for the re-runs.
    pub fn end_pass(&mut self, checker: Option<&IntegrityChecker>) -> Result<(), ReplayError> {
        self.each_active(Segments::close);
        std::mem::take(&mut self.active).into_iter().try_for_each(|number| self.done(number, checker))
    }

    /// The results of the chains that were re-run.
    pub fn into_results(self) -> Vec<(TheaterId, ChainRerun)> {
        let done = self.chains.into_iter().filter_map(|chain| match chain.rerun {
            RerunState::Done(rerun) => Some((chain.id, *rerun)),
            RerunState::NotBegun | RerunState::Running(_) | RerunState::PutOff => None,
        });
        done.collect()
    }

    fn each_active(&mut self, mut act: impl FnMut(&mut Segments<'scope, 'env>)) {
        for number in &self.active {
            if let Some(TakeChain { rerun: RerunState::Running(segments), .. }) =
                self.chains.get_mut(number.0 as usize)
            {
                act(segments);
            }
        }
    }

    fn segments_mut(&mut self, number: ChainNumber) -> Option<&mut Segments<'scope, 'env>> {
        match self.chains.get_mut(number.0 as usize).map(|chain| &mut chain.rerun) {
            Some(RerunState::Running(segments)) => Some(segments),
            _ => None,
        }
    }

    fn segments(&self, number: ChainNumber) -> Option<&Segments<'scope, 'env>> {
        match self.chains.get(number.0 as usize).map(|chain| &chain.rerun) {
            Some(RerunState::Running(segments)) => Some(segments),
            _ => None,
        }
    }

    fn running(&self) -> impl Iterator<Item = &Segments<'scope, 'env>> {
        self.active.iter().filter_map(|number| self.segments(*number))
    }
}
