//! A recorder that is killed while several clients are served loses no answer that one of them has got in
//! full.
//!
//! Every round kills a recorder right after some acknowledgement, with other calls on their way: where they
//! are in the recorder is up to the machine. `RETAKE_KILLS` sets the number of rounds.

use std::collections::HashSet;
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::support::{Chain, Client, Sandbox, actor};
use retake_chain::log::TakeState;
use retake_chain::{ChainEventPayload, Outcome, Value, WASM_CALL, WASM_RESULT};
use sha2::{Digest, Sha256};

const CLIENTS: u64 = 6;

/// What rounds have shown.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    acknowledged: usize,
    found: usize,
    /// Calls on their way that had not ended.
    cut_off: usize,
}

#[test]
fn no_answer_that_a_client_has_got_is_lost_with_the_recorder() {
    let rounds = std::env::var("RETAKE_KILLS").map_or(25, |rounds| rounds.parse().expect("a number"));
    kill_again_and_again(rounds, &[]);
}

#[test]
fn no_answer_is_lost_with_a_recorder_that_syncs() {
    kill_again_and_again(4, &["--durability", "sync"]);
}

fn kill_again_and_again(rounds: u64, args: &[&str]) {
    let mut tally = Tally::default();
    for round in 0..rounds {
        let sandbox = Sandbox::new();
        // Mixed so that neighbouring rounds have nothing in common.
        let kill_after = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        let acknowledged = kill_after_acknowledgements(&sandbox, args, kill_after + 1, round);

        let take = sandbox.take("it.take");
        assert_ne!(take.state, TakeState::Sealed, "round {round}");
        sandbox.retake(["verify", "it.take"]).expect(3).says(&["the recorder did not finish"]);
        let answered: HashSet<_> = take.chains.iter().flat_map(answered_bodies).collect();
        let found = acknowledged.iter().filter(|body| answered.contains(&digest(body))).count();
        assert_eq!(found, acknowledged.len(), "round {round}: answers are lost");
        if round % 5 == 0 {
            let replayed = sandbox.retake(["replay", "it.take"]).expect(3);
            replayed.says(&["identical", "the recorder did not finish"]);
        }
        let calls: usize = take.chains.iter().map(Chain::calls).sum();
        tally.rounds += 1;
        tally.acknowledged += acknowledged.len();
        tally.found += found;
        tally.cut_off += calls - take.whole_calls();
    }
    println!("{tally:?}, lost: {}", tally.acknowledged - tally.found);
    assert!(tally.acknowledged > 0);
}

/// Records clients that post all the time, and kills the recorder after so many answers. Returns the bodies
/// that were answered.
fn kill_after_acknowledgements(sandbox: &Sandbox, args: &[&str], count: u64, round: u64) -> Vec<Vec<u8>> {
    let args = [&["--actors", "4"], args].concat();
    let served = sandbox.serve(&actor("http-edge.wasm"), &args, "it.take");
    let (acknowledge, acknowledged) = mpsc::channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (connection, acknowledge) = (served.client(), acknowledge.clone());
            thread::spawn(move || post_until_it_breaks(connection, round * CLIENTS + client, &acknowledge))
        })
        .collect();
    drop(acknowledge);
    let mut bodies: Vec<_> = (0..count).map(|_| acknowledged.recv().expect("a client posts on")).collect();
    served.kill();
    // What had come by then counts, even if it is noted later.
    bodies.extend(acknowledged);
    clients.into_iter().for_each(|client| client.join().expect("a client sees an answer or the end"));
    bodies
}

/// Posts numbered bodies of all sizes, and tells of each that came back in full.
fn post_until_it_breaks(mut connection: Client, client: u64, acknowledge: &Sender<Vec<u8>>) {
    for number in 0.. {
        let mut body = format!("client {client}, body {number} ").into_bytes();
        let length = [30, 300, 5000, 40_000][(client + number) as usize % 4];
        let more = (0u64..).map(|i| ((i * i + number) >> 3) as u8);
        body.extend(more.take(length));
        match connection.try_post("/echo", &body) {
            Ok(response) if response.status == 200 && response.whole => {
                assert_eq!(response.body, body);
                // The others of this round may have all they need.
                let _ = acknowledge.send(body);
            }
            Ok(response) => return assert!(!response.whole, "{}", response.status),
            Err(_) => return,
        }
    }
}

/// Digests of the bodies that were passed on in calls that have ended.
fn answered_bodies(chain: &Chain) -> Vec<[u8; 32]> {
    let mut answered = Vec::new();
    let mut passed_on = None;
    for event in &chain.events {
        match &*event.event_type {
            WASM_CALL => passed_on = None,
            WASM_RESULT => answered.extend(passed_on.take()),
            observed if observed.starts_with("wasi:http/incoming-handler@") => {
                passed_on = response_digest(&event.payload().expect("a payload that decodes"));
            }
            _ => {}
        }
    }
    answered
}

/// The digest in the host's observation of a whole response.
fn response_digest(payload: &ChainEventPayload) -> Option<[u8; 32]> {
    let ChainEventPayload::HostFunction(observed) = payload else { return None };
    let Outcome::Returned(Some(response)) = &observed.output else { return None };
    let body = response.field("body")?;
    match (body.field("complete")?, body.field("sha256")?) {
        (Value::Bool(true), Value::Bytes(digest)) => digest[..].try_into().ok(),
        _ => None,
    }
}

fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}
