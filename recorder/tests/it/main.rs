//! The recorder's tests, as one binary that is linked once.

mod durability;
mod faulty_storage;
mod support;
mod uncallable;
