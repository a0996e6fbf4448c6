//! Owns the check whether others could replace a cache's folder: they could if they own a folder that it is
//! in, or may write to one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const ROOT: u32 = 0;
/// The bits of a mode: group or others may write; only the owner of a thing may move or remove it.
const WRITABLE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// The first of a folder and its parents that cannot be trusted, and why. Links in `folder` must be resolved.
pub(super) fn check(folder: &Path) -> io::Result<Option<(PathBuf, &'static str)>> {
    let own = rustix::process::geteuid().as_raw();
    for part in folder.ancestors() {
        let metadata = fs::metadata(part)?;
        if let Some(problem) = problem(metadata.uid(), metadata.mode(), own) {
            return Ok(Some((part.into(), problem)));
        }
    }
    Ok(None)
}

/// What is wrong with a folder of this owner and mode, for this user.
fn problem(owner: u32, mode: u32, own: u32) -> Option<&'static str> {
    if owner != ROOT && owner != own {
        return Some("belongs to another user");
    }
    (mode & WRITABLE != 0 && mode & STICKY == 0).then_some("others may write to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_trusted_if_it_is_roots_or_ours_and_nobody_else_can_move_what_is_in_it() {
        const OWN: u32 = 1000;
        let table = [
            (OWN, 0o40700, true),
            (OWN, 0o40755, true),
            (ROOT, 0o40755, true),
            (ROOT, 0o41777, true),
            (OWN, 0o41775, true),
            (1001, 0o40700, false),
            (1001, 0o41777, false),
            (OWN, 0o40775, false),
            (OWN, 0o40757, false),
            (ROOT, 0o40777, false),
        ];
        for (owner, mode, trusted) in table {
            assert_eq!(problem(owner, mode, OWN).is_none(), trusted, "{owner} {mode:o}");
        }
    }
}
