"""The codes of segments: right by DICOM's own dictionary, written as Slicer writes them, loadable by Slicer."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest
from pydicom.sr import _concepts_dict

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.anatomy import LEVELS, STRUCTURES  # noqa: E402
from VertebraFLTLib.mrml.terminology import CONTEXT_NAME, Code, Terminology, of_level, of_structure, parse  # noqa: E402
from VertebraFLTLib.resources import resource_path  # noqa: E402

ENTRIES = [of_level(level) for level in LEVELS] + [of_structure(structure) for structure in STRUCTURES]


def _sct_meanings():
    return {
        value: meaning for entry in _concepts_dict.concepts["SCT"].values() for value, (meaning, _) in entry.items()
    }


def test_vertebra_codes_and_meanings_are_those_of_dicom():
    meanings = _sct_meanings()
    for level in LEVELS:
        kind = of_level(level).type
        assert kind.meaning == meanings[kind.value]
    for structure in STRUCTURES:
        assert structure.snomed == "3572006" or structure.snomed_meaning in meanings[structure.snomed]


def test_every_vertebra_has_its_own_code():
    codes = [level.snomed for level in LEVELS if level.snomed]
    assert len(codes) == len(set(codes)) == 24


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_strings_are_as_slicer_serialises_them(entry):
    logic = slicer.vtkSlicerTerminologiesModuleLogic
    category, kind = entry.category, entry.type
    theirs = logic.SerializeTerminologyEntry(
        *(entry.context, category.value, category.scheme, category.meaning, kind.value, kind.scheme, kind.meaning),
        *("", "", "", entry.region_context, "", "", "", "", "", ""),
    )
    assert str(entry) == theirs.rstrip("|")
    assert parse(str(entry)) == parse(theirs) == entry
    read = slicer.vtkSlicerTerminologyEntry()
    assert logic.DeserializeTerminologyEntry(str(entry), read)
    assert read.GetTypeObject().GetCodeValue() == kind.value


@pytest.mark.parametrize("text", ["", "a~b", "a~SCT^1~SCT^2^x~^^~c~^^~^^"])
def test_parse_refuses_what_is_no_entry(text):
    with pytest.raises(ValueError):
        parse(text)


def test_the_context_that_ships_loads_in_slicer():
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    assert logic.LoadTerminologyFromFile(str(resource_path("VertebraFLT.term.json"))) == CONTEXT_NAME
    assert logic.IsTerminologyContextLoaded(CONTEXT_NAME)
    category = slicer.vtkSlicerTerminologyCategory()
    assert logic.GetNumberOfCategoriesInTerminology(CONTEXT_NAME) == 1
    logic.GetNthCategoryInTerminology(CONTEXT_NAME, 0, category)
    assert category.GetCodeValue() == "123037004"
    found = {}
    for index in range(logic.GetNumberOfTypesInTerminologyCategory(CONTEXT_NAME, category)):
        kind = slicer.vtkSlicerTerminologyType()
        assert logic.GetNthTypeInTerminologyCategory(CONTEXT_NAME, category, index, kind)
        rgb = kind.GetRecommendedDisplayRGBValue()
        found[kind.GetCodeValue()] = (kind.GetCodeMeaning(), tuple(rgb))
    assert {entry.type.value for entry in ENTRIES} == set(found)
    for thing, entry in zip([*LEVELS, *STRUCTURES], ENTRIES, strict=True):
        assert found[entry.type.value][0] == entry.type.meaning
        if thing.snomed:
            assert found[entry.type.value][1] == tuple(round(255 * part) for part in thing.color)


def _resources():
    path = Path(__file__).resolve().parents[2] / "update_resources.py"
    spec = importlib.util.spec_from_file_location("update_resources", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.contents()


def test_resources_that_ship_follow_from_the_table_of_structures():
    for name, text in _resources().items():
        assert resource_path(name).read_text(encoding="utf-8") == text, f"{name}: run Testing/update_resources.py"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("VertebraFLT-semantic-colors.csv", [(s.label, s.name, s.color) for s in STRUCTURES]),
        ("VertebraFLT-vertebrae-colors.csv", [(level.code, level.name, level.color) for level in LEVELS]),
    ],
)
def test_colour_tables_load_in_slicer(name, rows):
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLColorTableNode")
    storage = scene.AddNewNodeByClass("vtkMRMLColorTableStorageNode")
    storage.SetFileName(str(resource_path(name)))
    assert storage.ReadData(node)
    color = [0.0] * 4
    for value, label, expected in rows:
        assert node.GetColorName(value) == label
        node.GetColor(value, color)
        assert color[:3] == pytest.approx(expected, abs=0.5 / 255 + 1e-6)
    with resource_path(name).open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(rows)


def test_code_and_terminology_are_empty_by_default():
    assert str(Code()) == "^^"
    assert str(Terminology(Code(), Code())).count("~") == 6
