"""Where Amazon Bedrock is, by the endpoint data that botocore ships."""

from functools import cache

from botocore.loaders import Loader
from botocore.regions import EndpointResolver

__all__ = ["has_bedrock", "read_regions", "runtime_url"]

_SERVICE = "bedrock"
"""Its data lists the regions; that of `bedrock-runtime` lists none."""


def read_regions() -> None:
    """Read the data, which takes a good part of a second, before it is asked for."""
    _dns_suffixes()


def has_bedrock(region: str) -> bool:
    return region in _dns_suffixes()


def runtime_url(region: str) -> str:
    """Return the address of Bedrock's runtime in a region that has it."""
    return f"https://bedrock-runtime.{region}.{_dns_suffixes()[region]}"


@cache
def _dns_suffixes() -> dict[str, str]:
    resolver = EndpointResolver(Loader().load_data("endpoints"))
    return {
        region: resolver.get_partition_dns_suffix(partition)
        for partition in resolver.get_available_partitions()
        for region in resolver.get_available_endpoints(_SERVICE, partition)
    }
