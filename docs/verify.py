#!/usr/bin/env python3
"""Checks takes by docs/format.md alone: `verify.py TAKE...`, with the modules msgpack and zstandard. Prints a line for
each, with the byte and the event of what is wrong. Ends with 0 only if all are intact, complete and hold a call."""
import sys

import msgpack

sys.dont_write_bytecode = True
from reader.chains import Chains
from reader.data import RECORDS, Reader, fits, need
from reader.frames import crc32c, is_seal, read_frame, seal_frame


class Take:
    def __init__(self, data):
        self.data, self.at, self.chains = data, 0, Chains()
        self.frames, self.index = [], None  # Frames since the last index, that one included.

    def check(self):
        while not is_seal(self.data, self.at):
            frame, content = read_frame(self.data, self.at)
            entry = [self.at, len(frame), crc32c(frame), self.chains.events]
            self.frame(content, entry)
            self.frames.append(entry)
            self.at += len(frame)
        need(self.index and len(self.frames) == 1, "a seal that does not come right behind an index")
        # A seal says nothing that is not said before it, so there is but one that fits.
        index = dict(zip(("offset", "length", "crc32c"), self.index))
        seal = seal_frame({"kind": "complete", **self.chains.counted(), "index": index})
        need(self.data[self.at:] == seal, "another seal than a complete take with these chains has, or bytes behind it")
        self.chains.end()

    def frame(self, content, entry):
        events = self.chains.events
        if not self.frames:
            need(content == msgpack.packb(["retake", {"version": [1, 0]}]), "no header of version 1.0")
        elif content.startswith(b"\x92\xa5index"):
            index = {"frames": self.frames, "events": events, "previous": self.index and self.index[0]}
            need(content == msgpack.packb(["index", index]), "an index that does not name the frames before it")
            self.frames, self.index = [], entry
        else:
            need(content and len(self.frames) < 256, "an empty frame, or one more than an index may name")
            reader = Reader(content)
            while (start := reader.tell()) < len(content):
                need(start < 1 << 20, "a record that begins behind 1 MiB of its frame")
                tag, *fields = reader.object()
                shapes = RECORDS.get(tag, ())
                need(len(fields) == len(shapes) > 0 and all(map(fits, fields, shapes)), "no record of the format")
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
        except Exception as error:  # Whatever goes wrong, the take is not known to be good.
            good = False
            print(f"{path}: at byte {take.at}, event {take.chains.events}: {str(error) or repr(error)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
