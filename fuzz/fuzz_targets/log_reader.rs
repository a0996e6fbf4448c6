//! Any bytes as a file: reader and verifier end with an answer, and the same one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    retake_fuzz::promises::take::read_log(bytes);
});
