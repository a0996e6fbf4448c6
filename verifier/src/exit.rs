//! Owns the exit codes, and which of several wins. Each result has its own mapping to a code:
//! `Report::exit_code`, `VerifyError::exit_code`, `ReplayReport::exit_code`.

use serde::{Deserialize, Serialize};

/// The exit code of a command. Each has one meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ExitCode {
    /// [`IDENTICAL`].
    Identical,
    /// [`DIVERGED`].
    Diverged,
    /// [`USAGE`].
    Usage,
    /// [`DAMAGED`].
    Damaged,
    /// [`UNCHECKED`].
    Unchecked,
    /// [`NOTHING`].
    Nothing,
}

/// Everything was checked and is identical and intact, or was written.
pub const IDENTICAL: u8 = 0;
/// A re-run differs from its take.
pub const DIVERGED: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// The take is damaged, torn, unsealed, altered or repaired. The intact part was checked.
pub const DAMAGED: u8 = 3;
/// The check could not be done: the file is unreadable, not a take or of an unsupported version; the actor is
/// missing or not the recorded one; the profile was refused; input or output failed.
pub const UNCHECKED: u8 = 4;
/// There was nothing to check: no takes, a take without a call, or a take in which every call was given up
/// before the first answer of the host.
pub const NOTHING: u8 = 5;

/// The codes in order of precedence: the first wins over all others.
const PRECEDENCE: [ExitCode; 6] = [
    ExitCode::Usage,
    ExitCode::Damaged,
    ExitCode::Diverged,
    ExitCode::Unchecked,
    ExitCode::Nothing,
    ExitCode::Identical,
];

impl ExitCode {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            ExitCode::Identical => IDENTICAL,
            ExitCode::Diverged => DIVERGED,
            ExitCode::Usage => USAGE,
            ExitCode::Damaged => DAMAGED,
            ExitCode::Unchecked => UNCHECKED,
            ExitCode::Nothing => NOTHING,
        }
    }
}

impl From<ExitCode> for u8 {
    fn from(exit: ExitCode) -> Self {
        exit.code()
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        let known = PRECEDENCE.into_iter().find(|exit| exit.code() == code);
        known.ok_or_else(|| format!("`{code}` is not an exit code of Retake"))
    }
}

/// The one code for several results: 3 wins over 1, 1 over 4, 4 over 5, and 5 over 0. For no results it is
/// [`ExitCode::Nothing`].
///
/// ```
/// use retake_verifier::{ExitCode, combine};
///
/// assert_eq!(combine([ExitCode::Identical, ExitCode::Diverged]), ExitCode::Diverged);
/// assert_eq!(combine([]), ExitCode::Nothing);
/// ```
pub fn combine(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
    let rank = |code: &ExitCode| PRECEDENCE.iter().position(|other| other == code);
    codes.into_iter().min_by_key(rank).unwrap_or(ExitCode::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_codes_the_graver_one_wins_in_either_order() {
        use ExitCode::*;
        let table = [
            (Damaged, Diverged, Damaged),
            (Damaged, Unchecked, Damaged),
            (Damaged, Nothing, Damaged),
            (Damaged, Identical, Damaged),
            (Diverged, Unchecked, Diverged),
            (Diverged, Nothing, Diverged),
            (Diverged, Identical, Diverged),
            (Unchecked, Nothing, Unchecked),
            (Unchecked, Identical, Unchecked),
            (Nothing, Identical, Nothing),
        ];
        for (a, b, winner) in table {
            assert_eq!(combine([a, b]), winner);
            assert_eq!(combine([b, a]), winner);
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_manual() {
        use ExitCode::*;
        let codes = [Identical, Diverged, Usage, Damaged, Unchecked, Nothing];
        assert_eq!(codes.map(ExitCode::code), [0, 1, 2, 3, 4, 5]);
    }
}
