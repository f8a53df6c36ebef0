"""The files of a built dashboard, and what a browser is allowed to do with them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.dashboard import dashboard_routes

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><p>page")
    (built / "icon.svg").write_text("<svg/>")
    (built / "assets" / "index-1a2b.js").write_text("let page")
    (built / "assets" / "index-1a2b.js.gz").write_bytes(b"gzipped")
    (tmp_path / "secret").write_text("not ours to give")
    return built


@pytest_asyncio.fixture
async def browser(
    folder: Path,
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app.add_routes(dashboard_routes(folder))
    async with TestClient(TestServer(app)) as client:
        yield client


Browser = TestClient[web.Request, web.Application]


@pytest.mark.parametrize(
    "path", ["/", "/agents", "/settings/providers/new", "/agents/a.b"]
)
async def test_every_page_is_the_same_document_asked_for_anew(
    browser: Browser, path: str
) -> None:
    async with browser.get(path, headers=HTML) as response:
        assert response.status == 200
        assert await response.text() == "<!doctype html><p>page"
        assert response.headers["Cache-Control"] == "no-cache"


async def test_a_built_file_is_kept_for_good_and_sent_compressed(
    browser: Browser,
) -> None:
    async with browser.get(
        "/assets/index-1a2b.js",
        headers={"Accept-Encoding": "gzip"},
        auto_decompress=False,
    ) as response:
        assert await response.read() == b"gzipped"
        assert response.headers["Content-Encoding"] == "gzip"
        assert "immutable" in response.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/icon.svg", "/assets/index-1a2b.js"])
async def test_no_other_host_and_no_inline_script_is_allowed(
    browser: Browser, path: str
) -> None:
    async with browser.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-0000.js",
        "/nonsense",
        "/api",
        "/api/nonsense",
        "/%2e%2e/secret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets%2findex-1a2b.js.gz",
    ],
)
async def test_what_is_neither_file_nor_page_is_not_found(
    browser: Browser, path: str
) -> None:
    async with browser.get(path, headers={"Accept": "*/*"}) as response:
        assert response.status == 404


async def test_the_api_is_never_a_page(browser: Browser) -> None:
    async with browser.get("/api/nonsense", headers=HTML) as response:
        assert response.status == 404
