//! Owns the making of components whose imports declare all that interfaces can: of generated WIT.

use arbitrary::{Arbitrary, Unstructured};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};
use wit_smith::Config;

/// Interfaces of one generated package that get a component each.
const MAX_INTERFACES: usize = 8;

/// Components with functions that do nothing: one for every world of a generated WIT package, and, as those
/// worlds import little, one for every interface.
pub fn components(bytes: &[u8]) -> arbitrary::Result<Vec<Vec<u8>>> {
    let mut bytes = Unstructured::new(bytes);
    let package = wit_smith::smith(&config(&mut bytes)?, &mut bytes)?;
    let Ok(DecodedWasm::WitPackage(mut resolve, _)) = wit_component::decode(&package) else {
        return Err(arbitrary::Error::IncorrectFormat);
    };
    let interfaces = resolve.interfaces.iter().filter(|(_, interface)| !interface.functions.is_empty());
    let interfaces = interfaces.filter_map(|(id, _)| resolve.id_of(id)).take(MAX_INTERFACES);
    let worlds: String =
        interfaces.zip(0..).map(|(name, number)| format!("world w{number} {{ import {name}; }} ")).collect();
    resolve
        .push_str("importers.wit", &format!("package retake:importers; {worlds}"))
        .map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let importing = resolve.worlds.iter().filter(|(_, world)| !world.imports.is_empty());
    Ok(importing.filter_map(|(world, _)| component(&resolve, world)).collect())
}

/// Mostly without what is refused: one function of that kind refuses a component.
fn config(bytes: &mut Unstructured) -> arbitrary::Result<Config> {
    let config = Config { max_packages: 3, max_files_per_package: 2, ..Config::arbitrary(bytes)? };
    Ok(if bytes.ratio(1, 8)? {
        config
    } else {
        Config {
            async_: false,
            futures: false,
            streams: false,
            error_context: false,
            fixed_length_lists: false,
            ..config
        }
    })
}

fn component(resolve: &Resolve, world: WorldId) -> Option<Vec<u8>> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).ok()?;
    ComponentEncoder::default().module(&module).ok()?.encode().ok()
}
