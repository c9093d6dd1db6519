"""Files that people send: the smallest that are what they say."""

import struct
import zlib


def picture(shade: int = 120) -> bytes:
    """A PNG of 4 × 3 pixels; every shade (0 to 255) is another file."""
    rows = b"".join(b"\0" + bytes((shade, shade, 40)) * 4 for _ in range(3))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 4, 3, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PROGRAM = b"MZ\x90\x00" + bytes(60)
"""A kind of file that is not accepted."""
