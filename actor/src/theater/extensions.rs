//! Owns [`Extensions`]: values that a host keeps with an actor, one of each type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Values by their type. Clones share them.
#[derive(Clone, Default)]
pub struct Extensions(Arc<RwLock<Values>>);

impl Extensions {
    /// Keeps a value, in place of the one of its type.
    pub fn set<T: Send + Sync + 'static>(&self, value: T) {
        self.write(|values| drop(values.insert(TypeId::of::<T>(), Box::new(value))));
    }

    /// A clone of the value of that type.
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        values.get(&TypeId::of::<T>())?.downcast_ref::<T>().cloned()
    }

    /// Whether there is a value of that type.
    pub fn has<T: 'static>(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(&TypeId::of::<T>())
    }

    /// Takes the value of that type out.
    pub fn remove<T: 'static>(&self) -> Option<T> {
        let value = self.write(|values| values.remove(&TypeId::of::<T>()))?;
        value.downcast::<T>().ok().map(|value| *value)
    }

    /// A panic during a change leaves a whole map, so a poisoned lock can still be used.
    fn write<R>(&self, change: impl FnOnce(&mut Values) -> R) -> R {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Extensions({} values)", values.len())
    }
}
