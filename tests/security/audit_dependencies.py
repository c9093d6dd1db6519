"""``python -m tests.security.audit_dependencies``: does the lock file hold a version with a known vulnerability?

pip-audit asks the vulnerability service of PyPI. An office without the internet can still run `make check`: where the
service cannot be asked, one line says so and nothing fails. A vulnerability that was found does, and so does a lock
file that pip-audit cannot read.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 50
_LOCK = ("--requirement", "requirements.lock", "--require-hashes", "--disable-pip", "--progress-spinner=off")


def audit(*options: str, seconds: float = SECONDS) -> tuple[int, str]:
    """Exit code, and what to say. ``options`` are pip-audit's: another lock file, another service."""
    lock = () if "--requirement" in options else _LOCK
    collected = _pip_audit("--dry-run", *lock, *options, seconds=seconds)
    if collected.returncode:
        return 1, f"pip-audit cannot read the dependencies:\n{collected.stderr.strip()}"
    try:
        answer = _pip_audit("--format=json", "--timeout=5", *lock, *options, seconds=seconds)
        dependencies: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return 0, "Dependencies not audited: the vulnerability service cannot be reached."
    found = [
        f"{dependency['name']} {dependency['version']}: {vulnerability['id']}"
        f" (mended in {', '.join(vulnerability['fix_versions']) or 'no version yet'})"
        for dependency in dependencies
        for vulnerability in dependency.get("vulns", [])
    ]
    if found:
        return 1, "\n".join(["Known vulnerabilities among the dependencies:", *found])
    known = sum("skip_reason" not in dependency for dependency in dependencies)
    if not known:
        return 0, "Dependencies not audited: the vulnerability service knows none of them here."
    return 0, f"{known} of {len(dependencies)} dependencies audited, no known vulnerability."


def _pip_audit(*options: str, seconds: float) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [sys.executable, "-m", "pip_audit", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


if __name__ == "__main__":
    code, said = audit(*sys.argv[1:])
    print(said)
    sys.exit(code)
