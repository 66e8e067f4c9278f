"""The report page: one self-contained HTML file that opens offline and prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from VertebraFLTLib import __version__
from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.pipeline import LOW_CONFIDENCE
from VertebraFLTLib.quantification.suv_table import RegionSuv
from VertebraFLTLib.report.html import Column, Markup, box, details, facts, heading, items, join, picture, table, tag
from VertebraFLTLib.report.page_style import CSS, PAGE
from VertebraFLTLib.report.review_section import review_section
from VertebraFLTLib.report.wording import CAPTIONS, NOTICE, SEGMENTER_NAMES, SUV_NOTE, region_name
from VertebraFLTLib.result import Result
from VertebraFLTLib.spine.name_confidence import in_words


def report_page(result: Result, record: Mapping[str, Any], figures: Mapping[str, bytes]) -> str:
    """The text of ``report.html``. ``record``: as in case.json. ``figures``: PNG bytes by file stem."""
    sections = [
        _head(result, record),
        _summary(result),
        *(_figure(name, figures) for name in ("sagittal", "coronal")),
        heading("Boundaries"),
        _carried(result),
        _figure("registration", figures),
        _figure("profile", figures),
        _boundaries(result),
        review_section(result),
        heading("Uptake"),
        _figure("suv_by_level", figures),
        _suv_table(result.suv_table),
        _figure("uptake_3d", figures),
        heading("How SUV was derived"),
        _suv(result),
        heading("Inputs"),
        *(_input(name, record["inputs"][name.lower()]) for name in ("CT", "PET")),
        heading("How it was made"),
        _making(record),
        tag("footer", f"VertebraFLT {__version__}. {NOTICE}"),
    ]
    return PAGE.substitute(version=__version__, title="VertebraFLT report", css=CSS, body=join(sections))


def _head(result: Result, record: Mapping[str, Any]) -> Markup:
    made = record["created"][:16].replace("T", " ") + " UTC"
    parts = [
        tag("h1", "VertebraFLT report"),
        tag(
            "p",
            " · ".join(
                [
                    *_day(result),
                    f"CT {_file_name(result.ct.source.path)}",
                    f"PET {_file_name(result.pet.source.path)}",
                    made,
                ]
            ),
            class_="sub",
        ),
        box("notice", NOTICE),
    ]
    if result.warnings:
        count = len(result.warnings)
        title = tag("strong", "1 warning" if count == 1 else f"{count} warnings")
        parts.append(box("warning", join([title, items(result.warnings)])))
    return join(parts)


def _day(result: Result) -> list[str]:
    return [result.carried["label"]] if result.carried and result.carried["label"] else []


def _file_name(path: str) -> str:
    return Path(path).name or path


def _summary(result: Result) -> Markup:
    boundaries = result.boundaries
    names = [vertebra.level for vertebra in boundaries.vertebrae()]
    low = [b for b in boundaries.boundaries if b.confidence < LOW_CONFIDENCE]
    rows: list[tuple[str, Any]] = [
        ("Tracer", result.suv.tracer or "not stated"),
        ("Vertebrae", f"{len(names)}, from {names[0]} to {names[-1]}" if names else "none"),
        (
            "Level names",
            f"confidence {in_words(boundaries)}: {boundaries.level_reason or 'no reason given'}",
        ),
        (
            "Boundaries",
            f"{len(boundaries.boundaries)}, of which {len(low)} below confidence {LOW_CONFIDENCE:g}",
        ),
    ]
    for row in result.suv_table:
        if row.roi in ("vertebral_column", "pelvis", "sternum"):
            rows.append(
                (
                    region_name(row.roi),
                    f"mean SUV {row.suv_mean:.2f}, peak {row.suv_peak:.2f}, {row.volume_ml:,.0f} ml, "
                    f"total {row.suv_total_ml:,.0f} SUV × ml",
                )
            )
    return join([heading("Summary"), facts(rows)])


def _figure(name: str, figures: Mapping[str, bytes]) -> Markup:
    if name not in figures:
        return Markup("")
    alternative, caption, tall = CAPTIONS[name]
    return picture(figures[name], alternative, caption, tall=tall)


def _carried(result: Result) -> Markup:
    if result.carried is None:
        return Markup("")
    figures = result.carried["registration"]
    return tag(
        "p",
        f"Carried from the run {result.carried['reference']}: the bones of both days overlap by "
        f"{figures['rigid_dice']:.2f} (Dice) after turning by {figures['rotation_deg']:.1f} degrees and moving, the "
        f"columns by {figures['column_dice']:.2f} after bending along the spine.",
    )


def _boundaries(result: Result) -> Markup:
    columns = [
        Column("#", True),
        Column("Between"),
        Column("z (mm)", True),
        Column("PET slice", True),
        Column("Tilt (deg)", True),
        Column("Depth (SUV)", True),
        Column("Confidence", True),
        Column("Source"),
        Column("What weakens it"),
    ]
    bounds = result.boundaries.boundaries
    rows = [
        (
            n,
            f"{b.below} / {b.above}",
            f"{b.z_mm:.1f}",
            f"{b.pet_slice:.2f}",
            f"{b.tilt_deg:.0f}",
            f"{b.depth_suv:.2f}",
            f"{b.confidence:.2f}",
            b.source,
            "; ".join(b.reasons),
        )
        for n, b in enumerate(bounds)
    ]
    classes = ["low" if b.confidence < LOW_CONFIDENCE else None for b in bounds]
    incomplete = [v for v in result.boundaries.vertebrae() if not v.complete]
    parts = [table(columns, rows, classes)] if rows else [tag("p", "No boundary was found.")]
    if incomplete:
        parts.append(tag("p", "Not wholly seen: " + "; ".join(f"{v.level} ({v.reason})" for v in incomplete) + "."))
    return join(parts)


def _suv_table(rows: list[RegionSuv]) -> Markup:
    names = ("Voxels", "Volume (ml)", "Sum", "Mean", "SD", "Min", "Median", "P85", "P98", "Max", "Peak", "SUV × ml")
    columns = [Column("Region"), *(Column(name, True) for name in names)]
    cells = [
        (
            region_name(r.roi).split(" (")[0],
            f"{r.voxels:,}",
            f"{r.volume_ml:,.1f}",
            f"{r.suv_sum:,.0f}",
            *(f"{v:.2f}" for v in (r.suv_mean, r.suv_sd, r.suv_min, r.suv_median, r.suv_p85, r.suv_p98, r.suv_max)),
            f"{r.suv_peak:.2f}",
            f"{r.suv_total_ml:,.0f}",
        )
        for r in rows
    ]
    first_bone = next((n for n, r in enumerate(rows) if r.roi not in LEVEL_BY_NAME), None)
    classes = ["total" if n == first_bone and n else None for n in range(len(rows))]
    return join([table(columns, cells, classes), tag("p", SUV_NOTE, class_="sub")])


def _suv(result: Result) -> Markup:
    suv = result.suv
    parts = [tag("p", suv.method), tag("p", tag("code", f"SUV = value × {suv.factor:.9g}   (value in {suv.units_in})"))]
    if suv.terms:
        columns = [Column("Term"), Column("Value", True), Column("Unit"), Column("Tag"), Column("Taken from")]
        rows = [
            (
                term.name,
                f"{term.value:.10g}" if isinstance(term.value, float) else term.value,
                term.unit,
                term.tag or "",
                term.source,
            )
            for term in suv.terms
        ]
        parts.append(table(columns, rows))
    return join(parts)


def _input(name: str, record: Mapping[str, Any]) -> Markup:
    geometry = record["geometry"]
    size = " × ".join(str(n) for n in geometry["size"])
    spacing = " × ".join(f"{s:.4g}" for s in geometry["spacing_mm"])
    files = "1 file" if record["files"] == 1 else f"{record['files']} files"
    return facts(
        [
            (name, record["path"]),
            ("Grid", f"{size} voxels of {spacing} mm; {record['kind']}, {files}"),
            ("SHA-256", tag("code", record["sha256"])),
        ]
    )


def _making(record: Mapping[str, Any]) -> Markup:
    def rows(part: Mapping[str, Any]) -> list[tuple[str, Any]]:
        return [(key, _shown(value)) for key, value in part.items()]

    timings = record["timings_s"]
    total = f"{sum(timings.values()):.1f} s in all" if timings else ""
    return join(
        [
            details("Options", facts(rows(record["options"]))),
            details("Segmentation", facts(rows(_segmenter_in_words(record["segmentation"])))),
            details("Versions", facts(rows(record["versions"]))),
            details(
                "Time and memory",
                facts(
                    [
                        *((stage, f"{seconds:.1f} s") for stage, seconds in timings.items()),
                        ("total", total),
                        ("peak memory", f"{record['peak_memory_mb']:,.0f} MB"),
                    ]
                ),
            ),
        ]
    )


def _segmenter_in_words(part: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the segmenter called by what it is."""
    return {**part, "segmenter": SEGMENTER_NAMES.get(part.get("segmenter", ""), part.get("segmenter", "unknown"))}


def _shown(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
