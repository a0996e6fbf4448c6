//! Owns the making of components whose imports declare all that interfaces can: of generated WIT.

use arbitrary::{Arbitrary, Unstructured};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

/// A component for every world of a generated WIT package, with functions that do nothing.
pub fn components(bytes: &[u8]) -> arbitrary::Result<Vec<Vec<u8>>> {
    let mut bytes = Unstructured::new(bytes);
    let config = wit_smith::Config {
        max_packages: 3,
        max_files_per_package: 2,
        ..wit_smith::Config::arbitrary(&mut bytes)?
    };
    let package = wit_smith::smith(&config, &mut bytes)?;
    let Ok(DecodedWasm::WitPackage(resolve, _)) = wit_component::decode(&package) else {
        return Err(arbitrary::Error::IncorrectFormat);
    };
    Ok(resolve.worlds.iter().filter_map(|(world, _)| component(&resolve, world)).collect())
}

fn component(resolve: &Resolve, world: WorldId) -> Option<Vec<u8>> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).ok()?;
    ComponentEncoder::default().module(&module).ok()?.encode().ok()
}
