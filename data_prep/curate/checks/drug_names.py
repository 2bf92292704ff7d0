"""Names of drugs: stems of international nonproprietary names (WHO, The use of stems), common names, dose forms."""

import re

from data_prep.curate.checks.listed import listed

STEMS = re.compile(
    r"^[a-z]{2,}(?:cillin|pril|prilat|olol|alol|statin|[a-z]mab|azole|mycin|micin|floxacin|parin|formin|sartan"
    r"|dipine|tidine"
    r"|prazole|gliptin|gliflozin|glutide|triptan|setron|cycline|oxetine|azepam|azolam|barbital|caine|profen"
    r"|oxicam|fenac"
    r"|coxib|thiazide|semide|xaban|gatran|grel|tinib|ciclib|rubicin|taxel|platin|vir|vudine|conazole|nidazole|quine"
    r"|sone|solone|onide|terol|tropium|lukast|dronate|tocin|pressin|ezepine|triptyline|pramine|apine|peridone|idone"
    r"|zosin|afil|penem|bactam|cef|oxin|arone|amide|sulfa|lamide|glitazone|gliclazide|azine|tadine|rizine|plase"
    r"|poetin|prost|nib|nercept|tacept|bercept|kinra|tecan|citabine|mustine|poside|trexate|trexed|limus|grastim|parib"
    r"|relin|relix|tirelin|fibrate|stigmine|curium|curonium|flurane|vaptan|racetam|gepant|zolid|fungin|pidem|tiazem"
    r"|steride|dopa|gliflozin|tegravir|lisib|phylline|thiouracil|pressant|nacin|olac|sirox|oxaban|parinux|mer[ao]l)$"
)
NOT_DRUGS = frozenset(
    listed(
        "serine alanine spine supine routine genuine machine medicine urine marine caffeine examine determine "
        "combine "
        "adenine guanine cystine arginine lysine glycine april heroin tocopherol sterol control lipoprotein "
        "outside inside "
        "cocaine magazine vaccine quarantine equine bovine canine membrane hormone ozone stone bone done person "
        "reason "
        "endotoxin exotoxin prostatin cholesterol depressin toxin gravid decide amide gone alone phone tone zone "
        "none prone tone sone bromide abdomen fluid dexter lumen "
        "reservoir devoir elixir choir amidine bedside anyone someone everyone milestone limestone gallstone"
    )
)
COMMON = frozenset(
    listed(
        "amoxicillin ampicillin cefixime cefotaxime clarithromycin azithromycin erythromycin doxycycline "
        "tetracycline "
        "ciprofloxacin levofloxacin metronidazole fluconazole atorvastatin simvastatin rosuvastatin lisinopril "
        "enalapril "
        "captopril ramipril losartan valsartan amlodipine nifedipine atenolol metoprolol propranolol bisoprolol "
        "carvedilol "
        "pantoprazole esomeprazole naproxen diclofenac celecoxib clindamycin cetirizine loratadine aspirin "
        "paracetamol acetaminophen ibuprofen insulin glargine lispro aspart detemir degludec heparin warfarin "
        "digoxin morphine fentanyl codeine tramadol "
        "epinephrine adrenaline norepinephrine dopamine atropine salbutamol albuterol levothyroxine thyroxine "
        "prednisone "
        "prednisolone dexamethasone hydrocortisone methotrexate cyclophosphamide cisplatin tamoxifen lithium "
        "phenytoin "
        "valproate carbamazepine levetiracetam gabapentin pregabalin ceftriaxone cefazolin cephalexin cefuroxime "
        "vancomycin "
        "nitroglycerin nitrofurantoin rifampicin rifampin isoniazid ethambutol pyrazinamide clopidogrel furosemide "
        "spironolactone hydrochlorothiazide allopurinol colchicine naloxone ketamine propofol midazolam diazepam "
        "lorazepam "
        "metformin glimepiride glyburide glipizide chloroquine hydroxychloroquine quinine penicillin amiodarone "
        "verapamil "
        "diltiazem hydralazine clonidine methyldopa oxytocin misoprostol magnesium gentamicin tobramycin "
        "streptomycin "
        "acyclovir oseltamivir remdesivir azathioprine cyclosporine tacrolimus mycophenolate rituximab infliximab "
        "adalimumab trastuzumab bevacizumab sildenafil finasteride enoxaparin rivaroxaban apixaban dabigatran "
        "alteplase "
        "ondansetron metoclopramide loperamide omeprazole ranitidine haloperidol clozapine olanzapine quetiapine "
        "sertraline fluoxetine citalopram amitriptyline baclofen gadolinium barium technetium fluorescein mannitol "
        "teriparatide denosumab bisphosphonate linezolid meropenem montelukast theophylline ipratropium budesonide "
        "terbutaline trimethoprim sulfamethoxazole cotrimoxazole clavulanate doxorubicin paclitaxel "
        "fluorouracil imatinib bleomycin vincristine etoposide ivermectin albendazole mebendazole praziquantel"
    )
)
SYNONYMS = {
    **{"acetaminophen": "paracetamol", "paracetamol": "acetaminophen"},
    **{"epinephrine": "adrenaline", "adrenaline": "epinephrine", "salbutamol": "albuterol", "albuterol": "salbutamol"},
    **{"rifampin": "rifampicin", "rifampicin": "rifampin", "glyburide": "glibenclamide", "thyroxine": "levothyroxine"},
    **{"norepinephrine": "noradrenaline", "levothyroxine": "thyroxine"},
}

# Arabic stems in the form of data_prep.text.normalise.
FORMS = {
    "tablet": (r"\btablets?\b|\bpills?\b", r"قرص|اقراص|حبه|حبوب|حبات|حبتين|حبتان"),
    "capsule": (r"\bcapsules?\b(?! of)", r"كبسول"),
    "syrup": (r"\bsyrup\b", r"شراب"),
    "ointment": (r"\bointments?\b", r"مرهم|مراهم"),
    "cream": (r"\bcreams?\b", r"كريم"),
    "drops": (r"\b(?:eye|ear|nasal|nose) drops\b|\bdrops\b", r"قطره|قطرات"),
    "inhaler": (r"\binhal(?:er|ers|ed|ation)\b|\bnebuli[sz]\w*", r"بخاخ|استنشاق|منشقه|رذاذ|ارذاذ"),
    "suppository": (r"\bsuppositor(?:y|ies)\b", r"تحميل|لبوس"),
    "patch": (r"\btransdermal patch\w*|\bskin patch\w*", r"لصق"),
    "intravenous": (r"\bintravenous(?:ly)?\b|\biv (?:infusion|injection|bolus|fluids?)\b", r"وريد"),
    "intramuscular": (r"\bintramuscular(?:ly)?\b", r"عضليا\b|عضل\b|عضليه?\b"),
    "subcutaneous": (r"\bsubcutaneous(?:ly)? (?=inj|dose|hep|ins|adm)", r"تحت الجلد"),
    "oral": (r"\boral(?:ly)?\b|\bby mouth\b|\bper os\b", r"فمو|الفم|فم\b"),
    "injection": (r"\binjections?\b|\binjected\b", r"حقن|ابره?\b|ابرتين|يحقن|تحقن"),
    "rectal": (r"\brectal(?:ly)? (?=adm|sup|dia)", r"شرج|مستقيم"),
    "topical": (r"\btopical(?:ly)?\b", r"موضعي"),
}
