"""Where a bucket's credentials come from, and that those that expire are renewed: on real HTTP."""

from __future__ import annotations

import datetime
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from obstore.exceptions import BaseError

from fsspeckit_lib.errors import InvalidValue, Unsupported
from fsspeckit_lib.storage_options import AwsStorageOptions
from fsspeckit_lib.storage_options.aws_credentials import RefreshingKeys, StaticKeys, find_credentials
from tests.fsspeckit_lib.storage_options.conftest import Recorder

ROLE = "arn:aws:iam::123456789012:role/reader"


def signer(headers: dict[str, str]) -> str | None:
    """Return the access key id that signed a request."""
    text = headers.get("authorization", "")
    return text.partition("Credential=")[2].partition("/")[0] or None


def aws(**options: Any) -> AwsStorageOptions:
    """Take any alias: type checkers know the fields only."""
    return AwsStorageOptions(**options)


def read(options: AwsStorageOptions, key: str = "k") -> bytes:
    return bytes(options.to_obstore("bucket").get(key).bytes())


@pytest.fixture
def profiles(bare_environment: Path) -> Callable[[str, str], None]:
    """A function that writes ~/.aws/config and ~/.aws/credentials."""

    def write(config: str, credentials: str = "") -> None:
        folder = bare_environment / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(config)
        (folder / "credentials").write_text(credentials)

    return write


def test_keys_of_the_options_are_not_mixed_with_a_token_of_the_environment(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-other")
    read(aws(endpoint_url=recorder.url, key="MINE", secret="s"))
    assert signer(recorder.last_headers) == "MINE"
    assert "x-amz-security-token" not in recorder.last_headers
    read(aws(endpoint_url=recorder.url))
    assert signer(recorder.last_headers) == "OTHER"
    assert recorder.last_headers["x-amz-security-token"] == "of-other"


def test_the_endpoint_of_the_options_wins_over_every_variable(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/nobody")
    assert read(aws(endpoint_url=recorder.url, key="a", secret="b")) == b"ok"


def test_anonymous_requests_are_not_signed(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    read(aws(endpoint_url=recorder.url, anon=True))
    assert "authorization" not in recorder.last_headers


def test_the_order_of_environment_and_profile(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, profiles: Callable[[str, str], None]
) -> None:
    profiles("[profile work]\nregion = eu-west-3\n", "[default]\naws_access_key_id=D\naws_secret_access_key=d\n"
             "[work]\naws_access_key_id = W\naws_secret_access_key = w\naws_session_token = wt\n")  # fmt: skip
    plain = aws(endpoint_url=recorder.url)
    read(plain)
    assert signer(recorder.last_headers) == "D"
    monkeypatch.setenv("AWS_PROFILE", "work")
    read(plain)
    assert signer(recorder.last_headers) == "W"
    assert recorder.last_headers["x-amz-security-token"] == "wt"
    assert "/eu-west-3/s3/" in recorder.last_headers["authorization"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "E")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "e")
    read(plain)
    assert signer(recorder.last_headers) == "E"
    read(aws(endpoint_url=recorder.url, profile="work"))
    assert signer(recorder.last_headers) == "W"


def test_files_named_by_variables(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "c").write_text(
        f"[profile 'my team']\nservices = local\nregion=r1\n[services local]\ns3 =\n  endpoint_url = {recorder.url}\n"
        "  addressing_style = path\ndynamodb =\n  endpoint_url = http://nowhere\n"
    )
    (tmp_path / "s").write_text("[my team]\naws_access_key_id = T\naws_secret_access_key = t%x\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "c"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "s"))
    options = aws(profile="my team")
    assert options.effective_endpoint_url == recorder.url
    assert options.effective_region == "r1"
    read(options)
    assert signer(recorder.last_headers) == "T"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert options.effective_endpoint_url is None


def test_a_profile_that_is_not_there_is_named_with_the_nearest(profiles: Callable[[str, str], None]) -> None:
    profiles("[profile production]\nregion=x\n", "")
    with pytest.raises(InvalidValue, match=r"profile 'prodution' is neither in .*did you mean 'production'"):
        aws(profile="prodution").to_obstore("b")


def test_files_that_are_none_show_nothing_of_themselves(profiles: Callable[[str, str], None]) -> None:
    profiles("", "aws_secret_access_key = hunter2\n")
    with pytest.raises(InvalidValue, match=r"credentials, line 1: found no sections") as caught:
        aws(profile="x").to_obstore("b")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("given", [{"key": "a"}, {"secret": "b"}])
def test_half_a_pair_of_keys_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidValue, match=r"without .*; give both"):
        aws(**given).to_obstore("b")


def test_a_token_file_without_a_role_is_refused() -> None:
    with pytest.raises(InvalidValue, match="give assume_role_arn as well"):
        aws(web_identity_token_file="/t").to_obstore("b")


class TokenService(ThreadingHTTPServer):
    """STS and S3 at one address: keys are issued for `lifetime_s`, and S3 refuses those issued before `expire()`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.lifetime_s = 60.0
        self.asked: list[dict[str, str]] = []
        self.callers: list[str | None] = []
        self.valid_from = 1
        self.signers: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def expire(self) -> None:
        self.valid_from = len(self.asked) + 1


class _TokenHandler(BaseHTTPRequestHandler):
    server: TokenService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(asked)
        self.server.callers.append(signer({k.lower(): v for k, v in self.headers.items()}))
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.server.lifetime_s)
        action, number = asked["Action"], len(self.server.asked)
        self._answer(200, (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
            f"<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t{number}"
            f"</SessionToken><Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></{action}Result>"
            f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
        ).encode())  # fmt: skip

    def do_GET(self) -> None:
        key = signer({k.lower(): v for k, v in self.headers.items()})
        self.server.signers.append(key)
        number = int((key or "").removeprefix("ASIA") or 0)
        if number < self.server.valid_from:
            self._answer(403, b"<Error><Code>ExpiredToken</Code></Error>")
        else:
            self._answer(200, b"ok")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 09:16:37 GMT")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def tokens() -> Iterator[TokenService]:
    with TokenService() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def let_obstore_ask_again() -> None:
    """Wait longer than obstore's pause between two questions for credentials, 100 ms."""
    time.sleep(0.15)


def test_an_assumed_role_is_renewed_before_it_expires(tokens: TokenService) -> None:
    options = aws(
        endpoint_url=tokens.url, sts_endpoint=tokens.url, key="BASE", secret="s",
        assume_role_arn=ROLE, role_session_name="nightly", external_id="x1", role_duration_s=900,
    )  # fmt: skip
    store = options.to_obstore("bucket")
    assert tokens.asked == []  # making a store makes no request
    assert bytes(store.get("k").bytes()) == b"ok"
    first = tokens.asked[0]
    assert (first["Action"], first["RoleArn"], first["RoleSessionName"]) == ("AssumeRole", ROLE, "nightly")
    assert (first["ExternalId"], first["DurationSeconds"]) == ("x1", "900")
    assert tokens.callers == ["BASE"]
    tokens.expire()
    let_obstore_ask_again()
    assert bytes(store.get("k").bytes()) == b"ok"
    assert tokens.signers[0] == "ASIA1"
    assert tokens.signers[-1] != "ASIA1"


def test_a_role_that_lives_long_is_asked_for_once(tokens: TokenService) -> None:
    tokens.lifetime_s = 3600
    store = aws(endpoint_url=tokens.url, sts_endpoint=tokens.url, key="BASE", secret="s", role_arn=ROLE).to_obstore(
        "bucket"
    )
    for _ in range(3):
        store.get("k").bytes()
        let_obstore_ask_again()
    assert len(tokens.asked) == 1


def test_a_web_identity_of_the_environment(
    tokens: TokenService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "jwt").write_text("first")
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "jwt"), "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": tokens.url, "AWS_ENDPOINT_URL_S3": tokens.url,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for options in (aws(), AwsStorageOptions.from_env()):
        asked = len(tokens.asked)
        (tmp_path / "jwt").write_text("first")
        store = options.to_obstore("bucket")
        store.get("k").bytes()
        assert tokens.asked[asked]["Action"] == "AssumeRoleWithWebIdentity"
        assert tokens.asked[asked]["WebIdentityToken"] == "first"
        (tmp_path / "jwt").write_text("second")  # the cluster writes a new token into the same file
        tokens.expire()
        let_obstore_ask_again()
        store.get("k").bytes()
        assert tokens.asked[-1]["WebIdentityToken"] == "second"


def test_a_profile_with_a_role(
    tokens: TokenService, monkeypatch: pytest.MonkeyPatch, profiles: Callable[[str, str], None]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", tokens.url)
    profiles(
        f"[profile base]\nregion=r\n[profile reader]\nrole_arn = {ROLE}\nsource_profile = base\n",
        "[base]\naws_access_key_id = B\naws_secret_access_key = b\n",
    )
    store = aws(profile="reader").to_obstore("bucket")
    store.get("k").bytes()
    assert tokens.callers == ["B"]
    tokens.expire()
    let_obstore_ask_again()
    store.get("k").bytes()


def test_a_profile_with_a_program(recorder: Recorder, tmp_path: Path, profiles: Callable[[str, str], None]) -> None:
    script = tmp_path / "keys.py"
    script.write_text(
        "import datetime, json, pathlib\n"
        f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "n = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(n))\n"
        "until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'P{n}', 'SecretAccessKey': 's', 'SessionToken': 't',"
        " 'Expiration': until.isoformat()}))\n"
    )
    profiles(f"[profile prog]\ncredential_process = {sys.executable} {script}\n", "")
    store = aws(profile="prog", endpoint_url=recorder.url).to_obstore("bucket")
    store.get("k").bytes()
    first = signer(recorder.last_headers)
    let_obstore_ask_again()
    store.get("k").bytes()
    assert first is not None
    assert signer(recorder.last_headers) not in {None, first}


def test_without_botocore_what_must_be_renewed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, profiles: Callable[[str, str], None], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    profiles(f"[profile reader]\nrole_arn = {ROLE}\nsource_profile = base\n", "")
    for options in (
        aws(profile="reader"),
        aws(key="a", secret="b", assume_role_arn=ROLE),
    ):
        with pytest.raises(Unsupported, match=r"pip install 'fsspeckit-gateway\[s3\]'"):
            options.to_obstore("bucket")
    config: dict[str, str] = {}
    identity = aws(web_identity_token_file=str(tmp_path / "jwt"), assume_role_arn=ROLE)
    assert find_credentials(identity, {}, config) is None  # type: ignore[arg-type]
    assert config["role_arn"] == ROLE  # obstore assumes it itself
    assert identity.to_obstore("bucket").config.get("role_arn") == ROLE


def test_a_role_that_is_refused_is_an_error_that_names_no_key(recorder: Recorder) -> None:
    options = aws(
        endpoint_url=recorder.url, sts_endpoint=recorder.url, key="BASE", secret="hunter2", assume_role_arn=ROLE,
        max_retries=0,
    )  # fmt: skip
    with pytest.raises((BaseError, OSError)) as caught:  # the recorder's answer to STS is not one
        read(options)
    assert "hunter2" not in str(caught.value)


def test_keys_do_not_print_their_secrets() -> None:
    assert "hunter2" not in repr(StaticKeys("a", "hunter2", "hunter2"))
    assert "hunter2" not in repr(RefreshingKeys("role x", lambda: "hunter2"))


def test_moto_as_the_token_service(moto_url: str) -> None:
    base = aws(endpoint_url=moto_url, key="testing", secret="testing")
    request = urllib.request.Request(f"{moto_url}/roles-test", method="PUT")
    with urllib.request.urlopen(request):
        pass
    base.to_obstore("roles-test").put("a/b", b"payload")
    options = aws(endpoint_url=moto_url, sts_endpoint=moto_url, key="testing", secret="testing", assume_role_arn=ROLE)
    assert bytes(options.to_obstore("roles-test", "a").get("b").bytes()) == b"payload"
    provider = find_credentials(options, os.environ, {})
    assert isinstance(provider, RefreshingKeys)
    keys = provider()
    assert keys["access_key_id"].startswith("ASIA")
    assert keys["expires_at"] is not None
    assert keys["expires_at"] > datetime.datetime.now(datetime.UTC)
    assert json.dumps(sorted(keys)) == '["access_key_id", "expires_at", "secret_access_key", "token"]'
