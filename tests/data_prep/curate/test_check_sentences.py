"""What the checks let pass and what they find, one sentence each: the traps that words set, and one error at a time."""

import pytest

from data_prep.curate.checks import Rewriting, Translation, findings

GOOD_TRANSLATIONS = [
    ("The patient left the hospital against medical advice.", "غادر المريض المستشفى خلافاً لنصيحة الأطباء."),
    (
        "The right ventricle is mildly dilated and the left atrium is normal in size.",
        "البطين الأيمن متوسع توسعاً خفيفاً، وحجم الأذين الأيسر طبيعي.",
    ),
    (
        "Neither lung shows consolidation, and no pleural effusion is seen.",
        "لا يظهر تصلد في أي من الرئتين، ولا يُشاهد انصباب جنبي.",
    ),
    (
        "The gray-white matter differentiation is preserved after 24 hours.",
        "التمايز بين المادة الرمادية والبيضاء محفوظ بعد 24 ساعة.",
    ),
    (
        "A 45-year-old man presented with a 3-day history of fever.",
        "رجل يبلغ من العمر 45 عاماً راجع بسبب حمى منذ ثلاثة أيام.",
    ),
    ("There is no evidence of metastasis.", "لا دليل على وجود نقائل."),
    ("The lesion is ill-defined and irregular.", "الآفة غير واضحة الحدود وغير منتظمة."),
    ("The fracture is nondisplaced.", "الكسر غير متزحزح."),
    ("No, the heart is not enlarged.", "لا، القلب ليس متضخماً."),
    ("Yes.", "نعم."),
    ("What is the most likely diagnosis?", "ما التشخيص الأرجح؟"),
    ("Both kidneys are normal.", "الكليتان طبيعيتان."),
    ("There are bilateral pleural effusions.", "يوجد انصباب جنبي في الجانبين."),
    ("A single nodule is seen in the right upper lobe.", "تُرى عقيدة وحيدة في الفص العلوي الأيمن."),
    ("Two units of blood were transfused.", "نُقلت وحدتان من الدم."),
    ("The dose is 1,500 mg per day in three divided doses.", "الجرعة 1500 ملغ يومياً مقسمة على ثلاث جرعات."),
    ("Staphylococcus aureus was isolated.", "عُزلت المكورات العنقودية الذهبية."),
    ("He was treated with amoxicillin-clavulanate 875/125 mg.", "عولج بالأموكسيسيلين-كلافولانات 875/125 ملغ."),
    ("The mitral valve and the prostate are unremarkable.", "الصمام التاجي والبروستاتا لا يظهر فيهما شيء غير طبيعي."),
    ("Alzheimer's disease and Parkinson's disease are common.", "مرض ألزهايمر ومرض باركنسون شائعان."),
    (
        "Helicobacter pylori infection was confirmed by endoscopy.",
        "تأكدت الإصابة بالملوية البوابية (Helicobacter pylori) بالتنظير.",
    ),
    (
        "The glucose level was 126 mg/dL and the HbA1c was 6.5%.",
        "كان مستوى الغلوكوز 126 ملغ/دل والهيموغلوبين السكري 6.5٪.",
    ),
    ("MRI of the brain, T2-weighted.", "تصوير الدماغ بالرنين المغناطيسي، مرجح T2."),
    (
        "The patient should not stop taking insulin without consulting a doctor.",
        "ينبغي ألا يتوقف المريض عن أخذ الأنسولين دون استشارة الطبيب.",
    ),
    ("It is important to see your doctor if you have chest pain.", "من المهم مراجعة طبيبك إذا شعرت بألم في الصدر."),
    ("I don't have a fever, but I have had a cough for two weeks.", "ليس لدي حمى، لكنني أعاني من سعال منذ أسبوعين."),
    (
        "This CT scan shows a hypodense lesion in the liver, most consistent with a simple cyst.",
        "يُظهر هذا التصوير المقطعي آفة منخفضة الكثافة في الكبد، تتوافق على الأرجح مع كيسة بسيطة.",
    ),
    (
        "The second image, taken on 5 May 2020, shows improvement.",
        "تُظهر الصورة الثانية، المأخوذة في 5 مايو 2020، تحسناً.",
    ),
    ("In the lower third of the esophagus there is a stricture.", "يوجد تضيق في الثلث السفلي من المريء."),
    (
        "The left-sided chest tube remains in place. The lungs are clear.",
        "لا يزال أنبوب الصدر في الجهة اليسرى في مكانه. الرئتان صافيتان.",
    ),
    (
        "Grade II hypertension; blood pressure 165/100 mmHg.",
        "ارتفاع ضغط الدم من الدرجة الثانية، وضغط الدم 165/100 ملم زئبق.",
    ),
    ("Hematoxylin and eosin stain, magnification x400.", "صبغة الهيماتوكسيلين والإيوزين، بتكبير 400 مرة."),
    ("The aorta is tortuous but not aneurysmal.", "الأبهر متعرج لكنه غير متوسع."),
    ("Which of these is not a side effect of aspirin?", "أي مما يلي ليس من الآثار الجانبية للأسبرين؟"),
    ("The trachea is midline and the mediastinum is not widened.", "الرغامى في الخط الناصف والمنصف غير متوسع."),
    (
        "Unlike the right kidney, the left kidney shows no stones.",
        "بخلاف الكلية اليمنى، لا تظهر حصيات في الكلية اليسرى.",
    ),
    ("The pneumothorax has resolved completely.", "زال استرواح الصدر تماماً."),
    (
        "The first dose is given at 8 am and the second at 8 pm.",
        "تُعطى الجرعة الأولى في الثامنة صباحاً والثانية في الثامنة مساءً.",
    ),
    ("Only one of the four vessels is patent.", "وعاء واحد فقط من الأوعية الأربعة سالك."),
    (
        "Inhaled corticosteroids and a bronchodilator were prescribed.",
        "وُصفت الكورتيكوستيرويدات الاستنشاقية وموسع قصبي.",
    ),
    ("An intravenous contrast agent was injected.", "حُقنت مادة تباين عن طريق الوريد."),
    ("Half of the patients recovered within six months.", "تعافى نصف المرضى خلال ستة أشهر."),
    ("The film is rotated, which limits the assessment of the heart.", "الصورة مائلة، مما يحد من تقييم القلب."),
    ("There is consolidation. It could be pneumonia.", "يوجد تصلد قد يكون ناجماً عن التهاب الرئة."),
    (
        "Cerebral atrophy is more than expected for age; otherwise normal.",
        "الضمور الدماغي أكثر من المتوقع بالنسبة للعمر، وما عدا ذلك طبيعي.",
    ),
    ("The mass measures 3.2 x 2.1 x 4 cm.", "تبلغ أبعاد الكتلة 3.2 × 2.1 × 4 سم."),
    ("Take one tablet every 8 hours after meals.", "تناول قرصاً واحداً كل ثماني ساعات بعد الأكل."),
    ("Between 10% and 20% of cases are asymptomatic.", "بين 10 و20 بالمئة من الحالات لا تظهر عليها أعراض."),
    ("She denies smoking and alcohol use.", "تنفي التدخين وتعاطي الكحول."),
    (
        "The pancreas is not visualized because of overlying bowel gas.",
        "لم يمكن إظهار البنكرياس بسبب غازات الأمعاء المتراكبة.",
    ),
    ("The margins are free of tumor.", "الحواف خالية من الورم."),
    ("No fracture, dislocation or foreign body.", "لا كسر ولا خلع ولا جسم غريب."),
    (
        "Without treatment, the disease is fatal in 50 of 100 patients.",
        "من دون علاج يكون المرض مميتاً في 50 من كل 100 مريض.",
    ),
    (
        "The bacteria are resistant to penicillin and sensitive to vancomycin.",
        "الجراثيم مقاومة للبنسلين وحساسة للفانكومايسين.",
    ),
    ("Lymphadenopathy is absent.", "لا يوجد اعتلال في العقد اللمفية."),
    (
        "An inability to close the right eye suggests Bell's palsy.",
        "عدم القدرة على إغلاق العين اليمنى يشير إلى شلل بل.",
    ),
    (
        "The left ear is infected. Use the drops three times a day.",
        "الأذن اليسرى ملتهبة. استعمل القطرة ثلاث مرات في اليوم.",
    ),
    ("Rest, fluids and paracetamol are sufficient.", "تكفي الراحة والسوائل والباراسيتامول."),
    ("Is this a normal study?", "هل هذا الفحص طبيعي؟"),
    ("Chest.", "الصدر."),
    ("CT", "تصوير مقطعي محوسب"),
    ("Fasting glucose 7.2 mmol/L.", "غلوكوز الصيام 7.2 ملي مول/لتر."),
    ("He was given 2 litres of saline.", "أُعطي لترين من المحلول الملحي."),
    ("Bleomycin, etoposide and cisplatin were given.", "أُعطيت bleomycin وetoposide وcisplatin."),
    ("Secondary hypothyroidism after primary surgery.", "قصور درقية ثانوي بعد جراحة أولية."),
    ("Both lower blood pressure.", "كلاهما يخفض ضغط الدم."),
    ("He is allergic to NSAIDs.", "لديه حساسية من مضادات الالتهاب غير الستيرويدية."),
    ("A duodenal ulcer, 1 cm across.", "قرحة في الاثني عشر قطرها 1 سم."),
    ("BP 88/54, HR 126.", "الضغط 88/54، والنبض 126."),
    ("A 72M with chest pain.", "رجل عمره 72 عاماً يعاني من ألم صدري."),
    ("The lesion measures 12 HU.", "تبلغ كثافة الآفة 12 وحدة هاونسفيلد."),
    ("Surgery on 3 November 2018.", "جراحة في 3 تشرين الثاني 2018."),
    ("Which structure is it?\nA. Aorta\nB. Left atrium", "ما هذه البنية؟\nأ) الأبهر\nب) الأذين الأيسر"),
]
WRONG_TRANSLATIONS = [
    ("negation", "The lesion enhances.", "الآفة لا تتعزز."),
    ("negation", "The patient is not allergic to penicillin.", "المريض لديه حساسية من البنسلين."),
    ("negation", "The heart is normal in size.", "القلب ليس طبيعي الحجم."),
    ("negation", "There is no fracture. The joint is normal.", "يوجد كسر. المفصل طبيعي."),
    ("negation", "Neither lung is affected.", "الرئتان مصابتان."),
    ("negation", "The lungs are clear, without effusion.", "الرئتان صافيتان مع انصباب."),
    (
        "negation",
        "No effusion or pneumothorax is seen and the bones show no lesion.",
        "يُرى انصباب واسترواح صدر، ولا تظهر آفة في العظام.",
    ),
    (
        "negation",
        "The mass has not changed. There is no new nodule. The heart is normal.",
        "لم تتغير الكتلة. توجد عقيدة جديدة. القلب طبيعي.",
    ),
    ("negation", "The appendix is visualized and is dilated.", "لم تُشاهد الزائدة وهي متوسعة."),
    ("negation", "Do not drive after taking this drug.", "قُد السيارة بعد تناول هذا الدواء."),
    ("negation", "Surgery is recommended.", "لا يُنصح بالجراحة."),
    ("transliterated", "The chest radiograph shows a fracture.", "يُظهر التشيست راديوغراف فراكتشر."),
    ("transliterated", "There is a pleural effusion.", "يوجد بلورال إفيوجن."),
    ("transliterated", "Consolidation in the right lower lobe.", "كونسوليديشن في الفص السفلي الأيمن."),
    ("transliterated", "An ultrasound of the abdomen shows gallstones.", "يُظهر ألتراساوند البطن غولستونز."),
    ("transliterated", "There is swelling of the ankle.", "يوجد سويلينغ في الكاحل."),
    ("language", "The lungs are clear.", "ریه‌ها شفاف هستند."),
    ("language", "The heart is enlarged.", "دل بڑا ہے۔"),
    ("language", "There is no fracture in this image.", "مفيش كسر في الصورة دي."),
    ("language", "What does the image show?", "شو بتبين الصورة؟"),
    ("language", "The liver is normal.", "Le foie est normal."),
    ("language", "There is a mass in the liver.", "در کبد توده ای دیده می شود."),
    ("language", "The spine is normal in alignment.", "العمود الفقري مظبوط وما فيه حاجة."),
    ("language", "The bone is broken.", "العظمة مكسورة كتير."),
    (
        "length_ratio",
        "The chest radiograph shows clear lungs, a normal heart and mediastinum, and no effusion.",
        "الصدر طبيعي.",
    ),
    ("sentences", "The lungs are clear. The heart is enlarged.", "الرئتان صافيتان."),
    ("sentences", "The heart is normal.", "القلب طبيعي. ولا حاجة إلى فحوص أخرى في الوقت الحاضر."),
    ("remarks", "The heart is normal.", "القلب طبيعي.\n\n(ملاحظة: تُرجم النص حرفياً)"),
    ("remarks", "The heart is normal.", "الترجمة العربية: القلب طبيعي."),
    ("remarks", "The heart is normal.", "القلب طبيعي. هل تحتاج إلى مساعدة أخرى؟"),
    ("remarks", "The heart is normal.", "```\nالقلب طبيعي.\n```"),
    ("remarks", "The heart is normal.", "بالتأكيد! القلب طبيعي."),
    ("numbers", "Take it once daily.", "يؤخذ مرتين يومياً."),
    ("numbers", "Take it twice daily.", "يؤخذ مرة واحدة يومياً."),
    ("numbers", "Follow up in six weeks.", "المتابعة بعد ستة عشر أسبوعاً."),
    ("numbers", "Stage III disease.", "مرض في المرحلة الثانية."),
    ("numbers", "Range 4-6 mm.", "المجال 4-9 ملم."),
    ("units", "The nodule is 8 mm.", "قطر العقيدة 8 سم."),
    ("units", "Give 5 mL every 6 hours.", "أعط 5 ملغ كل 6 ساعات."),
    ("units", "For 10 days.", "لمدة 10 أسابيع."),
    ("units", "50 mcg daily", "50 ملغ يومياً"),
    ("units", "Creatinine 88 µmol/L.", "الكرياتينين 88 ملي مول/لتر."),
    ("numbers", "Surgery on 3 November 2018.", "جراحة في 3 تشرين الأول 2018."),
    ("drugs", "Switch to losartan.", "حوّل إلى فالسارتان."),
    ("remarks", "Mild scoliosis.", "جنف خفيف.\nأو: انحناء بسيط."),
    ("sides", "Cataracts in both eyes.", "ساد في العين اليمنى."),
]
GOOD_REWRITINGS = [
    ("Is the heart normal?", "yes", "The heart shows no abnormality.", "en"),
    ("Is there cardiomegaly?", "no", "The heart size is within normal limits.", "en"),
    ("Is there free air?", "no", "No, free air is not seen under the diaphragm.", "en"),
    ("What is abnormal?", "pleural effusion", "There is fluid in the pleural space.", "en"),
    ("What is seen?", "gallstones", "Stones are visible in the gallbladder.", "en"),
    ("Where is the lesion?", "right upper lobe", "The lesion lies in the upper lobe of the right lung.", "en"),
    ("What organ system is imaged?", "cardiovascular", "The image shows the heart and blood vessels.", "en"),
    ("What plane?", "coronal", "This is a coronal section.", "en"),
    ("Is contrast used?", "yes", "Contrast material was used for this study.", "en"),
    ("Are there any fractures?", "No", "The bones are intact, without fractures.", "en"),
    ("How was it acquired?", "x-ray", "This image is a plain radiograph.", "en"),
    ("What is the sex?", "female", "The patient is a woman.", "en"),
    ("Is the mass on the left?", "no", "No, the mass is not on the left.", "en"),
    ("What does the arrow show?", "air bronchogram", "The arrow indicates an air bronchogram.", "en"),
    ("Which side is affected?", "left", "The left side is affected.", "en"),
    ("What stain?", "H&E", "The tissue was stained with hematoxylin and eosin.", "en"),
    ("Is this a normal chest x-ray?", "yes", "Yes, this chest x-ray is normal and no disease is visible.", "en"),
    ("Is it MRI?", "no", "No, this image is not an MRI scan.", "en"),
    ("What does it show?", "metastatic adenocarcinoma", "It shows adenocarcinoma that has metastasized.", "en"),
    ("Is the lesion cystic or solid?", "cystic", "The lesion is a cyst.", "en"),
    ("هل الرئتان سليمتان؟", "لا", "الرئتان ليستا سليمتين.", "ar"),
    ("ما التشخيص؟", "سرطان الرئة", "التشخيص هو سرطان في الرئة.", "ar"),
    ("أين الكسر؟", "عظم الفخذ الأيسر", "يقع الكسر في عظم الفخذ الأيسر.", "ar"),
    ("هل يوجد ورم؟", "نعم", "يظهر في الصورة ورم.", "ar"),
    ("كم عدد الآفات؟", "3", "تظهر في الصورة ثلاث آفات.", "ar"),
    ("ما نوع التصوير؟", "أشعة سينية", "هذه صورة بالأشعة السينية.", "ar"),
    ("هل توجد سوائل حرة؟", "لا", "لا تظهر سوائل حرة في البطن.", "ar"),
    ("What is the size of the mass?", "4 cm", "The mass measures 4 centimeters.", "en"),
    ("Is the trachea deviated?", "no", "The trachea is in the midline.", "en"),
    ("Which vessel?", "aorta", "The vessel shown is the aorta.", "en"),
    ("Is there hemorrhage?", "yes", "Yes, bleeding is seen.", "en"),
    ("what is present", "hematologic", "This image shows a hematologic specimen.", "en"),
    ("does this image show kidney?", "yes", "Yes, the kidney is shown here; no other organ is seen.", "en"),
    ("What is the dark area?", "the lungs", "The dark area represents the lungs, which contain air.", "en"),
]
WRONG_REWRITINGS = [
    ("polarity", "Is there a mass?", "no", "The image shows a mass in the liver."),
    ("polarity", "Is there a mass?", "yes", "No mass is seen."),
    ("polarity", "Is the liver enlarged?", "no", "The liver is enlarged."),
    ("polarity", "Is the heart enlarged?", "yes", "The heart is normal in size, without enlargement."),
    ("polarity", "Is the lung clear?", "no", "The lung is clear."),
    ("polarity", "Is there edema?", "no", "No, there is edema in the brain."),
    ("polarity", "Is there edema?", "yes", "Yes, there is no edema."),
    ("polarity", "What is seen?", "no abnormality", "An abnormality is seen."),
    ("polarity", "Is it malignant?", "no", "It is malignant."),
    ("answer_lost", "What is seen?", "acute pancreatitis", "The image shows acute appendicitis."),
    ("answer_lost", "What organ?", "kidney", "The image shows the pancreas."),
    ("answer_lost", "What is it?", "pneumonia", "It is pneumothorax."),
    ("answer_lost", "What plane?", "sagittal", "This is an axial image."),
    ("answer_lost", "Where?", "spleen", "It is located in the abdomen."),
    ("polarity", "هل يوجد ورم؟", "لا", "يوجد ورم في الصورة."),
    ("polarity", "هل يوجد ورم؟", "نعم", "لا يوجد ورم."),
    ("polarity", "هل الكبد متضخم؟", "لا", "الكبد متضخم."),
    ("answer_lost", "ما العضو؟", "الكلية", "العضو هو الطحال."),
]


@pytest.mark.parametrize(("source", "made"), GOOD_TRANSLATIONS)
def test_a_good_translation_passes_every_check(source, made):
    assert findings(Translation((source,), (made,), "en", "ar")) == []


@pytest.mark.parametrize(("check", "source", "made"), WRONG_TRANSLATIONS)
def test_an_error_of_a_translation_is_found_by_its_check(check, source, made):
    assert check in {found.check for found in findings(Translation((source,), (made,), "en", "ar"))}


@pytest.mark.parametrize(("question", "answer", "made", "language"), GOOD_REWRITINGS)
def test_a_good_full_answer_passes_every_check(question, answer, made, language):
    assert findings(Rewriting(question, answer, (made,), language=language)) == []


@pytest.mark.parametrize(("check", "question", "answer", "made"), WRONG_REWRITINGS)
def test_an_error_of_a_full_answer_is_found_by_its_check(check, question, answer, made):
    assert check in {found.check for found in findings(Rewriting(question, answer, (made,)))}
