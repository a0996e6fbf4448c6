;; Benchmark guest: `run` asks the host how often, and reads the monotonic clock that often.
(component
  (import "retake:bench/host" (instance $host
    (export "count" (func (result u32)))))
  (import "wasi:clocks/monotonic-clock@0.2.3" (instance $clock
    (export "now" (func (result u64)))))
  (core func $count (canon lower (func $host "count")))
  (core func $now (canon lower (func $clock "now")))
  (core module $main
    (import "host" "count" (func $count (result i32)))
    (import "host" "call" (func $call (result i64)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (call $count))
      (block $done
        (loop $again
          (br_if $done (i32.eqz (local.get $left)))
          (drop (call $call))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br $again)))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "host" (instance
      (export "count" (func $count))
      (export "call" (func $now))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $exports)))
