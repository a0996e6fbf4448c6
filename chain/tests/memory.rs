//! Promises about memory, held by counting what is allocated: neither writing nor reading a take, as a file
//! or as JSON lines, needs more of it for a longer one, and a refused event takes none. What a thread
//! allocates counts for that thread alone, so that the test runner and other tests do not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::sync::Arc;

use bytes::Bytes;
use retake_chain::jsonl::{ExportedEnd, JsonlReader, JsonlWriter};
use retake_chain::{
    ChainEvent, ChainEventPayload, DecodeError, LogReader, LogWriter, MAX_VALUES, Storage, TakeState,
    TheaterId,
};

struct Counting;

thread_local! {
    /// Bytes that this thread allocated, less those that it freed, whoever had allocated them.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Notes a change, unless the thread is about to end.
fn note(bytes: isize) {
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call is handed on to the system's allocator; only sizes are noted beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A file outside the count.
struct Temporary(std::fs::File);

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Temporary {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Temporary {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

/// Peak of memory over what was live before, while `work` runs.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    ((PEAK.get() - before).unsigned_abs(), result)
}

/// Writes so many events, one frame each, to a file without a name.
fn write(events: u64) -> (usize, Temporary) {
    let file = tempfile::tempfile().unwrap();
    peak_of(|| {
        let mut writer = LogWriter::create(Temporary(file)).unwrap();
        let chain = writer.add_chain(TheaterId::generate()).unwrap();
        let mut parent = None;
        for n in 0..events {
            let data = Bytes::from(n.to_be_bytes().repeat(500));
            let event = ChainEvent::link(parent, Arc::from("a:b/c@0.1.0/f"), data);
            writer.append(chain, &event).unwrap();
            writer.end_frame().unwrap();
            parent = Some(event.hash);
        }
        writer.seal().unwrap().0
    })
}

fn read(file: Temporary) -> usize {
    let mut file = file;
    file.0.rewind().unwrap();
    let (peak, state) = peak_of(|| {
        let mut reader = LogReader::open(file).unwrap();
        while reader.next_record().unwrap().is_some() {}
        reader.state()
    });
    assert_eq!(state, TakeState::Sealed);
    peak
}

#[test]
fn memory_does_not_grow_with_the_take() {
    let (short_write, short) = write(1000);
    let (long_write, long) = write(10_000);
    assert!(long_write <= short_write + 4096, "writing: {short_write} bytes, then {long_write}");
    let (short_read, long_read) = (read(short), read(long));
    assert!(long_read <= short_read + 4096, "reading: {short_read} bytes, then {long_read}");
}

/// Takes a file of so many events to JSON lines and back. Returns the peaks of both ways.
fn there_and_back(events: u64) -> (usize, usize) {
    let (_, mut take) = write(events);
    take.0.rewind().unwrap();
    let (out, mut lines) = (tempfile::tempfile().unwrap(), None);
    let (exported, ()) = peak_of(|| {
        let mut reader = LogReader::open(&mut take).unwrap();
        let mut writer = JsonlWriter::create(BufWriter::new(out), reader.version().unwrap()).unwrap();
        while let Some(record) = reader.next_record().unwrap() {
            writer.record(&record).unwrap();
        }
        let seal = reader.seal().unwrap();
        lines = writer.end(ExportedEnd::Sealed(seal.into())).unwrap().into_inner().ok();
    });
    let mut lines = lines.unwrap();
    lines.rewind().unwrap();
    let (imported, count) = peak_of(|| {
        let mut reader = JsonlReader::new(BufReader::new(lines));
        while reader.next_line().unwrap().is_some() {}
        reader.line()
    });
    assert_eq!(count, events + 3, "a header, a chain and an end");
    (exported, imported)
}

#[test]
fn memory_does_not_grow_with_the_lines() {
    let ((short_out, short_in), (long_out, long_in)) = (there_and_back(500), there_and_back(5000));
    assert!(long_out <= short_out + 4096, "writing: {short_out} bytes, then {long_out}");
    assert!(long_in <= short_in + 4096, "reading: {short_in} bytes, then {long_in}");
}

#[test]
fn too_many_values_are_refused_before_memory_is_taken_for_any() {
    // Many lists that are small, for one that is too long could be refused by its length alone.
    let lists = MAX_VALUES / 10;
    let input = [
        &[0xdd][..],
        &(lists as u32).to_be_bytes(),
        &b"\x9a\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90".repeat(lists),
    ];
    let head = b"\x81\xacHostFunction\x82\xa5input";
    let data = [head, &input.concat()[..], b"\xa6output\xa8returned"].concat();

    let (peak, decoded) = peak_of(|| ChainEventPayload::decode("a:b/c/f", &data));

    assert!(matches!(decoded, Err(DecodeError::TooManyValues { .. })), "{decoded:?}");
    assert!(peak <= 4096, "{peak} bytes");
}
