;; Benchmark guest: `run` asks the host how often, and takes 64 KiB from it that often, each time into the same place.
(component
  (import "retake:bench/host" (instance $host
    (export "count" (func (result u32)))
    (export "read" (func (param "len" u64) (result (list u8))))))
  (core module $memory
    (memory (export "memory") 2)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $memory (instantiate $memory))
  (core func $count (canon lower (func $host "count")))
  (core func $read (canon lower (func $host "read")
    (memory (core memory $memory "memory")) (realloc (core func $memory "cabi_realloc"))))
  (core module $main
    (import "host" "count" (func $count (result i32)))
    (import "host" "call" (func $call (param i64 i32)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (call $count))
      (block $done
        (loop $again
          (br_if $done (i32.eqz (local.get $left)))
          (call $call (i64.const 65536) (i32.const 0))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br $again)))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "host" (instance
      (export "count" (func $count))
      (export "call" (func $read))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $exports)))
