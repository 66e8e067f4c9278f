"""What a training run writes down as it goes: a CSV that any program reads, and TensorBoard's event files."""

from __future__ import annotations

import csv
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

COLUMNS = ("stage", "step", "quantity", "value")


class Records:
    """Appends rows (stage, step, quantity, value) to ``log.csv`` and the same to TensorBoard, a run of it a stage."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.csv"
        self.folder = folder / "tensorboard"
        self.boards: dict[str, SummaryWriter] = {}
        self.first_steps: dict[str, int] = {}  # of stages that are repeated from there

    def add(self, stage: str, step: int, values: dict[str, float]) -> None:
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(COLUMNS)
            for name, value in values.items():
                writer.writerow([stage, step, name, f"{value:.6g}"])
        for name, value in values.items():
            self._board(stage).add_scalar(name, value, step)

    def _board(self, stage: str) -> SummaryWriter:
        """Opened at its first value; hides what an earlier run wrote of the steps that are repeated."""
        if stage not in self.boards:
            folder = self.folder / stage
            purge = self.first_steps.get(stage, 1) if folder.exists() else None
            self.boards[stage] = SummaryWriter(str(folder), purge_step=purge)
        return self.boards[stage]

    def rewind(self, done: list[str], stage: str, step: int) -> None:
        """Keep the rows of the stages ``done`` and of ``stage`` up to ``step``; a resumed run is about to repeat the
        rest, the last row of which may be half-written."""
        self.first_steps = {stage: step + 1}
        if not self.path.exists():
            return
        with self.path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        whole = [r for r in rows[1:] if len(r) == len(COLUMNS)]
        kept = [r for r in whole if r[0] in done or (r[0] == stage and int(r[1]) <= step)]
        temporary = self.path.with_suffix(".partial")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *kept])
        temporary.replace(self.path)

    def close(self) -> None:
        for board in self.boards.values():
            board.close()
