//! Owns [`HandleIds`]: small numbers for handles, counted per resource type in order of appearance, so that
//! two recordings of the same behaviour have the same numbers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use wasmtime::component::ResourceType;

/// Numbers for the handles that one instance has been given.
///
/// A handle is known by its resource type and the host's representation of it (`rep`). The host may use a rep
/// again once the guest has dropped a handle or given it back, and then the owned handle that appears gets a
/// fresh number. Handles that a guest has at once with one rep have one number, as the host cannot tell them
/// apart either. Memory is bounded by the largest number of handles alive at once.
#[derive(Debug, Default)]
pub struct HandleIds {
    // A component uses a handful of resource types, and `ResourceType` can be compared but not hashed.
    types: Vec<(ResourceType, HandleNumbers)>,
}

#[derive(Debug, Default)]
struct HandleNumbers {
    last: u32,
    by_rep: HashMap<u32, Alive>,
}

/// The handles with one rep that the guest has.
#[derive(Debug)]
struct Alive {
    number: u32,
    handles: u32,
}

impl HandleIds {
    /// HandleNumbers an owned handle that the guest is given; the first of each type is 1.
    pub fn introduce(&mut self, ty: ResourceType, rep: u32) -> u32 {
        let position = match self.types.iter().position(|(known, _)| *known == ty) {
            Some(position) => position,
            None => {
                self.types.push((ty, HandleNumbers::default()));
                self.types.len() - 1
            }
        };
        let numbers = &mut self.types[position].1;
        let alive = numbers.by_rep.entry(rep).or_insert_with(|| {
            numbers.last += 1;
            Alive { number: numbers.last, handles: 0 }
        });
        alive.handles += 1;
        alive.number
    }

    /// The number of an owned handle that the guest drops or gives away.
    pub fn forget(&mut self, ty: ResourceType, rep: u32) -> Option<u32> {
        let (_, numbers) = self.types.iter_mut().find(|(known, _)| *known == ty)?;
        let Entry::Occupied(mut alive) = numbers.by_rep.entry(rep) else { return None };
        let number = alive.get().number;
        alive.get_mut().handles -= 1;
        if alive.get().handles == 0 {
            alive.remove();
        }
        Some(number)
    }

    /// The number of a handle that the guest was given before, or `None` if it never was.
    pub fn get(&self, ty: ResourceType, rep: u32) -> Option<u32> {
        let (_, numbers) = self.types.iter().find(|(known, _)| *known == ty)?;
        numbers.by_rep.get(&rep).map(|alive| alive.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_counted_per_type_and_a_rep_that_is_free_again_gets_a_fresh_number() {
        let (a, b) = (ResourceType::host_dynamic(0), ResourceType::host_dynamic(1));
        let mut ids = HandleIds::default();
        assert_eq!(ids.introduce(a, 7), 1);
        assert_eq!(ids.introduce(b, 7), 1);
        assert_eq!(ids.introduce(a, 9), 2);
        assert_eq!((ids.get(a, 7), ids.get(b, 7)), (Some(1), Some(1)));
        assert_eq!(ids.get(b, 9), None);
        assert_eq!((ids.forget(a, 7), ids.get(a, 7), ids.forget(a, 7)), (Some(1), None, None));
        assert_eq!(ids.introduce(a, 7), 3);
    }

    #[test]
    fn handles_with_one_rep_have_one_number_until_the_last_is_gone() {
        let ty = ResourceType::host_dynamic(0);
        let mut ids = HandleIds::default();
        assert_eq!((ids.introduce(ty, 7), ids.introduce(ty, 7)), (1, 1));
        assert_eq!((ids.forget(ty, 7), ids.get(ty, 7)), (Some(1), Some(1)));
        assert_eq!((ids.forget(ty, 7), ids.get(ty, 7)), (Some(1), None));
        assert_eq!(ids.introduce(ty, 7), 2);
    }
}
