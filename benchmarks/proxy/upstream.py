"""nginx twice: as the upstream that every proxy asks, and as a proxy like ours."""

from pathlib import Path

from .asking import (
    ANSWER,
    BURST,
    DELAYED,
    EVENTS,
    PACED,
    PLAIN,
    PROXY_PORT,
    UPSTREAM_PORT,
)
from .debian import Tools

__all__ = ["proxy_conf", "upstream_conf"]

TRACES = "/v1/traces"  # where collectors take spans over HTTP

_DELAY_SECONDS = 0.05
_PACE_SECONDS = 0.02

_FRAME = """\
load_module {module};
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    tcp_nodelay on;
    client_body_buffer_size 1m;
    client_max_body_size 64m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {content}
}}
"""


def upstream_conf(folder: Path, tools: Tools) -> Path:
    """Write how to answer; streams flush once (burst) or before each event (paced).

    It takes spans as a collector does, and forgets them.
    """
    events = [f"echo -n '{each}';" for each in map(_quoted, EVENTS)]
    burst = "\n".join(events)
    paced = f" echo_flush; echo_sleep {_PACE_SECONDS};\n".join(events)
    content = f"""server {{
    listen 127.0.0.1:{UPSTREAM_PORT} backlog=8192;
    location /{PLAIN}/ {{ default_type application/json; return 200 '{ANSWER}'; }}
    location /{DELAYED}/ {{
        default_type application/json; echo_sleep {_DELAY_SECONDS}; echo -n '{ANSWER}';
    }}
    location {TRACES} {{ return 200; }}
    location /{BURST}/ {{ default_type text/event-stream; {burst} }}
    location /{PACED}/ {{ default_type text/event-stream; {paced} }}
}}"""
    return _written(folder, tools, content)


def proxy_conf(folder: Path, tools: Tools) -> Path:
    content = f"""upstream up {{
    server 127.0.0.1:{UPSTREAM_PORT}; keepalive 1024; keepalive_requests 1000000000;
}}
server {{
    listen 127.0.0.1:{PROXY_PORT} backlog=8192;
    location / {{
        proxy_pass http://up; proxy_http_version 1.1;
        proxy_set_header Connection ""; proxy_buffering off;
    }}
}}"""
    return _written(folder, tools, content)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("'", "\\'")


def _written(folder: Path, tools: Tools, content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf"
    path.write_text(
        _FRAME.format(module=tools.echo_module, folder=folder, content=content)
    )
    return path
