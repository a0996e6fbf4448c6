//! What becomes of a session whose take is deleted, moved, or wanted by another recorder: it is told,
//! everybody is answered, and no recorder writes over another's take.

use std::fs;

use crate::support::{Sandbox, Served, actor};

/// Starts to record an HTTP actor into `folder/it.take`, and makes one call.
fn recorded_into_a_folder(args: &[&str]) -> (Sandbox, Served) {
    let sandbox = Sandbox::new();
    sandbox.create_folder("folder");
    let served = sandbox.serve(&actor("http-edge.wasm"), args, "folder/it.take");
    assert_eq!(served.client().post("/echo", b"before").body, b"before");
    (sandbox, served)
}

#[test]
fn a_take_that_is_deleted_ends_the_session_at_the_next_call() {
    for durability in ["call", "sync"] {
        let (sandbox, served) = recorded_into_a_folder(&["--durability", durability]);
        let upload = served.upload(b"on its way");
        fs::remove_file(sandbox.path("folder/it.take")).expect("it is there");

        assert!(upload.finish(b", and not recorded").is_err(), "the answer breaks off");

        let ended = served.ended().expect(4);
        ended.says(&["`folder/it.take` was deleted while it was recorded", "record it again"]);
        assert!(!ended.stderr.contains("readable"), "{}", ended.stderr);
    }
}

#[test]
fn a_folder_that_is_deleted_with_its_take_ends_the_session_with_every_call_answered() {
    let (sandbox, served) = recorded_into_a_folder(&["--actors", "2"]);
    let uploads = [served.upload(b"one"), served.upload(b"two")];
    // Both actors have a call; this one has to wait for them.
    let mut waiting = served.client().ask("/stream/10");
    fs::remove_dir_all(sandbox.path("folder")).expect("it is there");

    for upload in uploads {
        assert!(upload.finish(b", and not recorded").is_err(), "the answer breaks off");
    }
    assert!(!waiting.is_answered(), "nothing is answered that is not recorded");

    served.ended().expect(4).says(&["was deleted while it was recorded"]);
}

#[test]
fn a_take_that_another_file_replaces_is_a_deleted_one() {
    let (sandbox, served) = recorded_into_a_folder(&[]);
    sandbox.write("other", "something else");
    fs::rename(sandbox.path("other"), sandbox.path("folder/it.take")).expect("it is there");

    let response = served.client().try_post("/echo", b"not recorded");

    assert!(response.is_err() || response.is_ok_and(|response| response.status != 200 || !response.whole));
    served.ended().expect(4).says(&["was deleted while it was recorded"]);
    assert_eq!(sandbox.read("folder/it.take"), b"something else");
}

#[test]
fn a_take_that_is_moved_is_finished_and_told_to_be_elsewhere() {
    let (sandbox, mut served) = recorded_into_a_folder(&[]);
    fs::rename(sandbox.path("folder"), sandbox.path("elsewhere")).expect("it is there");
    assert_eq!(served.client().post("/echo", b"after").body, b"after");

    served.terminate();
    served.ended().expect(4).says(&["`folder/it.take` was moved while it was recorded", "moved"]);

    sandbox.retake(["verify", "elsewhere/it.take"]).expect(0).says(&["intact and sealed", "2 calls"]);
}

#[test]
fn a_lost_take_that_no_call_waits_for_is_told_at_the_end() {
    let (sandbox, mut served) = recorded_into_a_folder(&["--durability", "none"]);
    fs::remove_file(sandbox.path("folder/it.take")).expect("it is there");

    served.terminate();

    served.ended().expect(4).says(&["was deleted while it was recorded"]);
}

#[test]
fn a_take_that_is_being_recorded_is_not_overwritten() {
    let sandbox = Sandbox::new();
    let first = sandbox.serve(&actor("http-edge.wasm"), &[], "it.take");
    assert_eq!(first.client().post("/echo", b"before").body, b"before");
    let hello = actor("hello.wat");

    let second = sandbox.retake(["record", &hello, "-o", "it.take", "--force"]).expect(4);
    second.says(&["`it.take`", "another recorder writes to it", "another name"]);

    assert_eq!(first.client().post("/echo", b"after").body, b"after");
    first.stop();
    sandbox.assert_intact_and_identical("it.take");
    sandbox.retake(["verify", "it.take"]).expect(0).says(&["2 calls"]);
    // Nobody has it any more.
    sandbox.retake(["record", &hello, "-o", "it.take", "--force"]).expect(0);
    sandbox.assert_intact_and_identical("it.take");
}

#[test]
fn a_session_of_any_durability_is_sealed_and_replays() {
    for durability in ["call", "sync", "none"] {
        let sandbox = Sandbox::new();
        let served = sandbox.serve(&actor("http-edge.wasm"), &["--durability", durability], "it.take");
        for number in 0..10 {
            let body = format!("body {number}");
            assert_eq!(served.client().post("/echo", body.as_bytes()).body, body.as_bytes());
        }
        served.stop();
        sandbox.assert_intact_and_identical("it.take");
        assert_eq!(sandbox.take("it.take").whole_calls(), 10);
    }
}
