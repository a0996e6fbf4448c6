//! A take leaves as JSON lines and comes back as the same take; one that is not whole leaves as far as it is.

use crate::support::{Sandbox, actor};
use retake_chain::log::{LogReader, LogWriter, Record};
use retake_chain::{ChainEvent, ChainEventPayload, Outcome};
use serde_json::Value as Json;

/// Exports `it.take` into `it.jsonl`, which it returns.
fn export(sandbox: &Sandbox) -> String {
    let exported = sandbox.retake(["export", "--format", "jsonl", "it.take"]).expect(0);
    assert_eq!(exported.stderr, "");
    sandbox.write("it.jsonl", &exported.stdout);
    exported.stdout
}

/// A sandbox with the take of the smallest command, and its lines.
fn hello() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
    let lines = export(&sandbox);
    (sandbox, lines)
}

/// Every record of a take, without what is about the file: its events with all their bytes.
fn records(take: &[u8]) -> Vec<(Record, Option<ChainEvent>)> {
    let mut reader = LogReader::open(take).expect("a take");
    let mut records = Vec::new();
    while let Some(mut record) = reader.next_record().expect("it is whole") {
        let mut whole = None;
        if let Record::Event { offset, event, .. } = &mut record {
            *offset = 0;
            whole = Some(event.clone());
        }
        records.push((record, whole));
    }
    records
}

/// Demands that two takes say the same, byte by byte of every event.
#[track_caller]
fn assert_same_records(left: &[u8], right: &[u8]) {
    let (left, right) = (records(left), records(right));
    assert_eq!(left.len(), right.len());
    for ((left, left_event), (right, right_event)) in left.into_iter().zip(right) {
        assert_eq!(left, right);
        let said = |event: ChainEvent| (event.parent_hash, event.event_type, event.data);
        assert_eq!(left_event.map(said), right_event.map(said));
    }
}

/// Exports `it.take`, imports it as `new.take`, and demands that nothing differs.
#[track_caller]
fn assert_comes_back(sandbox: &Sandbox) {
    let lines = export(sandbox);
    sandbox.retake(["import", "it.jsonl", "-o", "new.take"]).expect(0).says(&["new.take: intact and sealed"]);

    assert_same_records(&sandbox.read("it.take"), &sandbox.read("new.take"));
    let reports = ["it.take", "new.take"].map(|take| {
        let mut report = sandbox.retake(["verify", "--json", take]).expect(0).json();
        let members = report.as_object_mut().expect("an object");
        members.retain(|name, _| name != "take" && name != "bytes");
        report
    });
    assert_eq!(reports[0], reports[1], "heads, counts, the embedded component and the seal");
    sandbox.retake(["replay", "new.take"]).expect(0).says(&["identical"]);
    assert_eq!(sandbox.retake(["export", "new.take"]).expect(0).stdout, lines, "the same lines again");
}

#[test]
fn the_take_of_a_command_comes_back_with_its_embedded_component() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("data");
    sandbox.write("data/input.txt", "hello there");
    let command = actor("command.wasm");
    let args =
        ["record", &command, "-o", "it.take", "--embed", "--env", "GREETING=hi", "--dir", "data::/data"];
    let args = args.iter().chain(&["--", "--env", "GREETING", "--dir", "/data", "--time", "--random"]);
    sandbox.retake_with_stdin(args, "one\ntwo\n").expect(0);

    assert_comes_back(&sandbox);

    let component = std::fs::read(&command).expect("the fixture");
    let embedded: Vec<u8> = records(&sandbox.read("new.take"))
        .into_iter()
        .filter_map(|(record, _)| match record {
            Record::Actor { bytes, .. } => Some(bytes),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(embedded == component, "the component that was recorded");
}

#[test]
fn the_take_of_several_actors_comes_back_with_the_order_of_their_events() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &["--actors", "3"], "it.take");
    // Bodies on their way at once keep three actors busy, and mix the events of their chains.
    let uploads: Vec<_> = ["one ", "two ", "three "].map(|first| served.upload(first.as_bytes())).into();
    uploads.into_iter().for_each(|upload| drop(upload.finish(b"and the rest").expect("an echo")));
    served.stop();
    assert_eq!(sandbox.take("it.take").chains.len(), 3);

    assert_comes_back(&sandbox);
}

#[test]
fn the_take_of_invoked_exports_comes_back_with_state_and_messages() {
    let sandbox = Sandbox::new();
    let (counter, courier) = (actor("counter.wasm"), actor("courier.wasm"));
    let calls = ["--invoke", "fill(5000)", "--invoke", "increment(1)", "--invoke", "boom()"];
    sandbox.retake(["record", &counter, "-o", "it.take"].iter().chain(&calls)).expect(0);
    assert_comes_back(&sandbox);

    let calls = ["--invoke", "#0 ask(\"#1\", \"hello\")", "--invoke", "#1 received()", "--actors", "2"];
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &courier, "-o", "it.take"].iter().chain(&calls)).expect(0);
    assert_comes_back(&sandbox);
}

#[test]
fn a_trap_and_an_exit_come_back() {
    for fixture in ["trap.wat", "exit.wat"] {
        let sandbox = Sandbox::new();
        sandbox.retake(["record", &actor(fixture), "-o", "it.take"]).expect(0);
        assert_comes_back(&sandbox);
    }
}

/// Whether every number is one that readers which keep numbers as doubles read exactly.
fn is_plain(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() < 1 << 53),
        Json::Array(elements) => elements.iter().all(is_plain),
        Json::Object(members) => members.values().all(is_plain),
        Json::Null | Json::Bool(_) | Json::String(_) => true,
    }
}

#[test]
fn lines_are_json_with_readable_strings_and_plain_numbers() {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-c.wasm"), &["GET /a/path?query=1", "POST / loud"], "it.take");

    let lines = sandbox.retake(["export", "it.take"]).expect(0).json_lines();

    assert!(lines.iter().all(is_plain));
    let names: Vec<&String> =
        lines.iter().flat_map(|line| line.as_object().expect("an object").keys()).collect();
    assert_eq!((names[0].as_str(), names[1].as_str()), ("retake", "chain"));
    assert!(names[2..names.len() - 1].iter().all(|name| *name == "event"));
    assert_eq!(names[names.len() - 1], "end");
    let take = sandbox.take("it.take");
    for (line, event) in lines[2..].iter().zip(&take.chains[0].events) {
        let line = &line["event"];
        assert_eq!(
            (&line["hash"], &line["type"]),
            (&event.hash.to_string().into(), &(*event.event_type).into())
        );
    }
    let handle = take.chains[0].find("/handle");
    let request = &lines[2 + handle]["event"]["data"]["HostFunction"]["input"][0];
    assert_eq!((&request["method"], &request["path"]), (&"GET".into(), &"/a/path?query=1".into()));
}

#[test]
fn a_torn_take_is_exported_as_far_as_it_is_whole_and_imported_as_unsealed() {
    // The recorder's machine lost power.
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("http-edge.wasm"), &["GET /stream/10", "GET /stream/10"], "whole.take");
    let whole = sandbox.read("whole.take");
    for length in [1, 40, whole.len() / 3, whole.len() * 2 / 3, whole.len() - 1] {
        let cut = &whole[..length];
        sandbox.write("it.take", cut);

        let exported = sandbox.retake(["export", "it.take"]).expect(3);
        exported.says(&["`it.take`: torn at byte", "exported what is whole"]);
        sandbox.write("it.jsonl", &exported.stdout);
        sandbox.remove_if_there("new.take");
        sandbox.retake(["import", "it.jsonl", "-o", "new.take"]).expect(3).says(&["NOT SEALED", "was torn"]);

        assert_same_records(cut, &sandbox.read("new.take"));
        sandbox.retake(["verify", "new.take"]).expect(3).says(&["NOT SEALED"]);
        let again = sandbox.retake(["export", "new.take"]).expect(3);
        again.says(&["not sealed"]);
        let without_end = |text: &str| text.rsplit_once("{\"end\"").expect("an end").0.to_string();
        assert_eq!(without_end(&again.stdout), without_end(&exported.stdout));
    }
}

/// Bytes that do not compress.
fn noise(len: usize) -> impl Iterator<Item = u8> {
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(move || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    })
    .take(len)
}

#[test]
fn a_take_torn_inside_its_embedded_component_keeps_the_pieces() {
    let sandbox = Sandbox::new();
    let mut component = std::fs::read(actor("command.wasm")).expect("the fixture");
    // A custom section without a name, that makes the component three pieces long.
    component.extend([0, 0x81, 0x80, 0x80, 0x01, 0]);
    component.extend(noise(2 << 20));
    sandbox.write("large.wasm", &component);
    sandbox.retake(["record", "large.wasm", "--embed", "-o", "it.take"]).expect(0);
    assert_comes_back(&sandbox);

    let take = sandbox.read("it.take");
    let cut = &take[..take.len() * 2 / 3];
    sandbox.write("cut.take", cut);
    sandbox.write("cut.jsonl", sandbox.retake(["export", "cut.take"]).expect(3).stdout);
    sandbox.retake(["import", "cut.jsonl", "-o", "cut-new.take"]).expect(3);
    assert!(matches!(records(cut)[..], [(Record::Actor { .. }, None)]), "one piece is whole");
    assert_same_records(cut, &sandbox.read("cut-new.take"));
}

#[test]
fn a_damaged_take_is_exported_up_to_the_damage() {
    let (sandbox, text) = hello();
    let mut take = sandbox.read("it.take");
    let last = take.len() - 1;
    take[last] ^= 1;
    sandbox.write("damaged.take", take);

    let exported = sandbox.retake(["export", "damaged.take"]).expect(3);

    exported.says(&["`damaged.take`: damaged at byte", "exported what is whole: 6 events"]);
    let (events, end) = exported.stdout.split_once("{\"end\"").expect("an end");
    assert!(text.starts_with(events) && end.contains("damaged at byte"), "{end}");
    sandbox.write("damaged.jsonl", &exported.stdout);
    sandbox
        .retake(["import", "damaged.jsonl", "-o", "new.take"])
        .expect(3)
        .says(&["was damaged", "NOT SEALED"]);
}

#[test]
fn an_altered_take_is_exported_as_it_is_and_not_imported() {
    let (sandbox, _) = hello();
    let mut take = sandbox.take("it.take");
    take.only_chain().alter(2, |payload| {
        let ChainEventPayload::HostFunction(call) = payload else { panic!("{payload:?}") };
        call.output = Outcome::Returned(Some(0u64.into()));
    });
    // An integer that is longer than it must be.
    let longer = [&take.chains[0].events[3].data[..], b"\xcc\x05"].concat();
    take.only_chain().events[3].data = longer.into();
    let mut writer = LogWriter::create(Vec::new()).expect("memory takes every write");
    let number = writer.add_chain(take.chains[0].id).expect("one chain");
    take.chains[0].events.iter().for_each(|event| writer.append(number, event).expect("a chain"));
    sandbox.write("altered.take", writer.seal().expect("memory takes every write").0);

    let exported = sandbox.retake(["export", "altered.take"]).expect(0);

    let lines = exported.json_lines();
    assert_eq!(lines[4]["event"]["data"]["HostFunction"]["output"]["returned"], 0);
    assert!(lines[5]["event"]["msgpack"].is_string() && lines[5]["event"].get("data").is_none());
    sandbox.write("altered.jsonl", &exported.stdout);
    let refused = sandbox.retake(["import", "altered.jsonl", "-o", "new.take"]).expect(3);
    refused.says(&["line 5: event 2", "was altered"]);
}

#[test]
fn what_is_no_take_is_not_exported() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.take", "");
    sandbox.write("text.take", "Dear reader,\n");
    for (take, words) in
        [("empty.take", "is empty"), ("text.take", "not a take"), ("missing.take", "No such file")]
    {
        let refused = sandbox.retake(["export", take]).expect(4);
        assert_eq!(refused.stdout, "");
        refused.says(&[take, words]);
    }
    sandbox.retake(["export", "--format", "xml", "text.take"]).expect(2).says(&["xml", "jsonl"]);
}

#[test]
fn an_output_that_fails_is_told_and_one_that_is_closed_is_not() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("command.wasm"), "--embed", "-o", "it.take"]).expect(0);

    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let output = sandbox.command(["export", "it.take"]).stdout(full).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout cannot be written: No space left"));

    // The lines are longer than a pipe, so that they cannot all be written before it is closed.
    let mut child = sandbox.command(["export", "it.take"]).spawn().expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(4), &b""[..]));
}

#[test]
fn a_take_without_a_call_comes_back_and_is_told() {
    let sandbox = Sandbox::new();
    sandbox.serve(&actor("http-c.wasm"), &[], "it.take").stop();
    let lines = export(&sandbox);
    sandbox.retake(["import", "it.jsonl", "-o", "new.take"]).expect(5).says(&["without a call"]);
    assert_eq!(sandbox.retake(["export", "new.take"]).expect(0).stdout, lines);
}
