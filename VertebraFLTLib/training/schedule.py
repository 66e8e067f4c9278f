"""Optimizer and learning rate: Adam or AdamW; cosine with warm-up, plateau (thesis 3.1.5) or constant."""

from __future__ import annotations

import math
from typing import Any

import torch

from VertebraFLTLib.training.config import ScheduleConfig


def optimizer_for(network: torch.nn.Module, schedule: ScheduleConfig, rate: float) -> torch.optim.Optimizer:
    """Betas 0.9 and 0.999 as in the thesis; Adam there has no weight decay."""
    if schedule.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=rate)
    return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=schedule.weight_decay)


class Rates:
    """Sets the optimizer's rate after each step, and after each validation where the rule is ``plateau``."""

    def __init__(self, optimizer: torch.optim.Optimizer, schedule: ScheduleConfig, peak: float, steps: int) -> None:
        self.optimizer, self.schedule, self.peak, self.steps = optimizer, schedule, peak, steps
        self.done, self.factor, self.best, self.waited = 0, 1.0, -math.inf, 0
        self._apply()

    @property
    def now(self) -> float:
        """The rate of the next step."""
        warm = max(1, round(self.schedule.warmup_share * self.steps))
        rate = self.peak * self.factor
        if self.done < warm:
            return rate * (self.done + 1) / warm
        if self.schedule.rates == "cosine":
            share = (self.done - warm) / max(1, self.steps - warm)
            return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))
        return rate

    def step(self) -> None:
        self.done += 1
        self._apply()

    def validated(self, dice: float) -> None:
        """With ``plateau`` a tenth of the rate after ``plateau_patience`` validations without a better Dice."""
        if self.schedule.rates != "plateau":
            return
        if dice > self.best:
            self.best, self.waited = dice, 0
            return
        self.waited += 1
        if self.waited >= self.schedule.plateau_patience:
            self.factor, self.waited = self.factor / 10, 0
            self._apply()

    def _apply(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.now

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done, "factor": self.factor, "best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.factor, self.best, self.waited = (state[k] for k in ("done", "factor", "best", "waited"))
        self._apply()
