"""Prints a log of many kinds of lines: `printer.py LINES EXIT`; run by steps of the tests."""

import sys

E = "\x1b"


def link(address: str, text: str) -> str:
    """Return a link as terminals know them."""
    return f"{E}]8;;{address}{E}\\{text}{E}]8;;{E}\\"


def lines(count: int) -> list[str]:
    """Return the lines of the log, `count` of them all of one kind."""
    head = [
        f"{E}[1mBuilding shop/api{E}[0m at {E}[36ma1b2c3d{E}[0m",
        "##[group]Install",
        *(f"  + package-{number} {E}[32mok{E}[0m" for number in range(20)),
        "##[endgroup]",
        f"section_start:1700000000:compile\r{E}[0KCompile the sources",
        "::group::objects",
        *(f"cc -c src/file_{number}.c" for number in range(10)),
        "::endgroup::",
        "src/price.c:10:5: warning: unused variable 'x'",
        f"{E}[31msrc/price.c:42:9: error: expected ';'",
        f"still red {E}[0mand no more",
        f"section_end:1700000001:compile\r{E}[0K",
        "progress 10%\rprogress 50%\rprogress 100%",
        f"see {link('https://example.org/doc', 'the manual')}",
        f"and {link('javascript:alert(1)', 'a trap')}",
        "中文日志：价格取整修复完成 ✓",
        "<img src=x onerror=alert(1)>",
        "y" * 40_000 + "END",
    ]
    body = [f"[{n:08}] {E}[3{n % 7 + 1}mlevel{n % 5}{E}[0m took {n % 311} ms" for n in range(count)]
    return [*head, *body, "##[error]the deployment has failed", "exit status 1"]


if __name__ == "__main__":
    print("\n".join(lines(int(sys.argv[1]))))
    sys.exit(int(sys.argv[2]))
