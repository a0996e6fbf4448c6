//! Tests of the crate, one file per part.

mod compare;
mod integrity;
mod observation;
mod repair;
mod samples;
mod takes;
mod verdict;
