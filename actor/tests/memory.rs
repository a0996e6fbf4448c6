//! A promise about memory, held by counting what is allocated. Alone in its program, since other tests would
//! count too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use retake_actor::{InstrumentError, instrument};

struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator; only sizes are noted beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn no_memory_is_taken_for_a_section_that_is_longer_than_its_file() {
    let claim = b"\xff\xff\xff\x1f";
    let of_component = [&b"\0asm\x0d\0\x01\0\x07"[..], claim, b"\x01\x42"].concat();
    let of_module = [&b"\0asm\x0d\0\x01\0\x01"[..], claim, b"\0asm\x01\0\0\0\x01", claim].concat();
    for component in [of_component, of_module] {
        LARGEST.store(0, Relaxed);

        let error = instrument(&component).unwrap_err();

        assert!(matches!(error, InstrumentError::Invalid { .. }), "{error}");
        assert!(LARGEST.load(Relaxed) < 1 << 20, "{} bytes at once", LARGEST.load(Relaxed));
    }
}
