"""Segmentation of a CT on the CPU by the shipped models, beside a 3-D U-Net of nnU-Net's kind: time, memory, work.

Each model has a process of its own, all in one run, so that the ratios are of one machine at one time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measuring import MATRIX, matrix_flops

from VertebraFLTLib.peak_memory import peak_memory_mb

HERE = Path(__file__).resolve().parent
HEADER = (
    "| CT to mask | seconds | of them in networks | peak memory | work | achieved "
    f"| {MATRIX} x {MATRIX} float32 matrix product | ratio |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
)
RATIOS = (
    "| beside | time, to its whole segmentation | time, to its networks | the same at equal speed of matrix products "
    "| work |\n| --- | --- | --- | --- | --- |"
)


def report(patient: Path, patches: int) -> str:
    """Markdown tables for the CT of the folder that `vertebraflt phantom` wrote.

    patches: how many of the 3-D U-Net's are timed; 0 for all.
    """
    ct = patient / "ct.nii.gz"
    models = [_run([__file__, str(ct)])]
    lines = []
    for folder in _other_models():
        try:
            models.append(_run([__file__, str(ct), "--model-folder", str(folder)]))
        except subprocess.CalledProcessError as error:  # why is on stderr
            lines.append(f"\nModel {folder.name} could not be run (exit status {error.returncode}).")
    peer = _run([str(HERE / "peer_unet.py"), str(ct), "--patches", str(patches)])
    return "\n".join(
        [
            f"CT of {_times(models[0]['size'])} voxels; {os.cpu_count()} CPU cores; device {models[0]['device']}. The "
            f"3-D U-Net works on {_times(peer['size'])} voxels of 1.5 mm in patches of 128 x 128 x 128, half "
            f"overlapping: {patches_words(peer)}. Its forward passes alone are counted; no mirroring, one network.",
            "A patch holds body where the largest part above -300 HU (not the couch) reaches into it. Matrix products "
            "are timed in each process before and after.",
            "",
            HEADER,
            *(row(name_of(model, index == 0), model) for index, model in enumerate(models)),
            *(row(name, part) for name, part in peer_parts(peer)),
            "",
            "How many times as much the 3-D U-Net takes, on all patches and on those with body:",
            "",
            RATIOS,
            *(ratio_row(model, peer) for model in models),
            *lines,
        ]
    )


def patches_words(peer: dict[str, Any]) -> str:
    """How many patches were run, and that the rest is multiplication where it is."""
    timed, count = len(peer["seconds"]), peer["patches"]
    each = f"{mean(peer['seconds']):.1f} s each ({min(peer['seconds']):.1f} to {max(peer['seconds']):.1f})"
    if timed == count:
        return f"all {count} patches timed, {each}"
    return f"{timed} of {count} patches timed, {each}; the times below are that mean times the number of patches"


def peer_parts(peer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The 3-D U-Net as two more measurements of the models' kind: on all patches, and where the patient is."""
    each = mean(peer["seconds"])
    parts = []
    for count, words in ((peer["patches"], "all {} patches"), (peer["body_patches"], "the {} patches with body")):
        work = {"network_seconds": count * each, "network_flop": count * peer["patch_flop"]}
        parts.append((f"3-D U-Net, {words.format(count)}", {**peer, **work, "seconds": None}))
    return parts


def name_of(model: dict[str, Any], default: bool) -> str:
    return f"{model['model']} (default)" if default else str(model["model"])


def row(name: str, part: dict[str, Any]) -> str:
    """One line of the first table."""
    achieved = part["network_flop"] / part["network_seconds"]
    whole = "" if part["seconds"] is None else f"{part['seconds']:.1f} "
    return (
        f"| {name} | {whole}| {part['network_seconds']:.1f} | {part['peak_gb']:.2f} GB "
        f"| {part['network_flop'] / 1e12:.2f} TFLOP | {achieved / 1e9:.0f} GFLOP/s "
        f"| {part['matrix_flops'] / 1e9:.0f} GFLOP/s | {achieved / part['matrix_flops']:.2f} |"
    )


def ratio_row(model: dict[str, Any], peer: dict[str, Any]) -> str:
    """How many times as long, and as much work, the 3-D U-Net's forward passes are.

    Where other work slowed the machine for one process more than for the other, only the third column is fair: seconds
    weighted by the matrix products done in them.
    """
    parts = [part for _, part in peer_parts(peer)]
    steady = peer["matrix_flops"] / model["matrix_flops"]
    cells = (
        [part["network_seconds"] / model["seconds"] for part in parts],
        [part["network_seconds"] / model["network_seconds"] for part in parts],
        [part["network_seconds"] / model["network_seconds"] * steady for part in parts],
        [part["network_flop"] / model["network_flop"] for part in parts],
    )
    return f"| {model['model']} | {' | '.join(', '.join(f'{value:.1f}' for value in cell) for cell in cells)} |"


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _times(size: list[int]) -> str:
    return " x ".join(str(n) for n in size)


def _other_models() -> list[Path]:
    """The folders of shipped models beside the default's."""
    from VertebraFLTLib.resources import resource_path
    from VertebraFLTLib.segmentation.weights import read_model

    default = read_model().folder.resolve()
    folders = (path.parent for path in sorted(resource_path("Models").glob("*/manifest.json")))
    return [folder for folder in folders if folder.resolve() != default]


def _run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Segment one CT by one model; print one line of JSON for ``report``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ct")
    parser.add_argument("--model-folder", help="another than the default")
    args = parser.parse_args()
    from VertebraFLTLib.io.images import read_image
    from VertebraFLTLib.progress import silent
    from VertebraFLTLib.result import Options
    from VertebraFLTLib.segmentation.registry import get_segmenter

    segmenter = get_segmenter(Options(device="cpu", model_folder=args.model_folder))
    ct = read_image(args.ct, modality="CT").image
    before = matrix_flops()
    began = time.perf_counter()
    details = segmenter.segment(ct, silent).details
    seconds = time.perf_counter() - began
    found = {
        **{key: details[key] for key in ("model", "device", "network_flop", "network_seconds")},
        "size": ct.GetSize(),
        "seconds": seconds,
        "peak_gb": peak_memory_mb() / 1024,
        "matrix_flops": (before + matrix_flops()) / 2,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
