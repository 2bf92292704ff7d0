"""Chat templates like those that the families of language models publish, for string contents."""

# Qwen 3 puts reasoning, also an empty one, before the last answer only, and drops that of earlier answers.
QWEN3 = """\
{%- set turns = namespace(last_query=-1) -%}
{%- for message in messages -%}
{%- if message['role'] == 'user' -%}{%- set turns.last_query = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
{%- set content = message['content'] -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['role'] == 'assistant' -%}
{%- set reasoning = '' -%}
{%- if '</think>' in content -%}
{%- set reasoning = (content.split('</think>') | first).split('<think>') | last -%}
{%- set content = (content.split('</think>') | last).lstrip('\\n') -%}
{%- endif -%}
{%- if loop.index0 > turns.last_query and (loop.last or reasoning) -%}
{{ '<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' }}
{%- set content = content.lstrip('\\n') -%}
{%- endif -%}
{%- endif -%}
{{ content + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false -%}{{ '<think>\\n\\n</think>\\n\\n' }}{%- endif -%}
{%- endif -%}
"""

PHI3 = """\
{%- for message in messages -%}
{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>\\n' }}{%- else -%}{{ eos_token }}{%- endif -%}
"""

GEMMA2 = """\
{{ bos_token }}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('Not alternating') }}{%- endif -%}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""

# Gemma 3's template itself puts the system text before the first user turn.
GEMMA3 = """\
{{ bos_token }}
{%- set system = messages[0]['content'] + '\\n\\n' if messages[0]['role'] == 'system' else '' -%}
{%- for message in messages if message['role'] != 'system' -%}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
{{ '<start_of_turn>' + role + '\\n' + (system if loop.first else '') -}}
{{ message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}
"""

# Mistral puts the system text into a prompt's last user turn, and drops it once that turn has an answer; before each
# answer it writes a space with which no prompt ends.
MISTRAL = """\
{{ bos_token }}
{%- set turns = messages[1:] if messages[0]['role'] == 'system' else messages -%}
{%- for message in turns -%}
{%- if message['role'] == 'user' -%}
{{ '[INST] ' }}
{%- if loop.last and messages[0]['role'] == 'system' -%}{{ messages[0]['content'] + '\\n\\n' }}{%- endif -%}
{{ message['content'] + '[/INST]' }}
{%- else -%}
{{ ' ' + message['content'] | trim + eos_token }}
{%- endif -%}
{%- endfor -%}
"""

# Jais 2 writes Llama 3's headers without line breaks after them, and calls the assistant `ai`.
JAIS2 = """\
{{ bos_token }}
{%- for message in messages -%}
{%- set role = 'ai' if message['role'] == 'assistant' else message['role'] -%}
{{ '<|start_header_id|>' + role + '<|end_header_id|>' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>ai<|end_header_id|>' }}{%- endif -%}
"""
