;; An actor for the example: asks the sensor at every place, and returns the highest temperature.
(component
  (import "demo:weather/sensor" (instance $sensor
    (export "temperature" (func (param "place" u32) (result s32)))))
  (core func $temperature (canon lower (func $sensor "temperature")))
  (core module $main
    (import "sensor" "temperature" (func $temperature (param i32) (result i32)))
    (func (export "warmest") (param $places i32) (result i32)
      (local $highest i32) (local $found i32)
      (local.set $highest (i32.const -2147483648))
      (block $done
        (loop $next
          (br_if $done (i32.eqz (local.get $places)))
          (local.set $places (i32.sub (local.get $places) (i32.const 1)))
          (local.set $found (call $temperature (local.get $places)))
          (if (i32.gt_s (local.get $found) (local.get $highest))
            (then (local.set $highest (local.get $found))))
          (br $next)))
      (local.get $highest)))
  (core instance $main (instantiate $main
    (with "sensor" (instance (export "temperature" (func $temperature))))))
  (func $warmest (param "places" u32) (result s32) (canon lift (core func $main "warmest")))
  (export "warmest" (func $warmest)))
