"""A written scene, read back: it says all the result says, in the same place, and leaves nothing else behind."""

from __future__ import annotations

import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

slicer = pytest.importorskip("slicer")
slicer_util = pytest.importorskip("slicer.util")

from VertebraFLTLib.anatomy import HIP_BONE, LEVEL_BY_NAME, VERTEBRAL_BODY  # noqa: E402
from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.mrml import scene as scene_module  # noqa: E402
from VertebraFLTLib.mrml import views  # noqa: E402
from VertebraFLTLib.mrml.case import cases_of, read_content  # noqa: E402
from VertebraFLTLib.mrml.layout import LAYOUT_ID  # noqa: E402
from VertebraFLTLib.mrml.planes import plane_of  # noqa: E402
from VertebraFLTLib.mrml.record import history_of  # noqa: E402
from VertebraFLTLib.mrml.scene import build_scene, private_scene, write_scene  # noqa: E402
from VertebraFLTLib.mrml.tables import heights_in_table  # noqa: E402
from VertebraFLTLib.mrml.terminology import parse  # noqa: E402
from VertebraFLTLib.mrml.volumes import image_from_node  # noqa: E402

HEADER = {"StudyDescription": "FLT day 28", "StudyDate": "20200131", "StudyInstanceUID": "1.2.3.4"}
SPHERE_CENTRE_RAS = (-12.0, 30.0, 44.0)


@pytest.fixture
def written(result_on, tmp_path, read_mrb):
    result = result_on("straight", HEADER)
    write_scene(result, tmp_path / "out" / "scene.mrb")
    return result, read_mrb(tmp_path / "out" / "scene.mrb")


def nodes(scene, class_name):
    return [scene.GetNthNodeByClass(i, class_name) for i in range(scene.GetNumberOfNodesByClass(class_name))]


def only(scene, class_name):
    found = nodes(scene, class_name)
    assert len(found) == 1
    return found[0]


def named(scene, class_name, name):
    found = [node for node in nodes(scene, class_name) if node.GetName() == name]
    assert len(found) == 1
    return found[0]


def segment_mask(node, segment_id, image):
    """The voxels of one segment on the grid of an image, through Slicer's own resampling."""
    oriented = slicer.vtkOrientedImageData()
    assert node.GetBinaryLabelmapRepresentation(segment_id, oriented)
    extent = oriented.GetExtent()
    shape = [extent[2 * a + 1] - extent[2 * a] + 1 for a in (2, 1, 0)]
    array = vtk_to_numpy(oriented.GetPointData().GetScalars()).reshape(shape) != 0
    matrix = vtk.vtkMatrix4x4()
    oriented.GetImageToWorldMatrix(matrix)
    to_ras = np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])
    ijk = np.argwhere(array)[:, ::-1] + [extent[0], extent[2], extent[4]]
    points = (to_ras[:3, :3] @ ijk.T).T + to_ras[:3, 3]
    result = np.zeros(image.GetSize()[::-1], bool)
    for x, y, z in points * [-1, -1, 1]:
        i, j, k = image.TransformPhysicalPointToIndex((float(x), float(y), float(z)))
        result[k, j, i] = True
    return result


def test_volumes_keep_voxels_units_and_display(written):
    result, scene = written
    assert len(nodes(scene, "vtkMRMLScalarVolumeNode")) == 2
    ct, pet = (named(scene, "vtkMRMLScalarVolumeNode", name) for name in ("CT", "PET SUVbw"))
    assert np.array_equal(slicer_util.arrayFromVolume(ct), sitk.GetArrayFromImage(result.ct.image))
    assert slicer_util.arrayFromVolume(ct).dtype == np.int16
    assert np.array_equal(slicer_util.arrayFromVolume(pet), sitk.GetArrayFromImage(result.pet_suv))
    assert pet.GetVoxelValueUnits().GetCodeValue() == "{SUVbw}g/ml"
    assert pet.GetVoxelValueUnits().GetCodingSchemeDesignator() == "UCUM"
    assert pet.GetVoxelValueQuantity().GetCodeMeaning() == "Standardized Uptake Value"
    assert pet.GetAttribute("DICOM.RadiopharmaceuticalCodeValue") == "C-B1036"
    display = pet.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()) == (4, 2, 0)
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"
    assert ct.GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"
    assert ct.GetDisplayNode().GetNumberOfWindowLevelPresets() == 2


def test_tracer_is_not_claimed_where_it_is_unknown(result_on, tmp_path, read_mrb):
    write_scene(result_on(tracer=None), tmp_path / "scene.mrb")
    pet = named(read_mrb(tmp_path / "scene.mrb"), "vtkMRMLScalarVolumeNode", "PET SUVbw")
    assert pet.GetAttribute("DICOM.RadiopharmaceuticalCodeValue") is None


def test_segments_have_lasting_ids_names_colours_and_terminology(written):
    _, scene = written
    segmentation = only(scene, "vtkMRMLSegmentationNode").GetSegmentation()
    ids = {segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())}
    assert ids == {
        *("vertebral_column", "hips", "sacrum", "sternum"),
        *("vertebra_L5", "vertebra_L4", "vertebra_L3", "vertebra_T13"),
    }
    column = segmentation.GetSegment("vertebral_column")
    assert column.GetName() == "Vertebral column"
    assert column.GetColor() == pytest.approx(VERTEBRAL_BODY.color, abs=1e-5)
    assert parse(column.GetTerminology()).type.value == "3572006"
    assert parse(segmentation.GetSegment("hips").GetTerminology()).type.value == HIP_BONE.snomed
    l5 = segmentation.GetSegment("vertebra_L5")
    assert l5.GetName() == "L5"
    assert l5.GetColor() == pytest.approx(LEVEL_BY_NAME["L5"].color, abs=1e-5)
    entry = parse(l5.GetTerminology())
    assert (entry.category.value, entry.type.scheme, entry.type.value) == ("123037004", "SCT", "49668003")
    assert parse(segmentation.GetSegment("vertebra_T13").GetTerminology()).type.value == "51282000"


def test_segments_share_two_layers_and_refer_to_the_ct(written):
    _, scene = written
    node = only(scene, "vtkMRMLSegmentationNode")
    assert node.GetSegmentation().GetNumberOfLayers() == 2
    ct = named(scene, "vtkMRMLScalarVolumeNode", "CT")
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()).GetID() == ct.GetID()
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    assert node.GetSegmentation().GetConversionParameter(name)


@pytest.mark.parametrize("geometry", ["straight", "ras", "left-handed", "permuted", "oblique", "oblique-flipped"])
def test_every_grid_keeps_its_place(result_on, tmp_path, read_mrb, geometry):
    result = result_on(geometry)
    write_scene(result, tmp_path / "scene.mrb")
    scene = read_mrb(tmp_path / "scene.mrb")
    ct = image_from_node(named(scene, "vtkMRMLScalarVolumeNode", "CT"))
    again = sitk.Resample(ct, result.ct.image, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkNearestNeighbor, -9999.0)
    assert np.array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(result.ct.image))
    node = only(scene, "vtkMRMLSegmentationNode")
    semantic, vertebrae = (sitk.GetArrayFromImage(mask) for mask in (result.semantic, result.vertebrae))
    for segment_id, label, mask in (
        ("vertebral_column", 1, semantic),
        ("hips", 2, semantic),
        ("sternum", 3, semantic),
        ("vertebra_L5", 24, vertebrae),
        ("vertebra_T13", 28, vertebrae),
    ):
        assert np.array_equal(segment_mask(node, segment_id, result.semantic), mask == label), segment_id


def test_a_label_that_does_not_occur_makes_no_segment(result_on, tmp_path, read_mrb):
    result = result_on()
    result.vertebrae = sitk.Image(result.vertebrae) * 0
    write_scene(result, tmp_path / "scene.mrb")
    node = only(read_mrb(tmp_path / "scene.mrb"), "vtkMRMLSegmentationNode")
    assert node.GetSegmentation().GetNumberOfSegments() == 4
    assert node.GetDisplayNode().GetSegmentVisibility("vertebral_column")


def test_tables_hold_the_numbers_with_types(written):
    result, scene = written
    assert len(nodes(scene, "vtkMRMLTableNode")) == 4
    suv = named(scene, "vtkMRMLTableNode", "SUV by region")
    assert suv.GetNumberOfRows() == len(result.suv_table)
    assert suv.GetColumnName(0) == "roi" and suv.GetLocked()
    assert suv.GetColumnType("suv_mean") == slicer.vtkMRMLTableNode().GetValueTypeFromString("double")
    assert suv.GetColumnUnitLabel("volume_ml") == "ml"
    assert suv.GetTable().GetColumnByName("suv_sum").GetValue(0) == pytest.approx(54051.25, rel=1e-5)
    assert suv.GetTable().GetColumnByName("label").GetValue(3) == "2+4"
    profile = named(scene, "vtkMRMLTableNode", "Uptake profile")
    assert [profile.GetColumnName(i) for i in range(4)] == ["pet_slice", "z_mm", "mean_suv", "voxels"]
    assert slicer_util.arrayFromTableColumn(profile, "mean_suv") == pytest.approx(result.profile.mean_suv, rel=1e-5)
    table = named(scene, "vtkMRMLTableNode", "Vertebral boundaries")
    expected = ["index", "below", "above", "pet_slice", "z_mm", "depth_suv", "confidence", "source"]
    assert [table.GetColumnName(i) for i in range(8)] == expected
    assert not table.GetLocked()
    assert table.GetTable().GetColumnByName("boundary").GetValue(0) == "L4/L5"
    levels = named(scene, "vtkMRMLTableNode", "SUV by level").GetTable()
    assert [levels.GetColumnByName("level").GetValue(i) for i in range(levels.GetNumberOfRows())] == ["L5", "L4"]


def test_boundaries_survive_a_scene_to_the_last_digit(written):
    result, scene = written
    (case,) = cases_of(scene)
    history = history_of(read_content(case), result.profile)
    assert history.current == history.detected == result.boundaries
    table = named(scene, "vtkMRMLTableNode", "Vertebral boundaries")
    assert heights_in_table(table) == pytest.approx([b.z_mm for b in result.boundaries.boundaries], abs=1e-3)
    planes = nodes(scene, "vtkMRMLMarkupsPlaneNode")
    assert [plane.GetName() for plane in planes] == ["L4/L5", "L3/L4", "L2/L3"]
    for plane, boundary in zip(planes, result.boundaries.boundaries, strict=True):
        assert plane_of(plane) == (pytest.approx(boundary.centre_mm), pytest.approx(boundary.normal))


def test_plot_shows_profile_and_boundaries_that_move_along_x(written):
    _, scene = written
    chart = named(scene, "vtkMRMLPlotChartNode", "Uptake along the column")
    assert chart.GetEnablePointMoveAlongX() and not chart.GetEnablePointMoveAlongY()
    assert chart.GetNumberOfPlotSeriesNodes() == 4
    line, *halos, markers = (chart.GetNthPlotSeriesNode(i) for i in range(4))
    assert [(s.GetTableNode().GetName(), s.GetYColumnName()) for s in halos] == [
        ("Vertebral boundaries", "doubtful_suv"),
        ("Vertebral boundaries", "selected_suv"),
    ]
    assert line.GetTableNode().GetName() == "Uptake profile"
    assert markers.GetTableNode().GetName() == "Vertebral boundaries"
    for series in (line, markers):
        assert series.GetPlotType() == slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter
        assert (series.GetXColumnName(), series.GetYColumnName()) == ("z_mm", "mean_suv")
    assert line.GetLineStyle() == slicer.vtkMRMLPlotSeriesNode.LineStyleSolid
    assert markers.GetLineStyle() == slicer.vtkMRMLPlotSeriesNode.LineStyleNone
    assert "mm" in chart.GetXAxisTitle() and "g/ml" in chart.GetYAxisTitle()
    bars = named(scene, "vtkMRMLPlotChartNode", "SUV by level")
    (series,) = (bars.GetNthPlotSeriesNode(i) for i in range(bars.GetNumberOfPlotSeriesNodes()))
    assert series.GetPlotType() == slicer.vtkMRMLPlotSeriesNode.PlotTypeBar
    assert (series.GetLabelColumnName(), series.GetYColumnName()) == ("level", "suv_mean")


def test_surfaces_lie_in_ras(written):
    _, scene = written
    models = nodes(scene, "vtkMRMLModelNode")
    assert len(models) == 6
    for model in models:
        bounds = [0.0] * 6
        model.GetRASBounds(bounds)
        centre = [(bounds[2 * a] + bounds[2 * a + 1]) / 2 for a in range(3)]
        assert centre == pytest.approx(SPHERE_CENTRE_RAS, abs=0.1)
        normals = vtk.vtkPolyDataNormals()  # outward normals: the enclosed volume counts positive
        normals.SetInputData(model.GetPolyData())
        mass = vtk.vtkMassProperties()
        mass.SetInputConnection(normals.GetOutputPort())
        assert mass.GetVolume() > 0
    hot = named(scene, "vtkMRMLModelNode", "vertebral column p98 (SUV 4)").GetDisplayNode()
    cool = named(scene, "vtkMRMLModelNode", "vertebral column p50 (SUV 2)").GetDisplayNode()
    assert hot.GetColor() == (1.0, 0.0, 0.0) and hot.GetOpacity() > cool.GetOpacity()
    assert (
        cool.GetVisibility() and not named(scene, "vtkMRMLModelNode", "L5 p50 (SUV 2)").GetDisplayNode().GetVisibility()
    )


def test_one_folder_under_the_study_holds_everything(written):
    _, scene = written
    tree = only(scene, "vtkMRMLSubjectHierarchyNode")
    folder = tree.GetItemByName("VertebraFLT")
    study = tree.GetItemParent(folder)
    assert tree.GetItemName(study) == "FLT day 28 20200131"
    assert tree.GetItemUID(study, "DICOM") == "1.2.3.4"
    assert tree.GetItemName(tree.GetItemParent(study)) == "Patient"
    inside = vtk.vtkCollection()
    tree.GetDataNodesInBranch(folder, inside)
    names = [inside.GetItemAsObject(i).GetName() for i in range(inside.GetNumberOfItems())]
    assert len(names) == 2 + 1 + 4 + 4 + 1 + 1 + 1 + 3 + 6 + 1  # volumes to planes, surfaces, and the case itself
    assert (
        tree.GetItemOwnerPluginName(tree.GetItemByDataNode(only(scene, "vtkMRMLSegmentationNode"))) == "Segmentations"
    )


def test_views_open_on_fusion_and_plot(written):
    _, scene = written
    composites = nodes(scene, "vtkMRMLSliceCompositeNode")
    assert len(composites) == 3
    ct, pet = (named(scene, "vtkMRMLScalarVolumeNode", name) for name in ("CT", "PET SUVbw"))
    for composite in composites:
        assert (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()) == (ct.GetID(), pet.GetID())
    chart = named(scene, "vtkMRMLPlotChartNode", "Uptake along the column")
    assert only(scene, "vtkMRMLPlotViewNode").GetPlotChartNodeID() == chart.GetID()
    built_in = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView  # a file keeps no layout of a module's own
    assert only(scene, "vtkMRMLLayoutNode").GetViewArrangement() == built_in
    assert {node.GetOrientation() for node in nodes(scene, "vtkMRMLSliceNode")} == {"Axial", "Sagittal", "Coronal"}


def test_the_review_has_a_layout_of_its_own(result_on):
    scene = private_scene()
    made = build_scene(result_on(), scene)
    assert views.show_review(scene, made) == views.show_review(scene, made) == LAYOUT_ID
    layout = only(scene, "vtkMRMLLayoutNode")
    assert layout.GetViewArrangement() == LAYOUT_ID
    root = ElementTree.fromstring(layout.GetLayoutDescription(LAYOUT_ID))
    shown = [(view.get("class"), view.get("singletontag")) for view in root.iter("view")]
    assert shown == [
        ("vtkMRMLSliceNode", "Yellow"),
        ("vtkMRMLSliceNode", "Green"),
        ("vtkMRMLViewNode", "1"),
        ("vtkMRMLPlotViewNode", "PlotView1"),
    ]
    views.prepare_views(scene, made, (-30, 30, -30, 30, -100, 60))
    plot_view = only(scene, "vtkMRMLPlotViewNode")
    assert plot_view.GetInteractionMode() == plot_view.InteractionModeMovePoints
    views.show_chart(scene, made.bar_plot.chart)
    assert plot_view.GetPlotChartNodeID() == made.bar_plot.chart.GetID()
    assert plot_view.GetInteractionMode() == plot_view.InteractionModePanView


def test_existing_volumes_are_used_and_masks_lie_on_their_grid(result_on):
    result = result_on("oblique-flipped")
    scene = private_scene()
    original = result_on("oblique-flipped").ct
    from VertebraFLTLib.io.geometry import back_to_original
    from VertebraFLTLib.mrml.volumes import add_volume

    ct_node = add_volume(scene, back_to_original(original.image, original.original), "my CT")
    made = build_scene(result, scene, ct_node=ct_node)
    assert made.ct is ct_node
    assert [n.GetName() for n in nodes(scene, "vtkMRMLScalarVolumeNode")] == ["my CT", "PET SUVbw"]
    labelmap = made.segmentation.GetBinaryLabelmapInternalRepresentation("hips")
    ours, theirs = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(ours)
    ct_node.GetIJKToRASMatrix(theirs)
    assert [ours.GetElement(r, c) for r in range(4) for c in range(4)] == pytest.approx(
        [theirs.GetElement(r, c) for r in range(4) for c in range(4)], abs=1e-6
    )
    mask = segment_mask(made.segmentation, "hips", result.semantic)
    assert np.array_equal(mask, sitk.GetArrayFromImage(result.semantic) == 2)


def test_writing_leaves_no_trace_but_the_file(result_on, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    application_scene = slicer.vtkMRMLScene()
    monkeypatch.setattr(slicer, "mrmlScene", application_scene, raising=False)
    out = tmp_path / "out"
    out.mkdir()
    write_scene(result_on(), out / "scene.mrb")
    assert [entry.name for entry in out.iterdir()] == ["scene.mrb"]
    assert list(temporary.iterdir()) == []
    assert application_scene.GetNumberOfNodes() == 0
    with zipfile.ZipFile(out / "scene.mrb") as bundle:
        assert "scene/scene.mrml" in bundle.namelist()


def test_a_failure_leaves_the_old_file(result_on, tmp_path, monkeypatch):
    path = tmp_path / "scene.mrb"
    path.write_text("earlier")

    class Failing(slicer.vtkMRMLScene):
        def WriteToMRB(self, *_):
            return False

    monkeypatch.setattr(scene_module, "private_scene", Failing)
    with pytest.raises(InputError, match="cannot write"):
        write_scene(result_on(), path)
    assert path.read_text() == "earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == ["scene.mrb"]


def test_unwritable_place_is_an_input_error(result_on, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_scene(result_on(), Path(tmp_path / "file" / "scene.mrb"))


def test_a_result_without_boundaries_or_surfaces_is_a_scene_all_the_same(result_on, tmp_path, read_mrb):
    result = result_on()
    result.boundaries = replace(result.boundaries, boundaries=())
    result.vertebrae, result.semantic = (sitk.Image(mask) * 0 for mask in (result.vertebrae, result.semantic))
    result.surfaces = []
    result.suv_table = [replace(result.suv_table[0], voxels=0, suv_mean=float("nan"))]
    write_scene(result, tmp_path / "scene.mrb")
    scene = read_mrb(tmp_path / "scene.mrb")
    assert nodes(scene, "vtkMRMLSegmentationNode") == []
    table = named(scene, "vtkMRMLTableNode", "Vertebral boundaries")
    assert (table.GetNumberOfRows(), table.GetNumberOfColumns()) == (0, 20)
    suv = named(scene, "vtkMRMLTableNode", "SUV by region").GetTable()
    assert np.isnan(suv.GetColumnByName("suv_mean").GetValue(0))
    assert named(scene, "vtkMRMLPlotChartNode", "Uptake along the column").GetNumberOfPlotSeriesNodes() == 4
