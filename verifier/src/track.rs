//! Owns which versions of an interface are compatible: those that a linker accepts for each other.

/// Whether two interface names mean the same interface on the same semver track.
///
/// For example, `1.2.3` and `1.9.0` are on one track, and so are `0.2.3` and `0.2.10`. The names must agree
/// up to the `@`. The versions must agree up to their first part that is not zero. `0.0.3` is on a track of
/// its own, and so is each pre-release. Build metadata does not count. Equal names are always on one track.
pub fn same_track(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (track(a), track(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The name without its version, and the part of the version that decides; `None` if only equal names match.
fn track(interface: &str) -> Option<(&str, u64, u64)> {
    let (name, version) = interface.split_once('@')?;
    let version = version.split_once('+').map_or(version, |(version, _build)| version);
    let mut parts = version.split('.').map(number);
    let (major, minor, _patch) = (parts.next()??, parts.next()??, parts.next()??);
    match (major, minor, parts.next()) {
        (_, _, Some(_)) | (0, 0, None) => None,
        (0, minor, None) => Some((name, 0, minor)),
        (major, _, None) => Some((name, major, 0)),
    }
}

/// A number as in semver: digits alone, no leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::same_track;

    #[test]
    fn versions_match_as_a_linker_matches_them() {
        let table = [
            ("wasi:http/types@0.2.3", "wasi:http/types@0.2.3", true),
            ("wasi:http/types@0.2.3", "wasi:http/types@0.2.10", true),
            ("wasi:http/types@0.2.3+build", "wasi:http/types@0.2.4", true),
            ("wasi:http/types@0.2.3", "wasi:http/types@0.3.0", false),
            ("wasi:http/types@0.2.3", "wasi:http/handler@0.2.3", false),
            ("a:b/c@1.0.0", "a:b/c@1.9.4", true),
            ("a:b/c@1.0.0", "a:b/c@2.0.0", false),
            ("a:b/c@1.2.0", "a:b/c@0.1.0", false),
            ("a:b/c@0.0.3", "a:b/c@0.0.3", true),
            ("a:b/c@0.0.3", "a:b/c@0.0.4", false),
            ("a:b/c@0.2.0-rc-1", "a:b/c@0.2.0", false),
            ("a:b/c@0.2.0-rc-1", "a:b/c@0.2.0-rc-1", true),
            ("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0-rc.2", false),
            ("a:b/c", "a:b/c", true),
            ("a:b/c", "a:b/c@1.0.0", false),
            ("a:b/c@01.0.0", "a:b/c@1.0.0", false),
            ("a:b/c@1.0", "a:b/c@1.1", false),
            ("a:b/c@1.0.0.0", "a:b/c@1.0.0", false),
            ("a:b/c@1..0", "a:b/c@1.0.0", false),
        ];
        for (a, b, same) in table {
            assert_eq!(same_track(a, b), same, "{a} and {b}");
            assert_eq!(same_track(b, a), same, "{b} and {a}");
        }
    }
}
