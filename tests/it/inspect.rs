//! What a take holds can be looked at: all of it as it is checked, or one event by its number.

use crate::support::{Sandbox, actor};
use serde_json::json;

fn recorded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-edge.wasm"), &["GET /stream/1", "GET /x"], "it.take");
    sandbox
}

#[test]
fn every_event_is_listed_with_its_session_and_the_answer_of_verify() {
    let sandbox = recorded();
    let take = sandbox.take("it.take");
    let events = &take.chains[0].events;

    let listed = sandbox.retake(["inspect", "it.take"]).expect(0);

    listed.says(&["http-edge.wasm", "instance per-call", "/handle(#1, #1)", "shutdown", "intact and sealed"]);
    let lines = sandbox.retake(["inspect", "--json", "it.take"]).expect(0).json_lines();
    assert_eq!(lines.len(), events.len() + 1);
    for (number, (line, event)) in lines.iter().zip(events).enumerate() {
        assert_eq!(
            (&line["event"], &line["type"], &line["hash"]),
            (&json!(number), &json!(&*event.event_type), &json!(event.hash.to_string()))
        );
    }
    assert_eq!(lines.last().map(|line| &line["state"]), Some(&json!("sealed")));
}

#[test]
fn one_event_is_shown_in_full_whether_the_take_is_sealed_or_not() {
    let sandbox = recorded();
    let take = sandbox.read("it.take");
    sandbox.write("cut.take", &take[..take.len() - 1]);
    let events = sandbox.take("it.take").chains[0].events.clone();

    for name in ["it.take", "cut.take"] {
        for number in [0, 1, events.len() / 2, events.len() - 1] {
            let shown =
                sandbox.retake(["inspect", "--json", name, "--event", &number.to_string()]).expect(0).json();
            assert_eq!(shown["hash"], json!(events[number].hash.to_string()), "{name}, event {number}");
            assert_eq!(shown["payload"], json!(events[number].payload().expect("it decodes")));
        }
        let shown = sandbox.retake(["inspect", name, "--event", "1"]).expect(0);
        shown.says(&["event 1 of chain 0", &events[1].hash.to_string(), "WasmCall"]);
        let beyond = events.len().to_string();
        sandbox.retake(["inspect", name, "--event", &beyond]).expect(2).says(&["has no event"]);
    }
}

#[test]
fn an_event_that_was_altered_is_shown_and_said_to_be() {
    let sandbox = recorded();
    let mut take = sandbox.take("it.take");
    take.only_chain().events[3].data = take.chains[0].events[4].data.clone();
    sandbox.write("altered.take", take.with_its_hashes());

    sandbox
        .retake(["inspect", "altered.take", "--event", "3"])
        .expect(3)
        .says(&["event 3 of chain 0", "[hash]"]);
    let listed = sandbox.retake(["inspect", "altered.take"]).expect(3);
    listed.says(&["[hash]", "event 3"]);
    assert!(!listed.stdout.contains("\n     3   0 "), "what does not hold is not listed:\n{}", listed.stdout);
}

#[test]
fn what_cannot_be_read_is_told_as_by_verify() {
    let sandbox = recorded();
    sandbox.write("text.take", "not a take");
    for args in [&["inspect", "text.take"][..], &["inspect", "text.take", "--event", "0"]] {
        sandbox.retake(args).expect(4).says(&["not a take"]);
    }
    sandbox.retake(["inspect", "missing.take"]).expect(4);
}
