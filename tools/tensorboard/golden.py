"""Writes an event file with Python's tensorboard package, for the trainer to be compared with byte for byte.

    pip install tensorboard==2.20.0
    python tools/tensorboard/golden.py FOLDER

FOLDER/events.json says what to write and is kept; FOLDER/events.tfevents and FOLDER/picture.png are made.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def value_of(description: dict, picture: bytes) -> Summary.Value:
    tag = description["tag"]
    if "scalar" in description:
        return Summary.Value(tag=tag, simple_value=description["scalar"])
    if "histogram" in description:
        return Summary.Value(tag=tag, histo=histogram_of(**description["histogram"]))
    width, height = struct.unpack(">II", picture[16:24])
    return Summary.Value(
        tag=tag,
        image=Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=picture),
    )


def histogram_of(minimum: float, maximum: float, counts: list) -> HistogramProto:
    width = (maximum - minimum) / len(counts)
    middles = [minimum + (bucket + 0.5) * width for bucket in range(len(counts))]
    limits = [minimum + (bucket + 1) * width for bucket in range(len(counts) - 1)] + [maximum]
    total = squares = 0.0
    for middle, count in zip(middles, counts):
        total += count * middle
        squares += count * middle**2
    return HistogramProto(
        min=minimum,
        max=maximum,
        num=sum(counts),
        sum=total,
        sum_squares=squares,
        bucket_limit=limits,
        bucket=counts,
    )


def png(width: int, height: int) -> bytes:
    """A gradient in RGB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    rows = b"".join(
        b"\0" + bytes(byte for x in range(width) for byte in (16 * x % 256, 16 * y % 256, 128))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def main(folder: Path) -> None:
    description = json.loads((folder / "events.json").read_text())
    picture = png(12, 5)
    (folder / "picture.png").write_bytes(picture)
    seconds = description["seconds"]
    with open(folder / "events.tfevents", "wb") as file:
        writer = RecordWriter(file)
        events = [
            Event(wall_time=seconds, file_version="brain.Event:2"),
            Event(
                wall_time=seconds,
                step=description["purgeFrom"],
                session_log=SessionLog(status=SessionLog.START),
            ),
        ] + [
            Event(
                wall_time=seconds,
                step=event["step"],
                summary=Summary(value=[value_of(value, picture) for value in event["values"]]),
            )
            for event in description["events"]
        ]
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
