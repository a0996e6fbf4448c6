//! Promises of the state chain under whatever order of operations: random ones are compared with a model.
//!
//! Everything runs on one thread and is polled by hand, so that an append can rest, or be dropped, wherever
//! it can wait, and one that could go on without having been woken is found.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{self, Receiver, WeakSender};

use super::polling::Woken;
use super::strategies::host_call;
use crate::*;

/// What is done to a chain. Numbers choose among those that are there.
#[derive(Debug, Clone)]
enum Step {
    /// Makes the future, and polls it if told to.
    Begin(Work, bool),
    /// Polls one, woken or not.
    Poll(usize),
    /// Polls those that were woken until none is.
    Run,
    /// Drops a future before it is done.
    Drop(usize),
    Subscribe {
        capacity: usize,
    },
    Remove(usize),
    /// Drains, removes and adds the same channel.
    Resubscribe(usize),
    HangUp(usize),
    Drain {
        subscriber: usize,
        count: usize,
    },
    DrainAll,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Append(Content),
    Settle,
    End,
}

#[derive(Debug, Clone, Copy)]
enum Content {
    HostCall,
    Call,
    Return,
    Shutdown,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let content = prop_oneof![
        40 => Just(Content::HostCall),
        8 => Just(Content::Call),
        6 => Just(Content::Return),
        1 => Just(Content::Shutdown),
    ];
    let work = prop_oneof![
        30 => content.prop_map(Work::Append),
        8 => Just(Work::Settle),
        1 => Just(Work::End),
    ];
    // The first pending one is often the one with the append lock.
    let any = || prop_oneof![Just(0), 0usize..20];
    let step = prop_oneof![
        10 => (work, proptest::bool::weighted(0.8)).prop_map(|(work, poll)| Step::Begin(work, poll)),
        4 => any().prop_map(Step::Poll),
        3 => Just(Step::Run),
        3 => any().prop_map(Step::Drop),
        3 => (1usize..=4).prop_map(|capacity| Step::Subscribe { capacity }),
        1 => any().prop_map(Step::Remove),
        1 => any().prop_map(Step::Resubscribe),
        2 => any().prop_map(Step::HangUp),
        3 => Just(Step::DrainAll),
        6 => (any(), 1usize..=4).prop_map(|(subscriber, count)| Step::Drain { subscriber, count }),
    ];
    vec(step, 1..100)
}

/// An event before it is linked.
type Unlinked = (Arc<str>, Bytes);

fn unlinked(event: &ChainEventData) -> Unlinked {
    (event.event_type.clone(), event.data.encode())
}

fn interrupted() -> ChainEventData {
    ChainEventData::wasm(WasmEventData::ended("run".into(), None, Outcome::Cancelled))
}

impl Content {
    /// No two of one chain are the same, except the last.
    fn event(self, number: usize) -> ChainEventData {
        let value = Value::from(number as u64);
        let function_name = "run".to_owned();
        match self {
            Self::HostCall => host_call(vec![value], Value::None),
            Self::Call => {
                ChainEventData::wasm(WasmEventData::WasmCall { function_name, params: vec![value] })
            }
            Self::Return => ChainEventData::wasm(WasmEventData::ended(
                function_name,
                None,
                Outcome::Returned(Some(value)),
            )),
            Self::Shutdown => ChainEventData::shutdown(),
        }
    }
}

/// How a future ended.
enum Done {
    Appended(Result<ChainEvent, ChainError>),
    Ended(Result<(), ChainError>),
    Settled,
}

struct Pending<'a> {
    number: usize,
    work: Work,
    future: Pin<Box<dyn Future<Output = Done> + 'a>>,
    woken: Arc<Woken>,
    /// Its last event that is in the chain.
    written: Option<ChainEvent>,
}

struct Subscriber {
    /// Weak, for the chain's own must be the last.
    sender: WeakSender<(TheaterId, ChainEvent)>,
    /// `None` after it hung up.
    receiver: Option<Receiver<(TheaterId, ChainEvent)>>,
    capacity: usize,
    /// How many events the chain had when it subscribed.
    start: usize,
    /// How many it has taken since.
    taken: usize,
    /// How many it had been delivered when it was removed or hung up.
    left_at: Option<usize>,
}

impl Subscriber {
    fn buffered(&self) -> usize {
        self.receiver.as_ref().map_or(0, Receiver::len)
    }

    fn delivered(&self) -> usize {
        self.taken + self.buffered()
    }

    fn let_go(&self) -> bool {
        self.sender.strong_count() == 0
    }
}

struct Model<'a> {
    chain: &'a StateChain,
    /// Subscribed first and always drained, so that it tells what is in the chain.
    witness: Receiver<(TheaterId, ChainEvent)>,
    events: Vec<ChainEvent>,
    in_call: bool,
    ended: bool,
    /// The last event may not have been delivered to all.
    undelivered: bool,
    begun: usize,
    pending: Vec<Pending<'a>>,
    /// Numbers of those that were polled, as they are to get the append lock; the first one has it.
    queue: Vec<usize>,
    /// As the chain serves them.
    subscribers: Vec<Subscriber>,
}

impl<'a> Model<'a> {
    fn new(chain: &'a StateChain) -> Self {
        let (sender, witness) = mpsc::channel(8);
        chain.add_subscriber(sender);
        Self {
            chain,
            witness,
            events: Vec::new(),
            in_call: false,
            ended: false,
            undelivered: false,
            begun: 0,
            pending: Vec::new(),
            queue: Vec::new(),
            subscribers: Vec::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        let (pending, subscribers) = (self.pending.len(), self.subscribers.len());
        match *step {
            Step::Begin(work, poll) => {
                self.begin(work);
                if poll {
                    self.poll(pending);
                }
            }
            Step::Poll(i) if pending > 0 => self.poll(i % pending),
            Step::Run => self.run(),
            Step::Drop(i) if pending > 0 => {
                let dropped = self.pending.remove(i % pending);
                self.queue.retain(|number| *number != dropped.number);
            }
            Step::Subscribe { capacity } => self.subscribe(capacity),
            Step::Remove(i) if subscribers > 0 => self.remove(i % subscribers),
            Step::Resubscribe(i) if subscribers > 0 => self.resubscribe(i % subscribers),
            Step::HangUp(i) if subscribers > 0 => {
                let subscriber = &mut self.subscribers[i % subscribers];
                subscriber.left_at.get_or_insert(subscriber.delivered());
                subscriber.receiver = None;
            }
            Step::Drain { subscriber, count } if subscribers > 0 => {
                self.drain(subscriber % subscribers, count)
            }
            Step::DrainAll => self.drain_all(),
            _ => {}
        }
        self.check();
    }

    fn begin(&mut self, work: Work) {
        let (chain, number) = (self.chain, self.begun);
        self.begun += 1;
        let future: Pin<Box<dyn Future<Output = Done> + 'a>> = match work {
            Work::Append(content) => {
                Box::pin(async move { Done::Appended(chain.add_typed_event(content.event(number)).await) })
            }
            Work::Settle => Box::pin(async move {
                chain.settle().await;
                Done::Settled
            }),
            Work::End => Box::pin(async move { Done::Ended(chain.end("cancelled").await) }),
        };
        self.pending.push(Pending { number, work, future, woken: Arc::default(), written: None });
    }

    /// What `pending` is still to append if its turn is now.
    fn to_append(&self, pending: &Pending) -> Vec<Unlinked> {
        let shutdown = unlinked(&ChainEventData::shutdown());
        match pending.work {
            _ if self.ended => vec![],
            Work::Append(content) if pending.written.is_none() => {
                vec![unlinked(&content.event(pending.number))]
            }
            Work::End if self.in_call => vec![unlinked(&interrupted()), shutdown],
            Work::End => vec![shutdown],
            _ => vec![],
        }
    }

    fn poll(&mut self, i: usize) {
        let to_append = self.to_append(&self.pending[i]);
        let pending = &mut self.pending[i];
        if !self.queue.contains(&pending.number) {
            self.queue.push(pending.number);
        }
        pending.woken.take();
        let done = pending.woken.poll(pending.future.as_mut());
        assert!(done.is_some() || !pending.woken.is_set(), "busy waiting");
        let appended = self.see_appended();
        if self.queue[0] != self.pending[i].number {
            assert!(done.is_none() && appended.is_empty(), "out of turn");
            return;
        }
        assert!(to_append.starts_with(&appended), "{appended:?} instead of {to_append:?}");
        if !appended.is_empty() {
            self.pending[i].written = self.events.last().cloned();
            self.undelivered = true;
        }
        let Some(done) = done else {
            return assert!(self.is_blocked(), "an append waits for nobody");
        };
        self.undelivered = false;
        assert_eq!(appended, to_append, "done too early");
        self.queue.remove(0);
        let written = self.pending.remove(i).written;
        match done {
            Done::Appended(Ok(event)) => assert_eq!(Some(event), written),
            Done::Appended(Err(error)) => {
                let events = self.events.len() as u64;
                assert!(self.ended && written.is_none(), "{error}");
                assert_eq!((error.index, error.fault), (events, AppendFault::Ended));
            }
            Done::Ended(result) => assert!(result.is_ok() && self.ended),
            Done::Settled => {}
        }
    }

    /// Takes from the witness what is new in the chain.
    fn see_appended(&mut self) -> Vec<Unlinked> {
        let mut appended = Vec::new();
        while let Ok((actor, event)) = self.witness.try_recv() {
            assert_eq!(actor, self.chain.actor_id());
            assert_eq!(event.parent_hash, self.events.last().map(|last| last.hash));
            assert_eq!(event.hash, event.recompute_hash());
            match &*event.event_type {
                WASM_CALL => self.in_call = true,
                WASM_RESULT | WASM_ERROR => self.in_call = false,
                SHUTDOWN => self.ended = true,
                _ => {}
            }
            appended.push((event.event_type.clone(), event.data.clone()));
            self.events.push(event);
        }
        appended
    }

    fn run(&mut self) {
        while let Some(i) = self.pending.iter().position(|pending| pending.woken.take()) {
            self.poll(i);
        }
    }

    fn subscribe(&mut self, capacity: usize) {
        let (sender, receiver) = mpsc::channel(capacity);
        self.subscribers.push(Subscriber {
            sender: sender.downgrade(),
            receiver: Some(receiver),
            capacity,
            start: self.events.len(),
            taken: 0,
            left_at: self.ended.then_some(0),
        });
        self.chain.add_subscriber(sender);
    }

    fn remove(&mut self, i: usize) {
        let subscriber = &mut self.subscribers[i];
        let Some(sender) = subscriber.sender.upgrade() else { return };
        let removed = self.chain.remove_subscriber(&sender);
        // Who hung up may have been removed before.
        if subscriber.receiver.is_some() {
            assert_eq!(removed, subscriber.left_at.is_none());
        }
        subscriber.left_at.get_or_insert(subscriber.delivered());
        assert!(!self.chain.remove_subscriber(&sender));
    }

    fn resubscribe(&mut self, i: usize) {
        self.drain(i, usize::MAX);
        self.remove(i);
        let mut subscriber = self.subscribers.remove(i);
        if let (Some(_), Some(sender)) = (&subscriber.receiver, subscriber.sender.upgrade()) {
            (subscriber.start, subscriber.taken) = (self.events.len(), 0);
            // A chain that has ended takes nobody.
            subscriber.left_at = self.ended.then_some(0);
            self.chain.add_subscriber(sender);
        }
        self.subscribers.push(subscriber);
    }

    fn drain(&mut self, i: usize, count: usize) {
        let subscriber = &mut self.subscribers[i];
        let Some(receiver) = &mut subscriber.receiver else { return };
        for _ in 0..count {
            let Ok((actor, event)) = receiver.try_recv() else { break };
            assert_eq!(actor, self.chain.actor_id());
            assert_eq!(Some(&event), self.events.get(subscriber.start + subscriber.taken));
            subscriber.taken += 1;
        }
    }

    fn drain_all(&mut self) {
        for i in 0..self.subscribers.len() {
            self.drain(i, usize::MAX);
        }
    }

    /// Whether who has the append lock must wait: of those that lack the last event, the first is full.
    fn is_blocked(&self) -> bool {
        let due = |subscriber: &&Subscriber| {
            subscriber.left_at.is_none() && subscriber.start + subscriber.delivered() < self.events.len()
        };
        let next = self.subscribers.iter().find(due);
        self.undelivered && next.is_some_and(|subscriber| subscriber.buffered() == subscriber.capacity)
    }

    /// What holds whenever nothing is being polled.
    fn check(&mut self) {
        assert!(self.see_appended().is_empty(), "an event of nobody");
        assert_eq!(self.chain.event_count(), self.events.len() as u64);
        assert_eq!(self.chain.head_hash(), self.events.last().map(|last| last.hash));
        for subscriber in &self.subscribers {
            let due = self.events.len() - subscriber.start;
            let delivered = subscriber.delivered();
            match subscriber.left_at {
                None => assert!(delivered == due || self.undelivered && delivered + 1 == due),
                Some(left_at) if subscriber.receiver.is_some() => {
                    assert_eq!(delivered, left_at, "served after its removal");
                    assert!(self.undelivered || subscriber.let_go());
                }
                // The chain learns of it by an event.
                Some(left_at) => assert!(self.undelivered || left_at == due || subscriber.let_go()),
            }
            assert!(!self.ended || self.undelivered || subscriber.let_go(), "not closed");
        }
        if let Some(first) = self.queue.first()
            && !self.is_blocked()
        {
            let pending = self.pending.iter().find(|pending| pending.number == *first).unwrap();
            assert!(pending.woken.is_set(), "an append that could go on sleeps");
        }
    }

    /// Lets all be done and ends the chain; every subscriber drains.
    fn finish(mut self) {
        for work in [Work::Settle, Work::End, Work::Append(Content::HostCall)] {
            self.begin(work);
        }
        for number in self.pending.iter().map(|pending| pending.number).collect::<Vec<_>>() {
            if let Some(i) = self.pending.iter().position(|pending| pending.number == number) {
                self.poll(i);
            }
        }
        loop {
            self.check();
            self.drain_all();
            if self.pending.is_empty() {
                break;
            }
            // `check` has seen to it that this goes on.
            self.check();
            self.run();
        }
        assert!(self.ended);
        assert_eq!(self.witness.try_recv().unwrap_err(), TryRecvError::Disconnected);
        for subscriber in self.subscribers {
            let due = subscriber.left_at.unwrap_or(self.events.len() - subscriber.start);
            if let Some(mut receiver) = subscriber.receiver {
                assert_eq!(subscriber.taken, due);
                assert_eq!(receiver.try_recv().unwrap_err(), TryRecvError::Disconnected);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_chain_keeps_its_promises_whatever_is_done_to_it(steps in steps()) {
        let chain = StateChain::new(TheaterId::generate());
        let mut model = Model::new(&chain);
        for step in &steps {
            model.take(step);
        }
        model.finish();
    }
}
