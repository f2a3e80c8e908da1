"""Put the function of CloudFront into template.yaml, made of deploy/edge/token.js and
cloudfront.js; with --check only say whether it is there as it should be.

CloudFormation takes its code as text, and the function can import no file of ours.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EDGE, TEMPLATE = ROOT / "deploy" / "edge", ROOT / "template.yaml"
PLACE = re.compile(r"(      FunctionCode: \|\n)((?: {8}.*\n|\n)*)")


def code() -> str:
    """Return the function: its imports first, then the check, then CloudFront's part."""
    check = re.sub(r"^export default .*\n", "", (EDGE / "token.js").read_text(), flags=re.MULTILINE)
    part = (EDGE / "cloudfront.js").read_text()
    imports = "".join(re.findall(r"^import .*\n", part, re.MULTILINE))
    rest = re.sub(r"^import .*\n", "", part, flags=re.MULTILINE)
    return f"{imports}\n{check.strip()}\n\n{rest.strip()}\n"


def main() -> int:
    """Return 1 where the template has another function than it should have."""
    before = TEMPLATE.read_text()
    lines = "".join(f"        {line}\n" if line else "\n" for line in code().splitlines())
    after, count = PLACE.subn(lambda found: found[1] + lines, before)
    if count != 1:
        raise SystemExit("template.yaml has no place for the function")
    if after == before:
        return 0
    if "--check" in sys.argv[1:]:
        print("template.yaml: the function is not that of deploy/edge: `make format`")
        return 1
    TEMPLATE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
