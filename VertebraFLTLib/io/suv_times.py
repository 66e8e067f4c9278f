"""Dates and times of a PET: when the tracer was injected, and to what moment the values are decay-corrected.

The reference time follows the vendor-neutral pseudo-code of the Quantitative Imaging Biomarkers Alliance (QIBA,
"Standardized Uptake Value", computing SUVbw from DICOM).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from VertebraFLTLib.io.suv_record import OPTIONS, SuvRefused, SuvTerm, tag

_NO_DATE = date(1900, 1, 1)
_CLOCK_ROUNDING = timedelta(seconds=1)
_FRAMES_AGREE_S = 30.0
_DAY = timedelta(days=1)
# An injection "after" the scan by less than this is a rounded clock; by more it was on the day before.
ROUNDED_S = 60.0


def parse_date(text: Any) -> date | None:
    """A DICOM DA value, None where it is empty or malformed."""
    digits = str(text or "").replace(".", "").replace("-", "").strip()
    try:
        return datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None


def parse_time(text: Any) -> time | None:
    """A DICOM TM value (HH, HHMM, HHMMSS or HHMMSS.ffffff), None where it is empty or malformed."""
    match = re.fullmatch(r"(\d\d):?(\d\d)?:?(\d\d)?(?:\.(\d{1,6}))?\d*", str(text or "").strip())
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    try:
        return time(hour, minute, min(second, 59), int((match[4] or "0").ljust(6, "0")))
    except ValueError:
        return None


def parse_offset(text: Any) -> timedelta | None:
    """A DICOM offset from UTC (+HHMM), None where it is empty or malformed."""
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)", str(text or "").strip())
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset


def parse_datetime(text: Any) -> tuple[datetime, timedelta | None] | None:
    """A DICOM DT value with its offset from UTC, if it has one; None where it lacks a time of day or is malformed."""
    match = re.fullmatch(r"(\d{8})(\d{4,6}(?:\.\d+)?)([+-]\d{4})?", str(text or "").strip())
    if match is None:
        return None
    day, clock = parse_date(match[1]), parse_time(match[2])
    return None if day is None or clock is None else (datetime.combine(day, clock), parse_offset(match[3]))


def parse_option(text: str, option: str, day: date) -> tuple[datetime, bool]:
    """A time the user gave (ISO 8601 or HH:MM[:SS]) and whether it had a date; else ``day`` is taken."""
    clock = parse_time(text) if ":" in text and len(text) <= 15 else None
    if clock is not None:
        return datetime.combine(day, clock), False
    try:
        if ":" not in text:
            raise ValueError("no time of day")
        return datetime.fromisoformat(text).replace(tzinfo=None), True
    except ValueError:
        raise SuvRefused(f"{option.split()[0]} {text!r} is not a time; give HH:MM:SS or YYYY-MM-DDTHH:MM:SS") from None


def series_day(header: Mapping[str, Any]) -> date:
    """The day of the scan; a stand-in where all dates were removed (times of one day can then still be compared)."""
    frames = header.get("Frames") or [{}]
    days = (header.get("SeriesDate"), frames[0].get("AcquisitionDate"), header.get("StudyDate"))
    return next((day for day in map(parse_date, days) if day), _NO_DATE)


def _acquisitions(header: Mapping[str, Any]) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Start of each bed position or frame, earliest first."""
    found = []
    for frame in header.get("Frames") or []:
        clock = parse_time(frame.get("AcquisitionTime"))
        if clock is not None:
            day = parse_date(frame.get("AcquisitionDate")) or series_day(header)
            found.append((datetime.combine(day, clock), frame))
    return sorted(found, key=lambda pair: pair[0])


def mean_count_time_s(duration_s: float, half_life_s: float) -> float:
    """Seconds from the start of a frame at which its activity equals the frame's average (PS3.3 C.8.9.4.1.5)."""
    decay = math.log(2) / half_life_s
    return math.log(decay * duration_s / -math.expm1(-decay * duration_s)) / decay


def _back_computed(acquisitions: list[tuple[datetime, Mapping[str, Any]]], half_life_s: float) -> datetime | None:
    """Scan start from the Frame Reference Times, where all frames give one and the same (Siemens); else None."""
    starts = []
    for start, frame in acquisitions:
        offset_ms, duration_ms = frame.get("FrameReferenceTime"), frame.get("ActualFrameDuration")
        if not offset_ms or not duration_ms or offset_ms <= 0 or duration_ms <= 0:
            return None
        within = mean_count_time_s(duration_ms / 1000, half_life_s)
        starts.append(start + timedelta(seconds=within - offset_ms / 1000))
    spread = (max(starts) - min(starts)).total_seconds()
    return min(starts) if spread <= _FRAMES_AGREE_S else None


def reference_time(header: Mapping[str, Any], half_life_s: float, warnings: list[str]) -> tuple[datetime, SuvTerm]:
    """The moment to which START-corrected values refer. Raises SuvRefused where the header does not tell."""
    clock = parse_time(header.get("SeriesTime"))
    series = None if clock is None else datetime.combine(series_day(header), clock)
    acquisitions = _acquisitions(header)
    if not acquisitions and series is None:
        raise SuvRefused(
            f"PET has neither {tag('SeriesTime')} nor {tag('AcquisitionTime')}: the time to which it is "
            f"decay-corrected is unknown; give it with {OPTIONS['scan_time']}"
        )
    if "SeriesTime" in header.get("Inconsistent", ()):
        raise SuvRefused(f"{tag('SeriesTime')} differs between slices; give {OPTIONS['scan_time']}")
    if series is not None and (not acquisitions or series <= acquisitions[0][0] + _CLOCK_ROUNDING):
        return series, _term(series, f"{tag('SeriesDate')}, {tag('SeriesTime')}")
    # The series was stored after the scan (reconstructed again, or processed): its time says nothing of the decay.
    scan = parse_datetime(header.get("(0009,100D)"))
    if scan is not None:
        return scan[0], _term(scan[0], "GE private scan date and time (0009,100D)")
    earliest = acquisitions[0][0]
    if "GE" not in str(header.get("Manufacturer") or "").upper().split():
        start = _back_computed(acquisitions, half_life_s)
        if start is not None:
            return start, _term(start, f"{tag('AcquisitionTime')} less {tag('FrameReferenceTime')}")
    if series is not None:
        warnings.append(
            f"the series is dated after its acquisition ({series:%H:%M:%S} after {earliest:%H:%M:%S}): values are "
            f"taken as decay-corrected to the earliest {tag('AcquisitionTime')}"
        )
    return earliest, _term(earliest, f"earliest {tag('AcquisitionTime')}")


def _term(moment: datetime, where: str) -> SuvTerm:
    return SuvTerm("reference_time", moment.isoformat(), "", where, "header")


def injection_time(header: Mapping[str, Any], reference: datetime, warnings: list[str]) -> tuple[datetime, SuvTerm]:
    """When the tracer was injected: Start DateTime, or Start Time on the day of the scan or the day before.

    Raises SuvRefused where the header does not tell.
    """
    item = (header.get("RadiopharmaceuticalInformationSequence") or [{}])[0]
    clock = parse_time(item.get("RadiopharmaceuticalStartTime"))
    full = parse_datetime(item.get("RadiopharmaceuticalStartDateTime"))
    if full is not None:
        moment = _in_zone_of_series(*full, header, warnings)
        # De-identified headers often have their dates shifted, but not in this element.
        shifted = abs(moment - reference) > _DAY and clock is not None and moment.date() != reference.date()
        if not shifted:
            return moment, _injection(moment, "RadiopharmaceuticalStartDateTime")
        warnings.append(
            f"{tag('RadiopharmaceuticalStartDateTime')} is not of the scan's day ({moment:%Y-%m-%d}, scan "
            f"{reference:%Y-%m-%d}): {tag('RadiopharmaceuticalStartTime')} was used, as of the scan's day"
        )
    if clock is None:
        raise SuvRefused(
            f"PET has no {tag('RadiopharmaceuticalStartDateTime')} and no {tag('RadiopharmaceuticalStartTime')}; "
            f"give the time of injection with {OPTIONS['injection_time']}"
        )
    moment = on_or_before(datetime.combine(reference.date(), clock), reference)
    return moment, _injection(moment, "RadiopharmaceuticalStartTime")


def on_or_before(moment: datetime, reference: datetime) -> datetime:
    """A time of day without a date: of the scan's day, or of the day before if it would lie after the scan."""
    return moment - _DAY if (moment - reference).total_seconds() > ROUNDED_S else moment


def _injection(moment: datetime, keyword: str) -> SuvTerm:
    return SuvTerm("injection_time", moment.isoformat(), "", tag(keyword), "header")


def _in_zone_of_series(
    moment: datetime, offset: timedelta | None, header: Mapping[str, Any], warnings: list[str]
) -> datetime:
    if offset is None:
        return moment
    of_series = parse_offset(header.get("TimezoneOffsetFromUTC"))
    if of_series is not None:
        return moment - offset + of_series
    warnings.append(
        f"{tag('RadiopharmaceuticalStartDateTime')} states a time zone, the series does not "
        f"({tag('TimezoneOffsetFromUTC')}): both are taken as of one clock"
    )
    return moment
