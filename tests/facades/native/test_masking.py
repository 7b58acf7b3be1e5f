"""What is masked in settings and manifests before somebody sees them."""

import json

import pytest

from mulligan.facades.native.masking import masked_text

PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n  hunter2\n  Proc-Type: hunter2\n"
    "  -----END RSA PRIVATE KEY-----"
)


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
        ("password:\n  hunter2\nend: 2", "password:\n  ******\nend: 2"),
        ("- password:\n\n    'hunter2\n    hunter2'\n- a", "- password:\n\n    ******\n- a"),
        ("password: 'hunter2\n  hunter2'\nend: 2", "password: ******\nend: 2"),
        ("- name: DB_PASSWORD\n  value:\n    hunter2", "- name: DB_PASSWORD\n  value:\n    ******"),
        ("- --password\n- hunter2\n- --port", "- --password\n- ******\n- --port"),
        ("- '--db-password'\r\n- 'hunter2'", "- '--db-password'\r\n- ******"),
        ("- -u\n- bob:hunter2\n- https://a", "- -u\n- ******\n- https://a"),
        ("cmd: [a, --token, hunter2]", "cmd: [a, --token, ******"),
        ("""cmd: ["--token", "hunter2", "b"]""", """cmd: ["--token", ******, "b"]"""),
        ("deploy --password 'hunter2 hunter2' x", "deploy --password ****** x"),
        ("deploy --password=-hunter2", "deploy --password=******"),
        ("curl -u bob:hunter2 https://a", "curl -u ****** https://a"),
        ("curl -sSu 'bob:hunter2' https://a", "curl -sSu ****** https://a"),
        ("curl -ubob:hunter2 --proxy-user=a:hunter2", "curl -u****** --proxy-user=******"),
        ("env DBPASS=hunter2 make", "env DBPASS=****** make"),
        ("export PGPASS=hunter2", "export PGPASS=******"),
        ("SMTP_PASS: hunter2", "SMTP_PASS: ******"),
        ("mysqlPass: hunter2", "mysqlPass: ******"),
        ("x-api-key: hunter2", "x-api-key: ******"),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: Basic ******"),
        ("Authorization: 'Basic aHVudGVyMg=='", "Authorization: 'Basic ******'"),
        (
            "- name: Authorization\n  value: Basic aHVudGVyMg==",
            "- name: Authorization\n  value: Basic ******",
        ),
        (
            "git clone https://bob:hunter2@hunter2@example.com/x",
            "git clone https://******@example.com/x",
        ),
        ("url: redis://:hunter2@db:6379/0", "url: redis://******@db:6379/0"),
        (f"key: |\n  {PEM}\nend: 2", "key: |\n  ******\nend: 2"),
        (f"a\n{PEM[:60]}", "a\n******"),
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
        "passed: 12",
        "bypass=1",
        "compass=north",
        "export BYPASS=1 COMPASS=north",
        "secret:\n  secretName: shop-tls\n  optional: true",
        "secrets:\n  - db\n  - cache",
        "imagePullSecrets:\n- name: registry",
        "env:\n- name: A\n  value: b\n  # password of nobody",
        "docker run -u 1000:1000 image",
        "docker run --user=1000:1000 image",
        "security:\n  authorization: enabled",
        "image: acme/shop:v1@sha256:0123",
        "see https://example.com/a@b",
        "sort -u names.txt",
        "docker login --password-stdin",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "-----------------------",
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
    given = {"args": ["--db-password", "hunter2", "--port", "80", "-u", "bob:hunter2", "-u", "1:2"]}

    shown = json.loads(masked_text(json.dumps(given)))

    assert shown == {
        "args": ["--db-password", "******", "--port", "80", "-u", "******", "-u", "1:2"]
    }


def test_headers() -> None:
    """Credentials of a header are masked, whatever gives the header its name; the scheme stays."""
    given = {
        "headers": [{"name": "Authorization", "value": "Basic aHVudGVyMg=="}],
        "proxy-authorization": "Bearer hunter2",
        "authorization": "enabled",
        "value": "Basic plan",
    }

    assert json.loads(masked_text(json.dumps(given))) == {
        "headers": [{"name": "Authorization", "value": "Basic ******"}],
        "proxy-authorization": "Bearer ******",
        "authorization": "enabled",
        "value": "Basic plan",
    }


@pytest.mark.parametrize(
    "part",
    [
        *("-", " ", "a", "-a", "a-", "a.", "--a-", "-u", "-u ", "a:", "://", "@", "a@", "'", '"'),
        *("=", ": ", "- ", "\t-", "authorization: ", "--password ", "password:\n ", "\n"),
        *("-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "export ", "name: a\n", "{a: ", "basic "),
    ],
)
def test_long_texts(part: str) -> None:
    """The time grows with the length alone: else these would take minutes."""
    text = part * (60_000 // len(part))

    assert "hunter2" not in masked_text(text + "\npassword: hunter2")


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
