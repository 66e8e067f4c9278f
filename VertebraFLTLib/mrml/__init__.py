"""Everything that touches MRML: a run's result as nodes of a Slicer scene, and the behaviour of the Slicer module."""
