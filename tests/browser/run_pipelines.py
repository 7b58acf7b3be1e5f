"""Pipelines for the tests of the run's page, each steered by the workbench of the site."""

from mulligan.testing import models
from mulligan.testing.models import Json, Workbench

REGISTRY_IS_DOWN = "error: registry.example.test does not answer"


def deploying(bench: Workbench, name: str) -> Json:
    """Return build, then `NAME-apply`, which says why when it is broken, then ship."""
    why = f'[ ! -e "{bench.directory / f"{name}-apply.broken"}" ] || echo "{REGISTRY_IS_DOWN}"'
    work = "for n in $(seq 1 60); do echo line $n of the work; done"
    return models.pipeline(
        f"run/{name}",
        [
            _stage(bench, f"{name}-build"),
            models.stage(
                "deploy",
                [
                    models.job(
                        "deploy",
                        [
                            models.step(f"{name}-apply", bench.script(f"{name}-apply", work, why)),
                            models.step("smoke", "true"),
                        ],
                    )
                ],
            ),
            _stage(bench, f"{name}-ship"),
        ],
    )


def skippable(bench: Workbench) -> Json:
    """Return a job whose middle step people may skip when it fails."""
    steps = [
        models.step("first", bench.script("first")),
        models.step("flaky", bench.script("flaky"), continueWhenFailed=True, manualSkip=True),
        models.step("last", bench.script("last")),
    ]
    return models.pipeline("run/skip", [models.stage("s", [models.job("work", steps)])])


def mirrored(bench: Workbench) -> Json:
    """Return build, then `fetch`, which needs another mirror than its parameter says."""
    script = "\n".join(
        [
            'echo "fetch from $mirror"',
            '[ "$mirror" = b ]',
            "false",
        ]
    )
    steps = [models.step("m-build", bench.script("m-build")), models.step("fetch", script)]
    stage = models.stage("get", [models.job("fetch", steps)])
    mirror = models.parameter("mirror", "a", desc="Where packages come from")
    return models.pipeline("run/changes", [stage], params=[mirror])


def reviewed(bench: Workbench, *reviewers: str) -> Json:
    """Return build, then a stage that asks how many replicas it shall have."""
    check = models.review(reviewers)
    check["reviewDesc"] = "3 commits go out"
    check["reviewParams"] = [{"key": "replicas", "valueType": "STRING", "value": "4"}]
    made = models.pipeline("run/review", [_stage(bench, "r-build"), _stage(bench, "r-ship")])
    made["stages"][2]["checkIn"] = check
    return made


def asking(bench: Workbench, reviewer: str, rule: str) -> Json:
    """Return a pipeline that asks before a push starts it, and whose build a rule judges."""
    made = models.pipeline("run/asking", [_stage(bench, "a-build"), _stage(bench, "a-ship")])
    made["stages"][0]["containers"][0]["elements"].append(
        {
            "@type": "codeGithubWebHookTrigger",
            "id": f"T-{'5' * 32}",
            "name": "push",
            "eventType": "PUSH",
            "reviewers": [reviewer],
        }
    )
    made["stages"][1]["checkOut"] = {"ruleIds": [rule]}
    return made


def checked(bench: Workbench) -> Json:
    """Return a job that keeps its test report and a page, also when its tests fail."""
    broken = bench.directory / "t-unit.broken"
    case = '<testcase classname="shop.price" name="rounds half up" time="0.2">'
    report = f"<testsuite><testcase name='adds'/>{case}$bad</testcase></testsuite>"
    lines = (
        f"bad=; [ ! -e {broken} ] || bad='<failure message=\"2 is not 3\"/>'",
        f"cat > unit.xml <<END\n{report}\nEND",
        "echo '<script>document.title = \"taken\"</script>' > page.html",
    )
    keep = {"@type": "singleArchive", "name": "keep", "id": f"e-{'7' * 32}"}
    always = {"enable": True, "runCondition": "PRE_TASK_FAILED_BUT_CANCEL"}
    steps = [
        models.step("t-unit", bench.script("t-unit", *lines)),
        {**keep, "filePath": "unit.xml,page.html", "additionalOptions": always},
    ]
    return models.pipeline("run/tested", [models.stage("unit", [models.job("unit", steps)])])


def _stage(bench: Workbench, name: str) -> Json:
    step = models.step(name, bench.script(name))
    return models.stage(name.partition("-")[2], [models.job(name, [step])])
