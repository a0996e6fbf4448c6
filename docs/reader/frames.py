"""The frames of a take: the start and end of each, its content, its CRC-32C, and the one encoding of the seal."""
import msgpack
import zstandard

from reader.data import need

MAGIC, BLOCK = b"\x28\xb5\x2f\xfd", 1 << 17
TABLE = range(256)
for _ in range(8):
    TABLE = [crc >> 1 ^ 0x82F63B78 * (crc & 1) for crc in TABLE]


def crc32c(data, crc=0xFFFFFFFF):
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def read_frame(data, at):
    """The bytes of the frame that starts at `at`, and its content. Checks its settings and its checksum."""
    # The descriptor: no dictionary, a checksum, and zero in the unused and reserved bits.
    need(data[at:at + 4] == MAGIC and data[at + 4:at + 5] and data[at + 4] & 0b11111 == 0b00100, "not a frame of a take")
    zstd = zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()
    content, end = b"", at
    while not zstd.eof:
        need(end < len(data), "the file ends inside a frame")
        content += zstd.decompress(data[end:end + BLOCK])
        end += BLOCK
    return data[at:min(end, len(data)) - len(zstd.unused_data)], content


def is_seal(data, at):
    return data[at:at + 5] == MAGIC + b"\xe4"


def seal_frame(seal):
    """The frame of a seal. Its checksum is the one that zstd computes for every frame with this content."""
    content = msgpack.packb(["seal", seal])
    blocks = [content[at:at + BLOCK] for at in range(0, len(content), BLOCK)]
    heads = [len(block) << 3 | (block is blocks[-1]) for block in blocks]
    body = b"".join(head.to_bytes(3, "little") + block for head, block in zip(heads, blocks))
    checksum = zstandard.ZstdCompressor(write_checksum=True).compress(content)[-4:]
    return MAGIC + b"\xe4" + len(content).to_bytes(8, "little") + body + checksum
