"""The embedded component, the chains and their events: hashes, links, what an event may say and where it may stand."""
import hashlib
from types import SimpleNamespace

import msgpack

from reader.data import DATA, HOST_CALL, Reader, fits, need
from reader.messages import Messages


class Chains:
    def __init__(self):
        self.embedded, self.total = b"", 0
        self.component = None  # The SHA-256 that every genesis names.
        self.chains, self.ids, self.messages = [], set(), Messages()
        self.events = self.calls = 0

    def actor(self, offset, total, piece):
        need(0 < len(piece) <= 1 << 20 and total <= 1 << 30 and not self.chains, "a piece that is empty, large or late")
        need(offset == len(self.embedded) and self.total in (0, total), "a piece that does not continue the one before")
        self.embedded, self.total = self.embedded + piece, total

    def chain(self, number, id):
        need(number == len(self.chains) < 65536 and id not in self.ids, "a chain that is not the next")
        need(len(self.embedded) == self.total, "an embedded component that is not whole")
        if self.embedded and not self.chains:
            self.component = hashlib.sha256(self.embedded).digest()
        self.ids.add(id)
        self.chains.append(SimpleNamespace(number=number, id=id, events=0, head=None, in_call=False, ended=False,
                                           sends=0, arriving=None, responding=None, gave_up=False))

    def event(self, number, digest, parent, kind, data):
        need(number < len(self.chains), "an event of a chain that was not introduced")
        need(len(kind.encode()) <= 1024 and len(data) <= 1 << 30, "an event that is too large")
        chain = self.chains[number]
        preimage = b"retake.event.v1\0" + msgpack.packb([parent, kind, data])
        need(digest == hashlib.sha256(preimage).digest(), "a hash that is not that of its content")
        need(parent == chain.head and not chain.ended, "an event that does not continue its chain")
        said = self.payload(kind, data)
        need(("Session" in said) == (chain.events == 0), "a genesis where none may be, or none where it must")
        if "Session" in said:
            self.genesis(chain, said["Session"])
        runtime = said.get("TheaterRuntime")
        letter = runtime if type(runtime) is dict else {}
        self.messages.event(chain, kind, said.get("Wasm", {}), letter, said.get("HostFunction", {}))
        chain.in_call = kind == "wasm-call" or chain.in_call and kind not in ("wasm-result", "wasm-error")
        chain.ended, chain.head, chain.events = kind == "shutdown", digest, chain.events + 1
        self.events, self.calls = self.events + 1, self.calls + (kind == "wasm-call")

    def payload(self, kind, data):
        reader = Reader(data)
        payload = reader.object()
        is_host_call = "/" in kind and fits(payload, HOST_CALL)
        need(is_host_call or fits(payload, DATA.get(kind, ())), "data that an event of this type cannot have")
        need(reader.tell() == len(data), "bytes behind the payload")
        return payload if type(payload) is dict else {}

    def genesis(self, chain, session):
        need(session["actor_id"] == chain.id, "the genesis of another actor")
        self.component = self.component or session["actor"]["digest"]
        need(session["actor"]["digest"] == self.component, "the genesis of another component")

    def counted(self):
        chains = [[chain.id, chain.events, chain.head] for chain in self.chains]
        return {"events": self.events, "chains": chains}

    def end(self):
        need(len(self.embedded) == self.total, "an embedded component that is not whole")
        need(all(chain.ended and not chain.in_call for chain in self.chains), "a chain that does not end, or in a call")
        self.messages.end(self.chains)
        need(self.calls, "no call")
