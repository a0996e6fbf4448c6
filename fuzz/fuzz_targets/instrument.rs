//! Any bytes as a component: instrumented to a valid component, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(init: retake_fuzz::pardon::pardon_wit_parser(), |bytes: &[u8]| {
    retake_fuzz::promises::component::instrument_bytes(bytes);
});
