"""Reads a run's event files with Python's tensorboard package and compares them with its events.jsonl.

    pip install tensorboard==2.20.0
    python tools/tensorboard/compare.py RUN [RUN ...]

Every tag, step, value, histogram and picture has to be there, and nothing else.
"""

import json
import math
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# A record's key and its tag.
PLAIN = {
    "failedRewards": "failed_rewards",
    "skippedUpdates": "skipped_updates",
    "groups": "groups",
    "zeroVarianceGroups": "zero_variance_groups",
    "diversity": "group_diversity",
    "atCeiling": "at_ceiling",
    "clipFraction": "clip_fraction",
    "clipRange": "clip_range",
    "approxKl": "approx_kl",
    "klReference": "kl_reference",
    "loss": "loss",
    "gradientNorm": "gradient_norm",
    "learningRate": "learning_rate",
    "images": "images",
    "memoryBytes": "memory_bytes",
    "tensors": "tensors",
}


def scalars_of(record: dict) -> dict:
    reward, ratio, seconds = record["reward"], record["ratio"], record["seconds"]
    total = sum(seconds.values())
    scalars = {f"reward/{name}": value for name, value in reward.get("components", {}).items()}
    scalars |= {"reward/mean": reward["mean"], "reward/std": reward["std"]}
    scalars |= {f"seconds/{name}": value for name, value in seconds.items()}
    scalars |= {"seconds/total": total, "images_per_second": record["images"] / total}
    scalars |= {"ratio/mean": ratio["mean"], "ratio/std": ratio["std"]}
    scalars |= {"ratio/max_deviation": ratio["maxDeviation"]}
    scalars |= {tag: record[key] for key, tag in PLAIN.items() if key in record}
    for at in record["ratioPerTimestep"]:
        scalars[f"ratio_mean_at/{at['timestep']}"] = at["mean"]
        scalars[f"ratio_std_at/{at['timestep']}"] = at["std"]
        scalars[f"clip_fraction_at/{at['timestep']}"] = at["clipFraction"]
    return scalars


def expected_of(run: Path):
    """(step, scalars, histograms, pictures) of each event that still counts."""
    expected, step = [], 0
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    last_writing = {event["file"]: index for index, event in enumerate(events) if "file" in event}
    for index, event in enumerate(events):
        kind = event["event"]
        if kind == "resume":
            step = event["iteration"]
            expected = [entry for entry in expected if entry[0] <= step]
        elif kind == "iteration":
            step = event["iteration"]
            histograms = {
                f"ratios_at/{at['timestep']}": at["histogram"]
                for at in event["ratioPerTimestep"]
                if "histogram" in at
            }
            histograms["rewards"] = event["rewards"]
            expected.append((step, scalars_of(event), histograms, {}))
        elif kind == "evaluation":
            group = event["name"] if event["name"].startswith("base") else "held_out"
            scalars = {f"{group}/{name}": score["mean"] for name, score in event["families"].items()}
            scalars[f"{group}/mean"] = event["mean"]
            scalars[f"{group}/standard_error"] = event["standardError"]
            expected.append((step, scalars, {f"{group}/rewards": event["rewards"]}, {}))
        elif kind == "samples":
            # A run that was made longer draws its last picture anew, over the one before.
            is_there = last_writing[event["file"]] == index
            picture = (run / event["file"]).read_bytes() if is_there else None
            expected.append((step, {}, {}, {"samples": picture}))
        elif kind == "finish":
            gain = event["summary"]["evaluation"].get("gain")
            if gain is not None:
                scalars = {"held_out/gain": gain["mean"]}
                scalars["held_out/gain_standard_error"] = gain["standardError"]
                expected.append((event["summary"]["iterations"], scalars, {}, {}))
    return expected


def same_number(actual: float, expected) -> bool:
    if expected is None:  # what JSON makes of a number that is none
        return not math.isfinite(actual)
    return math.isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-30)


def same_histogram(actual, expected) -> bool:
    if isinstance(expected, dict):
        limits = (expected["minimum"], expected["maximum"])
        return (actual.min, actual.max) == limits and list(actual.bucket) == expected["counts"]
    values = sorted(value for value in expected if value is not None)
    if (actual.min, actual.max, actual.num) != (values[0], values[-1], len(values)):
        return False
    # Values up to each limit; one that stands on a limit may be counted on either side of it.
    counted = 0
    for limit, count in zip(actual.bucket_limit, actual.bucket):
        counted += count
        slack = 1e-9 * max(1.0, abs(limit))
        below = sum(value < limit - slack for value in values)
        if not below <= counted <= sum(value <= limit + slack for value in values):
            return False
    return counted == len(values)


def compare(run: Path) -> list:
    reader = EventAccumulator(
        str(run / "tensorboard"), size_guidance={"scalars": 0, "histograms": 0, "images": 0}
    )
    reader.Reload()
    tags = reader.Tags()
    found = {}
    for tag in tags["scalars"]:
        for entry in reader.Scalars(tag):
            found.setdefault(("scalar", tag, entry.step), []).append(entry.value)
    for tag in tags["histograms"]:
        for entry in reader.Histograms(tag):
            found.setdefault(("histogram", tag, entry.step), []).append(entry.histogram_value)
    for tag in tags["images"]:
        for entry in reader.Images(tag):
            found.setdefault(("picture", tag, entry.step), []).append(entry.encoded_image_string)

    problems, compared = [], {"scalar": 0, "histogram": 0, "picture": 0}
    same = {
        "scalar": same_number,
        "histogram": same_histogram,
        "picture": lambda actual, expected: expected is None or actual == expected,
    }
    for step, *kinds in expected_of(run):
        for kind, values in zip(compared, kinds):
            for tag, value in values.items():
                entries = found.get((kind, tag, step))
                if not entries:
                    problems.append(f"{kind} {tag} is missing at step {step}")
                    continue
                actual = entries.pop(0)
                compared[kind] += 1
                if not same[kind](actual, value):
                    problems.append(f"{kind} {tag} at step {step} differs")
    problems += [
        f"{kind} {tag} at step {step} is more than was recorded"
        for (kind, tag, step), left in found.items()
        if left
    ]
    counts = ", ".join(f"{count} {kind}s" for kind, count in compared.items())
    print(f"{run}: {counts} compared, {len(problems)} problems")
    return problems


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    problems = [problem for path in sys.argv[1:] for problem in compare(Path(path))]
    if problems:
        sys.exit("\n".join(problems[:50]))
