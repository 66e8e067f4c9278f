"""A whole run in a process of its own: seconds by stage, peak memory, FLOP/s beside a plain matrix product."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from measuring import MATRIX, matrix_flops

from VertebraFLTLib.peak_memory import peak_memory_mb


def report(patient: Path) -> str:
    """Markdown tables of a run of the folder that `vertebraflt phantom` wrote."""
    out = patient.parent / "run"
    began = time.perf_counter()
    product = subprocess.run(
        [sys.executable, __file__, str(patient), str(out)], check=True, capture_output=True, text=True
    )
    wall = time.perf_counter() - began
    peak_gb, matrix = (float(word) for word in product.stdout.split()[-2:])
    case = json.loads((out / "case.json").read_text())
    stages = {**case["timings_s"]}
    work = case["segmentation"]
    network_flops = work["network_flop"] / work["network_seconds"]
    total = sum(stages.values())
    lines = [
        f"{os.cpu_count()} CPU cores; device {work['device']}; "
        f"process start to end {wall:.0f} s (with the matrix product)",
        "",
        "| stage | seconds | share |",
        "| --- | --- | --- |",
        *(f"| {name} | {seconds:.1f} | {100 * seconds / total:.0f} % |" for name, seconds in stages.items()),
        f"| sum | {total:.1f} | |",
        "",
        "| quantity | value |",
        "| --- | --- |",
        f"| peak memory | {peak_gb:.2f} GB |",
        f"| work in the networks | {work['network_flop'] / 1e12:.2f} TFLOP in {work['network_seconds']:.1f} s |",
        f"| achieved | {network_flops / 1e9:.0f} GFLOP/s |",
        f"| {MATRIX} x {MATRIX} float32 matrix product | {matrix / 1e9:.0f} GFLOP/s |",
        f"| ratio | {network_flops / matrix:.2f} |",
    ]
    return "\n".join(lines)


def _child(patient: Path, out: Path) -> None:
    from VertebraFLTLib.cli.main import main

    images = ["--ct", str(patient / "ct.nii.gz"), "--pet", str(patient / "pet_suv.nii.gz")]
    status = main(["run", *images, "--out", str(out)])
    if status:
        sys.exit(status)
    print(peak_memory_mb() / 1024, matrix_flops())


if __name__ == "__main__":
    _child(Path(sys.argv[1]), Path(sys.argv[2]))
