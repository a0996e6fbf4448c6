#!/usr/bin/env python3
"""Checks takes by docs/format.md alone: `verify.py TAKE...`. It needs the modules msgpack and zstandard. It prints a line for
each take, with the byte and the event of a fault. It ends with 0 only if every take is intact, complete and has a call."""
import sys

import msgpack

sys.dont_write_bytecode = True
from reader.chains import Chains
from reader.data import RECORDS, Reader, fits, need
from reader.frames import crc32c, is_seal, read_frame, seal_frame


class Take:
    def __init__(self, data):
        self.data, self.at, self.chains = data, 0, Chains()
        self.frames, self.index = [], None  # Frames since the last index, including that index.

    def check(self):
        while not is_seal(self.data, self.at):
            frame, content = read_frame(self.data, self.at)
            entry = [self.at, len(frame), crc32c(frame), self.chains.events]
            self.frame(content, entry)
            self.frames.append(entry)
            self.at += len(frame)
        need(self.index and len(self.frames) == 1, "a seal that does not follow an index directly")
        # All content of a seal follows from what is before it, so only one seal is right.
        index = dict(zip(("offset", "length", "crc32c"), self.index))
        seal = seal_frame({"kind": "complete", **self.chains.counted(), "index": index})
        need(self.data[self.at:] == seal, "a seal that is not that of a complete take with these chains, or bytes after it")
        self.chains.end()

    def frame(self, content, entry):
        events = self.chains.events
        if not self.frames:
            need(content == msgpack.packb(["retake", {"version": [1, 0]}]), "not a header of version 1.0")
        elif content.startswith(b"\x92\xa5index"):
            index = {"frames": self.frames, "events": events, "previous": self.index and self.index[0]}
            need(content == msgpack.packb(["index", index]), "an index that does not match the frames before it")
            self.frames, self.index = [], entry
        else:
            need(content and len(self.frames) < 256, "an empty frame, or more frames than an index may name")
            reader = Reader(content)
            while (start := reader.tell()) < len(content):
                need(start < 1 << 20, "a record that starts after the first 1 MiB of its frame")
                tag, *fields = reader.object()
                shapes = RECORDS.get(tag, ())
                need(len(fields) == len(shapes) > 0 and all(map(fits, fields, shapes)), "not a record of the format")
                need(tag != "actor" or reader.tell() - start == len(content), "a piece that is not alone in its frame")
                getattr(self.chains, tag)(*fields)


def main(paths):
    good = bool(paths)
    for path in paths:
        with open(path, "rb") as file:
            take = Take(file.read())
        try:
            take.check()
            print(f"{path}: intact and complete ({take.chains.calls} calls, {take.chains.events} events)")
        except Exception as error:  # After any error, the take is not known to be good.
            good = False
            print(f"{path}: at byte {take.at}, event {take.chains.events}: {str(error) or repr(error)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
