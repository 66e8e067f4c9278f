"""Who imports whom: the directions of the architecture, read from the source, and proven once in a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "VertebraFLTLib"

# The rooms in the order in which data flows; each may import itself and what is named for it, and nothing else here.
BASE = {"anatomy", "errors", "peak_memory", "progress", "resources", "result", "__init__"}
ON_IMAGES = BASE | {"io", "spine", "quantification"}
TO_PIPELINE = ON_IMAGES | {"column", "segmentation", "pipeline"}
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(BASE, BASE),
    "io": BASE,
    "spine": BASE,
    "segmentation": BASE | {"io"},
    "phantom": BASE | {"io"},
    "quantification": BASE | {"io", "spine"},
    "column": ON_IMAGES,
    "pipeline": TO_PIPELINE,
    "longitudinal": ON_IMAGES,
    "live": TO_PIPELINE,
    "report": TO_PIPELINE | {"longitudinal"},
    "evaluation": ON_IMAGES | {"segmentation", "report"},
    "mrml": TO_PIPELINE | {"report", "phantom", "live"},
    "training": ON_IMAGES | {"segmentation", "phantom", "evaluation"},
    "workflow": TO_PIPELINE | {"report", "mrml", "phantom"},
    "follow_up": TO_PIPELINE | {"longitudinal", "report", "workflow"},
    "cli": TO_PIPELINE | {"report", "mrml", "phantom", "workflow", "follow_up", "training", "evaluation"},
    "__main__": {"cli"},
}
# Outside packages, and the rooms that may have them.
ONLY_IN: dict[str, set[str]] = {
    "torch": {"segmentation", "training"},
    "monai": {"training"},
    "lightning_fabric": {"training"},
    "tensorboard": {"training"},
    "slicer": {"mrml"},
    "qt": {"mrml"},
    "ctk": {"mrml"},
    "PyTorchUtils": {"mrml"},
    "matplotlib": {"report", "evaluation"},
    "rich": {"cli"},
    "argparse": {"cli"},
}
# What exists inside the Slicer application only, and the files that may name it: the rest runs on slicer-core.
APPLICATION_ONLY = {
    *("slicer.ScriptedLoadableModule", "slicer.parameterNodeWrapper", "slicer.i18n", "slicer.packaging"),
    *("qt", "ctk", "PyTorchUtils"),
}
APPLICATION_FILES = {"mrml/parameter_node.py", "mrml/dependencies.py"}  # and the panel: mrml/widget*.py
FILES = sorted(path for path in LIBRARY.rglob("*.py"))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _walk(node: ast.AST, typing_only: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        yield child, typing_only
        yield from _walk(child, typing_only or _is_type_checking(child))


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute names of all modules a file imports, at any depth of it, and whether for type checkers only."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node, typing_only in _walk(ast.parse(path.read_text(encoding="utf-8"), str(path)), False):
        if isinstance(node, ast.Import):
            yield from ((alias.name, typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", typing_only) for alias in node.names)


def _room(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def _name(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


def test_every_room_has_its_directions():
    assert {_room(path) for path in FILES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_rooms_import_one_way(path):
    room = _room(path)
    for name, typing_only in _imports(path):
        top, *rest = name.split(".")
        if top != "VertebraFLTLib" or not rest:
            continue
        # result.py only names the types of what a run holds; nothing is imported when it runs.
        if typing_only and _name(path) == "result.py":
            continue
        other = rest[0] if (LIBRARY / rest[0]).exists() or (LIBRARY / f"{rest[0]}.py").exists() else "__init__"
        assert other == room or other in MAY_IMPORT[room], f"{_name(path)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_packages_stay_in_their_rooms(path):
    for name, _ in _imports(path):
        rooms = ONLY_IN.get(name.split(".")[0])
        assert rooms is None or _room(path) in rooms, f"{_name(path)} imports {name}"
        if any(name == part or name.startswith(part + ".") for part in APPLICATION_ONLY):
            known = _name(path) in APPLICATION_FILES or path.match("mrml/widget*.py")
            assert known, f"{_name(path)} imports {name}, which slicer-core lacks"


def test_the_spine_works_on_plain_arrays():
    for path in (LIBRARY / "spine").rglob("*.py"):
        assert not {"SimpleITK", "vtk", "vtkmodules"} & {name.split(".")[0] for name, _ in _imports(path)}, _name(path)


def test_the_check_sees_imports_wherever_they_stand(tmp_path):
    folder = LIBRARY / "io"
    source = "import torch\nif True:\n    def f():\n        from ..mrml import scene\n        import slicer.util as u\n"
    probe = tmp_path / "probe.py"
    probe.write_text(source)

    class Here(type(probe)):  # a file that says it lies in io/
        def relative_to(self, *other):
            return (folder / "probe.py").relative_to(*other)

    assert {name for name, _ in _imports(Here(probe))} == {"torch", "VertebraFLTLib.mrml.scene", "slicer.util"}


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_library_brings_neither_torch_nor_slicer():
    assert not {"torch", "slicer", "slicer_core", "matplotlib"} & _loaded_after("import VertebraFLTLib")


def test_a_run_without_network_brings_neither_torch_nor_slicer():
    loaded = _loaded_after("import VertebraFLTLib.pipeline, VertebraFLTLib.phantom, VertebraFLTLib.spine.detectors")
    assert not {"torch", "slicer", "slicer_core", "matplotlib", "monai"} & loaded


def test_evaluation_needs_no_network():
    rooms = "metrics, level_scores, curves, view_curves, curve_figures, errors_3d"
    loaded = _loaded_after(f"from VertebraFLTLib.evaluation import {rooms}")
    assert not {"torch", "monai", "slicer", "slicer_core"} & loaded


def test_the_scene_needs_nothing_of_the_application():
    pytest.importorskip("slicer", reason="slicer-core (extra 'standalone') is not installed")
    loaded = _loaded_after("import VertebraFLTLib.mrml.scene, VertebraFLTLib.mrml.logic, VertebraFLTLib.mrml.sample")
    assert "slicer" in loaded
    assert not {"qt", "ctk", "torch"} & loaded
