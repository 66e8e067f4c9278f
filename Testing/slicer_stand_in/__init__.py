"""A stand-in of Slicer's Qt layer over PySide6, off screen, as small as the tests of the panel need.

slicer-core brings the real MRML classes and ``slicer.util``; what only the application has (``qt``, ``ctk``, the qMRML
widgets, ``slicer.app``, the parameter node wrapper, the base classes of a module) is stood in for here. The product
never imports it. Inside Slicer it is not used: the same tests then meet the real thing.
"""

from slicer_stand_in.application import Application, install, speak_pythonqt, uninstall

__all__ = ["Application", "install", "speak_pythonqt", "uninstall"]
