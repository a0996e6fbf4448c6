//! Owns the suggestions for a mistyped name.

/// How alike two names must be, from 0 to 1, so that one may be meant by the other.
const ALIKE: f64 = 0.6;

/// How many are named.
const SHOWN: usize = 3;

/// Those of the candidates that are most like the name, as the end of an error: `; did you mean ...?`, or
/// nothing.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let last = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
    let likeness = |candidate: &str| {
        let whole = strsim::normalized_damerau_levenshtein(name, candidate);
        // The same file in another folder.
        whole.max(strsim::normalized_damerau_levenshtein(&last(name), &last(candidate)) - 0.01)
    };
    let mut near: Vec<(f64, &str)> = candidates.into_iter().map(|other| (likeness(other), other)).collect();
    near.retain(|(likeness, candidate)| *likeness >= ALIKE || !name.is_empty() && candidate.contains(name));
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    near.dedup();
    let names: Vec<String> = near.iter().take(SHOWN).map(|(_, name)| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_offered_and_others_are_not() {
        assert_eq!(hint("askk.take", ["ask.take", "refusal.take"]), "; did you mean `ask.take`?");
        assert_eq!(hint("old/ask.take", ["new/ask.take"]), "; did you mean `new/ask.take`?");
        assert_eq!(hint("smok", ["slow", "smoke", "smoke"]), "; did you mean `smoke`?");
        assert_eq!(hint("x", ["smoke", "slow"]), "");
    }
}
