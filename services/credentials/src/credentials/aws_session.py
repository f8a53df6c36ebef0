"""Sessions of AWS's SDK, which all read its megabytes of data from one place."""

from functools import cache

import aioboto3
from aiobotocore.session import get_session
from botocore.loaders import Loader

from .aws_logs import withhold_aws_logs

__all__ = ["aws_session"]


def aws_session(*, region: str | None = None) -> aioboto3.Session:
    """Make a session whose clients take the credentials found around the process."""
    withhold_aws_logs()
    session = get_session()
    session.register_component("data_loader", _data())
    return aioboto3.Session(botocore_session=session, region_name=region)


@cache
def _data() -> Loader:
    """Read each file once a process; a session's own loader would read it anew."""
    return Loader()
