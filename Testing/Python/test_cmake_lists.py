"""The CMake files name every file of the tree, and configure."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _lists():
    spec = importlib.util.spec_from_file_location("update_cmake_lists", ROOT / "Testing" / "update_cmake_lists.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LISTS = _lists()


@pytest.fixture(scope="module")
def names():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone to know the tree")
    return LISTS.tree()


@pytest.mark.parametrize("folder", LISTS.LISTS)
def test_list_equals_tree(folder, names):
    assert LISTS.listed(folder) == LISTS.expected(folder, names), "run python Testing/update_cmake_lists.py"


@pytest.mark.parametrize("folder", LISTS.LISTS)
def test_every_listed_file_exists_once(folder):
    listed = LISTS.listed(folder)
    base = (ROOT / LISTS.LISTS[folder][0]).parent
    assert listed and len(listed) == len(set(listed))
    assert [name for name in listed if not (base / name).is_file()] == []


def test_slicer_finds_one_module_only():
    assert [path.name for path in (ROOT / "VertebraFLT").glob("*.py")] == ["VertebraFLT.py"]
    assert list(ROOT.glob("*.py")) == []
    assert len((ROOT / "VertebraFLT" / "VertebraFLT.py").read_text(encoding="utf-8").splitlines()) <= 150


def test_extension_metadata_is_complete():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    given = dict(re.findall(r'^set\((EXTENSION_\w+) "(.+)"\)$', text, re.M))
    wanted = {"HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"}
    assert set(given) == {f"EXTENSION_{name}" for name in wanted}
    assert text.index("find_package(Slicer REQUIRED)") < text.index("include(${Slicer_USE_FILE})")
    assert "project(VertebraFLT)" in text
    assert text.rstrip().endswith("include(${Slicer_EXTENSION_GENERATE_CONFIG})\ninclude(${Slicer_EXTENSION_CPACK})")


def test_index_entry_agrees_with_the_extension():
    entry = json.loads((ROOT / "docs" / "extension-index" / "VertebraFLT.json").read_text(encoding="utf-8"))
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    given = dict(re.findall(r'^set\(EXTENSION_(\w+) "(.+)"\)$', text, re.M))
    assert "project(VertebraFLT)" in text  # the entry's file is called after the project
    assert entry["category"] == given["CATEGORY"] and entry["build_dependencies"] == given["DEPENDS"].split()
    assert entry["scm_url"] == given["HOMEPAGE"] + ".git" and entry["scm_url"].endswith("/SlicerVertebraFLT.git")
    required = {"$schema", "category", "scm_url"}
    optional = {"scm_revision", "build_dependencies", "build_subdirectory", "tier"}
    assert required <= set(entry) <= required | optional and 1 <= entry["tier"] <= 5
    for url in (given["ICONURL"] + " " + given["SCREENSHOTURLS"]).split():
        assert url.endswith(".png") and (ROOT / url.split("/main/")[1]).is_file()


# What Slicer's CMake package gives an extension, as far as it is used here: checks as the real macros make them.
_SLICER = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/use.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR lib/qt-scripted-modules)
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR lib/qt-scripted-modules)
set(BUILD_TESTING ON)
"""
_USE = """
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT MY_NAME)
    message(FATAL_ERROR "bad arguments ${ARGN}")
  endif()
  foreach(script IN LISTS MY_SCRIPTS MY_RESOURCES)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${script})
      message(FATAL_ERROR "missing ${script}")
    endif()
  endforeach()
  list(LENGTH MY_SCRIPTS count)
  message(STATUS "module ${MY_NAME} of ${count} files")
endmacro()
macro(slicer_add_python_test)
  cmake_parse_arguments(MY "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS;SCRIPT_ARGS" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT} OR NOT EXISTS ${MY_SCRIPT_ARGS})
    message(FATAL_ERROR "bad test ${ARGN}")
  endif()
  get_filename_component(name ${MY_SCRIPT} NAME_WE)
  add_test(NAME py_${MY_TESTNAME_PREFIX}${name} COMMAND true)
endmacro()
macro(slicer_add_python_unittest)
  message(STATUS "unittest ${ARGN}")
endmacro()
"""


def test_files_configure(tmp_path):
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("cmake is not installed")
    package, source = tmp_path / "slicer", tmp_path / "source"
    package.mkdir()
    source.mkdir()
    (package / "SlicerConfig.cmake").write_text(_SLICER)
    (package / "use.cmake").write_text(_USE)
    (package / "empty.cmake").write_text("")
    for folder in ("VertebraFLT", "VertebraFLTLib", "Testing", "Resources"):
        (source / folder).symlink_to(ROOT / folder)
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    text = text.replace("VERSION 3.28", "VERSION 3.16").replace("project(VertebraFLT)", "project(VertebraFLT NONE)")
    (source / "CMakeLists.txt").write_text(text)
    done = subprocess.run(
        [cmake, "-S", source, "-B", tmp_path / "build", f"-DSlicer_DIR={package}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    count = len(LISTS.listed("VertebraFLTLib"))
    assert "module VertebraFLT of 1 files" in done.stdout
    assert f"module VertebraFLTLib of {count} files" in done.stdout
    copied = tmp_path / "build" / "lib" / "qt-scripted-modules" / "Resources" / "UI" / "VertebraFLT.ui"
    assert copied.is_file()
