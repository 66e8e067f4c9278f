"""The vertebrae in the segmentation node after an edit, touched only where it changed them; and the masks read back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import reordered_like, to_lps
from VertebraFLTLib.mrml.segmentation import (
    COLUMN_ID,
    STRUCTURE_SEGMENTS,
    VERTEBRA_SEGMENTS,
    labelmap_name,
    make_labelmap,
    make_segment,
)
from VertebraFLTLib.mrml.volumes import grid_from_node, numpy_matrix

_BY_ID = {spec.id: spec for spec in VERTEBRA_SEGMENTS}


def update_vertebrae(node: Any, vertebrae: sitk.Image, ct: Any, touched: Collection[str]) -> None:
    """Have the node's vertebrae be those of a mask.

    ``vertebrae``: VerSe numbers, a box of the CT's grid that holds all of the column, in LPS order. ``ct``: the volume
    node whose grid the segmentation has. ``touched``: levels whose voxels changed; the surfaces of other
    segments, where the user shows them, stay. A segment that is there keeps its name, colour, terminology and
    visibility; one whose level is no more goes.
    """
    segmentation = node.GetSegmentation()
    labelmap = _on_grid_of(ct, vertebrae)
    values = vtk_to_numpy(labelmap.GetPointData().GetScalars())
    counts = np.bincount(values, minlength=256)
    wanted = [spec for spec in VERTEBRA_SEGMENTS if counts[spec.label]]
    surfaces = _surfaces(segmentation, {f"vertebra_{level}" for level in touched})
    modified = node.StartModify()
    for segment_id in _present(segmentation):
        if segment_id not in {spec.id for spec in wanted}:
            segmentation.RemoveSegment(segment_id)  # takes its voxels with it: the others are written below
    shared = _shared(segmentation, labelmap)
    if shared is not None:
        vtk_to_numpy(shared.GetPointData().GetScalars())[:] = values
        labelmap = shared
    have = _present(segmentation)
    for at, spec in enumerate(wanted):
        if spec.id not in have:
            after = next((other.id for other in wanted[at + 1 :] if other.id in have), "")
            segmentation.AddSegment(make_segment(spec, labelmap), spec.id, after)
        elif shared is None:
            segment = segmentation.GetSegment(spec.id)
            segment.SetLabelValue(spec.label)
            segment.AddRepresentation(labelmap_name(), labelmap)
    labelmap.Modified()  # which drops every surface
    if surfaces is not None:
        for segment_id, surface in surfaces.items():
            if segmentation.GetSegment(segment_id) is not None:
                segmentation.GetSegment(segment_id).AddRepresentation(_surface_name(), surface)
        segmentation.CreateRepresentation(_surface_name())
    node.EndModify(modified)


def stale_levels(node: Any, vertebrae: sitk.Image) -> set[str]:
    """Levels of which the node's segment has another number of voxels than the mask; see :func:`update_vertebrae`."""
    counts = np.bincount(sitk.GetArrayViewFromImage(vertebrae).reshape(-1), minlength=256)
    wanted = {spec.id: int(counts[spec.label]) for spec in VERTEBRA_SEGMENTS if counts[spec.label]}
    segmentation = node.GetSegmentation()
    found = {}
    for segment_id in _present(segmentation):
        segment = segmentation.GetSegment(segment_id)
        labelmap = segment.GetRepresentation(labelmap_name())
        scalars = None if labelmap is None else labelmap.GetPointData().GetScalars()
        found[segment_id] = 0 if scalars is None else int((vtk_to_numpy(scalars) == segment.GetLabelValue()).sum())
    return {one.removeprefix("vertebra_") for one in wanted.keys() | found.keys() if wanted.get(one) != found.get(one)}


def semantic_of(node: Any, ct: Any) -> sitk.Image:
    """The semantic mask (LPS order, on the CT's grid) that the segments state now, corrections by the user included.

    Raises InputError where there is no vertebral column, or the segments do not lie on the CT's grid.
    """
    grid = grid_from_node(ct)
    array = np.zeros(ct.GetImageData().GetDimensions()[::-1], np.uint8)
    segmentation = node.GetSegmentation()
    if segmentation.GetSegment(COLUMN_ID) is None:
        raise InputError(f"{node.GetName()} has no segment 'Vertebral column' any more; run the case again")
    for spec in STRUCTURE_SEGMENTS:
        segment = segmentation.GetSegment(spec.id)
        labelmap = None if segment is None else segment.GetRepresentation(labelmap_name())
        if labelmap is None or labelmap.GetPointData().GetScalars() is None:
            continue
        first = _first_index(labelmap, grid, node.GetName())
        nk, nj, ni = labelmap.GetDimensions()[::-1]
        mask = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(nk, nj, ni) == segment.GetLabelValue()
        ends = [start + n for start, n in zip(first, (nk, nj, ni), strict=True)]
        inside = tuple(
            slice(max(start, 0), min(end, size)) for start, end, size in zip(first, ends, array.shape, strict=True)
        )
        part = tuple(slice(s.start - start, s.stop - start) for s, start in zip(inside, first, strict=True))
        array[inside][mask[part]] = spec.label
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(grid.GetSpacing())
    image.SetDirection(grid.GetDirection())
    image.SetOrigin(grid.GetOrigin())
    return to_lps(image)


def _first_index(labelmap: Any, grid: sitk.Image, name: str) -> list[int]:
    """Index (kji) of the CT's grid at which a labelmap's array begins."""
    matrix = vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    extent = labelmap.GetExtent()
    x, y, z, _ = numpy_matrix(matrix) @ [extent[0], extent[2], extent[4], 1.0]
    at = np.array(grid.TransformPhysicalPointToContinuousIndex((-float(x), -float(y), float(z))))
    spacing = np.linalg.norm(numpy_matrix(matrix)[:3, :3], axis=0)
    if np.abs(at - at.round()).max() > 0.01 or not np.allclose(spacing, grid.GetSpacing(), rtol=1e-3):
        raise InputError(f"{name} does not lie on the grid of the CT any more; run the case again")
    return [int(index) for index in at.round()[::-1]]


def _on_grid_of(ct: Any, vertebrae: sitk.Image) -> Any:
    """A labelmap of the mask with the axes and the origin of the CT's node."""
    grid = grid_from_node(ct)
    box = reordered_like(vertebrae, grid)
    start = grid.TransformPhysicalPointToIndex(box.GetOrigin())
    return make_labelmap(sitk.GetArrayViewFromImage(box), start[::-1], grid)


def _present(segmentation: Any) -> list[str]:
    ids = (segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments()))
    return [segment_id for segment_id in ids if segment_id in _BY_ID]


def _shared(segmentation: Any, like: Any) -> Any:
    """The labelmap that all vertebrae share, where it covers the same voxels as ``like``; else None."""
    maps = [segmentation.GetSegment(one).GetRepresentation(labelmap_name()) for one in _present(segmentation)]
    if not maps or any(one is not maps[0] for one in maps) or maps[0] is None:
        return None
    ours, theirs = vtkMatrix4x4(), vtkMatrix4x4()
    maps[0].GetImageToWorldMatrix(ours)
    like.GetImageToWorldMatrix(theirs)
    values = [segmentation.GetSegment(one).GetLabelValue() for one in _present(segmentation)]
    same = (
        maps[0].GetExtent() == like.GetExtent()
        and maps[0].GetScalarType() == like.GetScalarType()
        and np.allclose(numpy_matrix(ours), numpy_matrix(theirs), atol=1e-4)
        and values == [_BY_ID[one].label for one in _present(segmentation)]
    )
    return maps[0] if same else None


def _surface_name() -> str:
    return str(slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName())


def _surfaces(segmentation: Any, touched: Collection[str]) -> dict[str, Any] | None:
    """The closed surfaces that need no new making, by segment; None where the user shows none at all."""
    if not segmentation.ContainsRepresentation(_surface_name()):
        return None
    found = {}
    for index in range(segmentation.GetNumberOfSegments()):
        segment_id = segmentation.GetNthSegmentID(index)
        surface = segmentation.GetSegment(segment_id).GetRepresentation(_surface_name())
        if surface is not None and segment_id not in touched:
            found[segment_id] = surface
    return found
