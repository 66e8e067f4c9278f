"""Dynamic programming over all boundaries of a column at once: valleys against an anatomical prior of spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.spine.profile import FloatArray

SCALES_MM = np.geomspace(22.0, 48.0, 20)
"""Candidates for the span of L4: small women to tall men, with room for shortened and stretched columns."""

USUAL_SCALE_MM, SCALE_SPREAD = 35.0, 0.13  # its prior: log-normal
DRIFT = 0.02  # spread of the scale's change (log) from one vertebra to the next
SPAN_SPREAD = 0.085  # spread of a span (log) around scale x relative span
SHORTEST, LONGEST = 0.68, 1.4  # spans considered, relative to the expected one
LEAST_SHARE, LEAST_WHOLE = 0.05, 0.35  # what a vertebra shows of its span at least: cut by the field of view, or not
END_SPREAD = 0.12  # spread of a whole one at an end
ATLAS_MERGED = 2.0  # cost of C1 and C2 standing in one piece
MASK_STOPS = 5.0  # cost of a column mask that ends inside the image where no column ends


@dataclass(frozen=True)
class Placement:
    """The best placement for one lowest level: total ``cost``, ``levels`` from the lowest up, boundary grid ``indices``
    and the scale (L4's span in mm) at each boundary."""

    cost: float
    levels: tuple[str, ...]
    indices: tuple[int, ...]
    scales_mm: tuple[float, ...]

    def end_shares(self, below_mm: float, above_mm: float) -> tuple[float, float]:
        """What the pieces of these lengths at the two ends are of their vertebrae's expected spans."""
        lowest, highest = (LEVEL_BY_NAME[name].span for name in (self.levels[0], self.levels[-1]))
        if self.levels[-1] == "C2":
            highest += LEVEL_BY_NAME["C1"].span
        return below_mm / (self.scales_mm[0] * lowest), above_mm / (self.scales_mm[-1] * highest)


class SpanProgram:
    """Best placements of boundaries on a grid of points from one end of the column to the other.

    A state is (vertebra above the boundary, scale, position). Costs are negative log-likelihoods: a boundary costs what
    ``penalty(span_mm)`` gives at its point, a span its distance from scale x relative span, a change of scale along the
    column its size. The tables are built from the head down, so that one pass serves every candidate for the lowest
    level. ``order``: level names from the lowest up; ``z_mm``: the grid;
    ``extent_mm``: the column's ends; ``bottom_cut``, ``top_cut``: the column
    leaves the field of view.
    """

    def __init__(
        self,
        penalty: Callable[[float], FloatArray],
        order: Sequence[str],
        z_mm: FloatArray,
        extent_mm: tuple[float, float],
        bottom_cut: bool,
        top_cut: bool,
    ) -> None:
        self.penalty, self.order = penalty, tuple(order)
        self.points, self.step_mm = len(z_mm), float(z_mm[1] - z_mm[0])
        self._from_bottom, self._to_top = z_mm - extent_mm[0], extent_mm[1] - z_mm
        self.bottom_cut, self.top_cut = bottom_cut, top_cut
        self.relative = {name: LEVEL_BY_NAME[name].span for name in order}
        ratio = np.log(SCALES_MM[1] / SCALES_MM[0])
        self._drift_cost = 0.5 * (ratio / DRIFT) ** 2 * np.arange(3) ** 2
        # Per vertebra above a boundary: cost of all from there up, and which span (0: the top piece) and scale follow.
        self._cost: dict[str, FloatArray] = {}
        self._reached: dict[str, tuple[FloatArray, np.ndarray]] = {}
        self._span: dict[str, np.ndarray] = {}
        for position in range(len(self.order) - 1, 0, -1):
            self._add(position)

    def _add(self, position: int) -> None:
        name = self.order[position]
        upper = self.order[position + 1] if position + 1 < len(self.order) else None
        count = len(SCALES_MM)
        expected = SCALES_MM[:, None] * self.relative[name]
        cost = self._end_cost(self._to_top / expected, name, self.top_cut, natural=("C1", "C2"))
        span = np.zeros((count, self.points), np.int32)
        if upper is not None:
            spans, span_cost = self._spans(expected)
            onward = np.pad(
                self._reached[upper][0].astype(np.float32), ((0, 0), (0, int(spans[-1]) + 1)), constant_values=np.inf
            )
            windows = np.lib.stride_tricks.sliding_window_view(onward[:, spans[0] :], len(spans), axis=1)
            total = windows[:, : self.points] + span_cost[:, None, :]
            best = total.argmin(axis=2)
            through = np.take_along_axis(total, best[..., None], axis=2)[..., 0]
            better = through < cost
            cost = np.where(better, through, cost)
            span = np.where(better, spans[best], span).astype(np.int32)
        middle = 0.5 * (self.relative[name] + self.relative[self.order[position - 1]])
        cost += np.array([self.penalty(float(scale) * middle) for scale in SCALES_MM])
        self._cost[name], self._span[name] = cost, span
        self._reached[name] = self._with_drift(cost)

    def _spans(self, expected_mm: FloatArray) -> tuple[np.ndarray, FloatArray]:
        """Spans in grid steps that any scale considers, and their cost for each scale (infinite: too short or long)."""
        shortest, longest = SHORTEST * expected_mm / self.step_mm, LONGEST * expected_mm / self.step_mm
        spans = np.arange(max(1, round(float(shortest.min()))), round(float(longest.max())) + 1)
        cost = 0.5 * (np.log(spans * self.step_mm / expected_mm) / SPAN_SPREAD) ** 2
        # Single precision is plenty for costs, and this is where the time goes.
        return spans, np.where((spans < np.round(shortest)) | (spans > np.round(longest)), np.inf, cost).astype(
            np.float32
        )

    def _with_drift(self, cost: FloatArray) -> tuple[FloatArray, np.ndarray]:
        """Least cost over the scales that may follow one scale, and which one it is."""
        best, which = cost.copy(), np.broadcast_to(np.arange(len(cost))[:, None], cost.shape).copy()
        for change in (-2, -1, 1, 2):
            q = np.arange(max(0, -change), min(len(cost), len(cost) - change))
            candidate = cost[q + change] + self._drift_cost[abs(change)]
            better = candidate < best[q]
            best[q] = np.where(better, candidate, best[q])
            which[q] = np.where(better, (q + change)[:, None], which[q])
        return best, which

    def _end_cost(self, share: FloatArray, name: str, cut: bool, natural: tuple[str, ...]) -> FloatArray:
        """Cost of an end piece that shows this share of the expected span."""
        over = 0.5 * (np.maximum(share - 1.0, 0.0) / END_SPREAD) ** 2
        if name == "C2":  # the atlas above it may be part of the piece
            both = 1 + self.relative["C1"] / self.relative["C2"]
            over = np.minimum(over, 0.5 * (np.maximum(share - both, 0.0) / END_SPREAD) ** 2 + ATLAS_MERGED)
        if cut:
            return np.where(share < LEAST_SHARE, np.inf, over)
        # A whole vertebra lacks half a disc at the column's end; less of it is there only where the mask stops short.
        whole = 0.5 * (np.maximum(0.9 - share, 0.0) / END_SPREAD) ** 2 + over
        if name not in natural:
            whole = whole + MASK_STOPS
        return np.where(share < LEAST_WHOLE, np.inf, np.minimum(whole, MASK_STOPS + 1.0 + over))

    def best(self, lowest: str) -> Placement | None:
        """The best placement with ``lowest`` as the lowest level; None where nothing fits."""
        position = self.order.index(lowest)
        if position + 1 >= len(self.order):
            return None
        above = self.order[position + 1]
        reached, which = self._reached[above]
        share = self._from_bottom / (SCALES_MM[:, None] * self.relative[lowest])
        total = reached + self._end_cost(share, lowest, self.bottom_cut, natural=(lowest,))
        total += 0.5 * (np.log(SCALES_MM[:, None] / USUAL_SCALE_MM) / SCALE_SPREAD) ** 2
        q, at = (int(i) for i in np.unravel_index(int(total.argmin()), total.shape))
        if not np.isfinite(total[q, at]):
            return None
        cost = float(total[q, at])
        levels, indices, scales = [lowest], [], []
        while True:
            q = int(which[q, at])
            levels.append(above)
            indices.append(int(at))
            scales.append(float(SCALES_MM[q]))
            span = int(self._span[above][q, at])
            if span == 0:
                return Placement(cost, tuple(levels), tuple(indices), tuple(scales))
            at, above = at + span, self.order[self.order.index(above) + 1]
            which = self._reached[above][1]
