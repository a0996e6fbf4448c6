#!/usr/bin/env bash
# Makes seeds/ anew: records small takes of the fixtures, and makes files, pieces and payloads of them.
set -euo pipefail
cd "$(dirname "$0")/.."

takes=$(mktemp -d)
trap 'rm -r "$takes"' EXIT
cargo build --quiet
retake() { "${CARGO_TARGET_DIR:-target}/debug/retake" record -o "$takes/$1.take" "${@:2}" > "$takes/$1.out" || true; }
actors=fixtures/actors
for name in hello trap exit; do
  retake $name --embed $actors/$name.wat
done
retake counter $actors/counter.wasm \
  --invoke 'increment(2)' --invoke 'increment(4294967295)' --invoke 'boom()' --invoke 'fill(1500)' --invoke 'clear()'
retake couriers --actors 2 $actors/courier.wasm \
  --invoke '#0 ask("#1", "hello")' --invoke '#0 post("#1", "there")' --invoke '#1 received()'
retake agent $actors/agent.wasm --request 'GET /'
retake http-c $actors/http-c.wasm --request 'GET /a' --request 'POST /b hello'
retake http-edge $actors/http-edge.wasm \
  --request 'GET /boom' --request 'GET /refuse' --request 'GET /exit' --request 'GET /silent' --request 'GET /late'
retake command --env GREETING=hi $actors/command.wasm -- --env GREETING --time --random < $actors/hello.wat

rm -rf fuzz/seeds
cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds -- "$takes" $actors
