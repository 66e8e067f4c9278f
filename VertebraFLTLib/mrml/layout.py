"""The layout of the review: three tall views side by side, the profile in the full width below them."""

from __future__ import annotations

from typing import Any

import slicer

LAYOUT_ID = 52917  # any number that no other module uses

# The column is upright, so the views of it are tall.
LAYOUT = """
<layout type="vertical" split="true">
 <item splitSize="640"><layout type="horizontal" split="true">
  <item><view class="vtkMRMLSliceNode" singletontag="Yellow">
   <property name="orientation" action="default">Sagittal</property>
   <property name="viewlabel" action="default">Y</property>
   <property name="viewcolor" action="default">#EDD54C</property></view></item>
  <item><view class="vtkMRMLSliceNode" singletontag="Green">
   <property name="orientation" action="default">Coronal</property>
   <property name="viewlabel" action="default">G</property>
   <property name="viewcolor" action="default">#6EB04B</property></view></item>
  <item><view class="vtkMRMLViewNode" singletontag="1">
   <property name="viewlabel" action="default">1</property></view></item>
 </layout></item>
 <item splitSize="360"><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">
  <property name="viewlabel" action="default">P</property></view></item>
</layout>
"""


def register_layout(scene: Any) -> Any:
    """Tell the scene's layout node, made where there is none, of the review's layout; the layout node."""
    layout = scene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
    layout = layout or scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        layout = scene.AddNode(slicer.vtkMRMLLayoutNode())
    if layout.IsLayoutDescription(LAYOUT_ID):
        layout.SetLayoutDescription(LAYOUT_ID, LAYOUT)
    else:
        layout.AddLayoutDescription(LAYOUT_ID, LAYOUT)
    return layout
