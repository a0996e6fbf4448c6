"""What the host noted of HTTP exchanges, computed from the calls of the actor. None stands for what the calls do not say."""
import hashlib
from typing import NamedTuple

import msgpack

from reader.data import INCOMING, fits, need

HTTP, STREAMS = "wasi:http/types@0.2.", "wasi:io/streams@0.2."
HIDDEN = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
          "transfer-encoding", "upgrade", "host", "http2-settings"}
ADDED = {"content-length", "date", "connection", "transfer-encoding"}
LENGTH = lambda x: type(x) is int and x >= 0
BODY = {"length": LENGTH, "sha256": lambda x: type(x) is bytes and len(x) == 32, "complete": bool}
HEADERS = [lambda x: fits(x, [(str, bytes)]) and list(map(type, x)) == [str, bytes]]
REQUEST = {"method": str, "path": str, "headers": HEADERS, "body": BODY}
RESPONSE = {"status": LENGTH, "headers": HEADERS, "body": BODY}


def kept(name, value):
    """The value of a header, as a host keeps it."""
    number = value.removeprefix(b"+") if name == "content-length" else b""
    return str(int(number)).encode() if number.isdigit() and int(number) < 1 << 64 else value


def grouped(headers):
    """Values by name. The order of names does not count."""
    found = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(kept(name.lower(), value))
    return found


def ok(output):
    """What a result is `ok` with (None for nothing), or an exception."""
    returned = output["returned"] if type(output) is dict and "returned" in output else None
    if returned == "ok":
        return None
    if type(returned) is dict and list(returned) == ["ok"]:
        return returned["ok"]
    raise LookupError


class Of(NamedTuple):
    """The fields of a request."""
    request: msgpack.ExtType


class Body:
    def __init__(self):
        self.length, self.hash, self.exact, self.finished, self.ended = 0, hashlib.sha256(), True, False, False

    def add(self, data):
        self.hash.update(data)
        self.length += len(data)

    def check(self, noted):
        need([noted["length"], noted["sha256"]] == [self.length, self.hash.digest()], "an observed body with different bytes")


class Exchange:
    """The resources of one instance, and the exchange that it handles."""
    def __init__(self):
        self.fields, self.responses, self.bodies, self.streams = {}, {}, {}, {}
        self.begin(None, None)

    def begin(self, request, outparam):
        self.request, self.outparam, self.method, self.path, self.entries = request, outparam, None, None, None
        self.asked, self.body, self.stream, self.read = {}, None, None, Body()
        self.answer, self.noted, self.broken = "none", None, False

    def host_call(self, kind, data):
        function = kind.rpartition("/")[2]
        is_followed = kind.startswith((HTTP, STREAMS)) and function.startswith("[")
        name = function.replace("[", "").replace("]", "_").replace(".", "_").replace("-", "_")
        handler = getattr(self, name, None) if is_followed else None
        if handler:
            try:
                handler(data["output"], *data["input"])
            except (LookupError, TypeError, AttributeError):
                pass  # The call did not succeed, or its resource is not known.

    def known(self, fields):
        held = self.fields[fields]
        if type(held) is Of:
            held = self.entries if held.request == self.request else None
        if held is None:
            raise LookupError
        return {name: list(values) for name, values in held.items()}

    def constructor_fields(self, output):
        self.fields[output["returned"]] = {}

    def static_fields_from_list(self, output, headers):
        self.fields[ok(output)] = grouped(headers)

    def method_fields_clone(self, output, fields):
        self.fields[output["returned"]] = self.known(fields)

    def method_fields_set(self, output, fields, name, values):
        ok(output)
        if type(self.fields[fields]) is dict:
            self.fields[fields].pop(name.lower(), None)
            if values:
                self.fields[fields][name.lower()] = [kept(name.lower(), value) for value in values]

    def method_fields_append(self, output, fields, name, value):
        ok(output)
        if type(self.fields[fields]) is dict:
            self.fields[fields].setdefault(name.lower(), []).append(kept(name.lower(), value))

    def method_fields_delete(self, output, fields, name):
        ok(output)
        if type(self.fields[fields]) is dict:
            self.fields[fields].pop(name.lower(), None)

    def method_fields_entries(self, output, fields):
        found = grouped(output["returned"])
        if self.fields.setdefault(fields, found) == Of(self.request) and self.entries is None:
            self.entries = found

    def method_fields_get(self, output, fields, name):
        if self.fields.get(fields) == Of(self.request):
            self.asked[name.lower()] = list(output["returned"])

    def resource_drop_fields(self, output, fields):
        del self.fields[fields]

    def method_incoming_request_method(self, output, request):
        if request == self.request:
            method = output["returned"]
            self.method = method["other"] if type(method) is dict else method.upper()

    def method_incoming_request_path_with_query(self, output, request):
        if request == self.request:
            self.path = output["returned"][0] if output["returned"] else "/"

    def method_incoming_request_headers(self, output, request):
        self.fields[output["returned"]] = Of(request)

    def method_incoming_request_consume(self, output, request):
        if request == self.request:
            self.body = ok(output)

    def method_incoming_body_stream(self, output, body):
        if body == self.body:
            self.stream = ok(output)

    def constructor_outgoing_response(self, output, fields):
        try:
            headers = self.known(fields)
        except LookupError:
            headers = None
        self.fields.pop(fields, None)
        self.responses[output["returned"]] = {"status": 200, "headers": headers, "body": None}

    def method_outgoing_response_set_status_code(self, output, response, status):
        ok(output)
        self.responses[response]["status"] = status

    def method_outgoing_response_headers(self, output, response):
        if self.responses[response]["headers"] is not None:
            self.fields[output["returned"]] = self.responses[response]["headers"]

    def method_outgoing_response_body(self, output, response):
        body = ok(output)
        self.responses[response]["body"] = self.bodies[body] = Body()

    def resource_drop_outgoing_response(self, output, response):
        del self.responses[response]

    def method_outgoing_body_write(self, output, body):
        self.streams[ok(output)] = self.bodies[body]

    def static_outgoing_body_finish(self, output, body, trailers):
        ok(output)
        self.bodies[body].finished = True

    def static_response_outparam_set(self, output, outparam, response):
        if outparam == self.outparam:
            returned = output == "returned" or type(output) is dict and "returned" in output
            self.answer = "unknown" if not returned else self.responses.pop(response["ok"], "unknown") if (
                "ok" in response) else "error"

    def method_input_stream_read(self, output, stream, _):
        if stream is None or stream != self.stream:
            return
        try:
            self.read.add(ok(output))
        except LookupError:
            if output == {"returned": {"err": "closed"}}:
                self.read.ended = True
            else:
                self.read.exact = False

    method_input_stream_blocking_read = method_input_stream_read

    def method_input_stream_skip(self, output, stream, _):
        if stream is not None and stream == self.stream:
            self.read.exact = False

    method_input_stream_blocking_skip = method_input_stream_skip

    def method_output_stream_write(self, output, stream, data):
        body = self.streams[stream]
        try:
            ok(output)
            body.add(data)
        except LookupError:
            body.exact = False

    method_output_stream_blocking_write_and_flush = method_output_stream_write

    def method_output_stream_write_zeroes(self, output, stream, count):
        if count <= 1 << 20:
            self.method_output_stream_write(output, stream, bytes(count))
        else:
            self.streams[stream].exact = False

    method_output_stream_blocking_write_zeroes_and_flush = method_output_stream_write_zeroes

    def method_output_stream_splice(self, output, target, source, _):
        if source is not None and source == self.stream:
            self.read.exact = False
        self.streams[target].exact = False

    method_output_stream_blocking_splice = method_output_stream_splice

    def resource_drop_output_stream(self, output, stream):
        del self.streams[stream]

    def observed(self, data):
        (request,), output = data["input"], data["output"]
        need(fits(request, REQUEST), "an observation without its request")
        responded = type(output) is dict and "returned" in output
        need(fits(output, ({"returned": RESPONSE}, {"failed": str}, "cancelled")), "an observation without its response")
        if self.request is None:
            return
        self.noted, headers = output, grouped(request["headers"])
        need(self.method in (None, request["method"]), "an observed request with a different method")
        need(self.path in (None, request["path"]), "an observed request with a different path")
        self.same(self.entries, headers, HIDDEN)
        for name, values in self.asked.items():
            hidden = not values and name in HIDDEN
            need(hidden or headers.get(name, []) == values, "an observed request with a different header")
        if self.read.exact and self.read.ended:
            self.read.check(request["body"])
        need(not self.read.exact or request["body"]["length"] >= self.read.length, "an observed body that is too short")
        if not responded:
            return
        need(self.answer not in ("none", "error"), "an observed response that was not given")
        if self.answer != "unknown":
            response = output["returned"]
            need(response["status"] == self.answer["status"], "an observed response with a different status")
            self.same(self.answer["headers"], grouped(response["headers"]), ADDED)
            body = self.answer["body"] or Body()
            if body.exact:
                body.check(response["body"])
            self.broken = body.finished and not response["body"]["complete"]

    def same(self, known, noted, unknown):
        if known is not None:
            need(all(noted.get(name) == values for name, values in known.items()), "observed headers that differ")
            need(set(noted) - set(known) <= unknown, "observed headers that were not there")

    def ended(self, wasm):
        gave_up = wasm.get("WasmError", {}).get("kind") == "cancelled"
        response = wasm.get("WasmResult", {}).get("response")
        returned = response == "returned" or type(response) is dict and "returned" in response
        if self.request is not None:
            need(self.noted is not None or gave_up, "an exchange without its observation")
            need(self.noted != "cancelled" or gave_up, "an observation of a call that was not given up")
            need(not self.broken or not returned, "an observed response that broke off but was finished")
        self.begin(None, None)


class Observations:
    """Takes the events of one chain."""
    def __init__(self):
        self.exchange, self.is_http, self.keeps_instance = None, False, False

    def event(self, its_part, kind, said):
        if its_part == "genesis":
            self.is_http = said["Session"]["kind"] == "http"
            self.keeps_instance = said["Session"]["instance_mode"] == "session"
        elif its_part == "call":
            (call,) = said["Wasm"].values()
            is_handler = INCOMING.fullmatch(call["function_name"])
            self.exchange = self.exchange if self.keeps_instance else None
            if is_handler or self.keeps_instance and (self.is_http or self.exchange):
                self.exchange = self.exchange or Exchange()
                handles = [type(one) is msgpack.ExtType for one in call["params"]] == [True, True]
                self.exchange.begin(*(call["params"] if is_handler and handles else (None, None)))
        elif self.exchange and its_part == "host call":
            self.exchange.host_call(kind, said["HostFunction"])
        elif self.exchange and its_part == "observation":
            self.exchange.observed(said["HostFunction"])
        elif self.exchange and its_part == "end":
            self.exchange.ended(said["Wasm"])
