//! The code cache: what was compiled once is used again, and nothing that is in the folder, or not, changes
//! an answer.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{Ended, Sandbox, actor};

/// A folder with a cache of its own, in which a small command is recorded and replayed.
struct Cached(Sandbox);

impl Cached {
    fn new() -> Cached {
        let sandbox = Sandbox::new();
        sandbox.create_folder("home");
        Cached(sandbox)
    }

    /// The binary, with the user's folder in the sandbox and nothing else that says where the cache is.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.0.command(args);
        command.env("HOME", self.0.path("home")).env_remove("RETAKE_CACHE_DIR").env_remove("XDG_CACHE_HOME");
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().expect("the binary starts"))
    }

    fn record(&self, options: &[&str]) -> Ended {
        let hello = actor("hello.wat");
        let args = ["record", &hello, "-o", "it.take", "--force"];
        self.run(&[&args, options].concat()).expect(0)
    }

    #[track_caller]
    fn replays(&self) -> Ended {
        let replayed = self.run(&["replay", "it.take"]).expect(0);
        replayed.says(&["identical"]);
        replayed
    }

    fn folder(&self) -> PathBuf {
        self.0.path("home/.cache/retake")
    }

    /// Paths of the files in the cache, the latest used last.
    fn entries(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort_by_key(|path| fs::metadata(path).and_then(|file| file.modified()).expect("a time"));
        paths
    }

    /// Where each entry is on the disk: another number if it was written anew.
    fn inodes(&self) -> Vec<u64> {
        self.entries().iter().map(|path| fs::metadata(path).expect("an entry").ino()).collect()
    }
}

fn says_nothing_of_the_cache(ended: &Ended) {
    assert!(!ended.stderr.contains("compiled code"), "{}", ended.stderr);
}

#[test]
fn a_second_start_uses_what_the_first_compiled() {
    let cached = Cached::new();
    says_nothing_of_the_cache(&cached.record(&[]));
    assert_eq!(cached.entries().len(), 1, "the instrumented component");
    says_nothing_of_the_cache(&cached.replays());
    let inodes = cached.inodes();
    assert_eq!(inodes.len(), 2, "and the original");

    cached.record(&["--check"]);
    cached.replays();
    let mut again = cached.inodes();
    again.sort();
    assert_eq!(again, {
        let mut inodes = inodes;
        inodes.sort();
        inodes
    });
}

#[test]
fn the_same_component_is_instrumented_to_the_same_bytes() {
    let cached = Cached::new();
    // Many imports, so that an order that varies would.
    for _ in 0..5 {
        cached
            .run(&["record", &actor("agent.wasm"), "-o", "it.take", "--force", "--request", "GET /"])
            .expect(0);
    }
    assert_eq!(cached.entries().len(), 1);
}

#[test]
fn an_entry_of_other_limits_is_another() {
    let cached = Cached::new();
    cached.record(&[]);
    cached.record(&["--fuel", "1000000"]);
    assert_eq!(cached.entries().len(), 2);
    for _ in 0..2 {
        cached.replays();
        assert_eq!(cached.entries().len(), 3, "the instrumented component again, which can be interrupted");
    }
}

#[test]
fn nothing_is_kept_or_used_with_no_cache() {
    let cached = Cached::new();
    says_nothing_of_the_cache(&cached.record(&["--no-cache"]));
    says_nothing_of_the_cache(&cached.run(&["replay", "it.take", "--no-cache"]).expect(0));
    assert!(!cached.folder().exists());
}

#[test]
fn the_folder_is_the_first_that_is_named() {
    let cached = Cached::new();
    let places = [("RETAKE_CACHE_DIR", "mine", "mine"), ("XDG_CACHE_HOME", "caches", "caches/retake")];
    let hello = actor("hello.wat");
    for (variable, value, folder) in places {
        let mut command = cached.command(&["record", &hello]);
        command.env("XDG_CACHE_HOME", "/nowhere/at/all").env(variable, cached.0.path(value));
        Ended::of(command.output().expect("the binary starts")).expect(0);
        assert_eq!(fs::read_dir(cached.0.path(folder)).expect(folder).count(), 1);
    }
    assert!(!cached.folder().exists());
}

#[test]
fn the_cache_is_its_owners_alone() {
    let cached = Cached::new();
    cached.record(&[]);
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!(mode(cached.folder()), 0o700);
    assert_eq!(mode(cached.entries()[0].clone()), 0o600);
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let cached = Cached::new();
    cached.record(&[]);
    cached.replays();
    // An entry that is used is marked as used now, and one that is missing is written.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
    for entry in cached.entries() {
        File::open(entry).and_then(|file| file.set_modified(long_ago)).expect("it is ours");
    }
    let before = cached.inodes();
    for mode in [0o770, 0o707] {
        fs::set_permissions(cached.folder(), Permissions::from_mode(mode)).expect("it is ours");
        cached.record(&[]).says(&["note: compiled code is not kept", "others may write to it"]);
        cached.replays().says(&["note: compiled code is not kept", "others may write to it"]);
    }
    assert_eq!(cached.inodes(), before);
    for entry in cached.entries() {
        assert_eq!(fs::metadata(entry).and_then(|file| file.modified()).expect("a time"), long_ago);
    }
}

/// Whoever may write to a parent may put another folder in place of ours. In a sticky one they may not.
#[test]
fn a_folder_in_a_parent_that_others_may_write_to_is_not_used() {
    let cached = Cached::new();
    let (parent, link) = (cached.0.path("parent"), cached.0.path("link"));
    let kept = parent.join("deep/cache");
    fs::create_dir(&parent).expect("a folder");
    std::os::unix::fs::symlink(parent.join("deep"), &link).expect("a link");
    let hello = actor("hello.wat");
    let record = |folder: PathBuf| {
        let mut command = cached.command(&["record", &hello, "-o", "it.take", "--force"]);
        Ended::of(command.env("RETAKE_CACHE_DIR", folder).output().expect("the binary starts")).expect(0)
    };
    let set_mode = |mode| fs::set_permissions(&parent, Permissions::from_mode(mode)).expect("it is ours");
    let refused = ["note: compiled code is not kept", "parent`, which others may write to"];

    set_mode(0o777);
    record(kept.clone()).says(&refused);
    assert!(!parent.join("deep").exists(), "nothing is made there");

    set_mode(0o1777);
    says_nothing_of_the_cache(&record(kept.clone()));
    assert_eq!(fs::read_dir(&kept).expect("the cache").count(), 1);
    says_nothing_of_the_cache(&record(link.join("cache")));

    for mode in [0o777, 0o770] {
        set_mode(mode);
        for folder in [kept.clone(), link.join("cache")] {
            record(folder).says(&refused);
        }
    }
}

#[test]
fn an_entry_that_others_may_write_to_is_written_anew() {
    let cached = Cached::new();
    cached.record(&[]);
    let before = cached.inodes();
    fs::set_permissions(&cached.entries()[0], Permissions::from_mode(0o666)).expect("it is ours");
    says_nothing_of_the_cache(&cached.record(&[]));
    assert_ne!(cached.inodes(), before);
}

#[test]
fn a_folder_that_cannot_be_had_is_worth_a_note() {
    let cached = Cached::new();
    cached.0.write("file", "");
    let hello = actor("hello.wat");
    let mut command = cached.command(&["record", &hello, "-o", "it.take", "--check"]);
    command.env("RETAKE_CACHE_DIR", cached.0.path("file/cache"));
    let recorded = Ended::of(command.output().expect("the binary starts")).expect(0);
    recorded.says(&["identical", "note: compiled code is not kept", "file/cache"]);

    let mut command = cached.command(&["replay", "it.take"]);
    let replayed = Ended::of(command.env_remove("HOME").output().expect("the binary starts")).expect(0);
    replayed.says(&["identical", "note: compiled code is not kept"]);
}

/// A limit on the size of files stands for a full disk: the take is small, the code is not.
#[test]
fn a_cache_that_cannot_be_written_is_worth_a_note_and_leaves_nothing() {
    let cached = Cached::new();
    let hello = actor("hello.wat");
    let args = ["record", &hello, "-o", "it.take", "--check"];
    let mut command = cached.0.command_behind("trap '' XFSZ; ulimit -f 8", args);
    command.env("RETAKE_CACHE_DIR", cached.folder());
    let recorded = Ended::of(command.output().expect("bash starts")).expect(0);
    recorded.says(&["identical", "note: compiled code is not kept", "cannot be written"]);
    assert_eq!(cached.entries(), [] as [PathBuf; 0]);
}

/// Every kind of damage, at places all over the entry.
#[test]
fn a_damaged_entry_is_as_good_as_none() {
    let cached = Cached::new();
    cached.record(&[]);
    cached.replays();
    let entry = cached.entries().pop().expect("the original's");
    let whole = fs::read(&entry).expect("it is ours");

    let mut damaged = vec![Vec::new(), whole[..40].to_vec(), whole[..whole.len() / 2].to_vec()];
    damaged.push([&whole[..], b"more"].concat());
    damaged.push(vec![0; whole.len()]);
    for part in 0..16 {
        let mut flipped = whole.clone();
        flipped[part * (whole.len() - 1) / 15] ^= 1 << (part % 8);
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(&entry, bytes).expect("it is ours");
        says_nothing_of_the_cache(&cached.replays());
        assert_eq!(fs::read(&entry).expect("an entry"), whole, "it was not written anew");
    }
}

#[test]
fn an_entry_under_the_name_of_another_is_not_used() {
    let cached = Cached::new();
    cached.record(&[]);
    cached.replays();
    let [instrumented, original] = &cached.entries()[..] else { panic!("two entries") };
    fs::copy(instrumented, original).expect("it is ours");
    cached.replays();
    assert_ne!(fs::read(original).expect("an entry"), fs::read(instrumented).expect("an entry"));
}

#[test]
fn an_entry_of_absurd_length_asks_for_no_memory() {
    let cached = Cached::new();
    cached.record(&[]);
    cached.replays();
    let entry = cached.entries().pop().expect("the original's");
    let file = fs::OpenOptions::new().write(true).open(&entry).expect("it is ours");
    file.set_len(1 << 40).expect("a file with a hole");
    let mut command = cached.0.command_behind("ulimit -v 33554432", ["replay", "it.take"]);
    command.env("RETAKE_CACHE_DIR", cached.folder());
    Ended::of(command.output().expect("bash starts")).expect(0).says(&["identical"]);
    assert!(fs::metadata(&entry).expect("an entry").len() < 1 << 30);
}
