//! Two recordings of the same thing have the same events, but for the genesis, unless the actor reads
//! something that changes.

use crate::support::{Sandbox, actor};

/// Type and data of every event after the genesis.
type Events = Vec<(String, Vec<u8>)>;

/// A folder to work in. The same for recordings that must be alike: files elsewhere are other files to an
/// actor.
fn workshop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.create_folder("work");
    sandbox.write("work/input.txt", "some\nlines\n");
    sandbox
}

/// Records, and returns the events of the one chain; what the actor wrote is taken away.
fn events(sandbox: &Sandbox, args: &[&str], stdin: &str) -> Events {
    let args = [&["record", args[0], "-o", "it.take", "--force"], &args[1..]].concat();
    sandbox.retake_with_stdin(args, stdin).expect(0);
    sandbox.remove_if_there("work/output.txt");
    let mut take = sandbox.take("it.take");
    let events = take.only_chain().events.iter().skip(1);
    events.map(|event| (event.event_type.to_string(), event.data.to_vec())).collect()
}

/// The first place where two recordings differ.
fn difference(args: &[&str], stdin: &str) -> Option<(String, usize)> {
    let sandbox = workshop();
    let (first, second) = (events(&sandbox, args, stdin), events(&sandbox, args, stdin));
    assert!(first.len() > 3, "{first:?}");
    let longest = first.len().max(second.len());
    let place = (0..longest).find(|&index| first.get(index) != second.get(index))?;
    Some((first.get(place).map_or("the end".to_string(), |event| event.0.clone()), place))
}

#[test]
fn a_deterministic_command_has_the_same_events_every_time() {
    let command = actor("command.wasm");
    let options = ["--env", "MOOD=calm", "--dir", "work::/data"];
    let arguments = ["--", "--env", "MOOD", "--dir", "/data", "--exit", "3"];
    let args = [&[command.as_str()][..], &options, &arguments].concat();

    assert_eq!(difference(&args, "from\nstdin\n"), None);
}

#[test]
fn a_command_that_reads_the_clock_has_other_events() {
    let command = actor("command.wasm");

    let (event_type, _) = difference(&[&command, "--", "--time"], "").expect("a difference");

    assert!(event_type.starts_with("wasi:clocks/"), "the first difference is in {event_type}");
}

#[test]
fn a_command_that_reads_random_numbers_has_other_events() {
    let command = actor("command.wasm");

    let (event_type, _) = difference(&[&command, "--", "--random"], "").expect("a difference");

    assert!(event_type.starts_with("wasi:random/"), "the first difference is in {event_type}");
}

#[test]
fn an_http_actor_without_clock_or_random_has_the_same_events_every_time() {
    let http = actor("http-c.wasm");

    assert_eq!(
        difference(&[&http, "--request", "GET /same", "--request", "POST / again and again"], ""),
        None
    );
}

#[test]
fn a_call_is_recorded_alike_whatever_was_called_before() {
    let (http, target) = (actor("http-c.wasm"), "GET /the/same");
    let sandbox = workshop();
    let alone = events(&sandbox, &[&http, "--request", target], "");
    let after = events(&sandbox, &[&http, "--request", "POST / something before", "--request", target], "");
    let types = |events: &Events| -> Vec<String> {
        events.iter().map(|(event_type, _)| event_type.clone()).collect()
    };

    let (alone, after) = (types(&alone), types(&after));

    // The second call is the last of the longer session, shutdown included.
    assert_eq!(after[after.len() - alone.len()..], alone);
}
