"""How much memory do large data sets need? Trains on 100,000 JPEG files and on a table of 5 million rows by 30 columns.

    python benchmarks/large_data.py --case images --rows 100000
    python benchmarks/large_data.py --case table --rows 5000000

Both are generated in a temporary folder. The training runs in a process of its own, whose anonymous resident memory
(and that of its children) is read ten times a second; the peak is the figure, in GiB, against the target of 4.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

TARGET_GIB = 4.0
RECIPE = '[training]\nepochs = 1\nbatch_size = 256\n\n[[regularizers]]\nname = "l2"\nstrength = 1e-4\n'


def make_images(folder: Path, rows: int) -> list[str]:
    """JPEG files of 256 x 256 in ten classes: smooth colour fields with noise, so that they compress as photos do."""

    def write(number: int) -> None:
        rng = np.random.default_rng(number)
        small = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        label = number % 10
        small[label, :, :] = 255
        picture = Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC)
        picture.save(folder / f"class{label}" / f"{number}.jpg", quality=85)

    for label in range(10):
        (folder / f"class{label}").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(rows), chunksize=256))
    return [str(folder), "--size", "128"]


def make_table(folder: Path, rows: int) -> list[str]:
    """A csv file of 20 numbers, 10 categories of 5 to 500 values and a target, written in pieces."""
    path = folder / "table.csv"
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, rows, 250_000):
            count = min(250_000, rows - start)
            numbers = rng.normal(size=(count, 20)).astype(np.float32)
            columns = {f"x{place}": numbers[:, place] for place in range(20)}
            sizes = np.geomspace(5, 500, 10).astype(int)
            for place, size in enumerate(sizes):
                columns[f"c{place}"] = np.char.add("v", rng.integers(0, size, count).astype(str))
            score = numbers[:, 0] + numbers[:, 1] * numbers[:, 2]
            columns["target"] = np.where(score > 0, "yes", "no")
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)
    return [str(path), "--target", "target"]


def anonymous(pid: int) -> int:
    """Anonymous resident bytes of a process and its children."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += anonymous(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return total


def measure(arguments: list[str], folder: Path) -> dict[str, float]:
    """Run one training and watch its memory."""
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)
    command = [sys.executable, "-m", "bridle", "fit", *arguments, "--recipe", str(recipe), "--out", str(folder / "run")]
    began, peak = time.perf_counter(), 0
    environment = os.environ | {"BRIDLE_CACHE": str(folder / "cache")}
    process = subprocess.Popen(command, env=environment)
    while process.poll() is None:
        peak = max(peak, anonymous(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"bridle fit ended with status {process.returncode}")
    return {"peak_anonymous_gib": peak / 2**30, "seconds": time.perf_counter() - began}


def main() -> None:
    """Generate, train, report; exit status 1 above the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=("images", "table"), required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "data").mkdir()
        arguments = (make_images if given.case == "images" else make_table)(folder / "data", given.rows)
        found = measure(arguments, folder)
    record = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "case": given.case,
        "rows": given.rows,
        "target_gib": TARGET_GIB,
        "cores": os.cpu_count(),
    } | found
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"large_data_{given.case}.json").write_text(json.dumps(record, indent=1))
    print(json.dumps(record, indent=1))
    sys.exit(found["peak_anonymous_gib"] > TARGET_GIB)


if __name__ == "__main__":
    main()
