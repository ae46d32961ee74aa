"""The examples of the pages run as they are printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HERE = Path(__file__).parent
PAGES = [HERE / "README.md", HERE / "python.md"]
if not PAGES[0].exists():
    PAGES = [HERE.parent / "README.md", HERE.parent.parent / "docs" / "python.md"]


def examples():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            yield pytest.param(match.group(1), id=f"{page.name}:{text[: match.start()].count(chr(10)) + 1}")


EXAMPLES = list(examples())


def test_there_are_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example, pytester):
    for module in set(re.findall(r"^(?:import|from) (\w+)", example, re.MULTILINE)):
        pytest.importorskip(module)
    if "def test_" in example:
        pytester.makepyfile(example)
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers")
        result.assert_outcomes(passed=example.count("def test_"))
        return
    script = pytester.makepyfile(example)
    subprocess.run([sys.executable, str(script)], check=True, cwd=script.parent)
