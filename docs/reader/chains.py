"""The embedded component, the chains and their events: hashes, links, the content of an event and its place."""
import hashlib
from types import SimpleNamespace

import msgpack

from reader.data import DATA, HOST_CALL, INCOMING, Reader, fits, need
from reader.messages import Messages
from reader.observations import Observations

# For each state of a chain: which events may come, and the state after each.
GRAMMAR = {"nothing": {"genesis": "between"},
           "between": {"call": "call", "note": "between", "runtime": "between", "message": "message",
                       "shutdown": "ended"},
           "message": {"call": "call", "shutdown": "ended"},
           "call": {"host call": "call", "observation": "observed", "end": "between", "runtime": "call"},
           "observed": {"end": "between", "runtime": "observed"},
           "ended": {}}


def part(kind, said):
    """The part that an event has in its chain."""
    wasm, runtime, host = said.get("Wasm", {}), said.get("TheaterRuntime"), said.get("HostFunction")
    if host:
        request = [type(one) for one in host["input"]] == [dict]
        return "observation" if request and INCOMING.fullmatch(kind) else "host call"
    if runtime:
        return "message" if "Message" in runtime else "runtime"
    return {"retake/session": "genesis", "wasm-call": "call", "shutdown": "shutdown"}.get(
        kind, "end" if "WasmResult" in wasm or "WasmError" in wasm else "note")


class Chains:
    def __init__(self):
        self.embedded, self.total = b"", 0
        self.component = None  # The SHA-256 that every genesis names.
        self.chains, self.ids, self.messages = [], set(), Messages()
        self.events = self.calls = 0

    def actor(self, offset, total, piece):
        need(0 < len(piece) <= 1 << 20 and total <= 1 << 30 and not self.chains, "a piece that is empty, too large or too late")
        need(offset == len(self.embedded) and self.total in (0, total), "a piece that does not continue the piece before it")
        self.embedded, self.total = self.embedded + piece, total

    def chain(self, number, id):
        need(number == len(self.chains) < 65536 and id not in self.ids, "a chain that is not the next one")
        need(len(self.embedded) == self.total, "an embedded component that is incomplete")
        if self.embedded and not self.chains:
            self.component = hashlib.sha256(self.embedded).digest()
        self.ids.add(id)
        self.chains.append(SimpleNamespace(number=number, id=id, events=0, head=None, inside="nothing", open=None,
                                           exchanges=Observations(), sends=0, arriving=None, responding=None, gave_up=False))

    def event(self, number, digest, parent, kind, data):
        need(number < len(self.chains), "an event of a chain that was not introduced")
        need(len(kind.encode()) <= 1024 and len(data) <= 1 << 30, "an event that is too large")
        chain = self.chains[number]
        preimage = b"retake.event.v1\0" + msgpack.packb([parent, kind, data])
        need(digest == hashlib.sha256(preimage).digest(), "a hash that does not match its content")
        need(parent == chain.head, "an event that does not continue its chain")
        said = self.payload(kind, data)
        self.stands(chain, kind, said)
        if "Session" in said:
            self.genesis(chain, said["Session"])
        runtime = said.get("TheaterRuntime")
        letter = runtime if type(runtime) is dict else {}
        self.messages.event(chain, kind, said.get("Wasm", {}), letter, said.get("HostFunction", {}))
        chain.exchanges.event(part(kind, said), kind, said)
        chain.head, chain.events = digest, chain.events + 1
        self.events, self.calls = self.events + 1, self.calls + (kind == "wasm-call")

    def stands(self, chain, kind, said):
        its_part = part(kind, said)
        need(its_part in GRAMMAR[chain.inside], f"{its_part} in the state {chain.inside}")
        chain.inside = GRAMMAR[chain.inside][its_part]
        if its_part in ("call", "end"):
            (step,) = said["Wasm"].values()
            need(its_part == "call" or step["function_name"] == chain.open, "the end of another call")
            chain.open = step["function_name"] if its_part == "call" else None
        need(its_part != "observation" or kind == chain.open, "an observation of another call")

    def payload(self, kind, data):
        reader = Reader(data)
        payload = reader.object()
        is_host_call = "/" in kind and fits(payload, HOST_CALL)
        need(is_host_call or fits(payload, DATA.get(kind, ())), "data that does not fit the type of the event")
        need(reader.tell() == len(data), "bytes after the payload")
        return payload if type(payload) is dict else {}

    def genesis(self, chain, session):
        need(session["actor_id"] == chain.id, "a genesis of a different actor")
        self.component = self.component or session["actor"]["digest"]
        need(session["actor"]["digest"] == self.component, "a genesis of a different component")

    def counted(self):
        chains = [[chain.id, chain.events, chain.head] for chain in self.chains]
        return {"events": self.events, "chains": chains}

    def end(self):
        need(len(self.embedded) == self.total, "an embedded component that is incomplete")
        need(all(chain.inside == "ended" for chain in self.chains), "a chain that does not end")
        self.messages.end(self.chains)
        need(self.calls, "no call")
