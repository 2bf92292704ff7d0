"""Words that may stand for a number: pairs, halves, months, duals. In the form of data_prep.text.normalise."""

import re

from data_prep.curate.checks.listed import listed

_MONTHS = frozenset(
    listed(
        "january february march april june july august september october november december يناير فبراير مارس "
        "ابريل مايو يونيو "
        "يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر"
    )
)
WEAK = {
    **dict.fromkeys(listed("one once single first واحد واحدا واحده احد احدي اول اولي مره"), "1"),
    **dict.fromkeys(
        listed(
            "second secondary both pair double dual couple ضعف ضعفا ضعفي ضعفان ضعفين مضاعف مضاعفه "
            "ثان ثاني ثانيه كلا كلتا كلي كلتي"
            ""
        ),
        "2",
    ),
    **dict.fromkeys(("half", "نصف", "نصفا"), "0.5"),
    **dict.fromkeys(("quarter", "ربع", "ربعا"), "0.25"),
    **dict.fromkeys(listed("triple triples tripled threefold trimester"), "3"),
    **dict.fromkeys(listed("quadruple quadruples quadrupled fourfold"), "4"),
    **dict.fromkeys(listed("doubles doubled twofold"), "2"),
    **{
        "fivefold": "5",
        "tenfold": "10",
        "ثلاثي": "3",
        "ثلاثيه": "3",
        "ثنايي": "2",
        "ثناييه": "2",
        "رباعي": "4",
        "رباعيه": "4",
    },
    **{
        "bid": "2",
        "bd": "2",
        "tid": "3",
        "tds": "3",
        "qid": "4",
        "qds": "4",
        "zero": "0",
        "صفر": "0",
        "لست": "6",
        "dozen": "12",
        "ثلثا": "2",
        "ثلثي": "2",
        "ثلثين": "2",
    },
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
        **dict.fromkeys(("first", "primary", "اول", "اولي", "اوليه"), "1"),
        **dict.fromkeys(("second", "secondary", "ثاني", "ثانيه", "ثان", "ثانوي", "ثانويه"), "2"),
    },
    "fraction": {
        **dict.fromkeys(("half", "نصف", "نصفا"), "0.5"),
        **dict.fromkeys(("quarter", "ربع", "ربعا"), "0.25"),
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
