//! An HTTP actor, as text, that answers every request in one way and does little else.

/// An HTTP actor that answers every request with this status and no body, perhaps with a content length of 5.
pub fn answering(status: u16, with_length: bool) -> String {
    answering_and(status, with_length, "")
}

/// The same with more to do: what is before `SET` before the response (`$response`) is set, and the rest
/// after that.
pub fn answering_and(status: u16, with_length: bool, more: &str) -> String {
    let (before, after) = more.split_once("SET").unwrap_or_default();
    let headers = if with_length { "1" } else { "0" };
    let actor = ANSWERING.replace("STATUS", &status.to_string()).replace("HEADERS", headers);
    actor.replace("BEFORE", before).replace("AFTER", after)
}

/// Takes the response's body, and when that is set writes this many bytes to it.
pub fn writing(bytes: u32) -> String {
    format!(
        "(call $body (local.get $response) (i32.const 80)) SET
        (call $stream (i32.load (i32.const 84)) (i32.const 96))
        (call $write (i32.load (i32.const 100)) (i32.const 0) (i32.const {bytes}) (i32.const 112))"
    )
}

/// Ends the body.
pub const FINISH: &str = "(call $drop-stream (i32.load (i32.const 100)))
    (call $finish (i32.load (i32.const 84)) (i32.const 0) (i32.const 0) (i32.const 128))";

const ANSWERING: &str = r#"(component
  (import "wasi:io/error@0.2.3" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $io-error))
  (import "wasi:io/streams@0.2.3" (instance $streams
    (alias outer 1 $io-error (type $outer-error))
    (export "output-stream" (type $stream (sub resource)))
    (export "error" (type $error (eq $outer-error)))
    (type $failures (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failures)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:http/types@0.2.3" (instance $http
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $stream (eq $outer-stream)))
    (export "outgoing-body" (type $body (sub resource)))
    (export "fields" (type $fields (sub resource)))
    (export "incoming-request" (type (sub resource)))
    (export "outgoing-response" (type $response (sub resource)))
    (export "response-outparam" (type $out (sub resource)))
    (type $dns-fields (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns-fields)))
    (type $tls-fields (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $tls (eq $tls-fields)))
    (type $size-fields (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size (eq $size-fields)))
    (type $codes (variant
      (case "DNS-timeout")
      (case "DNS-error" $dns)
      (case "destination-not-found")
      (case "destination-unavailable")
      (case "destination-IP-prohibited")
      (case "destination-IP-unroutable")
      (case "connection-refused")
      (case "connection-terminated")
      (case "connection-timeout")
      (case "connection-read-timeout")
      (case "connection-write-timeout")
      (case "connection-limit-reached")
      (case "TLS-protocol-error")
      (case "TLS-certificate-error")
      (case "TLS-alert-received" $tls)
      (case "HTTP-request-denied")
      (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid")
      (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32))
      (case "HTTP-request-header-size" (option $size))
      (case "HTTP-request-trailer-section-size" (option u32))
      (case "HTTP-request-trailer-size" $size)
      (case "HTTP-response-incomplete")
      (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $size)
      (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32))
      (case "HTTP-response-trailer-size" $size)
      (case "HTTP-response-transfer-coding" (option string))
      (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout")
      (case "HTTP-upgrade-failed")
      (case "HTTP-protocol-error")
      (case "loop-detected")
      (case "configuration-error")
      (case "internal-error" (option string))))
    (export "error-code" (type $code (eq $codes)))
    (type $wrong (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $wrong)))
    (export "[static]fields.from-list" (func
      (param "entries" (list (tuple string (list u8)))) (result (result (own $fields) (error $header-error)))))
    (export "[constructor]outgoing-response" (func (param "headers" (own $fields)) (result (own $response))))
    (export "[method]outgoing-response.set-status-code" (func
      (param "self" (borrow $response)) (param "status-code" u16) (result (result))))
    (export "[method]outgoing-response.body" (func (param "self" (borrow $response)) (result (result (own $body)))))
    (export "[method]outgoing-body.write" (func (param "self" (borrow $body)) (result (result (own $stream)))))
    (export "[static]outgoing-body.finish" (func
      (param "this" (own $body)) (param "trailers" (option (own $fields))) (result (result (error $code)))))
    (export "[static]response-outparam.set" (func
      (param "param" (own $out)) (param "response" (result (own $response) (error $code)))))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (data (i32.const 0) "content-length")
    (data (i32.const 16) "5")
    (data (i32.const 32) "\00\00\00\00\0e\00\00\00\10\00\00\00\01\00\00\00"))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $from-list (canon lower (func $http "[static]fields.from-list") (memory $mem) (realloc $realloc)))
  (core func $new (canon lower (func $http "[constructor]outgoing-response")))
  (core func $status (canon lower (func $http "[method]outgoing-response.set-status-code")))
  (core func $set (canon lower (func $http "[static]response-outparam.set") (memory $mem) (realloc $realloc)))
  (core func $body (canon lower (func $http "[method]outgoing-response.body") (memory $mem)))
  (core func $stream (canon lower (func $http "[method]outgoing-body.write") (memory $mem)))
  (core func $finish (canon lower (func $http "[static]outgoing-body.finish") (memory $mem) (realloc $realloc)))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $drop-stream (canon resource.drop $output-stream))
  (core module $main
    (import "http" "memory" (memory 1))
    (import "http" "from-list" (func $from-list (param i32 i32 i32)))
    (import "http" "new" (func $new (param i32) (result i32)))
    (import "http" "status" (func $status (param i32 i32) (result i32)))
    (import "http" "set" (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "http" "body" (func $body (param i32 i32)))
    (import "http" "stream" (func $stream (param i32 i32)))
    (import "http" "write" (func $write (param i32 i32 i32 i32)))
    (import "http" "finish" (func $finish (param i32 i32 i32 i32)))
    (import "http" "drop-stream" (func $drop-stream (param i32)))
    (func (export "handle") (param $request i32) (param $out i32) (local $response i32)
      (call $from-list (i32.const 32) (i32.const HEADERS) (i32.const 64))
      (local.set $response (call $new (i32.load (i32.const 68))))
      (drop (call $status (local.get $response) (i32.const STATUS)))
      BEFORE
      (call $set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      AFTER))
  (core instance $main (instantiate $main (with "http" (instance
    (export "memory" (memory $mem)) (export "from-list" (func $from-list)) (export "new" (func $new))
    (export "status" (func $status)) (export "set" (func $set)) (export "body" (func $body))
    (export "stream" (func $stream)) (export "write" (func $write)) (export "finish" (func $finish))
    (export "drop-stream" (func $drop-stream))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $main "handle")))
  (component $exports
    (import "incoming-request" (type $request (sub resource)))
    (import "response-outparam" (type $outparam (sub resource)))
    (import "handle" (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))))
    (export $request-out "incoming-request" (type $request))
    (export $outparam-out "response-outparam" (type $outparam))
    (export "handle" (func $handle)
      (func (param "request" (own $request-out)) (param "response-out" (own $outparam-out)))))
  (instance $exports (instantiate $exports
    (with "incoming-request" (type $request)) (with "response-outparam" (type $outparam))
    (with "handle" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.3" (instance $exports)))"#;
