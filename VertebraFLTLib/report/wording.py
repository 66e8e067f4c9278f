"""Words that figures, page and record share."""

from __future__ import annotations

NOTICE = (
    "For research use only. Not a medical device: not cleared or approved for diagnosis or treatment. "
    "A qualified reader must check every mask, boundary and level name before a figure is used."
)

SUV_NOTE = (
    "The PET is not resampled: masks are brought to its voxels and grown by one voxel, whole bones in all directions, "
    "single vertebrae within the axial plane only so that neighbours share none. Around each boundary a layer one PET "
    "slice thick belongs to no vertebra. Sum is over voxels and depends on their size; SUV × ml does not. SD is of the "
    "region's voxels. Peak is the highest mean within a sphere of 1 ml centred in the region."
)

CAPTIONS: dict[str, tuple[str, str, bool]] = {
    # file stem: (what it shows, caption, whether it is tall)
    "sagittal": (
        "Sagittal view of CT, masks, uptake and boundaries",
        "Sagittal plane bent along the middle of the vertebral column. Left: CT with mask outlines. Right: uptake on "
        "CT. Lines are the boundaries between vertebrae; dashed orange ones are of low confidence.",
        True,
    ),
    "coronal": (
        "Coronal view of CT, masks, uptake and boundaries",
        "Coronal plane bent along the middle of the vertebral column, seen from the front.",
        True,
    ),
    "profile": (
        "Uptake profile of the vertebral column with boundaries",
        "Mean SUV inside the vertebral column, PET slice by slice, from the feet to the head. Boundaries lie in its "
        "valleys. A star marks a vertebra that is not wholly seen. The grey shade below is the probability of a disc "
        "in the CT, 0 to 1, where the segmentation tells.",
        False,
    ),
    "registration": (
        "Both days' spines side by side, straightened",
        "CT of the reference and of this scan along their own spines, at equal distances along them: discs must stand "
        "beside each other. Lines are the reference's boundaries; dashed orange ones are of low confidence here.",
        True,
    ),
    "uptake_3d": (
        "Three-dimensional view of uptake surfaces",
        "Surfaces of equal uptake at percentiles of each bone's own distribution, inside the bone's surface.",
        True,
    ),
    "suv_by_level": (
        "Mean, spread, peak and total uptake by level",
        "Mean SUV of each vertebra with one standard deviation, and SUVpeak (highest mean within 1 ml); total uptake "
        "as SUV × ml, which does not depend on the voxel size.",
        False,
    ),
}

SEGMENTER_NAMES: dict[str, str] = {
    "volume": "3-D networks",
    "ensemble": "2-D networks of several planes",
    "totalsegmentator": "TotalSegmentator",
    "nnunet": "nnU-Net",
    "mask": "a given mask",
}

REGION_NAMES: dict[str, str] = {
    "vertebral_column": "Vertebral column",
    "pelvis": "Pelvis (hip bones and sacrum)",
    "hips": "Hip bones",
    "sacrum": "Sacrum",
    "sternum": "Sternum",
    "all": "All together",
}


def region_name(roi: str) -> str:
    """What a region is called for people; level names stay as they are."""
    return REGION_NAMES.get(roi, roi)
