//! Owns the selection of takes, by name and by label.

use super::error::SuiteError;
use super::filter::Filter;
use super::near;
use super::take::SuiteTake;
use crate::words::count;

/// The takes that match one of the filters, if there are any, and have one of the labels, if there are any.
/// Each of the filters and labels has to select something.
///
/// # Errors
/// [`SuiteError::NothingSelected`].
pub fn select(
    takes: Vec<SuiteTake>,
    filters: &[Filter],
    labels: &[String],
) -> Result<Vec<SuiteTake>, SuiteError> {
    let is_wanted = |take: &SuiteTake| {
        (filters.is_empty() || filters.iter().any(|filter| filter.matches(&take.name)))
            && (labels.is_empty() || labels.iter().any(|label| take.settings.labels.contains(label)))
    };
    let all = takes.len() as u64;
    let nothing = |filter, near| SuiteError::NothingSelected { filter, takes: count(all, "take"), near };
    for filter in filters {
        if !takes.iter().any(|take| filter.matches(&take.name)) {
            let near = near::hint(&filter.text, takes.iter().map(|take| take.name.as_str()));
            return Err(nothing(format!("`--filter {}`", filter.text), near));
        }
    }
    for label in labels {
        if !takes.iter().any(|take| take.settings.labels.contains(label)) {
            let all = takes.iter().flat_map(|take| take.settings.labels.iter().map(String::as_str));
            return Err(nothing(format!("`--label {label}`"), near::hint(label, all)));
        }
    }
    let selected: Vec<SuiteTake> = takes.into_iter().filter(is_wanted).collect();
    if selected.is_empty() {
        let filters = filters.iter().map(|filter| format!("`--filter {}`", filter.text));
        let labels = labels.iter().map(|label| format!("`--label {label}`"));
        let filter = filters.chain(labels).collect::<Vec<_>>().join(" and ");
        return Err(nothing(filter, String::new()));
    }
    Ok(selected)
}
