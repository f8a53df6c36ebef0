import pytest

from credentials.providers.aws_regions import has_bedrock, runtime_url


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-east-1", "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "https://bedrock-runtime.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_region_with_bedrock_has_an_address(region: str, url: str) -> None:
    assert has_bedrock(region)
    assert runtime_url(region) == url


@pytest.mark.parametrize("region", ["", "us", "us-east-9", "US-EAST-1", "cn-north-1"])
def test_other_regions_have_none(region: str) -> None:
    assert not has_bedrock(region)
