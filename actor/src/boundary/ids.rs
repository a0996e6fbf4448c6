//! Owns the numbering of handles: small numbers counted per resource type in order of appearance, so that two
//! recordings of the same behaviour carry the same numbers.

use std::collections::HashMap;

use wasmtime::component::ResourceType;

/// Numbers for the handles that one instance has been given.
///
/// A handle is known by its resource type and the host's representation of it (`rep`). The host may use a rep again
/// once a handle is dropped, so an owned handle that appears always gets a fresh number. Memory is bounded by the
/// largest number of handles alive at once.
#[derive(Debug, Default)]
pub struct HandleIds {
    // A component uses a handful of resource types, and `ResourceType` can be compared but not hashed.
    types: Vec<(ResourceType, Numbers)>,
}

#[derive(Debug, Default)]
struct Numbers {
    last: u32,
    by_rep: HashMap<u32, u32>,
}

impl HandleIds {
    /// Numbers an owned handle that the guest is given; the first of each type is 1.
    pub fn introduce(&mut self, ty: ResourceType, rep: u32) -> u32 {
        let position = match self.types.iter().position(|(known, _)| *known == ty) {
            Some(position) => position,
            None => {
                self.types.push((ty, Numbers::default()));
                self.types.len() - 1
            }
        };
        let numbers = &mut self.types[position].1;
        numbers.last += 1;
        numbers.by_rep.insert(rep, numbers.last);
        numbers.last
    }

    /// The number of an owned handle that the guest drops.
    pub fn forget(&mut self, ty: ResourceType, rep: u32) -> Option<u32> {
        let (_, numbers) = self.types.iter_mut().find(|(known, _)| *known == ty)?;
        numbers.by_rep.remove(&rep)
    }

    /// The number of a handle that the guest was given before, or `None` if it never was.
    pub fn get(&self, ty: ResourceType, rep: u32) -> Option<u32> {
        let (_, numbers) = self.types.iter().find(|(known, _)| *known == ty)?;
        numbers.by_rep.get(&rep).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_counted_per_type_and_a_reused_rep_gets_a_fresh_number() {
        let (a, b) = (ResourceType::host_dynamic(0), ResourceType::host_dynamic(1));
        let mut ids = HandleIds::default();
        assert_eq!(ids.introduce(a, 7), 1);
        assert_eq!(ids.introduce(b, 7), 1);
        assert_eq!(ids.introduce(a, 9), 2);
        assert_eq!(ids.introduce(a, 7), 3);
        assert_eq!(ids.introduce(a, 7), 4);
        assert_eq!((ids.get(a, 7), ids.get(b, 7)), (Some(4), Some(1)));
        assert_eq!(ids.get(b, 9), None);
        assert_eq!((ids.forget(a, 7), ids.get(a, 7), ids.forget(a, 7)), (Some(4), None, None));
    }
}
