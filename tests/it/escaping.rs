//! Nothing that a file says reaches a terminal, a log or a report raw, whichever command prints it: no
//! control character, no mark that turns text around, no line that a CI system takes for a command, and no
//! line break where a name stands.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{Ended, Sandbox, Take, actor};
use retake_chain::{ChainEvent, is_hidden};

/// What a stranger may write wherever text can stand. It has no `/`, as it is a file name too.
const HOSTILE: &str = "x\n::error::owned\r\n##[error]owned\u{1b}[2J\u{7}\u{9b}31m\u{85}\u{202e}\u{200b}\u{2028}\u{feff}`|<b>&\"]]>";

/// The annotations that are ours: their files are those of the suite.
const OURS: [&str; 2] = ["::error file=takes/", "::notice title=retake test::"];

#[track_caller]
fn assert_visible(what: &str, text: &str) {
    let raw = text.chars().find(|character| is_hidden(*character) && *character != '\n');
    assert_eq!(raw, None, "{what} has it raw:\n{text:?}");
}

/// The same for what a CI system reads as a log.
#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    assert_visible(what, text);
    assert!(!text.contains("##["), "{what} has a command in it:\n{text}");
    for line in text.lines().filter(|line| line.trim_start().starts_with("::")) {
        assert!(
            OURS.iter().any(|ours| line.starts_with(ours)),
            "{what} has a line that is a command: {line}"
        );
    }
    let is_owned =
        |line: &str| line.trim_start().starts_with("owned") || line.trim_start().starts_with("31m");
    assert!(!text.lines().any(is_owned), "{what} has a line that a file made:\n{text}");
}

#[track_caller]
fn assert_harmless_end(what: &str, ended: &Ended) {
    assert!(ended.status.code().is_some_and(|code| code <= 5), "{what} ends with {}", ended.status);
    assert_harmless(&format!("stdout of {what}"), &ended.stdout);
    assert_harmless(&format!("stderr of {what}"), &ended.stderr);
}

/// Where the strings of a MessagePack document are, with their headers.
fn strings(bytes: &[u8]) -> Vec<(usize, usize)> {
    let number = |at: usize, size: usize| {
        bytes[at..at + size].iter().fold(0, |all, byte| all << 8 | usize::from(*byte))
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        // What follows the marker: the size of its length, and whether the content is text, or other bytes to
        // pass over.
        let (header, content, is_text) = match bytes[at] {
            marker @ 0xa0..=0xbf => (1, usize::from(marker & 0x1f), true),
            0xd9 => (2, number(at + 1, 1), true),
            0xda => (3, number(at + 1, 2), true),
            0xdb => (5, number(at + 1, 4), true),
            0xc4 => (2, number(at + 1, 1), false),
            0xc5 => (3, number(at + 1, 2), false),
            0xc6 => (5, number(at + 1, 4), false),
            0xcc | 0xd0 => (2, 0, false),
            0xcd | 0xd1 | 0xdc | 0xde | 0xd4 => (3, 0, false),
            0xce | 0xd2 | 0xca | 0xdd | 0xdf => (5, 0, false),
            0xcf | 0xd3 | 0xcb => (9, 0, false),
            0xc7 => (3, number(at + 1, 1), false),
            0xd5 => (4, 0, false),
            0xd6 => (6, 0, false),
            0xd7 => (10, 0, false),
            0xd8 => (18, 0, false),
            _ => (1, 0, false),
        };
        if is_text {
            found.push((at, header + content));
        }
        at += header + content;
    }
    found
}

/// The take with another text in the place of one.
fn with_text(take: &Take, event: usize, (at, length): (usize, usize)) -> Vec<u8> {
    let mut take = take.clone();
    let old = &mut take.chains[0].events[event];
    let text = HOSTILE.as_bytes();
    let written = [&[0xd9, text.len() as u8][..], text].concat();
    let data = [&old.data[..at], &written, &old.data[at + length..]].concat();
    old.data = data.into();
    take.rebuilt()
}

/// All takes that one is made into by putting the text in the place of one of its texts, or of the type of an
/// event. Of several events of one type, the first is enough.
fn forged(take: &Take) -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, event) in take.chains[0].events.iter().enumerate() {
        if !seen.insert(event.event_type.clone()) {
            continue;
        }
        assert!(!strings(&event.data).is_empty(), "{event:?}");
        forged.extend(strings(&event.data).into_iter().map(|place| with_text(take, number, place)));
        let mut other = take.clone();
        let old = &other.chains[0].events[number];
        other.chains[0].events[number] = ChainEvent::link(old.parent_hash, HOSTILE.into(), old.data.clone());
        forged.push(other.rebuilt());
    }
    forged
}

/// A folder of forged takes; every second one has the text in its name too.
fn suite(take: &Take) -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    sandbox.create_folder("takes");
    let mut names = Vec::new();
    for (number, bytes) in forged(take).into_iter().enumerate() {
        let name = match number % 2 {
            0 => format!("takes/{number}.take"),
            _ => format!("takes/{number}{HOSTILE}.take"),
        };
        sandbox.write(&name, bytes);
        names.push(name);
    }
    (sandbox, names)
}

/// Looks at the takes of a larger session with those commands that show all of their text.
fn assert_shown_harmless(take: &Take) {
    let (sandbox, names) = suite(take);
    let run = |args: &[&str]| assert_harmless_end(&format!("{args:?}"), &sandbox.retake(args));
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    run(&[&["verify"], &all[..]].concat());
    run(&["test", "takes", "--annotate", "github"]);
    run(&["test", "takes", "--json"]);
    all.iter().for_each(|name| run(&["inspect", name]));
}

/// Runs every command and every printer on them.
fn assert_all_harmless(take: &Take, component: &str) {
    let (sandbox, names) = suite(take);
    let run = |args: &[&str]| {
        let ended = sandbox.retake(args);
        assert_harmless_end(&format!("{args:?}"), &ended);
        ended
    };
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    run(&[&["verify"], &all[..]].concat());
    run(&[&["verify", "--json"], &all[..]].concat());
    for name in &all {
        run(&["inspect", name]);
        run(&["replay", name]);
        // The same words as JSON.
        run(&["replay", "--json", name, "--actor", component]);
        run(&["inspect", "--json", name]);
    }
    for event in 0..take.chains[0].events.len() {
        all.iter().step_by(3).for_each(|name| {
            run(&["inspect", name, "--event", &event.to_string()]);
        });
    }
    for name in all.iter().step_by(2) {
        run(&["export", name]);
        let bytes = sandbox.read(name);
        sandbox.write("torn.take", &bytes[..bytes.len() - 40]);
        run(&["repair", "torn.take", "-o", "whole.take", "--force"]);
        run(&["verify", "whole.take"]);
    }
    for args in [&[][..], &["--actor", component]] {
        let mut command = sandbox
            .command(["test", "takes", "--junit", "junit.xml", "--report", "1.json"].iter().chain(args));
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
        let ended = Ended::of(command.output().expect("the binary starts"));
        assert_harmless_end("test", &ended);
        assert!(ended.stdout.contains("::error file=takes/"), "{}", ended.stdout);
        run(&[&["test", "takes", "--json"], args].concat());
        run(&["merge", "1.json", "--junit", "merged.xml"]);
        for file in ["junit.xml", "1.json", "summary.md", "merged.xml"] {
            assert_visible(file, &String::from_utf8(sandbox.read(file)).expect("text"));
        }
    }
    run(&["test", "--list", "takes"]);
    run(&["test", "--list", "--json", "takes"]);
}

#[test]
fn no_text_of_a_take_of_a_command_is_printed_raw() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("hello.wat"), "-o", "it.take"]).expect(0);
    assert_all_harmless(&sandbox.take("it.take"), &actor("hello.wat"));
}

#[test]
fn no_text_of_a_take_of_an_actor_that_traps_is_printed_raw() {
    let sandbox = Sandbox::new();
    sandbox.retake(["record", &actor("trap.wat"), "-o", "it.take"]).expect(0);
    assert_all_harmless(&sandbox.take("it.take"), &actor("exit.wat"));
}

#[test]
fn no_text_of_an_http_exchange_or_a_message_between_actors_is_printed_raw() {
    let sandbox = Sandbox::new();
    sandbox.record_requests(&actor("agent.wasm"), &["GET /"], "http.take");
    assert_shown_harmless(&sandbox.take("http.take"));
    let calls = ["--invoke", "#0 ask(\"#1\", \"hello\")", "--invoke", "#1 received()"];
    let record = ["record", &actor("courier.wasm"), "--actors", "2", "-o", "messages.take"];
    sandbox.retake(record.iter().chain(&calls)).expect(0);
    let mut take = sandbox.take("messages.take");
    // The chain of the one who was written to is the first then.
    take.chains.remove(0);
    let events = take.chains[0].types();
    assert!(events.iter().any(|found| found.starts_with("theater-runtime/")), "{events:?}");
    assert_shown_harmless(&Take::read(&take.with_its_hashes()));
}

#[test]
fn no_text_of_a_component_or_a_list_of_calls_is_printed_raw() {
    let sandbox = Sandbox::new();
    let escaped: String = HOSTILE.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    sandbox.write(
        "module.wat",
        format!("(module (import \"{escaped}\" \"{escaped}\" (func)) (func (export \"_start\")))"),
    );
    sandbox.write("import.wat", format!("(component (import \"{escaped}\" (func)))"));
    sandbox.write("text.wat", format!("(component (unknown {HOSTILE}))"));
    sandbox.write(&format!("{HOSTILE}.wat"), "(component)");
    let named = format!("{HOSTILE}.wat");
    for component in ["module.wat", "import.wat", "text.wat", &named] {
        let ended = sandbox.retake(["record", component, "-o", "new.take"]);
        assert_harmless_end(component, &ended);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    // A good one of that name, and the take that is named after it.
    fs::copy(actor("hello.wat"), sandbox.path(&named)).expect("the fixture");
    for args in [&["--check"][..], &["--check", "--repeat", "2"], &["--check", "--json"]] {
        let ended = sandbox.retake(["record", &named].iter().chain(args)).expect(0);
        assert_harmless_end(&named, &ended);
    }
    sandbox.write("calls", format!("{}\n", HOSTILE.replace('\n', "\u{b}")));
    let ended = sandbox.retake(["record", &actor("counter.wasm"), "--calls", "calls", "-o", "new.take"]);
    assert_harmless_end("calls", &ended);
}

#[test]
fn no_text_of_settings_and_reports_is_printed_raw() {
    let sandbox = Sandbox::new();
    sandbox.create_folder("takes");
    sandbox.retake(["record", &actor("hello.wat"), "-o", "takes/it.take"]).expect(0);
    let text = serde_json::to_string(HOSTILE).expect("a string of TOML, too");
    let text: String = text
        .chars()
        .map(|c| if is_hidden(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect();
    for settings in [
        format!("labels = [{text}]"),
        format!("actor = {text}"),
        format!("[takes.{text}]\nfuel = 1"),
        format!("{text} = 1"),
        format!("expect = {text}"),
        format!("fuel = {text}"),
        format!("x{HOSTILE}"),
    ] {
        sandbox.write("takes/retake.toml", &settings);
        for args in
            [&["test", "takes"][..], &["test", "takes", "--list"], &["test", "takes", "--label", HOSTILE]]
        {
            assert_harmless_end(&settings, &sandbox.retake(args));
        }
    }

    fs::remove_file(sandbox.path("takes/retake.toml")).expect("it is there");
    sandbox.write("takes/no.take", "not a take");
    sandbox.retake(["test", "takes", "--report", "1.json"]).expect(4);
    let report = String::from_utf8(sandbox.read("1.json")).expect("text");
    for field in ["reason", "text"] {
        let lines = report.lines().map(|line| {
            let mut event: serde_json::Value = serde_json::from_str(line).expect("an event");
            if event["status"] == "unchecked" {
                event[field] =
                    HOSTILE.replace("owned\u{1b}", "x\u{1b}").replace("::error::owned", "::error::x").into();
            }
            event.to_string() + "\n"
        });
        sandbox.write("2.json", lines.collect::<String>());
        let mut command = sandbox.command(["merge", "2.json", "--junit", "junit.xml"]);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
        let ended = Ended::of(command.output().expect("the binary starts")).expect(4);
        assert_harmless_end("merge", &ended);
        for file in ["junit.xml", "summary.md"] {
            let text = String::from_utf8(sandbox.read(file)).expect("text");
            assert_visible(file, &text);
        }
    }
    sandbox.write("3.json", format!("{{\"event\": {text}}}\n"));
    assert_harmless_end("merge", &sandbox.retake(["merge", "3.json"]));
    sandbox.write("lines.jsonl", format!("{{\"retake\": {text}}}\n"));
    assert_harmless_end("import", &sandbox.retake(["import", "lines.jsonl", "-o", "new.take"]));
}
