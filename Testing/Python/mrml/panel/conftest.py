"""The module's panel over the real form: in Slicer itself where the tests run there, else off screen on a stand-in."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core (extra 'standalone') is not installed")

import SimpleITK as sitk  # noqa: E402

from VertebraFLTLib import pipeline  # noqa: E402
from VertebraFLTLib.mrml import dependencies, logic, sample  # noqa: E402
from VertebraFLTLib.mrml.scene import private_scene  # noqa: E402
from VertebraFLTLib.phantom import PhantomCase  # noqa: E402
from VertebraFLTLib.result import Result  # noqa: E402

ROOT = Path(__file__).resolve().parents[4]
IN_SLICER = hasattr(slicer, "app")

MISSING = ""
if not IN_SLICER:
    sys.path.insert(0, str(ROOT / "Testing"))
    try:
        import slicer_stand_in
    except ImportError as error:  # Qt needs libraries of the system (libEGL, libGL) that a bare machine may lack
        MISSING = f"PySide6-Essentials (extra 'dev') does not load: {error}"


class InSlicer:
    """Slicer's own application, its message boxes noted instead of shown."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import qt

        self.told: list[tuple[str, str]] = []
        self._qt, self._patch = qt, monkeypatch
        for kind in ("error", "info", "warning"):
            monkeypatch.setattr(slicer.util, f"{kind}Display", self._note(kind))
        monkeypatch.setattr(slicer.util, "showStatusMessage", self._note("status"))

    def _note(self, kind: str) -> Callable[..., None]:
        return lambda text, *_, **__: self.told.append((kind, text))

    def choose_file(self, path: Path) -> None:
        answer = SimpleNamespace(getSaveFileName=lambda *_: str(path))
        self._patch.setattr(self._qt, "QFileDialog", answer)

    def processEvents(self) -> None:
        slicer.app.processEvents()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The application, with an empty scene."""
    if MISSING:
        pytest.skip(MISSING)
    monkeypatch.setattr(dependencies, "ensure_for_run", lambda: None)
    monkeypatch.setattr(dependencies, "ensure", lambda packages: None)
    if IN_SLICER:
        slicer.mrmlScene.Clear()
        yield InSlicer(monkeypatch)
        return
    with pytest.MonkeyPatch.context() as patch:
        scene = private_scene()
        yield slicer_stand_in.install(patch, scene, speaking=(request.module.__name__, __name__))
        slicer_stand_in.uninstall(patch)


@pytest.fixture
def module(app: Any) -> Iterator[Any]:
    """The module's widget, opened."""
    if IN_SLICER:
        if slicer.util.mainWindow() is None:
            pytest.skip("the module is opened in Slicer's main window")
        slicer.util.selectModule("Data")
        slicer.util.selectModule("VertebraFLT")
        yield slicer.modules.VertebraFLTWidget
        return
    spec = importlib.util.spec_from_file_location("VertebraFLT", ROOT / "VertebraFLT" / "VertebraFLT.py")
    source = importlib.util.module_from_spec(spec)
    sys.modules["VertebraFLT"] = source
    spec.loader.exec_module(source)
    widget = source.VertebraFLTWidget()
    widget.setup()
    widget.parent.isEntered = True
    widget.enter()
    widget.parent.resize(520, 2000)
    widget.parent.show()
    yield widget
    widget.cleanup()
    widget.parent.close()
    widget.parent.deleteLater()
    app.processEvents()


@pytest.fixture
def panel(module: Any) -> Any:
    """The panel within the module's widget."""
    return module.panel


@pytest.fixture
def patient_with_mask(
    app: Any, phantom: PhantomCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Any]:
    """Adds a small simulated patient to the scene; a run takes its true mask in place of a network's."""
    mask = tmp_path / "mask.nii.gz"
    sitk.WriteImage(phantom.semantic, str(mask))
    start = logic.start_run

    def start_with_mask(scene: Any, ct: Any, pet: Any, options: Any, **keywords: Any) -> Any:
        return start(scene, ct, pet, replace(options, segmenter=None), mask=mask, **keywords)

    monkeypatch.setattr(logic, "start_run", start_with_mask)
    monkeypatch.setattr(sample, "make_phantom", lambda **_: phantom)
    return lambda: sample.add_phantom(slicer.mrmlScene, phantom)


@pytest.fixture
def wait(app: Any) -> Callable[..., None]:
    """Lets Slicer go on until something holds, or fails after a minute."""

    def until(holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end, f"still waiting: {what}"
            assert "error" not in dict(app.told), app.told
            app.processEvents()
            time.sleep(0.01)

    return until


@pytest.fixture
def reviewed(panel: Any, phantom: PhantomCase, phantom_result: Result, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel after a run on the small patient, which took no time."""
    monkeypatch.setattr(pipeline, "run", lambda *_, **__: replace(phantom_result))
    made = sample.add_phantom(slicer.mrmlScene, phantom)
    panel.parameters.ct, panel.parameters.pet = made.ct, made.pet
    panel.finished(logic.run_case(slicer.mrmlScene, made.ct, made.pet, segmenter=made.truth))
    return panel


@pytest.fixture
def save_and_open_again(app: Any, tmp_path: Path) -> Callable[[], None]:
    """Saves the scene as one bundle, closes it, and opens the bundle, as on another day."""

    def go() -> None:
        path, scene = str(tmp_path / "tomorrow.mrb"), slicer.mrmlScene
        if IN_SLICER:
            slicer.util.saveScene(path)
            scene.Clear()
            slicer.util.loadScene(path)
            return
        assert scene.WriteToMRB(path, None)
        scene.Clear()
        cache, manager = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
        cache.SetRemoteCacheDirectory(str(tmp_path))
        manager.SetCacheManager(cache)
        scene.SetCacheManager(cache)
        scene.SetDataIOManager(manager)
        assert scene.ReadFromMRB(path)
        app.keep = (cache, manager)  # for as long as the scene

    return go


@pytest.fixture
def picture(module: Any, app: Any, tmp_path: Path) -> Callable[..., Path]:
    """Takes a picture of a part of the panel; into $VERTEBRAFLT_SCREENSHOTS where that is set, to be looked at."""

    def take(name: str, *sections: str) -> Path:
        path = Path(os.environ.get("VERTEBRAFLT_SCREENSHOTS", tmp_path)) / f"slicer-{name}.png"
        module.panel.ui.inputsCollapsibleButton.collapsed = False
        module.parent.resize(560, module.parent.sizeHint.height())
        app.processEvents()
        drawn = [getattr(module.panel.ui, section).grab() for section in sections]
        _stacked(drawn).save(str(path))
        assert path.stat().st_size > 3_000
        return path

    return take


def _stacked(drawn: list[Any]) -> Any:
    """Pictures one below the other."""
    import qt

    whole = qt.QPixmap(max(one.width() for one in drawn), sum(one.height() for one in drawn))
    painter = qt.QPainter(whole)
    top = 0
    for one in drawn:
        painter.drawPixmap(0, top, one)
        top += one.height()
    painter.end()
    return whole
