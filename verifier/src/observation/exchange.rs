//! Owns what is known of an HTTP exchange in progress: the resources of the actor's instance, and the memory
//! that they cost. The other files of this folder change it for each recorded call.

use std::collections::HashMap;
use std::sync::Arc;

use retake_chain::{ContentHasher, ContentRef};

use super::value::{ENTRY, Headers, cost};

/// What is known of the resources of one instance, and of the exchange that it handles.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub current: Option<Current>,
    pub fields: HashMap<u32, Fields>,
    pub responses: HashMap<u32, BuiltResponse>,
    /// Bodies of responses.
    pub bodies: HashMap<u32, OutgoingBody>,
    /// The body that a stream writes to.
    pub streams: HashMap<u32, u32>,
    /// Its share of the budget.
    pub charged: usize,
    /// It needed more than the rest of the budget, so nothing more is known.
    pub over_budget: bool,
}

/// The exchange in progress.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub request: u32,
    pub outparam: u32,
    pub method: Option<String>,
    pub path: Option<String>,
    /// All headers of the request that the actor may read, once it has read them.
    pub all_headers: Option<Arc<Headers>>,
    /// Single headers of the request that the actor has read.
    pub seen_headers: Headers,
    pub body: Option<u32>,
    pub stream: Option<u32>,
    pub read: Content,
    /// The actor read the body to its end.
    pub read_to_end: bool,
    pub answered: Answered,
    pub observed: Option<PendingObservation>,
    /// Its share of the budget.
    pub charged: usize,
}

/// What the actor answered.
#[derive(Debug, Default)]
pub(super) enum Answered {
    #[default]
    Not,
    Response(Option<BuiltResponse>),
    Error,
    /// The call that answers did not return, so the host may or may not have the answer.
    Unknown,
}

/// The part of an observation that only the end of the call can confirm.
#[derive(Debug, Default)]
pub(super) struct PendingObservation {
    pub given_up: bool,
    /// It says that the body broke off, but the actor finished the body.
    pub broken: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Fields {
    Known(Arc<Headers>),
    /// The fields of a request.
    OfRequest(u32),
}

#[derive(Debug)]
pub(super) struct BuiltResponse {
    pub status: u64,
    pub headers: Option<Arc<Headers>>,
    pub body: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct OutgoingBody {
    pub content: Content,
    pub finished: bool,
}

/// The bytes of a body so far.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub length: u64,
    pub hasher: ContentHasher,
    /// Some of the bytes are not known.
    pub inexact: bool,
}

impl Content {
    /// Takes the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.hasher.update(bytes);
    }

    /// The digest of the bytes so far. May be called once.
    pub fn digest(&mut self) -> ContentRef {
        std::mem::take(&mut self.hasher).finish()
    }
}

impl Exchange {
    /// Takes memory from the budget. Forgets everything if the budget has too little.
    pub fn charge(&mut self, cost: usize, budget: &mut usize) {
        if cost > *budget {
            *budget += self.charged;
            let current = self.current.take();
            *self = Exchange { over_budget: true, current, ..Exchange::default() };
            return;
        }
        *budget -= cost;
        self.charged += cost;
    }

    /// Gives memory back to the budget.
    pub fn refund(&mut self, cost: usize, budget: &mut usize) {
        let cost = cost.min(self.charged);
        self.charged -= cost;
        *budget += cost;
    }

    /// Forgets the exchange, which is over, and its response.
    pub fn end(&mut self, budget: &mut usize) {
        let Some(current) = self.current.take() else { return };
        if self.over_budget {
            return;
        }
        self.refund(current.charged, budget);
        if let Answered::Response(Some(response)) = current.answered {
            if let Some(body) = response.body {
                self.bodies.remove(&body);
                self.refund(2 * ENTRY, budget);
            }
            self.forget_response(response, budget);
        }
    }

    /// Gives all memory back to the budget.
    pub fn give_back(self, budget: &mut usize) {
        *budget += self.charged;
    }

    /// Gives back the memory of a response.
    pub fn forget_response(&mut self, response: BuiltResponse, budget: &mut usize) {
        let headers = response.headers.map_or(0, |headers| cost(&headers));
        self.refund(ENTRY + headers, budget);
    }

    /// The current exchange, if the handle is its request's.
    pub fn of_request(&mut self, request: Option<u32>) -> Option<&mut Current> {
        self.current.as_mut().filter(|current| Some(current.request) == request)
    }

    pub fn response(&mut self, response: Option<u32>) -> Option<&mut BuiltResponse> {
        self.responses.get_mut(&response?)
    }
}
