"""What is said before and beside every chat."""

WARNING = {
    "en": "For research only. Answers may be wrong: never use them to diagnose or treat.",
    "ar": "للبحث العلمي فقط. قد تكون الإجابات خاطئة: لا تستخدمها للتشخيص أو العلاج.",
}
