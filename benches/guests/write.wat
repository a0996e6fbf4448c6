;; Benchmark guest: `run` asks the host how often, and hands it the same 64 KiB that often: letters and digits from a
;; generator, so that they compress as text does not much better.
(component
  (import "retake:bench/host" (instance $host
    (export "count" (func (result u32)))
    (export "write" (func (param "bytes" (list u8)) (result (result))))))
  (core module $memory
    (memory (export "memory") 2)
    (func $fill
      (local $at i32) (local $state i32)
      (local.set $state (i32.const 2463534242))
      (loop $again
        (local.set $state
          (i32.add (i32.mul (local.get $state) (i32.const 1664525)) (i32.const 1013904223)))
        (i32.store8 (local.get $at)
          (i32.add (i32.shr_u (local.get $state) (i32.const 26)) (i32.const 48)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $at) (i32.const 65536)))))
    (start $fill))
  (core instance $memory (instantiate $memory))
  (core func $count (canon lower (func $host "count")))
  (core func $write (canon lower (func $host "write") (memory (core memory $memory "memory"))))
  (core module $main
    (import "host" "count" (func $count (result i32)))
    (import "host" "call" (func $call (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (call $count))
      (block $done
        (loop $again
          (br_if $done (i32.eqz (local.get $left)))
          (drop (call $call (i32.const 0) (i32.const 65536)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br $again)))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "host" (instance
      (export "count" (func $count))
      (export "call" (func $write))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $exports)))
