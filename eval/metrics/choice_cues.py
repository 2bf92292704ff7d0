"""Words that tell what a clause of an answer does with the options that it names, in English and Arabic.

Arabic words are spelt as `readable` leaves them: one alef, one yeh, heh for teh marbuta.
"""

from __future__ import annotations

import re

from eval.metrics.text_match import one_alphabet


def words(english: str, arabic: str = "") -> str:
    """A pattern of any of these whole words, in any case."""
    either = f"{english}|{one_alphabet(arabic)}" if arabic else english
    return rf"(?<![\w'’])(?i:{either})(?!\w)"


NOUNS = r"answer|option|choice|letter|response|diagnosis|conclusion"
ARABIC_NOUNS = "(?:[فو]?ال)?(?:إجابة|جواب|خيار|اختيار|حرف|حل|تشخيص)|إجابتي|جوابي|اختياري"
RIGHT = words(
    "correct|right|true|(?:the )?(?:best|most likely|most appropriate)|(?:the|my) (?:answer|choice)",
    "صحيح|صحيحة|الصحيح|الصحيحة|الإجابة|الجواب|الأصح|الأنسب|صواب|الصواب|الأرجح",
)
"""An option before one of them is the answer: C is correct."""
ASKS = words(
    rf"{NOUNS}|ans|choose|chose|pick|select|selected|go(?:ing)? with|correct|conclude",
    f"{ARABIC_NOUNS}|الصحيح|الصحيحة|[سفو]?(?:أ|ن)?ختار|اخترت",
)
"""What is behind one of them is the answer, be it a letter or an option's text."""
LEADS = words(
    rf"{NOUNS}|ans|choose|chose|pick|select|selected|go(?:ing)? with|correct|conclude|(?:it|that|this) (?:is|would be)|"
    "it's|think|believe|guess|meant|say|so|therefore|thus|hence|but|actually|recommend|suggest",
    f"{ARABIC_NOUNS}|الصحيح|الصحيحة|[سفو]?(?:أ|ن)?ختار|اخترت|أرجح|أعتقد|أظن|انها|انه|بل|لكن|لذلك|لذا|اذن|فهو|فهي|وهو|وهي|أقصد|و?الأرجح|الأصح|وانما|رقم",
)
"""A letter behind one of them, with LINK between, is the answer."""
LINK = words(
    "is|be|it|it's|its|that|this|the|most|to|for|would|must|should|could|might|may|will|i|my|likely|correct|right|best|"
    "option|choice|answer|letter|as|final|probably|therefore|definitely|clearly|either|both",
    "هو|هي|أن|أنها|أنه|الإجابة|الجواب|الصحيح|الصحيحة|الخيار|خيار|الحرف|حرف|تكون|يكون|النهائية|النهائي|الأنسب|الأدق|الأفضل|الأقرب|الأصح|المناسب|المناسبة|على|رقم|اما",
)
IS = words("is|was|are|seems|appears|looks|would be|must be|has to be")
ARABIC_IS = words("هو|هي|هما|يكون|تكون", "هو|هي|هما|يكون|تكون|الخيار")
ALSO = words(
    "option|choice|letter|answer|and|or|so|but|thus|therefore|maybe|perhaps|probably|definitely",
    "الخيار|خيار|الحرف|حرف|رقم|بل|وإنما|إذن|لذلك|لذا|لكن|و|ربما|غالبا",
)
"""What may stand beside a letter that is a clause by itself."""
CONCLUDES = words(
    "so|therefore|thus|hence|but|wait|actually|sorry|correction|instead|conclu\\w+|no|meant",
    "لذلك|لذا|إذن|وبالتالي|بالتالي|عفوا|عذرا|آسف|تصحيح|في الواقع|بل|وإنما|لكن|ختاما|الخلاصة|أقصد",
)
"""A conclusion or a correction, which outweighs what was said before it."""
FINAL = words("final(?:ly)?", "النهائي|النهائية|أخيرا")
RESETS = words("but|so|therefore|thus|hence|actually", "بل|وإنما|لكن|لذلك|لذا|إذن")
"""A denial does not reach past one of them."""
DENIES = words(
    r"not|\w+n['’]t|neither|nor|never|no|wrong|incorrect|incorrectly|unlikely|less likely|false|exclude[ds]?|excluding|"
    r"ruled? out|rules out|eliminate[ds]?|rather than|instead of|cannot|absent|against|without|"
    r"(?:is|are) out|inappropriate|inconsistent",
    "ليس|ليست|وليس|وليست|لا|ولا|غير|لم|خاطئ|خاطئة|خطأ|مستبعد|مستبعدة|يستبعد|استبعاد|نستبعد|أستبعد|بدلا|دون|ينفي|تنفي",
)
ALIKE = words("too|also|as well|likewise", "أيضا|كذلك")
"""What is denied in the clause before is denied in a clause with one of them."""
FORBIDS = words("contraindicated|avoided?", "ممنوع|ممنوعة|يمنع")
"""A denial unless nothing else is named: there are questions about what is forbidden."""
LIKELY = words(
    "diagnosis|likely|consistent with|indicates?|indicating|suggests?|suggestive|confirms?",
    "التشخيص|الأرجح|المرجح|يشير|تشير|يدل|تدل",
)
REASON = re.compile(rf"^\W*{words('because|since|due to|given', 'لأن|لأنه|لأنها|بسبب|نظرا')}")
"""A clause that gives a reason names no answer."""
