"""What a start may be given."""

from native_client import NativeApi

from mulligan.testing import models


def test_the_form_tells_kinds_and_defaults_and_no_secret(api: NativeApi) -> None:
    """Defaults of sensitive parameters stay here; their existence does not."""
    model = models.one_job("form", [models.step("s", "true")])
    model["stages"][0]["containers"][0]["params"] = [
        {"id": "target", "type": "ENUM", "defaultValue": "b", "required": True, "desc": "where",
         "options": [{"key": "a", "value": "a"}, {"key": "b", "value": "b"}]},
        {"id": "key", "type": "PASSWORD", "defaultValue": "hush", "required": True},
    ]  # fmt: skip
    pipeline = api.make_pipeline(model)

    form = api.get(f"/projects/shop/pipelines/{pipeline}/start-form")

    target, key = form["parameters"]
    assert (target["kind"], target["default"], target["options"]) == ("ENUM", "b", ["a", "b"])
    assert target["desc"] == "where"
    assert (key["sensitive"], key["default"], key["has_default"]) == (True, "", True)
    assert form["manual_start"]
