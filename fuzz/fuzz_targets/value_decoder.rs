//! An event's type and data: what decodes is canonical, shown and counted.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    retake_fuzz::promises::payload::decode(bytes);
});
