"""The command line answers `--help` and a wrong option without importing what the verbs work with."""

import subprocess
import sys

import pytest

HEAVY = ("datasets", "datatrove", "numpy", "pyarrow", "pydicom", "scipy", "torch", "gradio", "openai")
ASK = f"""
import sys
from data_prep.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
    raise
"""


@pytest.mark.parametrize("arguments", [["--help"], ["review", "--help"], ["build", "--oot", "x"]])
def test_help_imports_nothing_heavy(arguments):
    done = subprocess.run([sys.executable, "-c", ASK, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == (0 if "--help" in arguments else 2)
    assert done.stderr.splitlines()[-1] == "", done.stderr
