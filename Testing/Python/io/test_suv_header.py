"""SUVbw from DICOM headers: hand-worked factors, independent reference factors, and refusal by name of the tag."""

import copy
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.io.dicom_header import read_dataset, series_header
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.suv import SuvOverrides, SuvRefused, pet_to_suv, suv_from_header
from VertebraFLTLib.io.suv_times import mean_count_time_s

HALF_LIFE = 6000.0  # a round figure: 100 min
TRACER = "RadiopharmaceuticalInformationSequence"


def header(**changes):
    """60 kg, 300 MBq at 08:20, values decay-corrected to 10:00: exactly one half-life later."""
    made = {
        "Modality": "PT",
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["ATTN", "DECY"],
        "PatientWeight": 60.0,
        "SeriesDate": "20240131",
        "SeriesTime": "100000.000",
        "Frames": [{"AcquisitionDate": "20240131", "AcquisitionTime": "100000"}],
        TRACER: [
            {
                "RadionuclideTotalDose": 300e6,
                "RadionuclideHalfLife": HALF_LIFE,
                "RadiopharmaceuticalStartTime": "082000.00",
            }
        ],
    }
    for key, value in changes.items():
        holder = made[TRACER][0] if key.startswith("Radio") and key != TRACER else made
        if value is None:
            holder.pop(key, None)
        else:
            holder[key] = value
    return made


FACTOR = 60_000 / 150e6


def refused(made, overrides=None, units="auto") -> str:
    with pytest.raises(SuvRefused) as caught:
        suv_from_header(made, overrides, units)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_one_half_life_doubles_the_factor():
    record = suv_from_header(header())
    assert record.factor == pytest.approx(FACTOR, rel=1e-12)
    assert record.units_in == "BQML" and record.warnings == ()
    assert record.term("decay_time").value == 6000.0


def test_the_record_suffices_to_recompute_the_factor():
    terms = {term["name"]: term for term in json.loads(json.dumps(suv_from_header(header()).to_json()))["terms"]}
    elapsed = datetime.fromisoformat(terms["reference_time"]["value"]) - datetime.fromisoformat(
        terms["injection_time"]["value"]
    )
    decayed = terms["dose"]["value"] * 0.5 ** (elapsed.total_seconds() / terms["half_life"]["value"])
    assert terms["weight"]["value"] * 1000 / decayed == pytest.approx(FACTOR, rel=1e-12)
    assert terms["weight"]["tag"] == "PatientWeight (0010,1030)" and terms["weight"]["unit"] == "kg"
    assert all(term["source"] in ("header", "computed") for term in terms.values())


def test_admin_needs_no_decay():
    record = suv_from_header(header(DecayCorrection="ADMIN", RadiopharmaceuticalStartTime=None, SeriesTime=None))
    assert record.factor == pytest.approx(60_000 / 300e6, rel=1e-12)


@pytest.mark.parametrize(("changes", "expected"), [({}, 1.0), ({"SUVType": "BW"}, 1.0)])
def test_gml_is_suv_already(changes, expected):
    assert suv_from_header(header(Units="GML", PatientWeight=None, **changes)).factor == expected


def test_options_that_cannot_enter_are_warned_of():
    assert "--weight" in suv_from_header(header(Units="GML"), SuvOverrides(weight_kg=60)).warnings[0]


@pytest.mark.parametrize("kind", ["LBM", "LBMJAMES128", "BSA", "IBW"])
def test_suv_by_another_normalisation_is_refused(kind):
    assert "SUVType (0054,1006)" in refused(header(Units="GML", SUVType=kind))


def test_philips_suv_factor():
    record = suv_from_header(header(Units="CNTS", PatientWeight=None, **{"(7053,1000)": 0.000551}))
    assert record.factor == 0.000551 and "Philips" in record.method


def test_philips_activity_factor_goes_by_the_formula():
    record = suv_from_header(header(Units="CNTS", **{"(7053,1000)": 0.0, "(7053,1009)": "1.5"}))
    assert record.factor == pytest.approx(1.5 * FACTOR, rel=1e-12)


def test_options_enter_philips_data_by_way_of_activity():
    made = header(Units="CNTS", **{"(7053,1000)": 0.1, "(7053,1009)": 1.5})
    assert suv_from_header(made, SuvOverrides(weight_kg=30)).factor == pytest.approx(0.75 * FACTOR)


def test_counts_without_factors_are_refused():
    message = refused(header(Units="CNTS"))
    assert "Units (0054,1001)" in message and "(7053,1000)" in message and "(7053,1009)" in message


@pytest.mark.parametrize("units", ["PROPCPS", "CPS", "1CM"])
def test_other_units_are_refused(units):
    assert f"Units (0054,1001) is {units}" in refused(header(Units=units))


@pytest.mark.parametrize(
    ("changes", "tag", "option"),
    [
        ({"Units": None}, "Units (0054,1001)", "--pet-units"),
        ({"PatientWeight": None}, "PatientWeight (0010,1030)", "--weight"),
        ({"PatientWeight": 0.0}, "PatientWeight (0010,1030)", "--weight"),
        ({"PatientWeight": 72000.0}, "PatientWeight (0010,1030)", "--weight"),
        ({"RadionuclideTotalDose": None}, "RadionuclideTotalDose (0018,1074)", "--dose"),
        ({"RadionuclideTotalDose": 0.0}, "RadionuclideTotalDose (0018,1074)", "--dose"),
        ({"RadionuclideTotalDose": 370.0}, "RadionuclideTotalDose (0018,1074)", "--dose"),
        ({"RadionuclideTotalDose": 370e3}, "RadionuclideTotalDose (0018,1074)", "--dose"),
        ({"RadionuclideHalfLife": None}, "RadionuclideHalfLife (0018,1075)", "--half-life"),
        ({"RadionuclideHalfLife": 109.8}, "RadionuclideHalfLife (0018,1075)", "--half-life"),
        ({"RadiopharmaceuticalStartTime": None}, "RadiopharmaceuticalStartTime (0018,1072)", "--injection-time"),
        ({"RadiopharmaceuticalStartTime": "noon"}, "RadiopharmaceuticalStartTime (0018,1072)", "--injection-time"),
        ({"DecayCorrection": None}, "DecayCorrection (0054,1102)", "--decay-correction"),
        ({"DecayCorrection": "NONE"}, "DecayCorrection (0054,1102)", "--decay-correction"),
        ({"DecayCorrection": "LATER"}, "DecayCorrection (0054,1102)", "--decay-correction"),
        ({"SeriesTime": None, "Frames": []}, "SeriesTime (0008,0031)", "--scan-time"),
        ({TRACER: None}, "(0018,1075)", "--half-life"),
        ({"Inconsistent": ["PatientWeight"]}, "PatientWeight (0010,1030)", "option"),
        ({"Inconsistent": ["Units"]}, "Units (0054,1001)", "export"),
    ],
)
def test_what_is_missing_or_wrong_is_refused_by_name(changes, tag, option):
    message = refused(header(**changes))
    assert tag in message and option in message


@pytest.mark.parametrize(
    ("changes", "overrides", "factor"),
    [
        ({"PatientWeight": None}, SuvOverrides(weight_kg=60), FACTOR),
        ({"RadionuclideTotalDose": 370.0}, SuvOverrides(dose_bq=300e6), FACTOR),
        ({"RadionuclideHalfLife": None}, SuvOverrides(half_life_s=HALF_LIFE), FACTOR),
        ({"RadiopharmaceuticalStartTime": None}, SuvOverrides(injection_time="08:20:00"), FACTOR),
        ({"RadiopharmaceuticalStartTime": None}, SuvOverrides(injection_time="2024-01-31T08:20"), FACTOR),
        ({"SeriesTime": None, "Frames": []}, SuvOverrides(scan_time="10:00"), FACTOR),
        ({"DecayCorrection": None}, SuvOverrides(decay_correction="start"), FACTOR),
        ({"DecayCorrection": None}, SuvOverrides(decay_correction="ADMIN"), FACTOR / 2),
        ({}, SuvOverrides(weight_kg=30), FACTOR / 2),
    ],
)
def test_options_give_what_is_missing_and_are_recorded(changes, overrides, factor):
    record = suv_from_header(header(**changes), overrides)
    assert record.factor == pytest.approx(factor, rel=1e-12)
    assert [term for term in record.terms if term.source == "option"]


@pytest.mark.parametrize(
    "overrides",
    [
        SuvOverrides(weight_kg=-3),
        SuvOverrides(dose_bq=300),
        SuvOverrides(injection_time="late"),
        SuvOverrides(injection_time="2024-01-31"),
        SuvOverrides(injection_time="2024-01-31T11:30:00"),
        SuvOverrides(decay_correction="maybe"),
        SuvOverrides(half_life_s=0.0),
    ],
)
def test_options_without_sense_are_refused(overrides):
    assert "--" in refused(header(), overrides)


def test_units_can_be_stated_for_a_header_without():
    record = suv_from_header(header(Units=None), units="bqml")
    assert record.factor == pytest.approx(FACTOR) and record.term("units").source == "option"


def test_injection_before_midnight():
    made = header(SeriesTime="003000", RadiopharmaceuticalStartTime="225000", Frames=[])
    assert suv_from_header(made).term("injection_time").value == "2024-01-30T22:50:00"
    assert suv_from_header(made).factor == pytest.approx(FACTOR, rel=1e-12)


def test_an_injection_just_after_the_scan_is_not_taken_for_the_day_before():
    message = refused(header(RadiopharmaceuticalStartTime="101000"))
    assert "before the scan" in message and "RadiopharmaceuticalStartTime (0018,1072)" in message


def test_start_datetime_is_preferred_to_the_time():
    made = header(RadiopharmaceuticalStartTime="010101", RadiopharmaceuticalStartDateTime="20240131082000.00")
    assert suv_from_header(made).factor == pytest.approx(FACTOR, rel=1e-12)


def test_start_datetime_in_another_zone_than_the_series():
    made = header(RadiopharmaceuticalStartDateTime="20240131072000+0000", TimezoneOffsetFromUTC="+0100")
    assert suv_from_header(made).factor == pytest.approx(FACTOR, rel=1e-12)


def test_a_zone_that_the_series_does_not_state_is_warned_of():
    record = suv_from_header(header(RadiopharmaceuticalStartDateTime="20240131082000+0100"))
    assert record.factor == pytest.approx(FACTOR) and "TimezoneOffsetFromUTC (0008,0201)" in record.warnings[0]


def test_a_start_date_left_behind_by_de_identification():
    record = suv_from_header(header(RadiopharmaceuticalStartDateTime="20190515082000"))
    assert record.factor == pytest.approx(FACTOR) and "(0018,1078)" in record.warnings[0]
    assert "(0018,1078)" in refused(
        header(RadiopharmaceuticalStartDateTime="20190515082000", RadiopharmaceuticalStartTime=None)
    )


def test_dates_removed_altogether():
    made = header(SeriesDate=None, Frames=[{"AcquisitionTime": "100000"}])
    assert suv_from_header(made).factor == pytest.approx(FACTOR, rel=1e-12)


def test_a_series_reconstructed_later_uses_ges_private_scan_time():
    made = header(SeriesTime="153000", Manufacturer="GE MEDICAL SYSTEMS", **{"(0009,100D)": "20240131100000.00"})
    record = suv_from_header(made)
    assert record.factor == pytest.approx(FACTOR, rel=1e-12)
    assert "(0009,100D)" in record.term("reference_time").tag


def test_a_series_processed_later_is_computed_back_from_its_frames():
    """Bed positions of 180 s one after the other from 10:00; Frame Reference Time counts to the mean count rate."""
    within = mean_count_time_s(180.0, HALF_LIFE)
    frames = [
        {
            "AcquisitionDate": "20240131",
            "AcquisitionTime": f"10{3 * bed:02d}00",
            "FrameReferenceTime": (180 * bed + within) * 1000,
            "ActualFrameDuration": 180_000,
        }
        for bed in (2, 1, 3)  # the first bed position is not in the series
    ]
    record = suv_from_header(header(SeriesTime="160000", Manufacturer="SIEMENS", Frames=frames))
    assert record.factor == pytest.approx(FACTOR, rel=1e-9)
    assert "FrameReferenceTime" in record.term("reference_time").tag


def test_a_later_series_without_either_goes_by_its_earliest_acquisition():
    frames = [{"AcquisitionTime": clock} for clock in ("100600", "100000", "100300")]
    record = suv_from_header(header(SeriesTime="160000", Frames=frames))
    assert record.factor == pytest.approx(FACTOR, rel=1e-12)
    assert "dated after its acquisition" in record.warnings[0]


def test_a_decay_factor_that_contradicts_the_reference_time_is_warned_of():
    duration = 120.0
    within = 2 ** (mean_count_time_s(duration, HALF_LIFE) / HALF_LIFE)
    frame = {"AcquisitionTime": "102000", "ActualFrameDuration": duration * 1000, "DecayFactor": within}
    record = suv_from_header(header(SeriesTime="100000", Frames=[frame]))
    # 20 min less the frame's own mean time of 1 min: of the two conventions the one that speaks for the header counts.
    assert "DecayFactor (0054,1321)" in record.warnings[0] and "19.0 min after" in record.warnings[0]
    frame["DecayFactor"] = within * 2 ** (1200 / HALF_LIFE)
    assert suv_from_header(header(Frames=[frame])).warnings == ()


def test_missing_corrections_are_warned_of():
    assert "attenuation" in suv_from_header(header(CorrectedImage=["DECY"])).warnings[-1]
    assert "CorrectedImage (0028,0051)" in suv_from_header(header(CorrectedImage=None)).warnings[-1]


def test_a_half_life_that_is_not_fluorines_is_refused_or_warned_of():
    nuclide = {"RadionuclideCodeSequence": [{"CodeValue": "C-111A1", "CodeMeaning": "^18^Fluorine"}]}
    assert "fluorine-18" in refused(header(**nuclide))
    assert "fluorine-18" in suv_from_header(header(RadionuclideHalfLife=6650.0, **nuclide)).warnings[0]
    assert suv_from_header(header(RadionuclideHalfLife=6588.0, **nuclide)).warnings == ()


def test_two_injections_are_not_chosen_between():
    made = header()
    made[TRACER].append(copy.deepcopy(made[TRACER][0]))
    assert TRACER in refused(made)
    stated = SuvOverrides(dose_bq=300e6, injection_time="08:20:00")
    assert suv_from_header(made, stated).factor == pytest.approx(FACTOR)


@pytest.mark.parametrize(
    ("entry", "tracer"),
    [
        ({"RadiopharmaceuticalCodeSequence": [{"CodeValue": "C-B1036"}]}, "FLT"),
        ({"RadiopharmaceuticalCodeSequence": [{"CodeValue": "129502002"}]}, "FLT"),
        ({"RadiopharmaceuticalCodeSequence": [{"CodeValue": "C-B1031"}]}, "FDG"),
        ({"RadiopharmaceuticalCodeSequence": [{"CodeMeaning": "Fluorothymidine F^18^"}]}, "FLT"),
        ({"Radiopharmaceutical": "FDG -- fluorodeoxyglucose"}, "FDG"),
        ({"Radiopharmaceutical": "[18F]FLT"}, "FLT"),
        ({"Radiopharmaceutical": "Solution"}, None),
        ({}, None),
    ],
)
def test_tracer_by_code_or_name(entry, tracer):
    made = header()
    made[TRACER][0].update(entry)
    assert suv_from_header(made).tracer == tracer


def test_tracer_by_description():
    assert suv_from_header(header(SeriesDescription="PET FLT day 28")).tracer == "FLT"
    assert suv_from_header(header(SeriesDescription="PET FILTERED")).tracer is None


def test_a_synthetic_series_from_disk_to_suv(tmp_path, write_series):
    slopes = [0.5, 1.0, 2.0, 4.0, 8.0]
    expected = write_series(tmp_path, "PT", slopes=slopes)
    image, record = pet_to_suv(read_image(tmp_path, modality="PT"))
    factor = 70_000 / (370e6 * 2 ** (-3600 / 6586.2))
    assert record.factor == pytest.approx(factor, rel=1e-12)
    assert image.GetPixelID() == sitk.sitkFloat32
    assert np.allclose(sitk.GetArrayFromImage(image), expected * factor, rtol=1e-5)


def test_private_elements_are_read_by_their_creator(tmp_path, write_series):
    def philips(index, one):
        block = one.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", "0.000551")

    write_series(tmp_path, "PT", Units="CNTS", change=philips)
    assert pet_to_suv(read_image(tmp_path, modality="PT"))[1].factor == 0.000551


def test_a_ct_is_no_pet(tmp_path, write_series):
    write_series(tmp_path, "CT")
    with pytest.raises(SuvRefused, match="not PT"):
        pet_to_suv(read_image(tmp_path, modality="CT"))


@pytest.mark.parametrize(
    ("name", "factor", "tracer"),
    [
        ("petct/acrin_nsclc042/PET.zip", 0.000421110, "FDG"),
        ("pet_dicom/qin_headneck_0024.zip", 0.00029448040, None),
    ],
)
def test_factors_of_an_independent_tool(shared: Path, name, factor, tracer):
    _, record = pet_to_suv(read_image(shared / name, modality="PT"))
    assert record.factor == pytest.approx(factor, rel=1e-6) and record.factor == pytest.approx(factor, abs=1e-9)
    assert record.tracer == tracer and record.warnings == ()


@pytest.mark.parametrize(("patient", "factor"), [("028", 0.00047354892), ("029", 0.00059424853)])
def test_factors_of_flt_slices(shared: Path, patient, factor):
    dataset = read_dataset(shared / "pet_dicom" / f"acrin_flt_breast_{patient}_slice.dcm")
    assert suv_from_header(series_header([dataset])).factor == pytest.approx(factor, rel=1e-6)
