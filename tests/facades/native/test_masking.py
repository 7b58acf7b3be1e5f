"""What is masked in settings and manifests before somebody sees them."""

import json

import pytest

from mulligan.facades.native.masking import masked_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password: hunter2", "password: ******"),
        ("  dbPassword: 'hunter2'", "  dbPassword: ******"),
        ("export API_KEY=hunter2", "export API_KEY=******"),
        ("curl https://bob:hunter2@example.com/x", "curl https://******@example.com/x"),
        ("curl -H 'Authorization: Bearer hunter2' x", "curl -H 'Authorization: Bearer ******' x"),
        ("deploy --auth-token hunter2 --to prod", "deploy --auth-token ****** --to prod"),
        ("- name: DB_PASSWORD\n  value: hunter2", "- name: DB_PASSWORD\n  value: ******"),
        ("run: PASSWORD=hunter2 make ship", "run: PASSWORD=****** make ship"),
        ("env: {DB_PASSWORD: hunter2, A: b}", "env: {DB_PASSWORD: ******, A: b}"),
        ("""curl -d '{"token": "hunter2"}' x""", """curl -d '{"token": ******}' x"""),
        ("key: 1\ntoken: |\n  hunter2\n  hunter2\nend: 2", "key: 1\ntoken: ******\nend: 2"),
    ],
)
def test_lines(text: str, shown: str) -> None:
    """Values behind names that say secret, logins and headers are masked; the rest stays."""
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "image: acme/shop:v1",
        "name: DB_HOST\nvalue: example",
        "token_file: /run/token",
        "secretName: shop-tls",
        "git@example.com:acme/shop.git",
        "tokenizer: on",
        "passes: 3",
        "kind: ConfigMap\ndata:\n  url: example",
        "command: [./run, --port, 80]",
        "",
    ],
)
def test_what_stays(text: str) -> None:
    """What only looks like a secret, or says where one is, stays readable."""
    assert masked_text(text) == text


def test_secrets_of_kubernetes() -> None:
    """What is in a Secret is masked whatever it is called; other documents and lists stay."""
    secret = "kind: Secret\nmetadata: {name: shop}\n"
    data = "data:\n  url: aHVudGVyMg==\n  tls.key: |\n    hunter2\n"
    other = "kind: ConfigMap\ndata:\n  url: example"
    lists = "items:\n- kind: Secret\n  stringData:\n    url: hunter2\n- kind: ConfigMap"

    shown = masked_text(f"{secret}{data}type: Opaque\n---\n{other}")

    assert shown == f"{secret}data: ******\ntype: Opaque\n---\n{other}"
    assert masked_text(lists) == lists.replace("\n    url: hunter2", " ******")
    given = {"items": [{"kind": "Secret", "data": {"url": "hunter2"}, "token": "hunter2"}]}
    assert json.loads(masked_text(json.dumps(given)))["items"] == [
        {"kind": "Secret", "data": "******", "token": "******"}
    ]


def test_arguments() -> None:
    """The argument behind an option that says secret is masked."""
    shown = masked_text('{"args": ["--db-password", "hunter2", "--port", "80"]}')

    assert json.loads(shown) == {"args": ["--db-password", "******", "--port", "80"]}


def test_json() -> None:
    """In JSON keys decide, at any depth, and texts inside are read by their lines."""
    given = {
        "driver": "kubernetes",
        "token": "hunter2",
        "replicas": 2,
        "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "A", "value": "b"}],
        "deploy": "export TOKEN=hunter2\nmake deploy",
        "secrets": ["db"],
    }

    shown = json.loads(masked_text(json.dumps(given)))

    assert "hunter2" not in json.dumps(shown)
    assert shown["env"][1] == {"name": "A", "value": "b"}
    assert shown["deploy"] == "export TOKEN=******\nmake deploy"
    assert (shown["driver"], shown["replicas"], shown["secrets"]) == ("kubernetes", 2, ["db"])


def test_broken_json_is_read_as_lines() -> None:
    """What begins like JSON but is none is masked by its lines."""
    assert masked_text('{"a": 1,\n"password": "hunter2"') == '{"a": 1,\n"password": ******'
