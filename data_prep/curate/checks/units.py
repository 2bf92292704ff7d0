"""Units of measurement, with the ways in which English and Arabic texts write them.

Arabic words are in the form of data_prep.text.normalise.
"""

_SHORT = {
    "mg": "mg ملغ ملغم ملجم مغ مجم",
    "µg": "mcg µg μg ug مكغ مكجم مكغم ميكغ",
    "ng": "ng نغ",
    "pg": "pg بغ",
    "g": "g gm غ غم جم",
    "kg": "kg kgs كغ كغم كجم كلغ كلغم",
    "ml": "ml cc مل ملل",
    "dl": "dl دل دسل ديسل",
    "l": "l ل",
    "fl": "fl",
    "mm": "mm مم ملم",
    "cm": "cm cms سم",
    "µm": "µm μm micron microns ميكرون ميكرونا",
    "m": "m م امتار",
    "inch": "inch inches بوصه بوصات انش",
    "lb": "lb lbs pound pounds رطل ارطال",
    "mmHg": "mmhg",
    "mmol": "mmol ممول",
    "µmol": "µmol μmol umol مكمول",
    "nmol": "nmol",
    "pmol": "pmol",
    "meq": "meq مكافي",
    "IU": "iu",
    "unit": "unit units u وحده وحدات",
    "h": "h hr hrs hour hours ساعه ساعات",
    "min": "min mins minute minutes دقيقه دقايق د",
    "s": "s sec secs seconds ث ثوان ثواني",
    "ms": "ms msec msecs مث",
    "day": "day days today يوم يوما ايام",
    "week": "week weeks wk wks اسبوع اسبوعا اسابيع",
    "month": "month months شهر شهرا اشهر شهور",
    "year": "year years yr yrs سنه سنوات سنين عام عاما اعوام",
    "%": "% percent بالميه بالمايه",
    "°C": "celsius ميويه",
    "Hz": "hz",
    "MHz": "mhz",
    "T": "tesla تسلا",
    "Gy": "gy",
    "kpa": "kpa",
    "cmH2O": "cmwater",
    "beat": "bpm beat beats نبضه نبضات ضربه ضربات دقات",
    "times": "times مرات",
}
"""Symbols, abbreviations, and words that are not made of a metric prefix and a stem."""
_PREFIXES = {
    "m": "milli مل ملي ملل مللي ميل ميلي ميلل ميللي",
    "µ": "micro ميكرو مايكرو مكرو",
    **{"n": "nano نانو", "p": "pico بيكو", "k": "kilo كيلو", "c": "centi سنتي سنت سانتي", "d": "deci ديسي دسي"},
    **{"f": "femto فمتو فيمتو", "M": "mega ميغا ميجا", "": ""},
}
_STEMS = {
    **{"g": "gram gramme غرام جرام قرام", "l": "liter litre لتر ليتر", "m": "meter metre متر", "mol": "mole مول"},
    **{"s": "second ثانيه ثوان", "eq": "equivalent مكافي", "pa": "pascal باسكال", "Hz": "hertz هرتز هيرتز"},
    "Gy": "gray غراي جراي",
}
_METRIC = (
    *(("m", "g"), ("µ", "g"), ("n", "g"), ("p", "g"), ("", "g"), ("k", "g")),
    *(("m", "l"), ("d", "l"), ("", "l"), ("f", "l"), ("m", "m"), ("c", "m"), ("µ", "m"), ("", "m")),
    *(("m", "mol"), ("µ", "mol"), ("n", "mol"), ("p", "mol"), ("m", "eq"), ("m", "s")),
    *(("", "Hz"), ("M", "Hz"), ("", "Gy"), ("k", "pa")),
)
"""Prefix and stem of the units that are written out in many spellings."""


def _written_out() -> dict[str, str]:
    """The unit of each spelling of prefix and stem in one word, singular, plural and accusative."""
    return {
        prefix + stem + end: scale + base
        for scale, base in _METRIC
        for prefix in _PREFIXES[scale].split() or [""]
        for stem in _STEMS[base].split()
        if not prefix or prefix.isascii() == stem.isascii()
        for end in (("", "s") if stem.isascii() else ("", "ا", "ات"))
    }


def _accusative(word: str) -> bool:
    """Whether an Arabic word has a form with a final alef."""
    return len(word) > 2 and not word.isascii() and not word.endswith(("ا", "ه", "ات", "ي"))


_LISTED = {word: unit for unit, words in _SHORT.items() for word in words.split()}
UNITS = _written_out() | {word + "ا": unit for word, unit in _LISTED.items() if _accusative(word)} | _LISTED
"""The unit that a word after a number names."""

DUALS = {
    (word[:-1] + "ت" if word.endswith("ه") else word) + end: unit
    for word, unit in UNITS.items()
    if len(word) > 2 and not word.isascii() and not word.endswith(("ات", "ا", "ين"))
    for end in ("ان", "ين")
}
DUALS |= {word[:-1] + "ت" + end: unit for word, unit in UNITS.items() if word.endswith("ه") for end in ("ا", "ي")}
"""Two of a unit in one word, feminine ones also before a noun."""
AFTER_NUMBER = {"ثانيه": "s"}
"""Units only after a number: the word is also an ordinal."""
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
    **dict.fromkeys(("mg", "µg", "ng", "pg", "g", "kg", "lb"), "mass"),
    **dict.fromkeys(("ml", "dl", "l", "fl"), "volume"),
    **dict.fromkeys(("mm", "cm", "µm", "m", "inch"), "length"),
    **dict.fromkeys(("h", "min", "s", "ms", "day", "week", "month", "year"), "time"),
    **dict.fromkeys(("mmHg", "kpa", "cmH2O"), "pressure"),
    **dict.fromkeys(("IU", "unit", "mmol", "µmol", "nmol", "pmol", "meq"), "amount"),
}
"""What a unit measures."""
OF_TWO_WORDS = (
    (("في", "per"), ("الميه", "المايه", "cent"), "%"),
    (("international", "وحده", "وحدات"), ("unit", "units", "دوليه"), "IU"),
    (("درجه", "درجات", "degrees"), ("ميويه", "celsius"), "°C"),
    (("cm",), ("ما", "الما"), "cmH2O"),
    (("mm",), ("hg", "زيبق", "زيبقي", "الزيبق", "زيبقيا"), "mmHg"),
)
"""The first word, or the unit that it names, the second word, and the unit of both."""
