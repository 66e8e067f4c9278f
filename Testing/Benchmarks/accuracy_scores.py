"""Scores of every rule on left-out volumes, each with thresholds that were chosen on other volumes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from accuracy_cases import Predictions, Sampled, labels_on, load

from VertebraFLTLib.anatomy import STRUCTURES, VERTEBRAL_BODY
from VertebraFLTLib.evaluation.curves import ThresholdCurve
from VertebraFLTLib.evaluation.level_scores import level_scores
from VertebraFLTLib.evaluation.mask_pair import MaskPair
from VertebraFLTLib.evaluation.metrics import Agreement, label_scores
from VertebraFLTLib.evaluation.view_curves import Curves, view_curves
from VertebraFLTLib.result import VIEWS
from VertebraFLTLib.segmentation.onto_ct import mask_on_ct
from VertebraFLTLib.segmentation.volume import VOLUME
from VertebraFLTLib.segmentation.weights import read_model
from VertebraFLTLib.training.cases import IGNORED
from VertebraFLTLib.training.manifest import CaseEntry


@dataclass(frozen=True)
class Rule:
    """How probabilities become a decision: which networks, and how they are combined."""

    name: str
    views: tuple[str, ...]
    combine: str = "average"

    @property
    def curve(self) -> str:
        """The name of its curve in view_curves' answer."""
        return self.combine if len(self.views) > 1 else self.views[0]


RULES = (
    *(Rule(view, (view,)) for view in VIEWS),
    Rule("average of three", VIEWS),
    Rule("vote, 2 of 3", VIEWS, "vote"),
    Rule("additive, three", VIEWS, "additive"),
    Rule("additive, axial + sagittal", ("axial", "sagittal"), "additive"),
    Rule("3-D network", (VOLUME,)),
)
DETAILED = RULES[-1]  # the rule of which every measure is told

Thresholds = dict[str, list[float]]  # rule -> one a structure


@dataclass(frozen=True)
class Folders:
    """Where the trained folds lie: ``volume/fold0`` and so on."""

    volume: Path
    views: Path

    def of(self, rule: Rule, fold: int) -> Path:
        return (self.volume if rule.views == (VOLUME,) else self.views) / f"fold{fold}"


@dataclass
class CaseScores:
    """One volume at one sampling: per rule its scores by structure, and by level for the 3-D network."""

    name: str
    fold: int | None
    slice_mm: float | None
    rules: dict[str, list[Agreement]] = field(default_factory=dict)
    levels: list[Agreement] = field(default_factory=list)


def probabilities_of(
    case: Sampled, rule: Rule, folders: Folders, fold: int, store: Predictions
) -> tuple[dict[str, np.ndarray], sitk.Image]:
    """What the networks of a fold say of a case, for the rule's views."""
    found, grid, _ = store.of(case, folders.of(rule, fold))
    return {view: found[view] for view in rule.views}, grid


def case_curves(entry: CaseEntry, slice_mm: float | None, folders: Folders, cache: Path) -> Curves:
    """Threshold curves of every rule on one left-out case, on the working grid."""
    store, case = Predictions(cache), load(entry, slice_mm)
    assert entry.fold is not None
    curves: Curves = {}
    for rule in RULES:

        def curve(rule: Rule = rule) -> dict[int, ThresholdCurve]:
            found, grid = probabilities_of(case, rule, folders, entry.fold, store)
            labels = labels_on(grid, case.labels)
            return view_curves(found, np.where(labels == IGNORED, 0, labels), labels != IGNORED)[rule.curve]

        made_by = read_model(folders.of(rule, entry.fold))
        curves[rule.name] = store.kept(curve, "curve", made_by.digest, made_by.mirror, case.digest, rule)
    return curves


CANDIDATES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Thresholds to choose from. Few: with eight volumes to choose on, finer steps would be noise."""

ENOUGH = 3
"""Volumes that a structure's threshold is chosen on; one that fewer show has the vertebral bodies' threshold."""

Dices = dict[tuple[str, float], dict[int, float]]  # (rule, threshold) -> structure -> Dice


def threshold_dices(entry: CaseEntry, slice_mm: float | None, folders: Folders, cache: Path) -> Dices:
    """Dice of one left-out case's finished masks, clean-up and all, at every candidate threshold of every rule.

    On finished masks: what the clean-up takes away anyway must not decide on a threshold.
    """
    store, case = Predictions(cache), load(entry, slice_mm)
    assert entry.fold is not None
    dices: Dices = {}
    for rule in RULES:
        made_by = read_model(folders.of(rule, entry.fold))
        for threshold in CANDIDATES:

            def dice(rule: Rule = rule, threshold: float = threshold) -> dict[int, float]:
                found, grid = probabilities_of(case, rule, folders, entry.fold, store)
                pair = pair_of(case, mask_of(found, grid, rule, [threshold] * len(STRUCTURES), case.ct))
                return {a.label: a.dice for a in label_scores(pair, surfaces=False) if a.truth_ml > 0}

            key = ("dice", made_by.digest, made_by.mirror, case.digest, rule, threshold)
            dices[rule.name, threshold] = store.kept(dice, *key)
    return dices


def best_thresholds(of_cases: Iterable[Dices]) -> Thresholds:
    """Per rule and structure the candidate with the best mean Dice, or where fewer than ENOUGH cases show the structure
    the one for vertebral bodies, which every case shows: the best on one or two volumes would be chance."""
    every = list(of_cases)

    def best(rule: str, label: int) -> float:
        showing = [case for case in every if label in case[rule, CANDIDATES[0]]]
        if len(showing) < ENOUGH:
            label, showing = VERTEBRAL_BODY.label, every
        return max(CANDIDATES, key=lambda t: float(np.mean([case[rule, t][label] for case in showing])))

    return {rule.name: [best(rule.name, s.label) for s in STRUCTURES] for rule in RULES}


def mask_of(
    found: dict[str, np.ndarray], grid: sitk.Image, rule: Rule, thresholds: list[float], ct: sitk.Image
) -> sitk.Image:
    """The mask on the CT's grid, as the segmenters make it."""
    return mask_on_ct(found, dict.fromkeys(rule.views, thresholds), rule.combine, grid, ct)[0]


def score_case(
    entry: CaseEntry, slice_mm: float | None, thresholds: Thresholds, folders: Folders, cache: Path
) -> CaseScores:
    """Scores of one left-out case; surface distances too, but for the sake of time only of the 3-D network."""
    store, case = Predictions(cache), load(entry, slice_mm)
    assert entry.fold is not None
    scores = CaseScores(entry.name, entry.fold, slice_mm)
    for rule in RULES:
        levels = case.levels if rule == DETAILED else None

        def score(rule: Rule = rule, levels: sitk.Image | None = levels) -> tuple[list[Agreement], list[Agreement]]:
            found, grid = probabilities_of(case, rule, folders, entry.fold, store)
            pair = pair_of(case, mask_of(found, grid, rule, thresholds[rule.name], case.ct))
            of_levels = level_scores(pair, levels) if levels is not None else []
            return label_scores(pair, surfaces=rule == DETAILED), of_levels

        made_by = read_model(folders.of(rule, entry.fold))
        key = ("scores", made_by.digest, made_by.mirror, case.digest, rule, tuple(thresholds[rule.name]))
        scores.rules[rule.name], of_levels = store.kept(score, *key)
        scores.levels += of_levels
    return scores


def score_validation(entry: CaseEntry, slice_mm: float | None, model: Path, rule: Rule, cache: Path) -> CaseScores:
    """Scores of a volume that no training has seen, by a shipped model with the thresholds in its manifest."""
    case = load(entry, slice_mm)
    found, grid, shipped = Predictions(cache).of(case, model)
    found = {view: found[view] for view in rule.views}
    pair = pair_of(case, mask_on_ct(found, shipped.thresholds, rule.combine, grid, case.ct)[0])
    levels = level_scores(pair, case.levels) if case.levels is not None else []
    return CaseScores(entry.name, None, slice_mm, {rule.name: label_scores(pair)}, levels)


def pair_of(case: Sampled, mask: sitk.Image) -> MaskPair:
    """The mask beside the truth, ignored voxels left out."""
    truth = sitk.GetImageFromArray(np.where(case.ignored, 0, sitk.GetArrayViewFromImage(case.labels)).astype(np.uint8))
    truth.CopyInformation(case.labels)
    ignored = sitk.GetImageFromArray(case.ignored.astype(np.uint8))
    ignored.CopyInformation(case.labels)
    return MaskPair.of(truth, mask, case.name, "the mask", ignored, "the ignored voxels")
