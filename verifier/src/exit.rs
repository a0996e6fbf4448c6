//! Owns the exit codes, and which of several wins. Who maps what to a code is beside the thing itself:
//! `Report::exit_code`, `VerifyError::exit_code`, `ReplayReport::exit_code`.

use serde::{Deserialize, Serialize};

/// How a command ends. Each is its own promise, so none is used for anything else.
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

/// Everything asked for was checked and is identical and intact (or was written).
pub const IDENTICAL: u8 = 0;
/// A re-run did something that the take does not say.
pub const DIVERGED: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// The take is damaged, torn, unsealed, tampered or repaired; what is whole was checked.
pub const DAMAGED: u8 = 3;
/// It could not be checked: unreadable, not a take, unsupported, actor missing or another one, refused
/// profile, input or output failed.
pub const UNCHECKED: u8 = 4;
/// There was nothing to check: no takes, or a take without a call, or one whose calls were all given up before the host
/// had answered anything.
pub const NOTHING: u8 = 5;

/// From the one that wins over all others to the one that yields to all.
const PRECEDENCE: [ExitCode; 6] = [
    ExitCode::Usage,
    ExitCode::Damaged,
    ExitCode::Diverged,
    ExitCode::Unchecked,
    ExitCode::Nothing,
    ExitCode::Identical,
];

impl ExitCode {
    /// The number that the process ends with.
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
        known.ok_or_else(|| format!("`{code}` is no exit code of Retake"))
    }
}

/// The code that stands for several: 3 wins over 1, 1 over 4, 4 over 5, and all over 0. Of none at all,
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
