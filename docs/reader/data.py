"""MessagePack as in a take: a reader that accepts only the shortest form, and the shapes of records and of the data of events."""
import re

import msgpack

PACKER = msgpack.Packer()

def need(holds, what):
    if not holds:
        raise ValueError(what)

class Reader(msgpack.Unpacker):
    """Reads objects in their shortest form, one after another, and counts their values."""
    def __init__(self, data):
        super().__init__(max_buffer_size=0)
        self.feed(data)
        self.data, self.values = data, 1

    def object(self):
        start, mark, count, scalar = self.tell(), self.data[self.tell()], 0, None
        is_map, is_array = mark >> 4 == 8 or mark in (0xDE, 0xDF), mark >> 4 == 9 or mark in (0xDC, 0xDD)
        if is_map:
            form = PACKER.pack_map_header(count := self.read_map_header())
        elif is_array:
            form = PACKER.pack_array_header(count := self.read_array_header())
        else:
            form = PACKER.pack(scalar := self.unpack())
            is_handle = type(scalar) is msgpack.ExtType and scalar.code == 1 and len(scalar.data) == 4
            need(is_handle or type(scalar) in (type(None), bool, int, float, str, bytes), "an extension that is not a handle")
        # A float has one form. Packing it again may lose bits, so it is not compared.
        need(type(scalar) is float or form == self.data[start:self.tell()], "not in its shortest form")
        self.values += count
        need(self.values <= 4194304, "too many values")
        if not is_map:
            return [self.object() for _ in range(count)] if is_array else scalar
        fields = dict((self.object(), self.object()) for _ in range(count))
        need(len(fields) == count and all(type(key) is str for key in fields), "a key that is there twice, or is not text")
        return fields

def depth(value):
    children = value.values() if type(value) is dict else value
    return 1 + max(map(depth, children), default=0) if type(value) in (dict, list) else 0

def fits(value, shape):
    """A shape is a type, a test or a literal; {name: shape}, in order; [shape], a list; (shape, ..), one of these."""
    if type(shape) is tuple:
        return any(fits(value, one) for one in shape)
    if type(shape) is dict:
        return type(value) is dict and list(value) == list(shape) and all(map(fits, value.values(), shape.values()))
    if type(shape) is list:
        return type(value) is list and all(fits(one, shape[0]) for one in value)
    return shape(value) if callable(shape) and type(shape) is not type else type(value) is shape or (
        type(value) is type(shape) and value == shape)

INCOMING = re.compile(r"wasi:http/incoming-handler@0\.2\.[0-9]+/handle", re.ASCII)
U64, HASH = lambda x: type(x) is int and x >= 0, lambda x: type(x) is bytes and len(x) == 32
ID = lambda x: type(x) is str and re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", x)
VALUE = lambda x: depth(x) <= 256
# What ends a call that traps.
TRAPS = (
    "unreachable stack-exhausted out-of-fuel interrupted memory-out-of-bounds atomic-unaligned "
    "atomic-wait-unshared table-out-of-bounds indirect-call-to-null indirect-call-type integer-overflow "
    "division-by-zero float-conversion null-reference array-out-of-bounds cast-failure allocation-too-large "
    "gc-heap-exhausted uncaught-exception unhandled-tag continuation-consumed cannot-enter cannot-leave "
    "pointer-unaligned pointer-out-of-bounds string-encoding invalid-discriminant invalid-char unknown-handle "
    "handle-type borrow-as-own handle-lent borrow-kept handles-exhausted instances-exhausted memory-limit "
    "table-limit hostcall-limit async-fault engine-assertion other").split()
TRAP = lambda x: x in TRAPS
OUTCOME = ("returned", {"returned": VALUE}, {"exited": lambda x: type(x) is int and -1 << 31 <= x < 1 << 31},
           {"trapped": dict(kind=TRAP, message=str)}, {"failed": str}, "cancelled")
HOST_CALL, LETTER = {"HostFunction": {"input": [VALUE], "output": OUTCOME}}, {"from": ID, "number": U64}
STATE = (None, lambda x: type(x) is list and len(x) == 1 and VALUE(x[0]))
PROFILE = dict(engine=str, nan_canonicalization=bool, relaxed_simd_deterministic=bool, threads=bool, memory_limit=U64,
               table_limit=U64, fuel=(None, U64), hostcall_limit=U64)
PROFILE = (PROFILE, {**PROFILE, "interruptible": lambda x: x is True})
GENESIS = dict(format=lambda x: msgpack.packb(x) == b"\x92\1\0", actor_id=ID,
               actor=dict(digest=HASH, size=U64, path=str), kind=("http", "command", "invoke"), profile=PROFILE,
               arguments=[str], env_names=[str], preopens=[str], allow_net=bool, instance_mode=("per-call", "session"),
               started_at_unix_ms=U64)
SUMMARY = dict(total_events=U64, events_replayed=U64, mismatches=U64, success=bool, error=(None, str))
STEPS = {"call": {"WasmCall": dict(function_name=str, params=[VALUE])},
         "result": {"WasmResult": dict(function_name=str, state=STATE, response=OUTCOME[:3])},
         "error": ({"WasmError": dict(function_name=str, kind=lambda x: x in TRAPS + ["host-failure", "cancelled"],
                                    message=str)},
                   {"WasmComponentCreationError": dict(error=str)})}
RUNTIME = {"log": {"Log": dict(level=("error", "warn", "info", "debug", "trace"), message=str)},
           "actor-started": "ActorStarted", "shutdown-requested": "ShutdownRequested",
           "message": {"Message": LETTER}, "message-dropped": {"MessageDropped": LETTER}}
DATA = {"retake/session": {"Session": GENESIS}, "shutdown": "Shutdown", "replay-summary": {"ReplaySummary": SUMMARY},
        **{f"wasm-{kind}": {"Wasm": step} for kind, step in STEPS.items()},
        **{f"theater-runtime/{kind}": {"TheaterRuntime": said} for kind, said in RUNTIME.items()}}
RECORDS = {"actor": (U64, U64, bytes), "chain": (U64, ID), "event": (U64, HASH, (None, HASH), str, bytes)}
