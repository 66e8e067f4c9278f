"""What anatomy says of a semantic mask: one column, one sternum, a pair of hips, one sacrum; nothing is added."""

from VertebraFLTLib.segmentation.cleanup.anatomy_rules import clean_up

__all__ = ["clean_up"]
