;; The sample's actor: `greet` reads the clock and greets as the hour has it, in a time zone so many hours from UTC.
;; It is its own source: `retake` takes components as text too. Yours is probably compiled from something else.
(component
  (import "wasi:clocks/wall-clock@0.2.3" (instance $clock
    (type $time (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $time)))
    (export "now" (func (result $datetime)))))
  (core module $storage (memory (export "memory") 1))
  (core instance $storage (instantiate $storage))
  (core func $now (canon lower (func $clock "now") (memory (core memory $storage "memory"))))
  (core module $main
    (import "storage" "memory" (memory 1))
    (import "clock" "now" (func $now (param i32)))
    (data (i32.const 64) "good morning")
    (data (i32.const 96) "good day")

    (func $hour (param $zone i32) (result i32)
      (call $now (i32.const 0))
      (i32.rem_u
        (i32.add
          (i32.add (local.get $zone) (i32.const 24))
          (i32.wrap_i64 (i64.rem_u (i64.div_u (i64.load (i32.const 0)) (i64.const 3600)) (i64.const 24))))
        (i32.const 24)))

    ;; The answer, as address and length.
    (func $answer (param $address i32) (param $length i32) (result i32)
      (i32.store (i32.const 16) (local.get $address))
      (i32.store (i32.const 20) (local.get $length))
      (i32.const 16))

    (func (export "greet") (param $zone i32) (result i32)
      (if (i32.lt_u (call $hour (local.get $zone)) (i32.const 12))
        (then (return (call $answer (i32.const 64) (i32.const 12)))))
      (call $answer (i32.const 96) (i32.const 8))))
  (core instance $main (instantiate $main
    (with "storage" (instance $storage))
    (with "clock" (instance (export "now" (func $now))))))
  (func (export "greet") (param "zone" s32) (result string)
    (canon lift (core func $main "greet") (memory (core memory $storage "memory")))))
