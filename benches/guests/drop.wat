;; Benchmark guest: `run` asks the host how often, and takes a handle from it and drops it that often.
(component
  (import "retake:bench/host" (instance $host
    (export "count" (func (result u32)))
    (export "cell" (type $cell (sub resource)))
    (export "make" (func (result (own $cell))))))
  (alias export $host "cell" (type $cell))
  (core func $count (canon lower (func $host "count")))
  (core func $make (canon lower (func $host "make")))
  (core func $drop (canon resource.drop $cell))
  (core module $main
    (import "host" "count" (func $count (result i32)))
    (import "host" "make" (func $make (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (call $count))
      (block $done
        (loop $again
          (br_if $done (i32.eqz (local.get $left)))
          (call $drop (call $make))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br $again)))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "host" (instance
      (export "count" (func $count))
      (export "make" (func $make))
      (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exports (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $exports)))
