//! Any bytes as a component: instrumented to a valid component, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    retake_fuzz::promises::component::instrument_bytes(bytes);
});
