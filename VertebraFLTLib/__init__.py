"""VertebraFLT: FLT-PET uptake of the bone marrow, vertebra by vertebra, from an under-sampled PET/CT."""

__version__ = "0.1.0"
