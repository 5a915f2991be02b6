"""A worker's side of the protocol, as in workers/protocol.ts: set up, say that it is ready, then one repetition per `go`."""

import json
import os
import resource
import sys
import time
from contextlib import contextmanager

# Before anything that reads them: no look-ups on the network, no chatter.
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    TOKENIZERS_PARALLELISM="false",
)

# Libraries that print must not get in between the protocol's lines.
_reports = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def settings() -> dict:
    """What the worker was told: its only command line argument, as JSON."""
    return json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}


def report_ready(**facts) -> None:
    _say({"ready": True, "versions": versions(), "peakMegabytes": peak_megabytes(), **facts})


def serve(repeat, **facts) -> None:
    """Answers each `go` with one repetition, until standard input ends.

    `repeat` returns seconds by phase or operation, `total` among them.
    """
    report_ready(**facts)
    for line in sys.stdin:
        if line.strip() == "go":
            _say({"seconds": repeat(), "peakMegabytes": peak_megabytes()})


class Clock:
    """Wall-clock seconds by phase."""

    def __init__(self, device: str):
        self.seconds: dict[str, float] = {}
        self._device = device

    @contextmanager
    def time(self, phase: str):
        self._wait()
        start = time.perf_counter()
        try:
            yield
        finally:
            self._wait()
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start

    def timed(self, phase: str, function):
        """The function, its calls counted to the phase."""

        def call(*args, **options):
            with self.time(phase):
                return function(*args, **options)

        return call

    def _wait(self) -> None:
        if self._device == "cuda":
            import torch

            torch.cuda.synchronize()


def peak_megabytes() -> float:
    # In units of 1024 bytes, but of bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def versions() -> dict:
    found = {"Python": sys.version.split()[0]}
    for name in ("torch", "diffusers", "transformers", "peft", "trl"):
        # Only what the worker has imported: asking for the others would load them.
        if name in sys.modules:
            found[name] = sys.modules[name].__version__
    if "torch" in sys.modules:
        found["threads"] = str(sys.modules["torch"].get_num_threads())
    return found


def _say(report: dict) -> None:
    _reports.write(json.dumps(report) + "\n")
    _reports.flush()
