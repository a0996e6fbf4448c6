//! Owns the definition of host functions of any type.

use std::future::Future;

use retake_chain::Value;
use wasmtime::component::LinkerInstance;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::{Result, StoreContextMut, bail};

use super::lift::{Lifted, LiftedArguments};
use super::lower::Lowered;

/// Parameters of more core values than this are spilled to memory (canonical ABI).
const MAX_FLAT_PARAMS: usize = 16;

/// The number of flat core values of a type.
fn flat_count(ty: &Type) -> usize {
    let widest = |types: &mut dyn Iterator<Item = Type>| types.map(|ty| flat_count(&ty)).max();
    match ty {
        Type::String | Type::List(_) => 2,
        Type::Record(record) => record.fields().map(|field| flat_count(&field.ty)).sum(),
        Type::Tuple(tuple) => tuple.types().map(|ty| flat_count(&ty)).sum(),
        Type::Variant(variant) => 1 + widest(&mut variant.cases().filter_map(|case| case.ty)).unwrap_or(0),
        Type::Option(option) => 1 + flat_count(&option.ty()),
        Type::Result(result) => 1 + widest(&mut result.ok().into_iter().chain(result.err())).unwrap_or(0),
        Type::Flags(flags) => flags.names().len().div_ceil(32),
        _ => 1,
    }
}

/// The `N`s of [`Lifted`] and [`Lowered`] for a function.
fn flat_counts(ty: &ComponentFunc) -> (usize, usize) {
    let params: usize = ty.params().map(|(_, ty)| flat_count(&ty)).sum();
    let results: usize = ty.results().map(|ty| flat_count(&ty)).sum();
    let params = if params > MAX_FLAT_PARAMS { 0 } else { params };
    (params, if results == 1 { 1 } else { 0 })
}

macro_rules! with_counts {
    ($counts:expr, $define:ident) => {
        with_counts!(@ $counts, $define, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    };
    (@ $counts:expr, $define:ident, $($n:literal)*) => {
        match $counts {
            $(($n, 1) => $define!($n, 1), ($n, 0) => $define!($n, 0),)*
            _ => bail!("a function of more than 16 flat parameters or 1 flat result"),
        }
    };
}

/// Defines a host function of any type. `body` gets the lifted arguments, or the fault that lifting found,
/// and returns the result, `None` for a function without one.
pub fn define<T: 'static>(
    linker: &mut LinkerInstance<'_, T>,
    name: &str,
    ty: &ComponentFunc,
    body: impl Fn(StoreContextMut<'_, T>, Result<LiftedArguments>) -> Result<Option<Value>>
    + Send
    + Sync
    + 'static,
) -> Result<()> {
    macro_rules! wrap {
        ($n:literal, $r:literal) => {
            linker.func_wrap(name, move |store, Lifted(arguments): Lifted<$n>| {
                Ok(Lowered::<$r>(body(store, arguments)?))
            })
        };
    }
    with_counts!(flat_counts(ty), wrap)
}

/// The answer of a host function that may wait: no result.
pub type Done = Lowered<0>;

/// As [`define`], for a function without a result whose body may wait.
pub fn define_async<T: Send + 'static, F>(
    linker: &mut LinkerInstance<'_, T>,
    name: &str,
    ty: &ComponentFunc,
    body: F,
) -> Result<()>
where
    F: for<'a> Fn(
            StoreContextMut<'a, T>,
            Result<LiftedArguments>,
        ) -> Box<dyn Future<Output = Result<Done>> + Send + 'a>
        + Send
        + Sync
        + 'static,
{
    macro_rules! wrap {
        ($n:literal, 0) => {
            linker.func_wrap_async(name, move |store, Lifted(arguments): Lifted<$n>| body(store, arguments))
        };
        ($n:literal, 1) => {
            bail!("`{name}` has a result")
        };
    }
    with_counts!(flat_counts(ty), wrap)
}
