"""The check across chains: a message that one chain says was sent is the message that another says was received."""
from reader.data import fits, need

HOST, CLIENT = "theater:simple/message-server-host/", "theater:simple/message-server-client/handle-"


class Messages:
    def __init__(self):
        self.sent, self.came = {}, {}  # Messages of which one end was read, by sender and number.
        self.perhaps = {}  # Messages that may or may not have been sent.

    def event(self, chain, kind, wasm, runtime, host):
        """Takes an event. Of wasm, runtime and host, the one that is in its data is given; the others are {}."""
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
            need(is_handler and type(letter) is bytes, "a message that the next call does not take")
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
        need(self.in_flight() <= 65536, "more messages in flight than a session allows")

    def in_flight(self):
        return len(self.sent) + len(self.came) + len(self.perhaps)

    def leaves(self, chain, key, way, to, letter, output):
        returned = output.get("returned") if type(output) is dict else None
        ok = returned == "ok" or type(returned) is dict and list(returned) == ["ok"]
        if key in self.came:
            by, taken, response = self.came.pop(key)
            self.meet(to, [way, letter], by, taken)
            if way == "send":
                refused = not ok and type(returned) in (str, dict)
                need(not refused or not taken, "a message that was received but never sent")
            elif ok:
                need(taken, "a response from an actor that took no message")
                need(response == {"returned": {"ok": [[returned["ok"]]]}}, "a response that differs from the one given")
        elif ok:
            need(way == "send", "a response to a message that nobody received")
            self.sent[key] = (to, [way, letter])
        elif not (type(returned) is str or type(returned) is dict and len(returned) == 1):
            # The call did not return, so the message may or may not have been sent.
            if self.in_flight() < 32768:
                self.perhaps[key] = (to, [way, letter])
            else:
                chain.gave_up = True

    def arrives(self, key, by, taken):
        if key in self.sent or key in self.perhaps:
            self.meet(*(self.sent if key in self.sent else self.perhaps).pop(key), by, taken)
        else:
            self.came[key] = [by, taken, None]

    def meet(self, to, letter, by, taken):
        need(to in (by.id, f"#{by.number}"), "a message that was received by a chain that it was not sent to")
        need(taken in (None, letter), "a message whose content received differs from the content sent")

    def end(self, chains):
        """Each message has two ends, except messages of calls that were given up."""
        whole = {name for chain in chains if not chain.gave_up for name in (chain.id, f"#{chain.number}")}
        need(not any(to in whole for to, _ in self.sent.values()), "a message that was sent but never received")
        left = {chain.id for chain in chains if chain.gave_up}
        need(all(sender in left for sender, _ in self.came), "a message that was received or dropped but never sent")
