"""The check across chains: what one actor's chain says it sent is what another's says it received."""
from reader.data import fits, need

HOST, CLIENT = "theater:simple/message-server-host/", "theater:simple/message-server-client/handle-"


class Messages:
    def __init__(self):
        self.sent, self.came = {}, {}  # Messages of which one end was seen, by sender and number.
        self.perhaps = {}  # Those that were sent or not.

    def event(self, chain, kind, wasm, runtime, host):
        """Takes an event with what its data has of the three, and {} for the others."""
        arriving, chain.arriving = chain.arriving, None
        call, error = wasm.get("WasmCall"), wasm.get("WasmError")
        if arriving and not call:  # The actor was ended from outside before it took the message.
            chain.gave_up = True
            self.arrives(arriving, chain, None)
        if call and arriving:
            letter = call["params"][0][-1]
            sends = {"send": [[letter]], "request": [["%s/%d" % arriving, letter]]}
            way = call["function_name"].removeprefix(CLIENT)
            is_handler = call["function_name"] == CLIENT + way and call["params"] == sends.get(way)
            need(is_handler and type(letter) is bytes, "a message, and a call that does not take it")
            chain.responding = arriving
            self.arrives(arriving, chain, [way, letter])
        elif wasm and not call:
            if chain.responding in self.came:
                self.came[chain.responding][2] = wasm.get("WasmResult", {}).get("response")
            chain.responding = None
            chain.gave_up |= bool(error) and error["kind"] == "cancelled"
        elif "Message" in runtime:
            chain.arriving = tuple(runtime["Message"].values())
        elif "MessageDropped" in runtime:
            self.arrives(tuple(runtime["MessageDropped"].values()), chain, None)
        elif host and kind in (HOST + "send", HOST + "request"):
            chain.sends += 1
            if len(host["input"]) == 2 and fits(host["input"][:1], [str]) and fits(host["input"][1:], [bytes]):
                self.leaves(chain, (chain.id, chain.sends - 1), kind.removeprefix(HOST), *host["input"], host["output"])
        need(self.under_way() <= 65536, "more messages under way than a session allows")

    def under_way(self):
        return len(self.sent) + len(self.came) + len(self.perhaps)

    def leaves(self, chain, key, way, to, letter, output):
        returned = output.get("returned") if type(output) is dict else None
        ok = returned == "ok" or type(returned) is dict and list(returned) == ["ok"]
        if key in self.came:
            by, taken, response = self.came.pop(key)
            self.meet(to, [way, letter], by, taken)
            if way == "send":
                refused = not ok and type(returned) in (str, dict)
                need(not refused or not taken, "a message that was received, and never sent")
            elif ok:
                need(taken, "a response of an actor that took no message")
                need(response == {"returned": {"ok": [[returned["ok"]]]}}, "a response that was not given")
        elif ok:
            need(way == "send", "a response to a message that nobody received")
            self.sent[key] = (to, [way, letter])
        elif not (type(returned) is str or type(returned) is dict and len(returned) == 1):
            # The call did not return, so the message may have been sent or not.
            if self.under_way() < 32768:
                self.perhaps[key] = (to, [way, letter])
            else:
                chain.gave_up = True

    def arrives(self, key, by, taken):
        if key in self.sent or key in self.perhaps:
            self.meet(*(self.sent if key in self.sent else self.perhaps).pop(key), by, taken)
        else:
            self.came[key] = [by, taken, None]

    def meet(self, to, letter, by, taken):
        need(to in (by.id, f"#{by.number}"), "a message that came to another chain than it was sent to")
        need(taken in (None, letter), "a message that came with another content than it was sent with")

    def end(self, chains):
        """Each message has two ends, but for those of calls that were given up."""
        whole = {name for chain in chains if not chain.gave_up for name in (chain.id, f"#{chain.number}")}
        need(not any(to in whole for to, _ in self.sent.values()), "a message that was sent, and never received")
        left = {chain.id for chain in chains if chain.gave_up}
        need(all(sender in left for sender, _ in self.came), "a message that was received or dropped, and never sent")
