"""Find the API server and the credential, and make the official client's connection to it.

The package `kubernetes` is an optional extra. It is imported here and nowhere else, and only
when a deployment needs it.
"""

import importlib
import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mulligan.executors.deploy.k8s_errors import (
    CLUSTER_UNUSABLE,
    DeployError,
    UnreachableError,
    coded,
)
from mulligan.executors.deploy.k8s_order import Document, say

_MISSING = (
    "the driver `kubernetes` needs the official client, which isn't installed: "
    "pip install 'mulligan[kubernetes]'"
)


def client_module(name: str) -> Any:
    """Import a module of the official client; Any, because most of its versions have no types.

    Raises:
        UnreachableError: It isn't installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnreachableError(f"{_MISSING} ({error})") from None


def connect(info: Document, *, private_ok: bool) -> Any:
    """Make an `ApiClient` for the cluster that the settings name.

    In this order: `server` of the settings, `kubeconfig` of the settings, $KUBECONFIG, the
    service account of the pod we run in, the user's own configuration file.

    Raises:
        UnreachableError: There is no usable configuration.
        DeployError: The settings contradict themselves or name a forbidden address.
    """
    client = client_module("kubernetes.client")
    config = client_module("kubernetes.config")
    configuration = client.Configuration()
    if info.get("server"):
        _configure_server(configuration, info, private_ok=private_ok)
    else:
        try:
            _load(config, configuration, info)
        except (config.ConfigException, OSError, ValueError) as error:
            raise UnreachableError(
                coded(CLUSTER_UNUSABLE, f"no usable configuration of a cluster: {error}")
            ) from None
    # Repetitions are made in k8s_api.py, where they are bounded and told to the user.
    retry = client_module("urllib3").Retry(0, redirect=0)
    configuration.retries = retry
    configuration.client_go_retries = False
    return client.ApiClient(configuration)


def _configure_server(configuration: Any, info: Document, *, private_ok: bool) -> None:
    server = str(info["server"]).rstrip("/")
    parts = urlsplit(server)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise DeployError("server must be a URL as https://HOST:PORT, without a user")
    if not private_ok:
        _refuse_private(parts.hostname, parts.port or 443)
    configuration.host = server
    token = _token(info)
    if token:
        configuration.api_key = {"authorization": f"Bearer {token}"}
    if info.get("insecure_skip_tls_verify") is True:
        say("the certificate of the API server isn't checked (insecure_skip_tls_verify)")
        configuration.verify_ssl = False
        client_module("urllib3").disable_warnings()
    if info.get("ca_file"):
        _must_be_there(str(info["ca_file"]), "ca_file")
        configuration.ssl_ca_cert = str(info["ca_file"])


def _token(info: Document) -> str:
    if not info.get("token_file"):
        return str(info.get("token") or "")
    try:
        return Path(str(info["token_file"])).read_text().strip()
    except (OSError, ValueError) as error:
        raise UnreachableError(
            coded(CLUSTER_UNUSABLE, f"token_file can't be read: {error}")
        ) from None


def _refuse_private(host: str, port: int) -> None:
    """Keep the author of a pipeline from reaching what only this machine may reach."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreachableError(f"the API server {host} can't be found: {error}") from None
    for *_, address in found:
        if not ipaddress.ip_address(str(address[0]).split("%")[0]).is_global:
            raise DeployError(
                f"server {host} has the private address {address[0]}. Allow such targets with the "
                "setting net.private_targets, or give the cluster by a kubeconfig"
            )


def _load(config: Any, configuration: Any, info: Document) -> None:
    file = str(info.get("kubeconfig") or "")
    if file:
        _must_be_there(file, "kubeconfig")
    elif not os.environ.get("KUBECONFIG") and os.environ.get("KUBERNETES_SERVICE_HOST"):
        config.load_incluster_config(client_configuration=configuration)
        return
    file = file or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    contexts, _ = config.list_kube_config_contexts(config_file=file)
    config.load_kube_config(
        config_file=file,
        context=_context({str(context["name"]) for context in contexts}, info),
        client_configuration=configuration,
        persist_config=False,
    )


def _must_be_there(file: str, what: str) -> None:
    if not Path(file).is_file():
        raise UnreachableError(coded(CLUSTER_UNUSABLE, f"{what} {file} isn't there"))


def _context(known: set[str], info: Mapping[str, object]) -> str | None:
    """Choose the context: named by `context`, else one named as the cluster, else the current."""
    wanted = str(info.get("context") or "")
    if wanted and wanted not in known:
        raise DeployError(f"the kubeconfig has no context {wanted!r}")
    names = (wanted, str(info.get("cluster_name") or ""), str(info.get("cluster_id") or ""))
    return next((name for name in names if name in known), None)
