"""Questions to begin with, in both languages."""

EXAMPLES = (
    "What does this image show?",
    "Which imaging modality and which plane is this?",
    "What are the symptoms of pneumonia?",
    "ماذا تُظهر هذه الصورة؟",
    "ما نوع التصوير المستخدم، وأي عضو يظهر؟",
    "ما هي أعراض الالتهاب الرئوي؟",
)
