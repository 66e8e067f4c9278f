"""Chooses the series to read: by modality and size, by the user's word where two could be meant."""

from __future__ import annotations

import re

from VertebraFLTLib.errors import InputError, NoSuchSeries
from VertebraFLTLib.io.dicom_scan import Stack

_FEWEST_SLICES = 3
# Two series are both plausible when the smaller one has at least this part of the larger one's slices.
_COMPARABLE = 0.5
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NOT_A_VOLUME_TYPES = {"LOCALIZER", "SCOUT", "MIP", "PROJECTION IMAGE", "SCREEN SAVE", "DOSE_INFO"}
_NOT_A_VOLUME_NAMES = re.compile(
    r"\b(mip|scout|topogram|locali[sz]er|surview|dose (report|record)|screen ?save)\b", re.I
)
_LISTED = 6


def describe(stack: Stack) -> str:
    """One series in words: number, description, slices, end of the UID."""
    one = stack.first
    number = "-" if one.number is None else one.number
    return (
        f"{number} {one.modality} {one.description or 'without description'!r} "
        f"({len(stack.slices)} slices, UID ...{one.series_uid[-12:]})"
    )


def _listed(stacks: list[Stack]) -> str:
    shown = [describe(stack) for stack in sorted(stacks, key=lambda s: -len(s.slices))[:_LISTED]]
    more = len(stacks) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _is_volume(stack: Stack) -> bool:
    one = stack.first
    return (
        len(stack.slices) >= _FEWEST_SLICES
        and one.samples == 1
        and not one.sop_class.startswith(_SECONDARY_CAPTURE)
        and not _NOT_A_VOLUME_TYPES & {part.upper() for part in one.image_type}
        and not _NOT_A_VOLUME_NAMES.search(one.description)
    )


def _named(stacks: list[Stack], series: str) -> list[Stack]:
    wanted = series.strip()
    if wanted.isdigit():
        by_number = [stack for stack in stacks if stack.first.number == int(wanted)]
        if by_number:
            return by_number
    exact = [stack for stack in stacks if stack.first.series_uid == wanted]
    return exact or [stack for stack in stacks if wanted and stack.first.series_uid.endswith(wanted.lstrip("."))]


def choose(stacks: list[Stack], path: str, modality: str | None, series: str | None) -> tuple[Stack, list[str]]:
    """The stack to read and warnings about the choice. ``path`` is how messages name the input. Raises InputError.

    Without ``series``: of the volumes of the modality (no localisers, secondary captures, projections) the one with
    most slices; of comparable PET series the one corrected for attenuation, if only one is.
    """
    kind = modality or "image"
    if series is not None:
        named = _named(stacks, series)
        if not named:
            raise NoSuchSeries(f"{path} has no series {series!r}; --series can be one of: {_listed(stacks)}")
        fitting = [stack for stack in named if modality in (None, stack.first.modality)]
        if not fitting:
            raise NoSuchSeries(f"{path}: series {series!r} is not {modality}: {_listed(named)}; --series needs another")
        volumes = [stack for stack in fitting if len(stack.slices) >= _FEWEST_SLICES or stack.first.multi_frame]
        candidates = volumes or fitting
    else:
        of_modality = [stack for stack in stacks if modality in (None, stack.first.modality)]
        if not of_modality:
            raise InputError(f"{path} has no {kind} series; it has: {_listed(stacks)}")
        candidates = [stack for stack in of_modality if _is_volume(stack)]
        if not candidates:
            _refuse_multi_frame(of_modality, path)
            raise InputError(f"{path} has no {kind} series of several slices; it has: {_listed(of_modality)}")
    largest = max(len(stack.slices) for stack in candidates)
    plausible = [stack for stack in candidates if len(stack.slices) >= _COMPARABLE * largest]
    warnings: list[str] = []
    if len(plausible) > 1 and modality == "PT" and series is None:
        corrected = [stack for stack in plausible if "ATTN" in stack.first.corrected]
        if len(corrected) == 1:
            plausible = corrected
            warnings.append(f"of several PET series the attenuation-corrected one was read: {describe(corrected[0])}")
    if len(plausible) > 1:
        one_series = len({stack.first.series_uid for stack in plausible}) == 1
        advice = "export one stack of it" if one_series else "choose one with --series NUMBER or end of its UID"
        raise InputError(
            f"{path} has {len(plausible)} {kind} series that could be meant: {_listed(plausible)}; {advice}"
        )
    _refuse_multi_frame(plausible, path)
    return plausible[0], warnings


def _refuse_multi_frame(stacks: list[Stack], path: str) -> None:
    if any(stack.first.multi_frame for stack in stacks):
        raise InputError(
            f"{path} holds Enhanced (multi-frame) DICOM, which is not read; convert it to single-frame files "
            "(for instance with emf2sf of dcm4che) or to NIfTI"
        )
