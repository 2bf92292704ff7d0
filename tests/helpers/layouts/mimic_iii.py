"""NOTEEVENTS.csv of MIMIC-III: notes of many kinds, quoted and many lines long."""

import csv
import io

from tests.helpers.layouts.text_files import write_text

HEAD = "[**2101-10-4**] 10:43 AM\n CT HEAD W/O CONTRAST                        Clip # [**0-0-2**]\n Reason: bleed?\n"
LINE = " " + "_" * 78 + "\n"
BREAK = "                         (Over)\n\n" + HEAD + LINE + "                    FINAL REPORT\n (Cont)\n"
FINAL = HEAD + " WET READ: no bleed\n" + LINE + "                    FINAL REPORT\n INDICATION:  Fall.\n\n"
SPINE = " COMPRESSION FRACTURES:  None.\n"
NOTES = {
    "174": ("CT HEAD W/O CONTRAST", FINAL + " FINIDNGS:  No bleed in [**Known lastname 12**]'s\n head"
            + BREAK + " or neck.\n\n IMRPESSION:  1.  No bleed.\n  2.  No mass.\n"),
    "175": ("CT ABDOMEN W/CONTRAST", FINAL + " TECHNIQUE CT:  IV.\n\n CT OF THE ABDOMEN WITH IV CONTRAST:  Liver fine."
            "\n\n CT OF THE PELVIS:  Bladder fine.\n\n IMPRESSION:  Normal.\n"),
    "176": ("MR L SPINE SCAN", FINAL + " FINDINGS:  Straight.\n" + SPINE + " IMPRESSION:  Normal.\n"),
    "177": ("CT CHEST W/CONTRAST", FINAL + " FINDINGS:  Clear.\n\n IMPRESSION:  Clear.\n\n IMPRESSION:  Also clear.\n"),
    "178": ("CT NECK W/O CONTRAST (EG: PAROTIDS)", FINAL + " FINDINGS:  Clear.\n"),
    "179": ("MR HEAD W & W/O CONTRAST", FINAL + " HISTORY:  Headache, MR of head.\n\n IMPRESSION:  Normal.\n"),
    "180": ("CT PELVIS W/CONTRAST", HEAD + " WET READ: fine\n"),
    "181": ("CHEST (PORTABLE AP)", FINAL + " FINDINGS:  Clear.\n\n IMPRESSION:  Clear.\n"),
    "182": ("Report", "Admission Date: [**2151-7-16**]\nDischarge, with impressions.\n"),
    "183": ("CT HEAD W/ CONTRAST", FINAL + " FINDINGS:  Wrong patient.\n\n IMPRESSION:  None.\n"),
}  # fmt: skip


def make(root):
    """The file where wget leaves it."""
    text = io.StringIO()
    names = "ROW_ID SUBJECT_ID HADM_ID CHARTDATE CHARTTIME STORETIME CATEGORY DESCRIPTION CGID ISERROR TEXT"
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(names.split())
    for row_id, (description, note) in NOTES.items():
        category = "Discharge summary" if description == "Report" else "Radiology"
        error = "1" if row_id == "183" else ""
        writer.writerow([int(row_id), 22532, 167853, "2101-10-04", "", "", category, description, "", error, note])
    write_text(root / "physionet.org/files/mimiciii/1.4/NOTEEVENTS.csv", text.getvalue())
