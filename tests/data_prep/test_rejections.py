"""What cannot be repaired: each fault is found, and what looks like it passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.rows import Reject, image_part, text_part
from data_prep.text.leak import leak
from data_prep.text.refusal import refusal
from data_prep.text.rejections import check

FILLING = "The heart has a normal size and the lungs are clear on both sides of the chest. " * 4


def row(question, answer, images=0):
    asked = {"role": "user", "content": [*[image_part()] * images, text_part(question)]}
    return [asked, {"role": "assistant", "content": [text_part(answer)]}]


@pytest.mark.parametrize(
    "question, answer, images, reason, detail",
    [
        ("What?", "lost \ufffd", 0, "broken_text", "turn 2 (assistant)"),
        ("Wh\ud800at?", "x", 0, "broken_text", "turn 1 (user): a lone surrogate, character 3"),
        ("What?", "itâ€ s", 0, "broken_text", "turn 2"),
        ("What is in <image>?", "x", 0, "placeholder", "turn 1 (user): '<image>'"),
        ("What?", "x<|eot_id|>", 1, "placeholder", "'<|eot_id|>'"),
        ("What?", "I'm sorry, but I can't help.", 0, "refusal", "turn 2 (assistant): \"I'm sorry, but I can't help\""),
        ("What?", "Based on the caption, it is.", 1, "leaked_caption", "'based on the caption'"),
    ],
)
def test_faults_have_their_reasons(question, answer, images, reason, detail):
    with pytest.raises(Reject) as caught:
        check(row(question, answer, images), images)
    assert caught.value.reason == reason
    assert detail in caught.value.detail
    assert caught.value.detail.isascii()


@pytest.mark.parametrize(
    "question, answer, images",
    [
        ("I'm sorry, I can't sleep. What is it?", "Insomnia.", 0),
        ("What?", "Based on the caption, it is.", 0),
        ("The caption: 'CT of the chest'. What is seen?", "Based on the caption, the lungs.", 1),
    ],
)
def test_who_says_it_and_where_counts(question, answer, images):
    check(row(question, answer, images), images)


def test_a_later_turn_is_read():
    with pytest.raises(Reject, match=r"turn 4 \(assistant\)"):
        check(row("What?", "x") + row("Why?", "<|im_end|>"), 0)


@pytest.mark.parametrize(
    "token",
    [
        *(
            "<image>",
            "<IMAGE>",
            "</image>",
            "<image_1>",
            "<image 2>",
            "<img>",
            '<img src="a.jpg">',
            "<im_start>",
            "[IMG]",
        ),
        *("[IMAGE]", "<|image|>", "<|eot_id|>", "<|im_end|>", "<|vision_start|>", "<s>", "</s>", "<bos>", "[INST]"),
        *("[/INST]", "<<SYS>>", "<start_of_turn>", "<start_of_image>", "<unk>", "<|start_header_id|>"),
    ],
)
def test_placeholders_and_tokens(token):
    with pytest.raises(Reject, match="placeholder"):
        check(row(f"See {token}", "x"), 0)


@pytest.mark.parametrize(
    "text",
    [
        "p <0.05 and >3",
        "<S>",
        "[image of a cell]",
        "[1], [Fig. 2]",
        "a <b> c",
        "|x| < 3 |",
        "[img 3 of 5]",
        "<imaging>",
    ],
)
def test_other_brackets_pass(text):
    check(row(text, text), 0)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I cannot assist with that.",
        f"I’m sorry, but I can't provide a diagnosis from the image. {FILLING}",
        f"As an AI language model, I don't have access to images. {FILLING}",
        "As a text-based AI, I am unable to view images. However, edema is",
        "I am just an AI assistant and cannot give advice.",
        "Unfortunately, I cannot view images.",
        "I can't help with that request.",
        "Unfortunately, I can't help with identifying organisms.",
        "I apologize for the confusion, but I'm not able to see the picture.",
        f"Thank you for asking. I'm sorry, but I cannot answer. {FILLING}",
        "I do not have the ability to view images",
        "I cannot provide medical advice.",
        "I am unable to analyze the attached X-ray.",
        "عذرًا، لا أستطيع تقديم تشخيص طبي.",
        "أعتذر، ولكن لا يمكنني رؤية الصورة",
        "أنا آسف، ولكن لا أستطيع ذلك",
        "بصفتي نموذجًا لغويًا، لا أستطيع رؤية الصور.",
        "باعتباري نموذج ذكاء اصطناعي، ليس لدي القدرة على ذلك",
        "كنموذج لغوي، لا يمكنني عرض الصور",
        "أنا مجرد مساعد ذكي ولست طبيبًا",
        "للأسف، لا يمكنني رؤية الصورة المرفقة",
        "لا أستطيع تحليل الصور الطبية.",
    ],
)
def test_refusals(answer):
    assert refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry to hear that you have pain. You can take ibuprofen.",
        "I'm sorry you are going through this. I can't say for sure, but it may be gout.",
        "I'm sorry to hear that, but I can't say from this whether it is gout.",
        "I cannot see any fracture in the image.",
        "I am unable to identify a mass here.",
        "It cannot be determined from the image.",
        "Sorry for the delay. The MRI is normal.",
        "The patient says \"I'm sorry, but I can't move my arm\".",
        "Patient: I'm sorry, I can't sleep.",
        "Unfortunately, I cannot rule out malignancy.",
        "AI models cannot replace doctors. As an assistant surgeon I do this, not that.",
        f"{FILLING} I'm sorry, but I cannot say more.",
        "No",
        "لا أستطيع رؤية أي كسر في الصورة.",
        "آسف لسماع ذلك، يمكنك تناول الدواء.",
        "للأسف، لا يمكن علاج هذا المرض.",
        "للأسف، لا يمكنني استبعاد الورم",
        "بصفتي مساعد طبيب، لا أنصح بذلك",
        "لا يمكن تحديد ذلك من الصورة، والآفة أسفل الكلية",
    ],
)
def test_answers_that_do_not_refuse(answer):
    assert refusal(answer) == ""


@pytest.mark.parametrize(
    "answer",
    [
        "Based on the caption, this is an MRI.",
        "The figure caption states that the mass is benign.",
        "As described in the provided context, the arrow shows a node.",
        "According to the image's caption, it is.",
        "The caption does not specify the age.",
        "It is a node, as mentioned in the figure legend.",
        "The context does not mention the stain.",
        "Based on the description provided, it is",
        "The description provided states that it is a cyst.",
        "the in-text mention says so",
        "According to the accompanying text, it is",
        "بناءً على التعليق التوضيحي، هذه صورة",
        "وفقًا للتعليق المرفق",
        "كما هو مذكور في التسمية التوضيحية",
        "يشير التعليق التوضيحي إلى ورم",
        "بناءً على السياق المقدم، فإن",
        "وفقًا للوصف المقدم",
        "بناءً على تعليق الصورة",
    ],
)
def test_leaks(answer):
    assert leak(answer, "What is it? ما هذا؟")


@pytest.mark.parametrize(
    "answer",
    [
        "A caption for this image would be: chest x-ray.",
        "In the context of diabetes, and based on the clinical context, pneumonia.",
        "The finding must be read in the context, not alone.",
        "Based on the context of the symptoms; based on the description you gave.",
        "The text in the image reads 'L', the texture is smooth, the legend shows colours.",
        "A detailed description is based on the description of the lesion.",
        "بناءً على السياق السريري، وفي سياق مرض السكري",
        "وصف الآفة في نصف الكرة المخية، ويجب تعليق العلاج",
        "التعليق: صورة صدر. شرح الطبيب النص",
    ],
)
def test_answers_that_leak_nothing(answer):
    assert leak(answer, "What is it?") == ""


@given(st.text(max_size=60))
def test_whatever_the_text_the_outcome_is_a_pass_or_a_reject(text):
    try:
        check(row(text, text, 1), 1)
    except Reject as reject:
        assert reject.detail.encode()
