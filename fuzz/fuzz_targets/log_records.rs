//! Pieces of a take, packed so that frames, hashes, index and seal are right: the same promises, past the
//! checksums.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    retake_fuzz::promises::pieces::read_records(bytes);
});
