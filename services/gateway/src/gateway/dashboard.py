"""The dashboard's files, served to browsers; what they show comes from the API.

Built files carry a digest in their names and never change; every other address of a
page is `index.html`, which says which of them are today's.
"""

from pathlib import Path

from aiohttp import hdrs, web

__all__ = ["dashboard_routes"]

_INDEX = "index.html"
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_HEADERS = {
    # Nothing but our own files, and no script that is not a file (CSP level 3).
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def dashboard_routes(folder: Path) -> list[web.RouteDef]:
    """Make the routes of the dashboard built into *folder*; they come after all others.

    A path that is no file is a page of the dashboard for whoever takes HTML, and 404
    for everybody else. Nothing of it is below `/api`.
    """
    files = {
        f"/{file.relative_to(folder).as_posix()}": file
        for file in folder.rglob("*")
        if file.is_file() and file.suffix not in {".br", ".gz"}
    }
    index = folder / _INDEX

    async def serve(request: web.Request) -> web.StreamResponse:
        if file := files.get(request.path):
            return _sent(file, _FOR_GOOD if "assets" in file.parts else _ASK_AGAIN)
        if not _wants_a_page(request):
            raise web.HTTPNotFound
        return _sent(index, _ASK_AGAIN)

    return [web.get(r"/{path:(?!api(?:/|$)).*}", serve)]


def _wants_a_page(request: web.Request) -> bool:
    return request.path == "/" or "text/html" in request.headers.get(hdrs.ACCEPT, "")


def _sent(file: Path, caching: str) -> web.FileResponse:
    return web.FileResponse(file, headers={**_HEADERS, hdrs.CACHE_CONTROL: caching})
