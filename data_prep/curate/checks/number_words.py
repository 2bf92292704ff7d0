"""Number words of English and Arabic, as values. Arabic words are in the form of data_prep.text.normalise."""

import re

from data_prep.curate.checks.listed import listed

UNITS_EN = dict(
    zip(
        listed(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
            "eighteen nineteen"
        ),
        range(2, 20),
        strict=True,
    )
)
TENS_EN = dict(zip(listed("twenty thirty forty fifty sixty seventy eighty ninety"), range(20, 100, 10), strict=True))
SCALES = {
    **{"hundred": 100, "thousand": 1000, "million": 1_000_000},
    **{"ميه": 100, "مايه": 100, "الف": 1000, "الاف": 1000, "مليون": 1_000_000, "ملايين": 1_000_000},
}
_DIGITS_AR = {
    3: "ثلاث ثلاثه",
    4: "اربع اربعه",
    5: "خمس خمسه",
    6: "ست سته",
    7: "سبع سبعه",
    8: "ثمان ثماني ثمانيه",
    9: "تسع تسعه",
    10: "عشر عشره",
}
UNITS_AR = {word: value for value, words in _DIGITS_AR.items() for word in words.split()}
TENS_AR = {
    base + end: value
    for base, value in zip(listed("عشر ثلاث اربع خمس ست سبع ثمان تسع"), range(20, 100, 10), strict=True)
    for end in ("ون", "ين")
}
SIMPLE = {
    **UNITS_EN,
    **TENS_EN,
    **UNITS_AR,
    **TENS_AR,
    **dict.fromkeys(listed("اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي مرتين مرتان twice"), 2),
    **dict.fromkeys(listed("مليونان مليونين مليوني"), 2_000_000),
    **{"thrice": 3, "ميتان": 200, "ميتين": 200, "مايتان": 200, "مايتين": 200, "الفان": 2000, "الفين": 2000},
    **{
        stem + hundred: value * 100
        for value, stem in zip(range(3, 10), listed("ثلاث اربع خمس ست سبع ثماني تسع"), strict=True)
        for hundred in ("مايه", "ميه")
    },
}
"""Words that say a number, compared like digits."""

ORDINALS = {
    **dict(
        zip(listed("third fourth fifth sixth seventh eighth ninth tenth"), range(3, 11), strict=True),
        thirds=3,
    ),
    **dict(zip(listed("ثالث رابع خامس سادس سابع ثامن تاسع عاشر"), range(3, 11), strict=True)),
    **dict(zip(listed("ثالثه رابعه خامسه سادسه سابعه ثامنه تاسعه عاشره"), range(3, 11), strict=True)),
    **{"ثلث": 3, "ثلثا": 3, "ثلثي": 3, "ثلثين": 3},
}

_MONTHS = frozenset(
    listed(
        "january february march april june july august september october november december يناير فبراير مارس "
        "ابريل مايو يونيو "
        "يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر"
    )
)
WEAK = {
    **dict.fromkeys(listed("one once single first واحد واحده احد احدي اول اولي مره"), "1"),
    **dict.fromkeys(listed("second secondary both pair double dual couple ثان ثاني ثانيه كلا كلتا كلي كلتي"), "2"),
    **dict.fromkeys(("half", "نصف"), "0.5"),
    **dict.fromkeys(("quarter", "ربع"), "0.25"),
    **{"triple": "3", "ثلاثي": "3", "ثلاثيه": "3", "ثنايي": "2", "ثناييه": "2", "رباعي": "4", "رباعيه": "4"},
    **{"zero": "0", "صفر": "0", "dozen": "12", "ثلثا": "2", "ثلثي": "2", "ثلثين": "2"},
    **dict(zip(listed("i ii iii iv v vi vii viii ix x xi xii"), map(str, range(1, 13)), strict=True)),
    **dict(
        zip(
            listed("january february march april may june july august september october november december"),
            map(str, range(1, 13)),
            strict=True,
        )
    ),
    **dict(
        zip(
            listed("يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر"),
            map(str, range(1, 13)),
            strict=True,
        )
    ),
    **dict(zip(listed("jan feb mar apr jun jul aug sep oct nov dec"), listed("1 2 3 4 6 7 8 9 10 11 12"), strict=True)),
}
"""Words that may stand for a number, and are not missed where it has none."""

GROUPS = {
    "ordinal": {
        **dict.fromkeys(("first", "اول", "اولي"), "1"),
        **dict.fromkeys(("second", "secondary", "ثاني", "ثانيه", "ثان"), "2"),
    },
    "fraction": {
        **dict.fromkeys(("half", "نصف"), "0.5"),
        **dict.fromkeys(("quarter", "ربع"), "0.25"),
    },
    "half of the day": {
        **dict.fromkeys(("am", "morning", "صباح", "صباحا", "صباحي"), "morning"),
        **dict.fromkeys(("pm", "evening", "مساء", "مسا", "مسايي", "مسايا"), "evening"),
    },
    "month": {word: value for word, value in WEAK.items() if word in _MONTHS},
}
"""Words of which a text that has one of a group must have the same."""
NOT_DUAL = frozenset(
    listed(
        "شريان سرطان لسان اسنان غثيان خفقان انسان بيان مكان زمان نقصان فقدان جريان جدران كان اذان ادمان اذمان "
        "لبان ثوان فان "
        "يمين عين بين حين جنين انسولين بروتين تامين تكوين تعيين تحسين معين قرنين هذين الذين مصابين بالغين تسكين "
        "هرين متي حتي"
        " التي ذاتي نباتي حياتي وراثي هيموغلوبين الوتين شرايين براهين وان ان ابان جنان طيران غليان سريان هذيان "
        "بنكرياسين"
    )
)

DUAL = re.compile("^(?:[وفبل]?(?:ال)?)?[\u0620-\u064a]{2,}(?:ان|ين|تا|تي)$")
PREFIX = re.compile("^[وفبلك]?(ال|ل(?=..))?(?=...)")
