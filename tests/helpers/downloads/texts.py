"""Sentences that occur once."""

import random

_ENGLISH = (
    "left right upper lower middle anterior posterior lateral medial basal apical focal diffuse acute chronic small "
    "large dense clear round irregular bright dark smooth nodule effusion mass cyst fracture opacity lesion aneurysm "
    "infarct abscess lobe ventricle kidney liver spleen aorta femur pancreas bladder cortex vertebra pleura hilum"
)
_ARABIC = "واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة كتلة رئة كبد قلب كلية دماغ عظم شريان ورم كسر"


def sentence(*key: object) -> str:
    """Ten words, drawn by the key: other keys give other sentences."""
    return " ".join(random.Random(repr(key)).sample(_ENGLISH.split(), 10))


def question(*key: object) -> str:
    """A question that no other key has."""
    return f"Which {sentence(*key)}?"


def arabic(*key: object) -> str:
    """An Arabic question that no other key has."""
    return f"ما الذي يظهر هنا: {' '.join(random.Random(repr(key)).sample(_ARABIC.split(), 8))}؟"
