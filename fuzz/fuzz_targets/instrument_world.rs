//! Components with generated imports: instrumented to valid components, or refused for what they import.
#![no_main]

libfuzzer_sys::fuzz_target!(init: retake_fuzz::pardon::pardon_wit_parser(), |bytes: &[u8]| {
    for component in retake_fuzz::world::components(bytes).unwrap_or_default() {
        retake_fuzz::promises::component::instrument_bytes(&component);
    }
});
