# SPDX-License-Identifier: MIT
"""ctf.py FOLDER EVENTS: a trace in the Common Trace Format 1.8, as a tracer of the kernel's writes it.

One stream of packets with 32,768 events each, of one kind: time stamp, thread, state.
"""
import pathlib
import struct
import sys

METADATA = """/* CTF 1.8 */
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
trace { major = 1; minor = 8; byte_order = le; packet.header := struct { uint32_t magic; uint32_t stream_id; }; };
clock { name = monotonic; freq = 1000000000; };
typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := stamp_t;
stream {
	id = 0;
	packet.context := struct { stamp_t timestamp_begin; stamp_t timestamp_end; uint64_t content_size; uint64_t packet_size; };
	event.header := struct { uint32_t id; stamp_t timestamp; };
};
event { name = "sched_switch"; id = 0; stream_id = 0; fields := struct { uint64_t from; uint64_t to; uint32_t state; }; };
"""
PACKET = 32768

folder, left, now = pathlib.Path(sys.argv[1]), int(sys.argv[2]), 0
folder.mkdir()
(folder / "metadata").write_text(METADATA)
with open(folder / "stream", "wb") as out:
    while left:
        n = min(left, PACKET)
        body = b"".join(struct.pack("<IQQQI", 0, now + 100 * i, i % 977, (i + 1) % 977, i % 4) for i in range(n))
        bits = 8 * (8 + 32 + len(body))
        out.write(struct.pack("<IIQQQQ", 0xC1FC1FC1, 0, now, now + 100 * n, bits, bits) + body)
        left, now = left - n, now + 100 * n
