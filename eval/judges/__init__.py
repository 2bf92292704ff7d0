"""A judge: a language model behind an OpenAI-compatible server that reads answers and gives verdicts."""
