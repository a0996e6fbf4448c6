//! A take that is not whole can be saved up to its last whole call, and what is saved never passes for an
//! original.

use crate::support::{Sandbox, Take, actor};

/// A take of four requests, cut behind so many of its thousandths.
fn cut(sandbox: &Sandbox, thousandths: usize) {
    let requests = ["GET /stream/1", "GET /x", "GET /stream/2", "GET /y"];
    sandbox.record_requests(&actor("http-edge.wasm"), &requests, "whole.take");
    let take = sandbox.read("whole.take");
    sandbox.write("cut.take", &take[..take.len() * thousandths / 1000]);
}

#[test]
fn a_cut_take_is_saved_up_to_its_last_whole_call() {
    let sandbox = Sandbox::new();
    cut(&sandbox, 700);
    let before = sandbox.take("cut.take");
    let calls = before.whole_calls();
    assert!(calls > 0 && calls < 4, "{calls} calls are before the cut");

    sandbox.retake(["repair", "cut.take", "-o", "new.take"]).expect(0).says(&["whole call", "torn at byte"]);

    let mut repaired = sandbox.take("new.take");
    let events = &repaired.only_chain().events;
    assert_eq!(events[..], before.chains[0].events[..events.len()]);
    assert_eq!(events.last().map(|event| &*event.event_type), Some("wasm-result"));
    assert_eq!(repaired.whole_calls(), calls);
    let cut_events = before.chains[0].events.len() - repaired.chains[0].events.len();
    let words = format!("{cut_events} event");
    sandbox.retake(["verify", "new.take"]).expect(3).says(&["REPAIRED", "torn at byte", &words]);
    sandbox.retake(["replay", "new.take"]).expect(3).says(&["identical", "the take was repaired"]);
    let again = sandbox.retake(["repair", "new.take", "-o", "newer.take"]).expect(5);
    again.says(&["was already repaired"]);
}

#[test]
fn the_input_is_not_changed_and_nothing_is_overwritten() {
    let sandbox = Sandbox::new();
    cut(&sandbox, 700);
    let input = sandbox.read("cut.take");
    sandbox.write("there.take", "something dear");

    sandbox.retake(["repair", "cut.take", "-o", "there.take"]).expect(4).says(&["exists", "--force"]);
    assert_eq!(sandbox.read("there.take"), b"something dear");
    sandbox.retake(["repair", "cut.take", "-o", "cut.take"]).expect(2).says(&["would overwrite the take"]);
    assert_eq!(sandbox.read("cut.take"), input);
    sandbox.retake(["repair", "cut.take", "-o", "there.take", "--force"]).expect(0);
    assert_eq!(sandbox.read("cut.take"), input);
    assert_eq!(sandbox.names(), ["cut.take", "there.take", "whole.take"]);
}

#[test]
fn where_there_is_nothing_to_save_nothing_is_written() {
    let sandbox = Sandbox::new();
    cut(&sandbox, 20);
    sandbox.write("text.take", "not a take");
    for (take, code, words) in [
        ("whole.take", 5, "intact and sealed"),
        ("cut.take", 5, "no call is complete"),
        ("text.take", 4, "not a take"),
        ("missing.take", 4, "cannot be opened"),
    ] {
        sandbox.retake(["repair", take, "-o", "new.take"]).expect(code).says(&[words]);
    }
    assert_eq!(sandbox.names(), ["cut.take", "text.take", "whole.take"]);
}

#[test]
fn a_take_that_is_being_recorded_is_left_to_its_recorder() {
    let sandbox = Sandbox::new();
    let served = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    assert_eq!(served.client().get("/x").status, 404);

    sandbox.retake(["repair", "it.take", "-o", "new.take"]).expect(4).says(&["is being recorded"]);

    served.kill();
    sandbox.retake(["repair", "it.take", "-o", "new.take"]).expect(0).says(&["kept 1 whole call"]);
}

#[test]
fn an_altered_event_is_where_what_is_saved_ends() {
    // Someone changes what an event says; the calls before it are as good as ever.
    let sandbox = Sandbox::new();
    cut(&sandbox, 1000);
    let mut take = sandbox.take("whole.take");
    take.only_chain().events[20].data = take.chains[0].events[19].data.clone();
    sandbox.write("altered.take", take.with_its_hashes());

    let json = sandbox.retake(["repair", "--json", "altered.take", "-o", "new.take"]).expect(0).json();

    assert_eq!((&json["fault"], &json["repaired"]), (&"hash".into(), &"new.take".into()));
    let saved = sandbox.take("new.take");
    assert!(saved.chains[0].events.len() <= 20 && saved.whole_calls() >= 1);
    assert_eq!(json["calls"], saved.whole_calls());
    assert_eq!(json["events"], saved.chains[0].events.len());
    let all = Take::read(&sandbox.read("whole.take")).chains[0].events.len();
    assert_eq!(json["cut_events"], all - saved.chains[0].events.len());
}
