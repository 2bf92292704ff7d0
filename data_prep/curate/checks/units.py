"""Units of measurement, with the ways in which English and Arabic texts write them.

Arabic words are in the form of data_prep.text.normalise.
"""

_ALIASES = {
    "mg": "mg milligram milligrams ملغ ملغم ملجم مغ مجم مليغرام ميليغرام ملليغرام مليجرام ملليجرام ميليجرام ملغرام",
    "µg": "mcg µg μg ug microgram micrograms مكغ مكجم مكغم ميكروغرام ميكروجرام مايكروغرام مايكروجرام ميكغ",
    "ng": "ng nanogram nanograms نانوغرام نانوجرام نغ",
    "pg": "pg picogram picograms بيكوغرام بيكوجرام",
    "g": "g gram grams gm غ غم جم غرام جرام غراما جراما غرامات جرامات",
    "kg": "kg kgs kilogram kilograms كغ كغم كجم كيلوغرام كيلوجرام كيلوغراما كيلوجراما كلغ كلغم كيلوغرامات",
    "ml": "ml cc milliliter milliliters millilitre millilitres مل ملل مليلتر ملليلتر ميليلتر ميلليلتر مليلترات",
    "dl": "dl deciliter decilitre دل ديسيلتر دسل ديسل",
    "l": "l liter liters litre litres ل لتر لترا لترات ليتر",
    "mm": "mm millimeter millimeters millimetre millimetres مم ملم مليمتر ملليمتر ميليمتر ميلليمتر مليمترات مليمترا",
    "cm": "cm cms centimeter centimeters centimetre centimetres سم سنتيمتر سنتمتر سنتيمترات سنتيمترا",
    "µm": "µm μm micrometer micrometers micron microns ميكرومتر ميكرون ميكرونا",
    "m": "m meter meters metre metres م متر مترا امتار",
    "mmHg": "mmhg",
    "mmol": "mmol ملمول مليمول ملليمول ميليمول ممول",
    "µmol": "µmol μmol umol ميكرومول مايكرومول مكمول",
    "nmol": "nmol نانومول",
    "pmol": "pmol بيكومول",
    "meq": "meq مكافي ملمكافي مليمكافي ملليمكافي ميليمكافي",
    "IU": "iu",
    "unit": "unit units u وحده وحدات",
    "h": "h hr hrs hour hours ساعه ساعات",
    "min": "min mins minute minutes دقيقه دقايق د",
    "s": "s sec secs seconds ثوان ثواني",
    "day": "day days today يوم يوما ايام",
    "week": "week weeks wk wks اسبوع اسبوعا اسابيع",
    "month": "month months شهر شهرا اشهر شهور",
    "year": "year years yr yrs سنه سنوات سنين عام عاما اعوام",
    "%": "% percent بالميه بالمايه",
    "°C": "celsius ميويه",
    "Hz": "hz هرتز",
    "MHz": "mhz ميغاهرتز ميجاهرتز",
    "T": "tesla تسلا",
    "Gy": "gy غراي",
    "beat": "bpm نبضه beats",
    "times": "times مرات",
}
UNITS = {word: unit for unit, words in _ALIASES.items() for word in words.split()}
"""The unit that a word after a number names."""

DUALS = {
    (word[:-1] + "ت" if word.endswith("ه") else word) + end: unit
    for word, unit in UNITS.items()
    if len(word) > 2 and not word.isascii() and not word.endswith(("ات", "ا", "ين"))
    for end in ("ان", "ين")
}
"""Two of a unit in one word."""
_RATES = {
    **dict.fromkeys(("daily", "يوميا", "يوميه", "يومي"), "day"),
    **dict.fromkeys(("hourly", "ساعيا"), "h"),
    **dict.fromkeys(("weekly", "اسبوعيا", "اسبوعيه", "اسبوعي"), "week"),
    **dict.fromkeys(("monthly", "شهريا", "شهريه", "شهري"), "month"),
    **dict.fromkeys(("yearly", "annually", "annual", "سنويا", "سنويه", "سنوي"), "year"),
}
"""How often, not how long: no unit of the number before."""
WORD_UNITS = {word: unit for word, unit in UNITS.items() if len(word) > 2} | DUALS | _RATES
KINDS = {
    **dict.fromkeys(("mg", "µg", "ng", "pg", "g", "kg"), "mass"),
    **dict.fromkeys(("ml", "dl", "l"), "volume"),
    **dict.fromkeys(("mm", "cm", "µm", "m"), "length"),
    **dict.fromkeys(("h", "min", "s", "day", "week", "month", "year"), "time"),
    **dict.fromkeys(("IU", "unit", "mmol", "µmol", "nmol", "pmol", "meq"), "amount"),
}
"""What a unit measures."""
OF_TWO_WORDS = (
    (("في", "per"), ("الميه", "المايه", "cent"), "%"),
    (("international", "وحده", "وحدات"), ("unit", "units", "دوليه"), "IU"),
    (("درجه", "درجات", "degrees"), ("ميويه", "celsius"), "°C"),
    (("mm",), ("hg", "زيبق", "زيبقي", "الزيبق", "زيبقيا"), "mmHg"),
)
"""The first word, or the unit that it names, the second word, and the unit of both."""
