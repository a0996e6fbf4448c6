//! Owns [`Extensions`]: values that a host keeps with an actor, one of each type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Makes a value of a type that nobody has asked for yet.
type Maker<T> = Box<dyn Fn() -> T + Send + Sync>;

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Values by their type. Clones share them.
#[derive(Clone, Default)]
pub struct Extensions(Arc<RwLock<Values>>);

impl Extensions {
    /// Keeps a value, in place of the one of its type.
    pub fn set<T: Send + Sync + 'static>(&self, value: T) {
        self.write(|values| drop(values.insert(TypeId::of::<T>(), Box::new(value))));
    }

    /// Keeps a value that is made each time somebody asks for it, in place of the one of its type.
    pub fn set_made<T: 'static>(&self, make: impl Fn() -> T + Send + Sync + 'static) {
        let maker: Maker<T> = Box::new(make);
        self.write(|values| drop(values.insert(TypeId::of::<T>(), Box::new(maker))));
    }

    /// A clone of the value of that type.
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let value = values.get(&TypeId::of::<T>())?;
        value.downcast_ref::<T>().cloned().or_else(|| made(&**value))
    }

    /// Whether there is a value of that type.
    pub fn has<T: 'static>(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(&TypeId::of::<T>())
    }

    /// Takes the value of that type out.
    pub fn remove<T: 'static>(&self) -> Option<T> {
        let value = self.write(|values| values.remove(&TypeId::of::<T>()))?;
        value.downcast::<T>().map_or_else(|value| made(&*value), |value| Some(*value))
    }

    /// A panic during a change leaves a whole map, so a poisoned lock can still be used.
    fn write<R>(&self, change: impl FnOnce(&mut Values) -> R) -> R {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The value that a [`Maker`] makes.
fn made<T: 'static>(value: &(dyn Any + Send + Sync)) -> Option<T> {
    value.downcast_ref::<Maker<T>>().map(|make| make())
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Extensions({} values)", values.len())
    }
}
